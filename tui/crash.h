/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Terminal rescue: what must be written to a terminal, and its modes, kept where a signal handler
 * can reach them. When the program crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) the handler
 * gives the terminal back with async-signal-safe calls only and then lets the signal kill the
 * process as it would have.
 *
 * The state is static, since a handler has no context pointer: one terminal at a time.
 */
#ifndef TUI_CRASH_H
#define TUI_CRASH_H

#include <stddef.h>
#include <termios.h>

/* `restore` (len bytes, at most 256) and `modes` are copied. */
void crash_arm(int fd, const struct termios *modes, const char *restore, size_t len);
void crash_disarm(void); /* puts the old handlers back */

#endif
