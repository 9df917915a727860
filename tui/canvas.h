/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the screen shows, as cells in memory: text placed by display width and clipped to areas,
 * each cell with a role ("error", "header") that the terminal turns into a colour. Knows nothing of
 * curses, so that views can be drawn, compared and saved without a terminal.
 *
 * Text is UTF-8. Control bytes and invalid sequences never reach a cell: they become '?'. Guest
 * text should have been through str_add_clean() before, which shows more. Width follows wcwidth(),
 * so the caller sets LC_CTYPE. Not thread safe.
 */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

enum role {
	ROLE_NORMAL,
	ROLE_DIM,
	ROLE_BOLD,
	ROLE_TAB,       /* a view's name in the first line */
	ROLE_TAB_ON,    /* the one that is open */
	ROLE_HEADER,    /* column names */
	ROLE_HEADER_ON, /* the column that sorts */
	ROLE_CURSOR,    /* the selected row */
	ROLE_STATUS,
	ROLE_FROZEN,    /* the word in the status line */
	ROLE_RUNNING,
	ROLE_RECORDING,
	ROLE_WARNING,
	ROLE_ERROR,
	ROLE_KEY,       /* a key's name in a hint */
	ROLE_HINT,      /* what it does */
	ROLE_LABEL,     /* "name:" before a value */
	ROLE_CHANGED,   /* a value that changed since the last snapshot */
	ROLE_MATCH,     /* found by a search */
	ROLE_GOOD,
	ROLE_STOP,      /* scheduling classes */
	ROLE_DL,
	ROLE_RT,
	ROLE_FAIR,
	ROLE_EXT,
	ROLE_IDLE,
	ROLE_COUNT,
};

struct cell {
	wchar_t ch;         /* 0: the right half of a wide character */
	unsigned char role; /* enum role */
};

struct canvas {
	int rows, cols;
	struct cell *cells; /* rows * cols, row by row */
	bool ascii;         /* no character above 0x7e is stored: '?' instead */
	int cursor_row, cursor_col; /* where the terminal's cursor stands; -1: hidden */
};

/* A rectangle to draw in; coordinates are relative to it, and nothing is drawn outside it. */
struct area {
	struct canvas *canvas;
	int row, col;   /* on the canvas */
	int rows, cols; /* never negative */
};

enum align { ALIGN_LEFT, ALIGN_RIGHT };

void canvas_init(struct canvas *c); /* 0x0 */
void canvas_deinit(struct canvas *c);
/* New size, all blank. On failure the old size stays. */
struct err *canvas_resize(struct canvas *c, int rows, int cols) __attribute__((warn_unused_result));
void canvas_clear(struct canvas *c);
struct area canvas_area(struct canvas *c);
/* All lines, without the blanks at their ends. */
void canvas_text(const struct canvas *c, struct str *s);

/* The part of `a` that begins at row, col; what reaches beyond `a` is cut off. */
struct area area_part(const struct area *a, int row, int col, int rows, int cols);

/* Text from `col` on, up to the area's edge. Returns the column after it (also when clipped). */
int area_text(const struct area *a, int row, int col, enum role role, const char *text);
int area_textf(const struct area *a, int row, int col, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Text in a field of exactly `width` columns, padded; longer text ends in "~" (right aligned
 * text too: its end is cut). */
void area_field(const struct area *a, int row, int col, int width, enum align align, enum role role,
		const char *text);
/* `width` cells of `ch`. */
void area_fill(const struct area *a, int row, int col, int width, enum role role, wchar_t ch);
/* Give a whole row another role; its text stays. */
void area_paint(const struct area *a, int row, enum role role);
void area_paint_part(const struct area *a, int row, int col, int width, enum role role);

/* Columns that a text takes. */
int text_width(const char *text);
/* Bytes of the longest start of `text` that takes at most `columns`; their width in *ret_width
 * (may be NULL). */
size_t text_prefix(const char *text, int columns, int *ret_width);

/* Bytes of the first line of `text` when it is broken at blanks to fit `columns` (at least 1). */
size_t text_line(const char *text, int columns);

/* Decode one character of UTF-8; returns its bytes, at least 1 unless at the NUL (0). Anything
 * invalid, and control characters, give '?'. */
size_t text_decode(const char *text, wchar_t *ret);
/* Append a character as UTF-8. */
void str_add_wide(struct str *s, wchar_t ch);

#endif
