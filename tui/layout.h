/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Columns of a table in the width there is, and the place of a cursor in a list longer than the
 * window. Arithmetic only: nothing is drawn here.
 */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

#define LAYOUT_GAP 1 /* blanks between two columns */

struct layout_column {
	int width;             /* columns it needs; 0: never shown */
	int grow;              /* shares of the width that is left over; 0: none */
	int max;               /* of a growing column; 0: no limit */
	unsigned int priority; /* the lowest goes first when the width is short */
};

/*
 * Widths for `count` columns in `total` columns of the screen: ret[i] is 0 for a column that found
 * no place. Of equal priorities the rightmost goes first. The last column standing is cut to
 * `total`.
 */
void layout_columns(const struct layout_column *columns, int count, int total, int *ret);

/* A list of `count` rows seen through `page` rows: row `at` is selected, row `top` is the first
 * seen. */
struct scroll {
	int at, top, count, page;
};

/* The list or the window changed: keep the cursor in the list and the window around it. */
void scroll_set(struct scroll *s, int count, int page);
void scroll_to(struct scroll *s, int at);   /* selects, clamped */
void scroll_by(struct scroll *s, int rows); /* moves the cursor */
/* Move the window and take the cursor along only when it would leave it (mouse wheel). */
void scroll_window(struct scroll *s, int rows);
/* The row of the list at row `y` of the window, -1 when there is none. */
int scroll_hit(const struct scroll *s, int y);

#endif
