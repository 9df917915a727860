/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keys do that mean the same in every view, and the one place where a key press is looked up:
 * first the view's own table, then the common one, then the command table's default keys.
 */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include "commands/command.h"
#include "tui/screen.h"

extern const struct key_binding common_keys[]; /* ended by a NULL help */

/* False when the key means nothing here. */
bool keys_dispatch(struct screen *s, int key);
/* The command whose row names this key, NULL. */
const struct command *keys_command(int key);
/* False for a key whose command is not in the table: no hint, no help, no meaning. */
bool keys_offered(const struct key_binding *b);
/* "Up, k" of a binding. */
void keys_names(const struct key_binding *b, struct str *s);

#endif
