/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by agent.c, agent_run.c and agent_workers.c. */
#ifndef COORD_AGENT_IMPL_H
#define COORD_AGENT_IMPL_H

#include "coord/agent.h"
#include "coord/mailbox.h"

struct agent {
	struct coord *coord;
	uint64_t heartbeat;      /* last seen */
	uint64_t heartbeat_time; /* coord_time() when it was first seen */
	/* What the guest's clock is ahead of coord_time(), at least: the most that an answer has shown. */
	int64_t ahead;
	bool clock_known;
	bool seen;
};

/* The mailbox of the agent's machine, as it is now. */
struct err *agent_mailbox(struct agent *a, struct mailbox *ret) __attribute__((warn_unused_result));
/* A program and its arguments for the wire; ERR_USAGE: they do not fit. */
struct err *agent_fill_program(const char *program, unsigned int count, char *const *arguments,
			       struct wire_program *ret) __attribute__((warn_unused_result));
/* The name of a cgroup for the wire; ERR_USAGE: it is none. */
struct err *agent_name_payload(const char *name, char buffer[WIRE_CGROUP_NAME])
	__attribute__((warn_unused_result));

#endif
