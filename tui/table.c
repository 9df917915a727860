/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/table.h"

static void lay_out(struct table *t, int width)
{
	struct layout_column columns[TABLE_COLUMNS_MAX];

	for (int i = 0; i < t->count; i++) {
		columns[i] = t->columns[i].layout;
		if (t->hidden >> i & 1)
			columns[i].width = 0;
	}
	layout_columns(columns, t->count, width, t->widths);
}

static void draw_header(const struct table *t, const struct area *a)
{
	int x = 0;

	area_fill(a, 0, 0, a->cols, ROLE_HEADER, L' ');
	for (int i = 0; i < t->count; i++) {
		enum role role = i == t->sort ? ROLE_HEADER_ON : ROLE_HEADER;

		if (!t->widths[i])
			continue;
		area_field(a, 0, x, t->widths[i], t->columns[i].align, role, t->columns[i].title);
		x += t->widths[i] + LAYOUT_GAP;
	}
}

static void draw_row(const struct table *t, const struct area *a, int y, int row, struct str *text)
{
	int x = 0;

	for (int i = 0; i < t->count; i++) {
		enum role role = ROLE_NORMAL;

		if (!t->widths[i])
			continue;
		str_clear(text);
		t->cell(t->context, row, i, text, &role);
		area_field(a, y, x, t->widths[i], t->columns[i].align, role, str_text(text));
		x += t->widths[i] + LAYOUT_GAP;
	}
}

void table_draw(struct table *t, const struct area *a, struct scroll *scroll, int count,
		bool cursor)
{
	struct str text = {0};

	lay_out(t, a->cols);
	draw_header(t, a);
	scroll_set(scroll, count, a->rows - 1);
	for (int y = 1; y < a->rows && scroll->top + y - 1 < count; y++) {
		int row = scroll->top + y - 1;

		draw_row(t, a, y, row, &text);
		if (cursor && row == scroll->at)
			area_paint(a, y, ROLE_CURSOR);
	}
	str_deinit(&text);
}

int table_column_at(const struct table *t, int x)
{
	int start = 0;

	for (int i = 0; i < t->count; i++) {
		if (!t->widths[i])
			continue;
		if (x >= start && x < start + t->widths[i] + LAYOUT_GAP)
			return i;
		start += t->widths[i] + LAYOUT_GAP;
	}
	return -1;
}

bool table_shown(const struct table *t, int column)
{
	return column >= 0 && column < t->count && t->widths[column] > 0;
}
