/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drawing layer: clipping by display width, wide characters, what may reach a cell. */
#include "tui/canvas.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct canvas canvas;

static int setup(void **state)
{
	canvas_init(&canvas);
	assert_null(canvas_resize(&canvas, 4, 20));
	return 0;
}

static int teardown(void **state)
{
	canvas_deinit(&canvas);
	return 0;
}

static void assert_screen(const char *expected)
{
	struct str s = {0};

	canvas_text(&canvas, &s);
	assert_string_equal(str_text(&s), expected);
	str_deinit(&s);
}

static void test_text_is_clipped_at_every_edge(void **state)
{
	struct area all = canvas_area(&canvas), part = area_part(&all, 1, 5, 2, 6);

	assert_int_equal(area_text(&part, 0, 0, ROLE_NORMAL, "0123456789"), 10);
	area_text(&part, 1, -2, ROLE_NORMAL, "0123");
	area_text(&part, 2, 0, ROLE_NORMAL, "below");
	area_text(&part, -1, 0, ROLE_NORMAL, "above");
	assert_screen("\n     012345\n     23\n\n");
}

static void test_part_never_leaves_its_parent(void **state)
{
	struct area all = canvas_area(&canvas), part = area_part(&all, 2, 15, 50, 50);

	assert_int_equal(part.rows, 2);
	assert_int_equal(part.cols, 5);
	part = area_part(&part, -1, -3, 2, 4);
	assert_int_equal(part.row, 2);
	assert_int_equal(part.col, 15);
	assert_int_equal(part.rows, 1);
	assert_int_equal(part.cols, 1);
	part = area_part(&all, 9, 30, 3, 3);
	assert_int_equal(part.rows * part.cols, 0);
	area_text(&part, 0, 0, ROLE_NORMAL, "x");
	assert_screen("\n\n\n\n");
}

static void test_field_pads_aligns_and_cuts(void **state)
{
	struct area all = canvas_area(&canvas);

	area_field(&all, 0, 0, 6, ALIGN_LEFT, ROLE_NORMAL, "ab");
	area_field(&all, 0, 6, 6, ALIGN_RIGHT, ROLE_NORMAL, "12");
	area_field(&all, 1, 0, 6, ALIGN_LEFT, ROLE_NORMAL, "abcdefgh");
	area_field(&all, 2, 0, 6, ALIGN_LEFT, ROLE_NORMAL, "abcdef");
	area_field(&all, 3, 0, 0, ALIGN_LEFT, ROLE_NORMAL, "abcdef");
	assert_screen("ab        12\nabcde~\nabcdef\n\n");
}

static void test_wide_characters_take_two_columns(void **state)
{
	struct area all = canvas_area(&canvas);

	assert_int_equal(text_width("日本"), 4);
	assert_int_equal(area_text(&all, 0, 0, ROLE_NORMAL, "日本x"), 5);
	area_field(&all, 1, 0, 4, ALIGN_LEFT, ROLE_NORMAL, "日本語");
	area_text(&all, 2, 19, ROLE_NORMAL, "日");
	assert_screen("日本x\n日~\n\n\n");
	assert_int_equal(canvas.cells[1].ch, 0);
}

static void test_control_bytes_and_bad_utf8_never_reach_a_cell(void **state)
{
	struct area all = canvas_area(&canvas);

	area_text(&all, 0, 0, ROLE_NORMAL, "a\033[31mb\x7f\x01");
	area_text(&all, 1, 0, ROLE_NORMAL, "x\xff\xc3(\xe2\x82z\xc2\x9by");
	area_text(&all, 2, 0, ROLE_NORMAL, "e\xcc\x81-");
	assert_screen("a?[31mb?"
		      "?\nx?"
		      "?(?"
		      "?z?y\ne-\n\n");
}

static void test_ascii_canvas_stores_no_other_character(void **state)
{
	struct area all = canvas_area(&canvas);

	canvas.ascii = true;
	area_text(&all, 0, 0, ROLE_NORMAL, "caf\xc3\xa9 日");
	area_fill(&all, 1, 0, 3, ROLE_NORMAL, 0x2588);
	assert_screen("caf? ?\n???\n\n\n");
}

static void test_paint_keeps_the_text(void **state)
{
	struct area all = canvas_area(&canvas);

	area_text(&all, 0, 0, ROLE_NORMAL, "row");
	area_paint(&all, 0, ROLE_CURSOR);
	area_paint(&all, 7, ROLE_CURSOR);
	assert_screen("row\n\n\n\n");
	assert_int_equal(canvas.cells[0].role, ROLE_CURSOR);
	assert_int_equal(canvas.cells[19].role, ROLE_CURSOR);
	assert_int_equal(canvas.cells[20].role, ROLE_NORMAL);
}

static void test_absurd_size_is_refused_and_changes_nothing(void **state)
{
	struct err *err = canvas_resize(&canvas, 0, 5);

	assert_non_null(err);
	assert_int_equal(err_kind(err), ERR_USAGE);
	assert_string_equal(err_detail(err), "a screen of 0 rows and 5 columns");
	err_free(err);
	assert_int_equal(canvas.rows, 4);
}

static void test_prefix_counts_columns_not_bytes(void **state)
{
	int width;

	assert_int_equal(text_prefix("日本", 3, &width), 3);
	assert_int_equal(width, 2);
	assert_int_equal(text_prefix("abc", 0, &width), 0);
	assert_int_equal(text_prefix("abc", 9, &width), 3);
}

static void test_lines_are_broken_at_blanks(void **state)
{
	assert_int_equal(text_line("one two three", 20), 13);
	assert_int_equal(text_line("one two three", 9), 7);
	assert_int_equal(text_line("one two three", 7), 7);
	assert_int_equal(text_line("unbreakable", 4), 4);
	assert_int_equal(text_line("日本", 1), 3);
	assert_int_equal(text_line("", 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text_is_clipped_at_every_edge, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_part_never_leaves_its_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_field_pads_aligns_and_cuts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wide_characters_take_two_columns, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_control_bytes_and_bad_utf8_never_reach_a_cell,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_ascii_canvas_stores_no_other_character, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_paint_keeps_the_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absurd_size_is_refused_and_changes_nothing,
						setup, teardown),
		cmocka_unit_test(test_prefix_counts_columns_not_bytes),
		cmocka_unit_test(test_lines_are_broken_at_blanks),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
