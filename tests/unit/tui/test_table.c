/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table on a canvas: columns that fit, the cursor, clicks. */
#include "tui/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct table_column columns[] = {
	{"PID", {5, 0, 0, 9}, ALIGN_RIGHT},
	{"STATE", {5, 0, 0, 1}, ALIGN_LEFT},
	{"COMM", {6, 1, 0, 8}, ALIGN_LEFT},
};

static void cell(void *context, int row, int column, struct str *text, enum role *role)
{
	if (column == 0)
		str_addf(text, "%d", row * 100);
	else if (column == 1)
		str_add(text, "run");
	else
		str_addf(text, "a-long-name-%d", row);
	if (column == 1)
		*role = ROLE_GOOD;
}

static void draw(struct table *t, struct canvas *c, struct scroll *scroll, int count, int rows,
		 int cols)
{
	struct area a;

	assert_null(canvas_resize(c, rows, cols));
	a = canvas_area(c);
	table_draw(t, &a, scroll, count, true);
}

static void assert_screen(const struct canvas *c, const char *expected)
{
	struct str s = {0};

	canvas_text(c, &s);
	assert_string_equal(str_text(&s), expected);
	str_deinit(&s);
}

static void test_narrow_and_wide(void **state)
{
	struct table t = {.columns = columns, .count = 3, .sort = 0, .cell = cell};
	struct scroll scroll = {0};
	struct canvas c;

	canvas_init(&c);
	draw(&t, &c, &scroll, 2, 3, 28);
	assert_screen(&c, "  PID STATE COMM\n"
			  "    0 run   a-long-name-0\n"
			  "  100 run   a-long-name-1\n");
	assert_int_equal(c.cells[0].role, ROLE_HEADER_ON);
	assert_int_equal(c.cells[28].role, ROLE_CURSOR);
	assert_int_equal(c.cells[2 * 28 + 6].role, ROLE_GOOD);
	assert_int_equal(table_column_at(&t, 4), 0);
	assert_int_equal(table_column_at(&t, 6), 1);
	assert_int_equal(table_column_at(&t, 27), 2);
	draw(&t, &c, &scroll, 2, 3, 14);
	assert_screen(&c, "  PID COMM\n"
			  "    0 a-long-~\n"
			  "  100 a-long-~\n");
	assert_false(table_shown(&t, 1));
	assert_int_equal(table_column_at(&t, 6), 2);
	canvas_deinit(&c);
}

static void test_hidden_columns_and_scrolling(void **state)
{
	struct table t = {
		.columns = columns, .count = 3, .sort = -1, .cell = cell, .hidden = 1 << 2};
	struct scroll scroll = {.at = 7};
	struct canvas c;

	canvas_init(&c);
	draw(&t, &c, &scroll, 100, 3, 28);
	assert_screen(&c, "  PID STATE\n  600 run\n  700 run\n");
	assert_int_equal(scroll.page, 2);
	/* The list got shorter than where the cursor was. */
	draw(&t, &c, &scroll, 1, 3, 28);
	assert_screen(&c, "  PID STATE\n    0 run\n\n");
	draw(&t, &c, &scroll, 0, 3, 28);
	assert_screen(&c, "  PID STATE\n\n\n");
	canvas_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_narrow_and_wide),
		cmocka_unit_test(test_hidden_columns_and_scrolling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
