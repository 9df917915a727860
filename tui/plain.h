/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plain prompt: readline in a poll loop beside the machine, so that the guest runs on while the
 * operator types and its death shows at once. Without a terminal on standard input lines are simply read
 * and run one after the other.
 */
#ifndef TUI_PLAIN_H
#define TUI_PLAIN_H

#include "base/err.h"
#include "commands/session.h"

/* On the terminal until `quit` or end of file; boots the session's guest if it has none. Errors of
 * commands are printed and do not end it. Needs a terminal on standard input. */
struct err *plain_run(struct session *s) __attribute__((warn_unused_result));

#endif
