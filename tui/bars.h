/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines around a view: the views' names above it; warnings, state, and hints or messages
 * below. */
#ifndef TUI_BARS_H
#define TUI_BARS_H

#include "tui/screen.h"

/* The first line. */
void bars_draw_tabs(struct screen *s, const struct area *a);
/* The view's number in `listed` whose name stands at x of the first line, -1. */
int bars_tab_at(const struct screen *s, int x);
/* The watched expressions; returns how many rows they took. */
int bars_draw_watches(struct screen *s, const struct area *a, int row);
/* Why something cannot be trusted: stale picture, damage, silent agent. "" when all is well. */
void bars_warning(struct screen *s, char *buffer, size_t size);
void bars_draw_status(struct screen *s, const struct area *a, int row);
/* Rows that hints, message or prompt take at the bottom: more than one for a long message. */
int bars_last_rows(const struct screen *s, int cols);
void bars_draw_last(struct screen *s, const struct area *a, int row);

#endif
