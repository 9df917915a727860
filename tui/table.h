/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table on the screen: a header line, rows through a scrolled window, columns that fit the width.
 * Cells come from a callback; nothing is kept but the last layout, so that a click finds its
 * column.
 */
#ifndef TUI_TABLE_H
#define TUI_TABLE_H

#include "base/str.h"
#include "tui/canvas.h"
#include "tui/layout.h"

#include <stdbool.h>
#include <stdint.h>

#define TABLE_COLUMNS_MAX 48

struct table_column {
	const char *title;
	struct layout_column layout;
	enum align align;
};

struct table {
	const struct table_column *columns;
	int count;              /* at most TABLE_COLUMNS_MAX */
	uint64_t hidden;        /* bit i: column i was switched off by the operator */
	int sort;               /* the column that sorts, -1: none */
	bool descending;
	/* Text of one cell (guest text cleaned), and its role if it is not to be ROLE_NORMAL. */
	void (*cell)(void *context, int row, int column, struct str *text, enum role *role);
	void *context;
	int widths[TABLE_COLUMNS_MAX]; /* of the last table_draw(); 0: not shown */
};

/* Header in the area's first row, rows below it; sets the scroll's page. `cursor`: paint the
 * selected row. */
void table_draw(struct table *t, const struct area *a, struct scroll *scroll, int count,
		bool cursor);
/* The column at x of the area last drawn in, -1. */
int table_column_at(const struct table *t, int x);
/* Whether a column had room the last time. */
bool table_shown(const struct table *t, int column);

#endif
