/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen: full-terminal views of the guest, a `:` line, keys. The one call of this layer.
 */
#ifndef TUI_TUI_H
#define TUI_TUI_H

#include "base/err.h"
#include "commands/session.h"

/*
 * Run the screen on standard input and output until the operator quits; boots the session's guest
 * if it has none. The terminal is as it was when this returns. ERR_INTERRUPTED: ended by SIGTERM,
 * SIGHUP, a closed terminal, or Ctrl-C twice; otherwise why the guest could not be booted or no
 * screen be opened.
 */
struct err *tui_run(struct session *s) __attribute__((warn_unused_result));

#endif
