/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal: the one file that knows curses. Shows a canvas, hands out keys, mouse and resizes
 * as events, turns roles into colours, and gives the terminal back in the state it was found in: on
 * term_close(), on a stop by Ctrl-Z, and from a handler when the program crashes.
 *
 * Ctrl-C, Ctrl-Z and Ctrl-\ stay signals, so that they work while a command runs. SIGINT is not
 * handled here: that is base/interrupt.h. One terminal at a time; threads: one at a time.
 */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include "base/err.h"
#include "tui/canvas.h"
#include "tui/event.h"

#include <stdbool.h>

struct term;

struct term_config {
	const char *theme; /* "default", "light", "mono"; NULL: default, mono under NO_COLOR */
};

/* ERR_USAGE for an unknown theme, ERR_ENVIRONMENT for a terminal that cannot do this. */
struct err *term_open(const struct term_config *config, struct term **ret)
	__attribute__((warn_unused_result));
void term_close(struct term *t); /* NULL is fine */

/* Readable when term_read() has something. */
int term_input_fd(const struct term *t);
/* Readable after a signal that term_signals() reports. */
int term_signal_fd(const struct term *t);

enum term_signals {
	TERM_SIGNAL_RESIZE = 1 << 0,
	TERM_SIGNAL_STOP = 1 << 1, /* Ctrl-Z: call term_suspend() */
	TERM_SIGNAL_END = 1 << 2,  /* SIGTERM or SIGHUP */
};
/* Signals since the last call, by enum term_signals. */
unsigned int term_signals(struct term *t);

/* Next event; EVENT_NONE when none waits. Never blocks. */
struct event term_read(struct term *t);
void term_size(struct term *t, int *ret_rows, int *ret_cols);
/* Make the terminal look like `c`; only what differs is sent. */
void term_show(struct term *t, const struct canvas *c);
void term_redraw(struct term *t); /* the next term_show() sends everything (Ctrl-L) */
/* Give the terminal back, stop this process, and take the terminal again once it goes on. */
void term_suspend(struct term *t);
/* False once the terminal was closed under us. */
bool term_alive(const struct term *t);
/* The locale's character set is UTF-8. */
bool term_is_utf8(void);

#endif
