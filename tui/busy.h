/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the screen shows while a command runs. Commands block, so one thread of ours draws in the
 * meantime: after a second it says what runs, for how long, and that Ctrl-C ends it; during a boot
 * it shows each step.
 *
 * Threads: between busy_begin() and busy_end() the canvas and the terminal belong to this thread,
 * and the screen's thread may touch them only between busy_lock() and busy_unlock(). At all other
 * times the thread sleeps. It takes no signals, so handlers interrupt the command and not the
 * drawing.
 */
#ifndef TUI_BUSY_H
#define TUI_BUSY_H

#include "base/err.h"

#include <stdint.h>

struct busy;

/* `draw` is called with the lock held, from the busy thread, about five times a second: `what` runs
 * (or the newest word of progress) since `elapsed` host ns. */
struct err *busy_create(void (*draw)(void *context, const char *what, uint64_t elapsed),
			void *context, struct busy **ret) __attribute__((warn_unused_result));
void busy_destroy(struct busy *b); /* NULL is fine */

/* `delay` host ns pass before the first drawing. */
void busy_begin(struct busy *b, const char *what, uint64_t delay);
void busy_progress(struct busy *b, const char *what); /* copied; draws soon */
void busy_end(struct busy *b); /* nothing is drawn any more when this returns */

void busy_lock(struct busy *b);
void busy_unlock(struct busy *b);

#endif
