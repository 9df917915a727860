/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of text that is being typed: cursor, the keys that readline has taught everyone,
 * history. Does not draw, complete or run anything.
 *
 * Bytes are UTF-8; the cursor stands between characters. Not thread safe.
 */
#ifndef TUI_EDIT_H
#define TUI_EDIT_H

#include "base/err.h"
#include "tui/event.h"

#include <stdbool.h>
#include <stddef.h>

#define EDIT_MAX 4096        /* bytes of a line, with the NUL */
#define EDIT_HISTORY_MAX 500 /* lines kept */

struct history {
	char **lines; /* oldest first */
	unsigned int count;
};

struct edit {
	char text[EDIT_MAX];
	size_t len, cursor;      /* bytes */
	char killed[EDIT_MAX];   /* what Ctrl-K, -U, -W took, for Ctrl-Y */
	struct history *history; /* borrowed; may be NULL */
	unsigned int browse;     /* index into history; its count: the line that is new */
	char fresh[EDIT_MAX];    /* that new line, while older ones are looked at */
};

void edit_start(struct edit *e, struct history *history, const char *text);
/* True when the key was one of editing; then the line or cursor may have changed. */
bool edit_key(struct edit *e, int key);
/* Put `text` in place of [start, cursor). Nothing happens when it would not fit. */
void edit_replace(struct edit *e, size_t start, const char *text);

/* Adds a line unless it is empty or repeats the newest. */
void history_add(struct history *h, const char *line);
/* Lines of a file, newest last; a missing file is an empty history. */
struct err *history_load(struct history *h, const char *path) __attribute__((warn_unused_result));
struct err *history_save(const struct history *h, const char *path)
	__attribute__((warn_unused_result));
void history_deinit(struct history *h);

#endif
