// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/worker.h"

#include "guest/work/work.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE 65536

static void report(struct spawn *s, uint32_t number, int errnum, const char *step)
{
	struct worker_report r = {.number = number, .errnum = errnum};

	snprintf(r.step, sizeof(r.step), "%s", step);
	if (write(s->report[1], &r, sizeof(r)) != (ssize_t)sizeof(r))
		_exit(1);
}

static void fail(struct spawn *s, uint32_t number, const char *step)
{
	report(s, number, errno, step);
	_exit(1);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close all that the agent has open but the console, the gate, the report and the pair's pipes. */
static void close_others(const struct spawn *s)
{
	int keep[6] = {s->gate[0], s->report[1], s->pair[0], s->pair[1], s->pair[2], s->pair[3]};
	unsigned int from = 3;

	qsort(keep, 6, sizeof(keep[0]), compare);
	for (unsigned int i = 0; i < 6; i++) {
		if (keep[i] < (int)from)
			continue;
		if ((unsigned int)keep[i] > from)
			syscall(SYS_close_range, from, keep[i] - 1, 0);
		from = (unsigned int)keep[i] + 1;
	}
	syscall(SYS_close_range, from, ~0u, 0);
}

/* What all threads of the process share. Raw calls: glibc's wrappers would look for its own threads. */
static void prepare_process(struct spawn *s, uint32_t number)
{
	const struct wire_spawn *r = s->request;

	close_others(s);
	if ((r->flags & WIRE_SPAWN_MEMPOLICY) &&
	    syscall(SYS_set_mempolicy, r->mempolicy, r->mem_nodes ? &r->mem_nodes : NULL,
		    r->mem_nodes ? WIRE_NODES + 1 : 0))
		fail(s, number, "mempolicy");
	if ((r->flags & (WIRE_SPAWN_UID | WIRE_SPAWN_GID)) && syscall(SYS_setgroups, 0, NULL))
		fail(s, number, "groups");
	if ((r->flags & WIRE_SPAWN_GID) && syscall(SYS_setresgid, r->gid, r->gid, r->gid))
		fail(s, number, "gid");
	if ((r->flags & WIRE_SPAWN_UID) && syscall(SYS_setresuid, r->uid, r->uid, r->uid))
		fail(s, number, "uid");
}

static struct wire_worker *slot_of(struct spawn *s, uint32_t number)
{
	return &s->agent->workers[s->slots[number]];
}

static void wait_at_gate(struct spawn *s)
{
	char c;

	while (read(s->gate[0], &c, 1) < 0 && errno == EINTR)
		;
}

/* `pair` is the process's own copy, or that of the threads' leader for this pair. */
static void become_worker(struct spawn *s, uint32_t number, const int pair[4])
{
	const struct wire_work_type *type = &wire_work_types[s->request->work.type - 1];
	struct work w = {.slot = slot_of(s, number),
			 .phases = &s->agent->phases[s->slots[number] * WIRE_PHASES],
			 .first = slot_of(s, 0),
			 .all = s->agent->workers,
			 .slots = s->slots,
			 .spawn = s->request,
			 .number = number,
			 .file = -1};
	bool odd = number % 2;

	if (type->group)
		w.group = slot_of(s, number - number % type->group);
	if (type->group == 2)
		w.peer = slot_of(s, number ^ 1);
	w.read_fd = pair[odd || (type->flags & WORK_COMMON) ? 0 : 2];
	w.write_fd = pair[odd && !(type->flags & WORK_COMMON) ? 3 : 1];
	prctl(PR_SET_NAME, w.slot->comm);
	w.slot->tgid = getpid();
	w.slot->pid = (int32_t)syscall(SYS_gettid);
	report(s, number, 0, "");
	wait_at_gate(s);
	work_loop(&w);
}

struct thread {
	struct spawn *spawn;
	uint32_t number;
	int pair[4];
};

static void *thread_main(void *argument)
{
	struct thread *t = argument;

	become_worker(t->spawn, t->number, t->pair);
	return NULL;
}

static void start_threads(struct spawn *s)
{
	struct thread *threads = calloc(s->request->workers, sizeof(*threads));
	pthread_attr_t attr;
	pthread_t id;

	if (!threads)
		fail(s, 0, "memory");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (uint32_t i = 0; i < s->request->workers; i++) {
		struct thread *t = &threads[i];

		t->spawn = s;
		t->number = i;
		if (i && !spawn_needs_pipes(s, i))
			memcpy(t->pair, threads[i - 1].pair, sizeof(t->pair));
		else if (spawn_open_pipes(s, t->pair))
			fail(s, i, "pipe");
		if (i && (errno = pthread_create(&id, &attr, thread_main, t)))
			fail(s, i, "thread");
	}
	become_worker(s, 0, threads[0].pair);
}

void worker_process(struct spawn *s, uint32_t number)
{
	prepare_process(s, number);
	if (s->request->flags & WIRE_SPAWN_THREADS)
		start_threads(s);
	else
		become_worker(s, number, s->pair);
	_exit(1);
}
