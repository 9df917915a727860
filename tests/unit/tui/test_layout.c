/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns and scrolling: arithmetic that every table of the screen stands on. */
#include "tui/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_all_fit_and_growing_column_takes_the_rest(void **state)
{
	const struct layout_column columns[] = {{5, 0, 0, 9}, {4, 1, 0, 9}, {3, 0, 0, 9}};
	int widths[3];

	layout_columns(columns, 3, 40, widths);
	assert_int_equal(widths[0], 5);
	assert_int_equal(widths[1], 40 - 5 - 3 - 2);
	assert_int_equal(widths[2], 3);
}

static void test_low_priority_goes_first(void **state)
{
	const struct layout_column columns[] = {{10, 0, 0, 9}, {10, 0, 0, 1}, {10, 0, 0, 5}};
	int widths[3];

	layout_columns(columns, 3, 21, widths);
	assert_int_equal(widths[0], 10);
	assert_int_equal(widths[1], 0);
	assert_int_equal(widths[2], 10);
	layout_columns(columns, 3, 20, widths);
	assert_int_equal(widths[2], 0);
}

static void test_equal_priority_drops_the_rightmost(void **state)
{
	const struct layout_column columns[] = {{10, 0, 0, 3}, {10, 0, 0, 3}};
	int widths[2];

	layout_columns(columns, 2, 20, widths);
	assert_int_equal(widths[0], 10);
	assert_int_equal(widths[1], 0);
}

static void test_last_column_is_cut(void **state)
{
	const struct layout_column columns[] = {{10, 0, 0, 3}, {10, 0, 0, 1}};
	int widths[2];

	layout_columns(columns, 2, 4, widths);
	assert_int_equal(widths[0], 4);
	assert_int_equal(widths[1], 0);
	layout_columns(columns, 2, 0, widths);
	assert_int_equal(widths[0], 0);
}

static void test_growth_stops_at_the_maximum(void **state)
{
	const struct layout_column columns[] = {{4, 1, 16, 9}, {4, 1, 0, 9}};
	int widths[2];

	layout_columns(columns, 2, 101, widths);
	assert_int_equal(widths[0], 16);
	assert_int_equal(widths[1], 101 - 1 - 16);
}

static void test_no_growing_column_leaves_room(void **state)
{
	const struct layout_column columns[] = {{4, 0, 0, 9}, {4, 0, 0, 9}};
	int widths[2];

	layout_columns(columns, 2, 300, widths);
	assert_int_equal(widths[0] + widths[1], 8);
}

static void test_scroll_keeps_cursor_in_window(void **state)
{
	struct scroll s = {0};

	scroll_set(&s, 100, 10);
	scroll_by(&s, 25);
	assert_int_equal(s.at, 25);
	assert_int_equal(s.top, 16);
	scroll_by(&s, -100);
	assert_int_equal(s.at, 0);
	assert_int_equal(s.top, 0);
	scroll_to(&s, 1000);
	assert_int_equal(s.at, 99);
	assert_int_equal(s.top, 90);
}

static void test_scroll_survives_a_shrinking_list(void **state)
{
	struct scroll s = {0};

	scroll_set(&s, 100, 10);
	scroll_to(&s, 99);
	scroll_set(&s, 5, 10);
	assert_int_equal(s.at, 4);
	assert_int_equal(s.top, 0);
	scroll_set(&s, 0, 10);
	assert_int_equal(s.at, 0);
	assert_int_equal(scroll_hit(&s, 0), -1);
	scroll_set(&s, 3, 0);
	assert_int_equal(s.page, 1);
}

static void test_wheel_moves_the_window_and_takes_the_cursor_along(void **state)
{
	struct scroll s = {0};

	scroll_set(&s, 100, 10);
	scroll_window(&s, 3);
	assert_int_equal(s.top, 3);
	assert_int_equal(s.at, 3);
	scroll_to(&s, 12);
	scroll_window(&s, -3);
	assert_int_equal(s.top, 0);
	assert_int_equal(s.at, 9);
	scroll_window(&s, 1000);
	assert_int_equal(s.top, 90);
	assert_int_equal(scroll_hit(&s, 9), 99);
	assert_int_equal(scroll_hit(&s, 10), -1);
	assert_int_equal(scroll_hit(&s, -1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fit_and_growing_column_takes_the_rest),
		cmocka_unit_test(test_low_priority_goes_first),
		cmocka_unit_test(test_equal_priority_drops_the_rightmost),
		cmocka_unit_test(test_last_column_is_cut),
		cmocka_unit_test(test_growth_stops_at_the_maximum),
		cmocka_unit_test(test_no_growing_column_leaves_room),
		cmocka_unit_test(test_scroll_keeps_cursor_in_window),
		cmocka_unit_test(test_scroll_survives_a_shrinking_list),
		cmocka_unit_test(test_wheel_moves_the_window_and_takes_the_cursor_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
