/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last line while something is typed into it: commands with completion and history, searches,
 * questions. Opened by the functions of tui/screen.h; keys come here as long as it is open.
 */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include "tui/screen.h"

/* A key while the prompt is open. */
void prompt_key(struct screen *s, int key);
void prompt_close(struct screen *s);
/* `row` is the last line; candidates of a completion go above it. Sets the cursor. */
void prompt_draw(struct screen *s, const struct area *a, int row);

#endif
