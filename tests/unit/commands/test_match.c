/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/match.h"

#include "tests/expect.h"

static bool matches(const char *line, const char *actual)
{
	struct match m;
	bool result;

	expect_ok(match_compile(line, &m));
	result = match_test(&m, actual);
	match_deinit(&m);
	return result;
}

static void test_exact(void **state)
{
	assert_true(matches("u64 0 -> 1", "u64 0 -> 1"));
	assert_false(matches("u64 0 -> 1", "u64 0 -> 2"));
	assert_false(matches("a*", "ab"));
	assert_true(matches("", ""));
	assert_true(matches("a(re)", "a(re)"));
	assert_true(matches("a (RE)", "a (RE)"));
	assert_true(matches("(any) a", "(any) a"));
}

static void test_any(void **state)
{
	assert_true(matches("was this once (any)", "is now that"));
	assert_true(matches(" (any)", ""));
	assert_true(matches("(any)", "anything"));
}

static void test_regex(void **state)
{
	assert_true(matches("u64 [0-9]+ -> 1 (re)", "u64 42 -> 1"));
	assert_false(matches("u64 [0-9]+ -> 1 (re)", "u64 x -> 1"));
	/* The whole line, with alternatives too. */
	assert_false(matches("a|b (re)", "ab"));
	assert_false(matches("b (re)", "abc"));
	assert_true(matches("a{3} (re)", "aaa"));
	assert_true(matches("[{]{2}[]\\{] (re)", "{{]"));
}

static void test_glob(void **state)
{
	assert_true(matches("pid * spin-? (glob)", "pid 117 spin-0"));
	assert_false(matches("pid * spin-? (glob)", "pid 117 spin-10"));
	assert_true(matches("* (glob)", ""));
	assert_true(matches("a*b*c (glob)", "axxbyyc"));
	assert_false(matches("a*b*c (glob)", "axxbyycd"));
	assert_true(matches("\\*\\?\\\\ (glob)", "*?\\"));
	assert_false(matches("\\* (glob)", "x"));
	assert_false(matches("? (glob)", ""));
}

/* The classic input on which naive matchers take for ever. */
static void test_many_stars_take_no_time(void **state)
{
	char pattern[256] = "", text[2001];

	for (int i = 0; i < 40; i++)
		strcat(pattern, "a*");
	strcat(pattern, "b (glob)");
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_false(matches(pattern, text));
}

static void test_refused_patterns(void **state)
{
	struct match m;

	expect_err_with(match_compile("( (re)", &m), ERR_USAGE, "bad pattern: ");
	expect_err(match_compile("(a)\\1 (re)", &m), ERR_USAGE, "patterns have no back references");
	expect_err(match_compile("((a{100}){100}){100} (re)", &m), ERR_USAGE,
		   "the pattern's repetition counts are too large");
	expect_err(match_compile("a{99999999999999999999} (re)", &m), ERR_USAGE,
		   "the pattern's repetition counts are too large");
	expect_err(match_compile("(ab){1,5000} (re)", &m), ERR_USAGE,
		   "the pattern's repetition counts are too large");
	/* Each + copies what stands before it: these would take gigabytes. */
	expect_err(match_compile("a++++++++++++++++++++++++++++++++ (re)", &m), ERR_USAGE,
		   "the pattern's repetition counts are too large");
	expect_err(match_compile("((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+ (re)", &m), ERR_USAGE,
		   "the pattern's repetition counts are too large");
	assert_true(matches("(a+b+c+d+e+f+g+h+i+j+k+l+m+n+)+ (re)", "abcdefghijklmn"));
}

static void quoted(const char *actual, const char *line)
{
	struct str s = {0};

	match_quote(actual, &s);
	assert_string_equal(str_text(&s), line);
	assert_true(matches(str_text(&s), actual));
	str_deinit(&s);
}

static void test_quoting(void **state)
{
	quoted("plain * text", "plain * text");
	quoted("ends in (re)", "ends in (re) (glob)");
	quoted("a*b?c\\d (any)", "a\\*b\\?c\\\\d (any) (glob)");
	quoted("x (glob)", "x (glob) (glob)");
	quoted("(any)", "(any) (glob)");
	quoted("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_regex),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_many_stars_take_no_time),
		cmocka_unit_test(test_refused_patterns),
		cmocka_unit_test(test_quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
