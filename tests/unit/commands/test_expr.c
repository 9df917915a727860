/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language without a guest: notation, arithmetic, texts, missing values, bounds, messages. */
#include "commands/expr.h"

#include "tests/expect.h"

#include <stdio.h>

/* A row with a number, a text, and one value of each missing kind. */
static struct err *row_name(void *row, const char *name, bool *found, struct value *ret)
{
	(void)row;
	*found = true;
	if (strcmp(name, "pid") == 0)
		*ret = value_number(42);
	else if (strcmp(name, "comm") == 0)
		*ret = value_string("kworker/1:0");
	else if (strcmp(name, "big") == 0)
		*ret = value_unsigned(UINT64_MAX);
	else if (strcmp(name, "absent") == 0)
		*ret = (struct value){.kind = VALUE_ABSENT, .string = "absent"};
	else if (strcmp(name, "fault") == 0)
		*ret = (struct value){.kind = VALUE_FAULT, .address = 0x10};
	else
		*found = false;
	return NULL;
}

static const struct expr_context row = {.name = row_name};

static struct err *evaluate(const char *text, struct expr_result *ret)
{
	struct expr *e;
	struct err *err = expr_parse(text, &e);

	if (err)
		return err;
	err = expr_eval_result(e, &row, ret);
	expr_destroy(e);
	return err;
}

static int64_t number(const char *text)
{
	struct expr_result r;

	expect_ok(evaluate(text, &r));
	if (r.value.kind != VALUE_NUMBER)
		fail_msg("%s: no number", text);
	return (int64_t)r.value.number;
}

/* 1, 0, or -1 when something was missing. */
static int test_of(const char *text)
{
	struct expr_test test;
	struct expr *e;

	expect_ok(expr_parse(text, &e));
	expect_ok(expr_test(e, &row, &test));
	expr_destroy(e);
	return test.missing == EXPR_COMPLETE ? test.holds : -1;
}

static void test_literals(void **state)
{
	struct expr_result r;

	assert_int_equal(number("0x1F"), 31);
	assert_int_equal(number("300ms"), 300000000);
	assert_int_equal(number("1.5s"), 1500000000);
	assert_int_equal(number("0.000000001s"), 1);
	assert_int_equal(number("10us"), 10000);
	assert_int_equal(number("'A'"), 65);
	assert_int_equal(number("'\\n'"), 10);
	assert_int_equal(number("'\\x7f'"), 127);
	assert_int_equal(number("true + true + false"), 2);
	expect_ok(evaluate("0xffffffffffffffff", &r));
	assert_true(r.value.is_unsigned);
	expect_ok(evaluate("1ull", &r));
	assert_true(r.value.is_unsigned);
}

static void test_bad_literals(void **state)
{
	struct expr_result r;

	expect_err(evaluate("1 + 010", &r), ERR_USAGE,
		   "column 5: octal numbers are not taken: write it without the leading 0\n"
		   "  1 + 010\n"
		   "      ^");
	expect_err_with(evaluate("18446744073709551616", &r), ERR_USAGE, "does not fit 64 bits");
	expect_err_with(evaluate("99999999999s", &r), ERR_USAGE, "does not fit 64 bits");
	expect_err_with(evaluate("0.1ns", &r), ERR_USAGE, "times are whole nanoseconds");
	expect_err_with(evaluate("1.5", &r), ERR_USAGE, "a number with a fraction needs a time unit");
	expect_err_with(evaluate("12parsecs", &r), ERR_USAGE, "a number may end in ns, us, ms, s");
	expect_err_with(evaluate("0x", &r), ERR_USAGE, "0x needs hexadecimal digits");
	expect_err_with(evaluate("\"open", &r), ERR_USAGE, "no closing \"");
	expect_err_with(evaluate("'ab'", &r), ERR_USAGE, "one character, then '");
	expect_err_with(evaluate("pid = 3", &r), ERR_USAGE,
			"column 5: expressions change nothing: compare with ==, change with `write`");
	expect_err_with(evaluate("pid @ 3", &r), ERR_USAGE, "column 5: unexpected `@`");
}

static void test_precedence_is_that_of_c(void **state)
{
	assert_int_equal(number("1 + 2 * 3"), 7);
	assert_int_equal(number("(1 + 2) * 3"), 9);
	assert_int_equal(number("10 - 4 - 3"), 3);
	assert_int_equal(number("1 << 2 + 1"), 8);
	assert_int_equal(number("6 & 3 == 3"), 0);
	assert_int_equal(number("1 | 2 ^ 3 & 1"), 3);
	assert_int_equal(number("1 || 0 && 0"), 1);
	assert_int_equal(number("-2 * -3"), 6);
	assert_int_equal(number("!0 + 1"), 2);
	assert_int_equal(number("~0"), -1);
	assert_int_equal(number("1 ? 2 : 0 ? 3 : 4"), 2);
	assert_int_equal(number("0 ? 2 : 0 ? 3 : 4"), 4);
	assert_int_equal(number("2 > 1 == 1"), 1);
}

static void test_signedness(void **state)
{
	assert_int_equal(number("-7 / 2"), -3);
	assert_int_equal(number("-7 % 3"), -1);
	assert_int_equal(number("-8 >> 1"), -4);
	assert_int_equal(number("-1 < 1"), 1);
	assert_int_equal(number("-1 < 1u"), 0);
	assert_int_equal(number("big == -1"), 1);
	assert_int_equal(number("big > 0"), 1);
	assert_int_equal(number("(u8)300"), 44);
	assert_int_equal(number("(s8)200"), -56);
	assert_int_equal(number("(u32)-1"), 4294967295);
	/* A narrower unsigned number is promoted to signed 64 bits, as C promotes it to int. */
	assert_int_equal(number("(u32)1 - 2 < 0"), 1);
	assert_int_equal(number("(u64)1 - 2 < 0"), 0);
	assert_int_equal(number("-0x7fffffffffffffff - 1 == (-0x7fffffffffffffff - 1) / -1"), 1);
	assert_int_equal(number("(-0x7fffffffffffffff - 1) % -1"), 0);
	assert_int_equal(number("sizeof(u16) + sizeof(int)"), 6);
}

static void test_bracketed_name_before_operator_is_no_cast(void **state)
{
	assert_int_equal(number("(pid) - 2"), 40);
	assert_int_equal(number("(pid) * 2"), 84);
	assert_int_equal(number("(pid) & 2"), 2);
	assert_int_equal(number("(u64) -1 == big"), 1);
	assert_int_equal(number("(comm) ~ \"work\""), 1);
	assert_int_equal(number("((((pid))))"), 42);
}

static void test_arithmetic_that_is_refused(void **state)
{
	struct expr_result r;

	expect_err(evaluate("1 / (pid - 42)", &r), ERR_USAGE,
		   "column 3: division by zero\n"
		   "  1 / (pid - 42)\n"
		   "    ^");
	expect_err_with(evaluate("1 % 0", &r), ERR_USAGE, "division by zero");
	expect_err_with(evaluate("1 << 64", &r), ERR_USAGE, "a shift must be by 0 to 63 bits");
	expect_err_with(evaluate("1 >> -1", &r), ERR_USAGE, "a shift must be by 0 to 63 bits");
	expect_err_with(evaluate("comm + 1", &r), ERR_USAGE, "column 1: a text is no number");
	expect_err_with(evaluate("&pid", &r), ERR_USAGE, "only what lies in guest memory has an address");
	expect_err_with(evaluate("*pid", &r), ERR_USAGE, "no pointer to something of known size");
	expect_err_with(evaluate("pid.x", &r), ERR_USAGE, "column 5: `pid` is no struct and has no member `x`");
}

static void test_texts(void **state)
{
	struct expr_result r;

	assert_int_equal(test_of("comm == \"kworker/1:0\""), 1);
	assert_int_equal(test_of("comm != \"kworker/1:0\""), 0);
	assert_int_equal(test_of("comm < \"l\""), 1);
	assert_int_equal(test_of("comm ~ \"^kworker/[0-9]+:0$\""), 1);
	assert_int_equal(test_of("comm ~ \"^worker\""), 0);
	assert_int_equal(test_of("comm ~ \"a|k\" && pid == 42"), 1);
	assert_int_equal(test_of("!(comm ~ \"\\.\")"), 1);
	assert_int_equal(test_of("\"\""), 0);
	assert_int_equal(test_of("comm"), 1);
	expect_err_with(evaluate("comm == 3", &r), ERR_USAGE, "a text and a number cannot be compared");
	expect_err_with(evaluate("pid ~ \"4\"", &r), ERR_USAGE, "the left side of ~ is no text");
	expect_err_with(evaluate("comm ~ 4", &r), ERR_USAGE, "the right side of ~ is no text");
	expect_err_with(evaluate("comm ~ \"(\"", &r), ERR_USAGE, "bad pattern: ");
	expect_err_with(evaluate("comm ~ \"(a)\\1\"", &r), ERR_USAGE, "patterns have no back references");
	expect_err_with(evaluate("comm ~ \"((a{99}){99}){99}\"", &r), ERR_USAGE,
			"repetition counts are too large");
}

/* Absent and fault equal nothing, pass through operators, are not true, and are always noticed. */
static void test_missing_values(void **state)
{
	struct expr_result r;

	expect_ok(evaluate("absent + 1", &r));
	assert_int_equal(r.value.kind, VALUE_ABSENT);
	assert_int_equal(r.missing, EXPR_ABSENT);
	assert_string_equal(r.why, "this kernel has no `absent`");
	expect_ok(evaluate("-fault", &r));
	assert_int_equal(r.value.kind, VALUE_FAULT);
	assert_int_equal(r.missing, EXPR_FAULT);
	assert_string_equal(r.why, "`fault` lies at a bad address, 0x10");
	expect_ok(evaluate("absent == absent", &r));
	assert_int_equal(r.value.number, 0);
	assert_int_equal(r.missing, EXPR_ABSENT);
	expect_ok(evaluate("fault != 3", &r));
	assert_int_equal(r.value.number, 1);
	assert_int_equal(r.missing, EXPR_FAULT);
	assert_int_equal(test_of("absent == 0"), -1);
	assert_int_equal(test_of("absent < 1 || absent >= 1"), -1);
	assert_int_equal(test_of("!absent"), -1);
	assert_int_equal(test_of("absent ~ \"a\""), -1);
	assert_int_equal(test_of("absent ? 1 : 1"), -1);
	/* What is never asked for does not count. */
	assert_int_equal(test_of("1 || absent"), 1);
	assert_int_equal(test_of("0 && fault"), 0);
	assert_int_equal(test_of("1 ? 5 : absent"), 1);
}

static void test_true_needs_presence(void **state)
{
	struct expr *e;
	bool holds = true;

	expect_ok(expr_parse("absent != 3 && absent", &e));
	expect_ok(expr_true(e, &row, &holds));
	assert_false(holds);
	expr_destroy(e);
}

static void test_unknown_names(void **state)
{
	struct expr_result r;

	expect_err(evaluate("pid + nope", &r), ERR_NOT_FOUND,
		   "column 7: unknown name `nope`, and no guest is running\n"
		   "  pid + nope\n"
		   "        ^");
	expect_err_with(evaluate("$w", &r), ERR_NOT_FOUND, "no `$w`: neither `let w` nor a reply with that tag");
	expect_err_with(evaluate("taks(1)", &r), ERR_NOT_FOUND, "column 1: no function taks(); near: task");
	expect_err_with(evaluate("task(1, 2)", &r), ERR_USAGE, "task() takes one argument");
	expect_err_with(evaluate("worker(@runner)", &r), ERR_USAGE, "worker() takes two arguments");
	expect_err_with(evaluate("counter()", &r), ERR_USAGE, "column 9: a name is missing here");
	expect_err_with(evaluate("rq", &r), ERR_USAGE, "rq is a function: rq(...)");
	expect_err_with(evaluate("time", &r), ERR_NOT_FOUND, "no guest is running");
	expect_err_with(evaluate("(struct rq *)0", &r), ERR_NOT_FOUND, "no guest is running");
	expect_err_with(evaluate("task(1)", &r), ERR_NOT_FOUND, "no guest is running");
}

static void test_incomplete(void **state)
{
	struct expr_result r;

	expect_err(evaluate("", &r), ERR_USAGE, "an expression is missing");
	expect_err(evaluate("   ", &r), ERR_USAGE, "an expression is missing");
	expect_err(evaluate("1 +", &r), ERR_USAGE,
		   "column 4: an operand is missing at the end\n  1 +\n     ^");
	expect_err_with(evaluate("(1", &r), ERR_USAGE, "column 3: `)` is missing here");
	expect_err_with(evaluate("1 2", &r), ERR_USAGE, "column 3: an operator is missing here");
	expect_err_with(evaluate("pid[1", &r), ERR_USAGE, "`]` is missing after the index");
	expect_err_with(evaluate("pid.", &r), ERR_USAGE, "a member's name is missing here");
	expect_err_with(evaluate("1 ? 2", &r), ERR_USAGE, "`:` is missing between the two choices");
	expect_err_with(evaluate("(struct rq *", &r), ERR_USAGE, "`)` is missing after the type");
	expect_err_with(evaluate(") 1", &r), ERR_USAGE, "column 1: an operand is missing here");
}

static char *repeated(const char *part, unsigned int count, const char *end)
{
	size_t len = strlen(part);
	char *text = malloc(len * count + strlen(end) + 1);

	assert_non_null(text);
	for (unsigned int i = 0; i < count; i++)
		memcpy(text + i * len, part, len);
	strcpy(text + len * count, end);
	return text;
}

static void refused(const char *part, unsigned int count, const char *end, const char *why)
{
	char *text = repeated(part, count, end);
	struct expr_result r;

	expect_err_with(evaluate(text, &r), ERR_USAGE, why);
	free(text);
}

static void test_bounds(void **state)
{
	char *text;

	refused("(", 200, "1", "nested too deeply");
	refused("!", 200, "1", "nested too deeply");
	refused("(u8)", 200, "1", "nested too deeply");
	refused("1?", 200, "1", "nested too deeply");
	refused("1+", 300, "1", "too many operators in a row (256 at most)");
	refused("1 ", 5000, "", "an expression may have at most 4096 bytes");
	refused("task(", 100, "1", "nested too deeply");
	text = repeated("1+", 200, "1");
	assert_int_equal(number(text), 201);
	free(text);
	text = repeated("(", 20, "1))))))))))))))))))))");
	assert_int_equal(number(text), 1);
	free(text);
}

static void test_a_message_shows_control_bytes_escaped(void **state)
{
	struct expr_result r;

	expect_err(evaluate("1 + \x1b[2J", &r), ERR_USAGE,
		   "column 5: unexpected byte 0x1b\n"
		   "  1 + \\x1b[2J\n"
		   "      ^");
}

static void explained(const char *text, const char *wanted)
{
	struct str s = {0};
	struct expr *e;

	expect_ok(expr_parse(text, &e));
	expect_ok(expr_explain(e, &row, &s));
	assert_string_equal(str_text(&s), wanted);
	str_deinit(&s);
	expr_destroy(e);
}

static void test_explanations(void **state)
{
	explained("pid == 3", "`pid == 3` is false: left 42, right 3");
	explained("pid > 1 && comm == \"x\" && pid", "`comm == \"x\"` is false: left \"kworker/1:0\", right \"x\"");
	explained("pid > 1 && (pid - 42)", "`(pid - 42)` is false: it is 0");
	explained("comm ~ \"^x\"", "`comm ~ \"^x\"` is false: left \"kworker/1:0\", right \"^x\"");
	explained("fault == 3", "`fault == 3` is false: left <fault 0x10>, right 3");
	explained("pid == 3 || pid == 4", "`pid == 3 || pid == 4` is false: it is 0");
}

static bool collect(void *context, const char *word)
{
	strcat(context, word);
	strcat(context, " ");
	return true;
}

static void test_words_for_completion(void **state)
{
	char found[256] = "";

	expr_words_each("wo", collect, found);
	assert_string_equal(found, "worker workers ");
	found[0] = '\0';
	expr_words_each("t", collect, found);
	assert_string_equal(found, "time true task ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_bad_literals),
		cmocka_unit_test(test_precedence_is_that_of_c),
		cmocka_unit_test(test_signedness),
		cmocka_unit_test(test_bracketed_name_before_operator_is_no_cast),
		cmocka_unit_test(test_arithmetic_that_is_refused),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_missing_values),
		cmocka_unit_test(test_true_needs_presence),
		cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_a_message_shows_control_bytes_escaped),
		cmocka_unit_test(test_explanations),
		cmocka_unit_test(test_words_for_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
