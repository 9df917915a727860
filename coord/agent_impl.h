/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by agent.c and agent_workers.c. */
#ifndef COORD_AGENT_IMPL_H
#define COORD_AGENT_IMPL_H

#include "coord/agent.h"
#include "coord/mailbox.h"

/* The mailbox of the agent's machine, as it is now. */
struct err *agent_mailbox(struct agent *a, struct mailbox *ret) __attribute__((warn_unused_result));

#endif
