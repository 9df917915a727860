/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of a guest's console as lines: what a terminal would obey never gets through. */
#include "tui/console_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void feed(struct console_text *c, const char *text)
{
	console_text_feed(c, text, strlen(text));
}

static void assert_open(const struct console_text *c, const char *expected)
{
	struct str s = {0};

	console_text_open_line(c, &s);
	assert_string_equal(str_text(&s), expected);
	str_deinit(&s);
}

static void test_lines_and_the_open_one(void **state)
{
	struct console_text c = {0};

	feed(&c, "one\r\ntwo\nthr");
	assert_int_equal(c.lines.count, 2);
	assert_string_equal(c.lines.text[0], "one");
	assert_string_equal(c.lines.text[1], "two");
	assert_open(&c, "thr");
	feed(&c, "ee\n\n");
	assert_int_equal(c.lines.count, 4);
	assert_string_equal(c.lines.text[2], "three");
	assert_string_equal(c.lines.text[3], "");
	console_text_deinit(&c);
}

static void test_return_overwrites_and_backspace_takes_back(void **state)
{
	struct console_text c = {0};

	feed(&c, "10%\r20%\r30%");
	assert_open(&c, "30%");
	feed(&c, "\r\nabc\b\bX\n\b\b\n");
	assert_string_equal(c.lines.text[0], "30%");
	assert_string_equal(c.lines.text[1], "aX");
	assert_string_equal(c.lines.text[2], "");
	console_text_deinit(&c);
}

static void test_escape_sequences_are_left_out(void **state)
{
	struct console_text c = {0};

	feed(&c, "a\033[31;1mred\033[0m\033]0;title\ab\033(c\033");
	feed(&c, "[2Jd\n");
	assert_int_equal(c.lines.count, 1);
	assert_string_equal(c.lines.text[0], "aredbcd");
	console_text_deinit(&c);
}

static void test_an_unfinished_sequence_ends_with_its_line(void **state)
{
	struct console_text c = {0};

	feed(&c, "x\033[12\nnext\033]never ended\nlast\n");
	assert_int_equal(c.lines.count, 3);
	assert_string_equal(c.lines.text[0], "x");
	assert_string_equal(c.lines.text[1], "next");
	assert_string_equal(c.lines.text[2], "last");
	console_text_deinit(&c);
}

static void test_control_bytes_become_visible(void **state)
{
	struct console_text c = {0};

	feed(&c, "a\x01z\x9b"
		 "31m\t|\a\n");
	assert_string_equal(c.lines.text[0], "a\\x01z\\x9b31m   |");
	console_text_deinit(&c);
}

static void test_a_line_without_end_is_broken(void **state)
{
	struct console_text c = {0};

	for (int i = 0; i < 3 * CONSOLE_LINE_MAX; i++)
		feed(&c, "x");
	assert_int_equal(c.lines.count, 2);
	assert_int_equal(strlen(c.lines.text[0]), CONSOLE_LINE_MAX);
	console_text_deinit(&c);
}

static void test_memory_is_bounded(void **state)
{
	struct console_text c = {0};

	for (int i = 0; i < CONSOLE_LINES_MAX + 500; i++)
		feed(&c, "line\n");
	feed(&c, "newest\n");
	assert_true(c.lines.count <= CONSOLE_LINES_MAX);
	assert_true(c.lines.count > CONSOLE_LINES_MAX / 2);
	assert_string_equal(c.lines.text[c.lines.count - 1], "newest");
	console_text_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_and_the_open_one),
		cmocka_unit_test(test_return_overwrites_and_backspace_takes_back),
		cmocka_unit_test(test_escape_sequences_are_left_out),
		cmocka_unit_test(test_an_unfinished_sequence_ends_with_its_line),
		cmocka_unit_test(test_control_bytes_become_visible),
		cmocka_unit_test(test_a_line_without_end_is_broken),
		cmocka_unit_test(test_memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
