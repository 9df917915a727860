/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payloads: programs inside the guest, known by their name (the last part of the path) and the cgroup in
 * which they run. How one ended, and the newest of what it wrote, is kept until it is asked for.
 *
 * Calls let guest time pass as those of coord/agent.h do. What the agent says is untrusted.
 */
#ifndef COORD_PAYLOAD_H
#define COORD_PAYLOAD_H

#include "coord/agent.h"

struct payload {
	int pid;
	bool ended;
	int status; /* wait status once it ended */
	char cgroup[WIRE_CGROUP_NAME]; /* "@runner" for none */
	char name[64];
};

/* All that run or whose end nobody has asked for; caller frees. */
struct err *payload_list(struct agent *a, struct payload **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result));

/*
 * The one of that name in `cgroup`, or, when that is NULL, in the only cgroup that has one. A living one
 * goes before one that ended. ERR_NOT_FOUND lists those that exist, ERR_REFUSED the cgroups that have one.
 */
struct err *payload_find(struct agent *a, const char *program, const char *cgroup, struct payload *ret)
	__attribute__((warn_unused_result));

/* `cgroup` NULL: the runner's. ERR_REFUSED: one of that name runs there already. */
struct err *payload_run(struct agent *a, const char *program, unsigned int argument_count,
			char *const *arguments, const char *cgroup, int *ret_pid)
	__attribute__((warn_unused_result));

/* Let guest time pass until it ended, at most `timeout_ns` (ERR_TIMEOUT). Appends what it wrote, at most
 * the newest 16 KiB, raw, and sets p->ended and p->status. The end is told once. */
struct err *payload_wait(struct agent *a, struct payload *p, uint64_t timeout_ns, struct str *output)
	__attribute__((warn_unused_result));
/* With all of its session, and wait for its end. */
struct err *payload_kill(struct agent *a, struct payload *p, struct str *output)
	__attribute__((warn_unused_result));

/* "exited with 3", "was killed by signal 9", appended; and the number that a shell would have for it. */
void payload_add_end(const struct payload *p, struct str *s);
int payload_exit_code(const struct payload *p);

#endif
