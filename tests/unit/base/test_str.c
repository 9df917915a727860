/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"

#include "tests/expect.h"

static void test_empty_reads_as_empty_text(void **state)
{
	struct str s = {0};

	assert_string_equal(str_text(&s), "");
	assert_null(str_error(&s));
	str_deinit(&s);
}

static void test_take_of_empty_is_a_text(void **state)
{
	struct str s = {0};
	char *text = str_take(&s);

	assert_non_null(text);
	assert_string_equal(text, "");
	free(text);
}

static void test_grows_past_its_first_allocation(void **state)
{
	struct str s = {0};
	char *text;

	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%03d,", i);
	assert_int_equal(s.len, 4000);
	assert_memory_equal(str_text(&s), "000,001,", 8);
	assert_string_equal(str_text(&s) + 3992, "998,999,");
	text = str_take(&s);
	assert_int_equal(s.len, 0);
	assert_null(s.data);
	free(text);
}

static void test_all_ways_to_add(void **state)
{
	struct str s = {0};

	str_add(&s, "ab");
	str_add_c(&s, 'c');
	str_add_n(&s, "d\0e", 3);
	str_addf(&s, "%x", 0xf);
	assert_int_equal(s.len, 7);
	assert_memory_equal(s.data, "abcd\0ef", 8);
	str_clear(&s);
	assert_string_equal(str_text(&s), "");
	str_add(&s, "again");
	assert_string_equal(str_text(&s), "again");
	str_deinit(&s);
}

static void test_a_failed_string_reports_once_and_stays_safe(void **state)
{
	struct str s = {0};

	str_add(&s, "kept");
	s.failed = true;
	str_add(&s, "dropped");
	assert_int_equal(s.len, 4);
	expect_err(str_error(&s), ERR_NOMEM, "out of memory");
	assert_null(str_take(&s));
}

static void assert_clean(const char *text, size_t len, const char *expected)
{
	struct str s = {0};

	str_add_clean(&s, text, len);
	assert_string_equal(str_text(&s), expected);
	str_deinit(&s);
}

static void test_clean_lets_nothing_reach_a_terminal(void **state)
{
	assert_clean("kworker/0:1", 100, "kworker/0:1");
	assert_clean("a\033[2Jb", 100, "a\\x1b[2Jb");
	assert_clean("\r\n\t\x7f", 100, "\\x0d\\x0a\\x09\\x7f");
	assert_clean("gr\xc3\xbc\xc3\x9f", 100, "gr\xc3\xbc\xc3\x9f");
	assert_clean("\xc3", 100, "\\xc3");                         /* cut off */
	assert_clean("\xc0\xaf", 100, "\\xc0\\xaf");                /* overlong */
	assert_clean("\xed\xa0\x80", 100, "\\xed\\xa0\\x80");       /* surrogate */
	assert_clean("\xf5\x80\x80\x80", 100, "\\xf5\\x80\\x80\\x80"); /* above U+10FFFF */
}

static void test_clean_refuses_c1_controls(void **state)
{
	/* U+009B is a control sequence introducer for some terminals. */
	assert_clean("\xc2\x9b" "2J", 100, "\\xc2\\x9b2J");
}

static void test_clean_stops_at_its_bound(void **state)
{
	assert_clean("0123456789", 4, "0123");
	assert_clean("ab\0cd", 5, "ab");
}

static void test_starts(void **state)
{
	assert_true(str_starts("vmlinuz-1", "vmlinuz-"));
	assert_true(str_starts("x", ""));
	assert_false(str_starts("vm", "vmlinuz"));
}

static void test_is_hex(void **state)
{
	assert_true(str_is_hex("0x1"));
	assert_true(str_is_hex("0XaF"));
	assert_false(str_is_hex("0x"));
	assert_false(str_is_hex("10"));
}

static const char *nearest_of(struct str *s, const char *wanted, const char *const *names)
{
	struct nearest n;

	nearest_init(&n, wanted);
	for (; *names; names++)
		nearest_offer(&n, *names);
	str_clear(s);
	nearest_add(&n, s);
	return str_text(s);
}

static void test_nearest_offers_at_most_three_best_first(void **state)
{
	static const char *const names[] = {"nr_switches", "nr_runnin", "zzz", "nr_running", "nr_runing",
					    "nr_runnings", NULL};
	struct str s = {0};

	assert_string_equal(nearest_of(&s, "nr_running", names),
			    "; near: nr_running, nr_runnin, nr_runing");
	str_deinit(&s);
}

static void test_nearest_finds_a_part_and_nothing_far(void **state)
{
	static const char *const part[] = {"scx_dsq_vtime_long_name", NULL}, *const far[] = {"abcdef", NULL};
	struct str s = {0};

	assert_string_equal(nearest_of(&s, "vtime", part), "; near: scx_dsq_vtime_long_name");
	assert_string_equal(nearest_of(&s, "vtime", far), "");
	str_deinit(&s);
}

static void test_nearest_names_each_once_and_survives_long_names(void **state)
{
	char huge[200];
	const char *const names[] = {"pids", "pids", huge, NULL};
	struct str s = {0};

	memset(huge, 'p', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_string_equal(nearest_of(&s, "pid", names), "; near: pids");
	assert_string_equal(nearest_of(&s, huge, names), "");
	str_deinit(&s);
}

static void test_how_much_is_text(void **state)
{
	assert_int_equal(str_text_length("a\tb \xc3\xa9", 6), 6);
	assert_int_equal(str_text_length("a\0b", 3), 1);
	assert_int_equal(str_text_length("ab\x7f", 3), 2);
	assert_int_equal(str_text_length("ab\n", 3), 2);
	assert_int_equal(str_text_length("\xc3", 1), 0);
	assert_int_equal(str_text_length("a\xe9g", 3), 1);
	assert_int_equal(str_text_length("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_reads_as_empty_text),
		cmocka_unit_test(test_how_much_is_text),
		cmocka_unit_test(test_take_of_empty_is_a_text),
		cmocka_unit_test(test_grows_past_its_first_allocation),
		cmocka_unit_test(test_all_ways_to_add),
		cmocka_unit_test(test_a_failed_string_reports_once_and_stays_safe),
		cmocka_unit_test(test_clean_lets_nothing_reach_a_terminal),
		cmocka_unit_test(test_clean_refuses_c1_controls),
		cmocka_unit_test(test_clean_stops_at_its_bound),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_is_hex),
		cmocka_unit_test(test_nearest_offers_at_most_three_best_first),
		cmocka_unit_test(test_nearest_finds_a_part_and_nothing_far),
		cmocka_unit_test(test_nearest_names_each_once_and_survives_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
