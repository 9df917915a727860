/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of `steal`: time that the guest wanted and did not get, as the host and as the guest book it. */
#ifndef COMMANDS_STEAL_SHOW_H
#define COMMANDS_STEAL_SHOW_H

#include "commands/session.h"

/* In a window. Under the virtual clock only the guest's side. */
struct err *steal_show(struct session *s, struct out *out) __attribute__((warn_unused_result));

#endif
