// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_SLACK "50000" /* ns, of the kernel's init_task */

void child_reset_scheduling(const struct child *child)
{
	struct sched_param param = {0};
	char path[64];

	sched_setscheduler(child->pid, SCHED_OTHER, &param);
	/* A real-time task has none, and cannot set one. */
	snprintf(path, sizeof(path), "/proc/%d/timerslack_ns", child->pid);
	write_small_file(path, DEFAULT_SLACK);
}

static struct child *free_child(struct agent *a)
{
	for (unsigned int i = 0; i < AGENT_CHILDREN; i++)
		if (a->children[i].kind == CHILD_FREE)
			return &a->children[i];
	for (unsigned int i = 0; i < AGENT_CHILDREN; i++)
		if (a->children[i].ended &&
		    (a->children[i].told || a->children[i].kind != CHILD_PROGRAM)) {
			child_forget(&a->children[i]);
			return &a->children[i];
		}
	errno = EUSERS;
	return NULL;
}

/* In the child, between fork and exec. `error` is closed by a successful exec. */
static void exec_program(const char *cgroup_path, char *const *argv, int output, int error)
{
	char path[] = "PATH=/ktdbg/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char libraries[] = "LD_LIBRARY_PATH=/ktdbg/lib", home[] = "HOME=/", term[] = "TERM=linux";
	char *const environment[] = {path, libraries, home, term, NULL};
	char procs[CGROUP_PATH + 16];
	int errnum = 0, null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setsid();
	if (cgroup_path) {
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup_path);
		errnum = write_small_file(procs, "0");
	}
	dup2(null, 0);
	dup2(output, 1);
	dup2(output, 2);
	if (!errnum) {
		execve(argv[0], argv, environment);
		errnum = errno;
	}
	if (write(error, &errnum, sizeof(errnum)) < 0)
		_exit(126);
	_exit(127);
}

static pid_t fork_program(const char *cgroup_path, char *const *argv, int output)
{
	int error[2], errnum = 0;
	pid_t pid;

	if (pipe2(error, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0)
		exec_program(cgroup_path, argv, output, error[1]);
	close(error[1]);
	if (pid > 0 && read(error[0], &errnum, sizeof(errnum)) == (ssize_t)sizeof(errnum)) {
		waitpid(pid, NULL, 0);
		errno = errnum;
		pid = -1;
	}
	close(error[0]);
	return pid;
}

#define TAIL_SCHEDULER 768 /* what fits into an error message */
#define TAIL_PROGRAM 16384

/* Both ends of its output, and memory for the newest of it. */
static int prepare_output(struct child *child, int output[2])
{
	child->tail = calloc(1, child->tail_size);
	if (child->tail && pipe2(output, O_CLOEXEC) == 0)
		return 0;
	free(child->tail);
	child->tail = NULL;
	return -1;
}

struct child *child_start(struct agent *a, enum child_kind kind, const char *name,
			  const char *cgroup_path, char *const *argv)
{
	struct child *child = free_child(a);
	struct child made = {.kind = kind, .output = -1, .scope = a->header->scope,
			     .tail_size = kind == CHILD_PROGRAM ? TAIL_PROGRAM : TAIL_SCHEDULER};
	int output[2], errnum;

	if (!child || prepare_output(&made, output))
		return NULL;
	made.pid = fork_program(cgroup_path, argv, output[1]);
	errnum = errno;
	close(output[1]);
	made.output = output[0];
	if (made.pid < 0) {
		child_forget(&made);
		errno = errnum;
		return NULL;
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	snprintf(made.name, sizeof(made.name), "%s", name);
	*child = made;
	return child;
}

struct child *child_find(struct agent *a, enum child_kind kind, pid_t pid)
{
	struct child *found = NULL;

	for (unsigned int i = 0; i < AGENT_CHILDREN; i++) {
		struct child *child = &a->children[i];

		if (child->kind == kind && (!pid || child->pid == pid) && (!found || !child->ended))
			found = child;
	}
	return found;
}

void child_forget(struct child *child)
{
	if (child->output >= 0)
		close(child->output);
	free(child->tail);
	*child = (struct child){.output = -1};
}

/* Keep the newest bytes. */
static void keep_tail(struct child *child, const char *data, size_t len)
{
	size_t size = child->tail_size - 1;

	if (len > size) {
		data += len - size;
		len = size;
	}
	if (child->tail_len + len > size) {
		size_t drop = child->tail_len + len - size;

		memmove(child->tail, child->tail + drop, child->tail_len - drop);
		child->tail_len -= drop;
	}
	memcpy(child->tail + child->tail_len, data, len);
	child->tail_len += len;
	child->tail[child->tail_len] = '\0';
}

/* At most 16 KiB a poll, so that a talkative program cannot keep the agent from its mailbox. */
static void pass_output(struct child *child)
{
	char buffer[2048];

	for (unsigned int i = 0; i < 8 && child->output >= 0; i++) {
		ssize_t n = read(child->output, buffer, sizeof(buffer));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close(child->output);
			child->output = -1;
			return;
		}
		keep_tail(child, buffer, (size_t)n);
		if (write(STDOUT_FILENO, buffer, (size_t)n) < 0)
			return;
	}
}

static void scheduler_ended(struct agent *a, struct child *child)
{
	a->header->scheduler_pid = 0;
	memset(a->header->scheduler, 0, sizeof(a->header->scheduler));
	if (child->expected)
		return;
	a->header->scheduler_status = (uint32_t)child->status;
	a->header->scheduler_exits++;
}

static void note_end(struct agent *a, pid_t pid, int status)
{
	for (unsigned int i = 0; i < AGENT_CHILDREN; i++) {
		struct child *child = &a->children[i];

		if (child->kind == CHILD_FREE || child->ended || child->pid != pid)
			continue;
		child->ended = true;
		child->status = status;
		pass_output(child);
		if (child->kind == CHILD_SCHEDULER)
			scheduler_ended(a, child);
		return;
	}
	workers_ended(a, pid, status);
}

void child_poll(struct agent *a)
{
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < AGENT_CHILDREN; i++)
		if (a->children[i].output >= 0)
			pass_output(&a->children[i]);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		note_end(a, pid, status);
}
