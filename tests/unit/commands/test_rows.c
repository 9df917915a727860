/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/rows.h"

#include "tests/expect.h"

static void parses(const char *text, const char *where, const char *sort, const char *columns)
{
	struct row_clauses c;

	expect_ok(row_clauses_parse(text, &c));
	assert_string_equal(c.where, where);
	assert_string_equal(c.sort, sort);
	assert_string_equal(c.columns, columns);
	row_clauses_deinit(&c);
}

static void test_clauses_in_any_order(void **state)
{
	parses("", "", "", "");
	parses("  ", "", "", "");
	parses("where pid > 1", "pid > 1", "", "");
	parses("sort -pid  columns pid,comm where a == b ", "a == b", "-pid", "pid,comm");
}

static void test_keywords_inside_quotes_and_brackets_do_not_count(void **state)
{
	parses("where comm == \"a sort b\" sort pid", "comm == \"a sort b\"", "pid", "");
	parses("where (a + where [ columns ]) > 1 sort x", "(a + where [ columns ]) > 1", "x", "");
	parses("where comm ~ \"\\\" sort\" sort pid", "comm ~ \"\\\" sort\"", "pid", "");
	parses("where sorted == 1", "sorted == 1", "", "");
}

static void test_mistakes(void **state)
{
	struct row_clauses c;

	expect_err(row_clauses_parse("pid > 1", &c), ERR_USAGE,
		   "'pid > 1': want where EXPR, sort KEY or columns A,B");
	expect_err(row_clauses_parse("where", &c), ERR_USAGE, "where: nothing follows it");
	expect_err(row_clauses_parse("where  sort pid", &c), ERR_USAGE,
		   "where: nothing follows it");
	expect_err(row_clauses_parse("sort a sort b", &c), ERR_USAGE, "sort: given twice");
}

/* Deep nesting must not cost stack, and open brackets and quotes must end somewhere. */
static void test_hostile_nesting(void **state)
{
	size_t len = 1u << 20;
	char *text = malloc(len + 1);
	struct row_clauses c;

	assert_non_null(text);
	memset(text, '(', len);
	memcpy(text, "where ", 6);
	text[len] = '\0';
	expect_ok(row_clauses_parse(text, &c));
	assert_int_equal(strlen(c.where), len - 6);
	row_clauses_deinit(&c);
	parses("where a \"open sort x", "a \"open sort x", "", "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clauses_in_any_order),
		cmocka_unit_test(test_keywords_inside_quotes_and_brackets_do_not_count),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_hostile_nesting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
