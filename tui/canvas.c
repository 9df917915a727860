/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/canvas.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void canvas_init(struct canvas *c)
{
	*c = (struct canvas){.cursor_row = -1, .cursor_col = -1};
}

void canvas_deinit(struct canvas *c)
{
	free(c->cells);
	canvas_init(c);
}

void canvas_clear(struct canvas *c)
{
	size_t count = (size_t)c->rows * (size_t)c->cols;

	for (size_t i = 0; i < count; i++)
		c->cells[i] = (struct cell){L' ', ROLE_NORMAL};
	c->cursor_row = c->cursor_col = -1;
}

struct err *canvas_resize(struct canvas *c, int rows, int cols)
{
	struct cell *cells;

	if (rows < 1 || cols < 1 || rows > 10000 || cols > 10000)
		return err_new(ERR_USAGE, "a screen of %d rows and %d columns", rows, cols);
	cells = calloc((size_t)rows * (size_t)cols, sizeof(*cells));
	if (!cells)
		return err_nomem();
	free(c->cells);
	c->cells = cells;
	c->rows = rows;
	c->cols = cols;
	canvas_clear(c);
	return NULL;
}

struct area canvas_area(struct canvas *c)
{
	return (struct area){c, 0, 0, c->rows, c->cols};
}

/* [*start, *start + *len) cut to [0, limit). */
static void clip(int *start, int *len, int limit)
{
	if (*len < 0)
		*len = 0;
	if (*start < 0) {
		*len += *start;
		*start = 0;
	}
	if (*start > limit)
		*start = limit;
	if (*len > limit - *start)
		*len = limit - *start;
	if (*len < 0)
		*len = 0;
}

struct area area_part(const struct area *a, int row, int col, int rows, int cols)
{
	clip(&row, &rows, a->rows);
	clip(&col, &cols, a->cols);
	return (struct area){a->canvas, a->row + row, a->col + col, rows, cols};
}

void str_add_wide(struct str *s, wchar_t ch)
{
	unsigned long c = (unsigned long)ch;

	if (c < 0x80) {
		str_add_c(s, (char)c);
	} else if (c < 0x800) {
		str_add_c(s, (char)(0xc0 | c >> 6));
		str_add_c(s, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		str_add_c(s, (char)(0xe0 | c >> 12));
		str_add_c(s, (char)(0x80 | (c >> 6 & 0x3f)));
		str_add_c(s, (char)(0x80 | (c & 0x3f)));
	} else {
		str_add_c(s, (char)(0xf0 | (c >> 18 & 7)));
		str_add_c(s, (char)(0x80 | (c >> 12 & 0x3f)));
		str_add_c(s, (char)(0x80 | (c >> 6 & 0x3f)));
		str_add_c(s, (char)(0x80 | (c & 0x3f)));
	}
}

void canvas_text(const struct canvas *c, struct str *s)
{
	for (int row = 0; row < c->rows; row++) {
		const struct cell *line = &c->cells[(size_t)row * (size_t)c->cols];
		int end = c->cols;

		while (end > 0 && line[end - 1].ch == L' ')
			end--;
		for (int col = 0; col < end; col++)
			if (line[col].ch)
				str_add_wide(s, line[col].ch);
		str_add_c(s, '\n');
	}
}

size_t text_decode(const char *text, wchar_t *ret)
{
	static const unsigned char lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *p = (const unsigned char *)text;
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
	unsigned long c;

	*ret = L'?';
	if (!p[0])
		return 0;
	if (!len || p[0] > 0xf4)
		return 1;
	c = p[0] & lead_mask[len];
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && !(c >= 0xd800 && c < 0xe000) &&
	    c <= 0x10ffff)
		*ret = (wchar_t)c;
	return len;
}

/* Columns of one decoded character; what the locale cannot show counts as the '?' that replaces it.
 */
static int char_width(wchar_t ch)
{
	int width = wcwidth(ch);

	return width < 0 ? 1 : width;
}

int text_width(const char *text)
{
	int width = 0;
	wchar_t ch;

	for (size_t n; (n = text_decode(text, &ch)); text += n)
		width += char_width(ch);
	return width;
}

size_t text_prefix(const char *text, int columns, int *ret_width)
{
	size_t bytes = 0, n;
	int width = 0;
	wchar_t ch;

	while ((n = text_decode(text + bytes, &ch)) && width + char_width(ch) <= columns) {
		width += char_width(ch);
		bytes += n;
	}
	if (ret_width)
		*ret_width = width;
	return bytes;
}

size_t text_line(const char *text, int columns)
{
	size_t bytes = text_prefix(text, columns, NULL), at = bytes;
	wchar_t ch;

	if (!text[bytes])
		return bytes;
	while (at > 0 && text[at] != ' ')
		at--;
	/* A word longer than the line is cut; a character wider than the line stands alone. */
	if (!at)
		return bytes ? bytes : text_decode(text, &ch);
	return at;
}

static struct cell *cell_at(const struct area *a, int row, int col)
{
	if (row < 0 || row >= a->rows || col < 0 || col >= a->cols)
		return NULL;
	return &a->canvas->cells[(size_t)(a->row + row) * (size_t)a->canvas->cols +
				 (size_t)(a->col + col)];
}

/* One character; a wide one that does not fit whole leaves a blank. */
static void put(const struct area *a, int row, int col, enum role role, wchar_t ch, int width)
{
	struct cell *cell = cell_at(a, row, col);
	struct cell *right = width == 2 ? cell_at(a, row, col + 1) : NULL;

	if (right)
		*right = (struct cell){0, (unsigned char)role};
	if (cell)
		*cell = (struct cell){width == 2 && !right ? L' ' : ch, (unsigned char)role};
}

/* At most `bytes` of `text`. */
static int put_text(const struct area *a, int row, int col, enum role role, const char *text,
		    size_t bytes)
{
	const char *end = text + bytes;
	wchar_t ch;

	for (size_t n; text < end && (n = text_decode(text, &ch)); text += n) {
		int width;

		if (ch > 0x7e && (a->canvas->ascii || wcwidth(ch) < 0))
			ch = L'?';
		width = char_width(ch);
		if (width == 0)
			continue; /* a cell holds one character: combining marks are left out */
		put(a, row, col, role, ch, width);
		col += width;
	}
	return col;
}

int area_text(const struct area *a, int row, int col, enum role role, const char *text)
{
	return put_text(a, row, col, role, text, strlen(text));
}

int area_textf(const struct area *a, int row, int col, enum role role, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = str_vformat(fmt, ap);
	va_end(ap);
	if (!text)
		return col;
	col = area_text(a, row, col, role, text);
	free(text);
	return col;
}

void area_fill(const struct area *a, int row, int col, int width, enum role role, wchar_t ch)
{
	if (a->canvas->ascii && ch > 0x7e)
		ch = L'?';
	for (int i = 0; i < width; i++)
		put(a, row, col + i, role, ch, 1);
}

void area_field(const struct area *a, int row, int col, int width, enum align align, enum role role,
		const char *text)
{
	int used = 0;
	size_t bytes;
	bool cut;

	if (width <= 0)
		return;
	bytes = text_prefix(text, width, &used);
	cut = text[bytes] != '\0';
	if (cut)
		bytes = text_prefix(text, width - 1, &used);
	area_fill(a, row, col, width, role, L' ');
	if (align == ALIGN_RIGHT && !cut)
		col += width - used;
	col = put_text(a, row, col, role, text, bytes);
	if (cut)
		put(a, row, col, role, L'~', 1);
}

void area_paint_part(const struct area *a, int row, int col, int width, enum role role)
{
	for (int i = 0; i < width; i++) {
		struct cell *cell = cell_at(a, row, col + i);

		if (cell)
			cell->role = (unsigned char)role;
	}
}

void area_paint(const struct area *a, int row, enum role role)
{
	area_paint_part(a, row, 0, a->cols, role);
}
