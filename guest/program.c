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

/* Where a name without a path is looked for: the PATH that a program gets. */
static const char *const folders[] = {"/ktdbg/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

/* As execvp() would. Not found: the name as it is, for the error. */
static const char *find_file(const char *name, char path[320])
{
	for (unsigned int i = 0; !strchr(name, '/') && i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, 320, "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return path;
	}
	return name;
}

int op_run(struct agent *a, const void *payload)
{
	const struct wire_program *p = payload;
	const char *cgroup = p->cgroup[0] ? p->cgroup : WIRE_RUNNER, *slash = strrchr(p->program, '/');
	char *argv[PROGRAM_ARGV], path[CGROUP_PATH], file[320];
	struct child *child;
	int errnum;

	if (!WIRE_TEXT_OK(p->cgroup) || !WIRE_TEXT_OK(p->program) ||
	    program_argv(p, find_file(p->program, file), argv))
		return agent_fail(a, EINVAL, "malformed request to run a program");
	if ((errnum = cgroup_find(a, cgroup, path)) || (errnum = cgroup_check_thawed(a, cgroup, path)))
		return errnum;
	child = child_start(a, CHILD_PROGRAM, slash ? slash + 1 : p->program,
			    strcmp(path, CGROUP_ROOT) == 0 ? NULL : path, argv);
	if (!child)
		return agent_fail(a, errno, "%s: %s", p->program,
				  errno == EUSERS ? "too many programs; wait for some of them first"
						  : strerror(errno));
	child_reset_scheduling(child);
	snprintf(child->cgroup, sizeof(child->cgroup), "%s", cgroup);
	agent_value(a, (uint64_t)child->pid);
	return 0;
}

void programs_moved(struct agent *a, const char *from, const char *to)
{
	for (unsigned int i = 0; i < AGENT_CHILDREN; i++) {
		struct child *child = &a->children[i];

		if (child->kind == CHILD_PROGRAM && !child->ended && strcmp(child->cgroup, from) == 0)
			snprintf(child->cgroup, sizeof(child->cgroup), "%s", to);
	}
}

int op_run_list(struct agent *a, const void *payload)
{
	for (unsigned int i = 0; i < AGENT_CHILDREN; i++) {
		const struct child *child = &a->children[i];
		char status[16] = "-";

		if (child->kind != CHILD_PROGRAM || child->told)
			continue;
		if (child->ended)
			snprintf(status, sizeof(status), "%d", child->status);
		agent_text(a, "%d %s %s %s\n", child->pid, status, child->cgroup, child->name);
	}
	return 0;
}

int op_program_check(struct agent *a, const void *payload)
{
	const struct wire_path *p = payload;
	char file[320];

	if (!WIRE_TEXT_OK(p->path))
		return agent_fail(a, EINVAL, "malformed request");
	if (access(find_file(p->path, file), X_OK))
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
	agent_text_n(a, child->tail, child->tail_len);
	child->told = true;
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
