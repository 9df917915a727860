/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ctrl-C: one flag, set by the SIGINT handler that ktdbg.c installs, polled by every wait. A wait
 * that sees it returns ERR_INTERRUPTED; the command loop clears it before the next command.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <stdbool.h>

/* SIGINT, SIGTERM, SIGHUP and SIGALRM, without SA_RESTART; SIGXFSZ is ignored from then on. */
void interrupt_install(void);
bool interrupted(void);
void interrupt_clear(void);
/* SIGTERM or SIGHUP came: the program is to end. interrupted() then stays true, whatever is cleared. */
bool interrupt_is_final(void);
/* SIGALRM came: the time that somebody gave this process is over. Stays true. */
bool interrupt_expired(void);
void interrupt_raise(void); /* what the handler does; also for tests and the screen's Ctrl-C key */

#endif
