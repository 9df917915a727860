/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bundled schedulers, guest/sched/NAME.bpf.c, with the modes of those that take one: one table for
 * the host (`sched list`, help, options that are checked before a boot) and for the loader inside the
 * guest, which turns a mode's name into its number. The programs themselves use the numbers only.
 */
#ifndef GUEST_WIRE_SCHED_H
#define GUEST_WIRE_SCHED_H

enum wire_broken_mode {
	BROKEN_STRAND = 1,
	BROKEN_AFFINITY,
	BROKEN_NO_KICK,
	BROKEN_STARVE,
	BROKEN_WRONG_CPU,
	BROKEN_INIT_TASK,
	BROKEN_LOOP,
	BROKEN_KEEP_LAST,
	BROKEN_RACE,
};

/* From a scheduler to its loader, when it ends. */
struct sched_exit {
	int kind; /* enum scx_exit_kind of the kernel */
	char reason[128];
	char message[1024];
};

#ifndef __bpf__

struct wire_sched_mode {
	const char *name;
	const char *summary; /* no full stop */
};

struct wire_sched {
	const char *name;
	const char *summary;
	const struct wire_sched_mode *modes; /* entry i is mode i + 1; ends with a NULL name; NULL: none */
};

static const struct wire_sched_mode wire_broken_modes[] = {
	{"strand", "user tasks wait in a dispatch queue that no CPU consumes"},
	{"affinity", "user tasks that may not run on every CPU are enqueued nowhere"},
	{"no-kick", "user tasks wait for the next CPU, which sleeps and is not kicked"},
	{"starve", "the first user task runs only where a CPU has nothing else to do"},
	{"wrong-cpu", "user tasks are dispatched to a CPU that does not exist: a kernel error"},
	{"init-task", "init_task returns an error for user tasks: it cannot be attached"},
	{"loop", "dispatch loops with interrupts off as long as its variable `looping` is 1"},
	{"keep-last", "a task that wants to go on keeps its CPU for ever"},
	{"race", "a CPU looks at its queue and then falls asleep: a wakeup in between is lost"},
	{0},
};

static const struct wire_sched wire_schedulers[] = {
	{"fifo", "one queue for the whole machine, first come, first served", 0},
	{"vtime", "one queue for the whole machine, ordered by virtual time: fair by weight", 0},
	{"percpu", "a queue for each CPU, and idle CPUs steal", 0},
	{"llc", "a queue for each last-level cache; CPUs of others help when they idle", 0},
	{"central", "one CPU decides what all others run", 0},
	{"broken", "goes wrong in a way that is chosen by its mode", wire_broken_modes},
	{0},
};

#endif
#endif
