// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int program_argv(const struct wire_program *p, const char *program, char *argv[PROGRAM_ARGV])
{
	/* execve() takes char *const *, and writes to none of them. */
	char *next = (char *)(uintptr_t)p->arguments;
	const char *end = p->arguments + p->argument_len;
	unsigned int n = 0;

	if (p->argument_len > sizeof(p->arguments) || p->argument_count > PROGRAM_ARGV - 2)
		return -1;
	argv[n++] = (char *)(uintptr_t)program;
	while (n <= p->argument_count) {
		char *nul = next < end ? memchr(next, 0, (size_t)(end - next)) : NULL;

		if (!nul)
			return -1;
		argv[n++] = next;
		next = nul + 1;
	}
	argv[n] = NULL;
	return 0;
}

int op_run(struct agent *a, const void *payload)
{
	const struct wire_program *p = payload;
	char *argv[PROGRAM_ARGV], path[CGROUP_PATH];
	bool in_cgroup = p->cgroup[0] && strcmp(p->cgroup, WIRE_RUNNER) != 0;
	struct child *child;
	int errnum;

	if (!WIRE_TEXT_OK(p->cgroup) || !WIRE_TEXT_OK(p->program) || program_argv(p, p->program, argv))
		return agent_fail(a, EINVAL, "malformed request to run a program");
	if (in_cgroup && (errnum = cgroup_find(a, p->cgroup, path)))
		return errnum;
	child = child_start(a, CHILD_PROGRAM, p->program, in_cgroup ? path : NULL, argv);
	if (!child)
		return agent_fail(a, errno, "%s: %s", p->program, strerror(errno));
	agent_value(a, (uint64_t)child->pid);
	return 0;
}

int op_program_check(struct agent *a, const void *payload)
{
	const struct wire_path *p = payload;

	if (!WIRE_TEXT_OK(p->path))
		return agent_fail(a, EINVAL, "malformed request");
	if (access(p->path, X_OK))
		return agent_fail(a, errno, "%s: %s", p->path, strerror(errno));
	return 0;
}

static struct child *find_program(struct agent *a, const void *payload)
{
	const struct wire_process *p = payload;
	struct child *child = p->pid ? child_find(a, CHILD_PROGRAM, (pid_t)p->pid) : NULL;

	if (!child)
		agent_fail(a, ESRCH, "no program with pid %u was started here", p->pid);
	return child;
}

int op_run_wait(struct agent *a, const void *payload)
{
	struct child *child = find_program(a, payload);

	if (!child)
		return ESRCH;
	if (!child->ended)
		return agent_fail(a, EAGAIN, "%s (pid %d) still runs", child->name, child->pid);
	agent_value(a, (uint64_t)(uint32_t)child->status);
	return 0;
}

int op_run_kill(struct agent *a, const void *payload)
{
	const struct wire_process *p = payload;
	struct child *child = find_program(a, payload);

	if (!child)
		return ESRCH;
	if (child->ended)
		return 0;
	/* Its process group: child_start() made it a session leader. */
	if (kill(-child->pid, (int)p->signal))
		return agent_fail(a, errno, "kill %d with signal %u: %s", child->pid, p->signal,
				  strerror(errno));
	return 0;
}
