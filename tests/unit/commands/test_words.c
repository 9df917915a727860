/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/words.h"

#include "tests/expect.h"

/* `text` splits into the words of `wanted`, which are joined by '|'. */
static void splits(const char *text, const char *wanted)
{
	struct words w;
	struct str joined = {0};

	expect_ok(words_split(text, &w));
	for (unsigned int i = 0; i < w.count; i++)
		str_addf(&joined, "%s%s", i ? "|" : "", w.words[i]);
	assert_string_equal(str_text(&joined), wanted);
	assert_null(w.words[w.count]);
	str_deinit(&joined);
	words_deinit(&w);
}

static void test_blanks_separate(void **state)
{
	splits("", "");
	splits(" \t ", "");
	splits("  read   task\t1 ", "read|task|1");
}

static void test_quotes(void **state)
{
	splits("a 'b c' d", "a|b c|d");
	splits("a \"b 'c\" d", "a|b 'c|d");
	splits("\"\\\"q\\\\\" x", "\"q\\|x");
	splits("'a\\b'", "a\\b");
	splits("pre'fix 1'post", "prefix 1post");
	splits("a\\ b \\'", "a b|'");
	splits("'' x", "|x");
	splits("end\\", "end\\");
}

static void test_open_quotes_are_refused(void **state)
{
	struct words w;

	expect_err(words_split("note it's fine", &w), ERR_USAGE, "no closing ' for: 's fine");
	expect_err(words_split("x \"abc", &w), ERR_USAGE, "no closing \" for: \"abc");
}

static void test_quoting_is_undone_by_splitting(void **state)
{
	static const char *const words[] = {"plain",	   "two words", "",	 "q\"uote",
					    "back\\slash", "it's",	"tab\t."};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct str s = {0};

		words_quote(&s, words[i]);
		splits(str_text(&s), words[i]);
		str_deinit(&s);
	}
}

static void test_first_word(void **state)
{
	const char *rest;

	assert_int_equal(words_first("print  \"a", &rest), 5);
	assert_string_equal(rest, "\"a");
	assert_int_equal(words_first("cpus", &rest), 4);
	assert_string_equal(rest, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blanks_separate),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_open_quotes_are_refused),
		cmocka_unit_test(test_quoting_is_undone_by_splitting),
		cmocka_unit_test(test_first_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
