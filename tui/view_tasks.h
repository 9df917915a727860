/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the column chooser (view_columns.c) needs of the tasks view. */
#ifndef TUI_VIEW_TASKS_H
#define TUI_VIEW_TASKS_H

#include "tui/screen.h"
#include "tui/table.h"

/* The table of the open tasks view; NULL when it was never opened. */
struct table *tasks_table(const struct screen *s);

#endif
