/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a task does not run: one sentence, and the facts that it rests on, from one frozen window.
 *
 * A verdict says only what the window proves. "No CPU takes from this queue" needs a CPU that could
 * have and did not: one that went through the scheduler after the task was queued and idles; "never
 * kicked" needs one that did not. Where the facts do not decide, the sentence names what was ruled
 * out. Guest memory is hostile: what cannot be read is left out of the facts.
 *
 * Not responsible for the past (what a thing was a second ago is not in memory). Inside the model's
 * window. Threads: one at a time.
 */
#ifndef COORD_WHY_H
#define COORD_WHY_H

#include "base/err.h"
#include "base/str.h"
#include "coord/kernel.h"
#include "coord/model.h"
#include "vmm/machine.h"

#include <stdint.h>

enum why_verdict {
	WHY_RUNS,
	WHY_RUNS_MASKED,    /* runs, but its CPU takes no timer interrupts */
	WHY_DEAD,	    /* zombie, or gone but for its task_struct */
	WHY_STOPPED,	    /* by a signal or a tracer */
	WHY_FROZEN,	    /* by its cgroup's freezer */
	WHY_BLOCKED,	    /* waits in the kernel for something */
	WHY_MOVING,	    /* between two run queues */
	WHY_THROTTLED,	    /* its cgroup, or the class, has used up its quota */
	WHY_HIGHER_CLASS,   /* its CPU runs a class that comes first */
	WHY_CPU_MASKED,	    /* what runs on its CPU keeps interrupts off */
	WHY_STOLEN,	    /* the host did not run the vCPU, or it may be so */
	WHY_NOT_KICKED,	    /* a CPU that could take it idles and was not woken */
	WHY_ABOUT_TO_RUN,   /* its CPU was told to reschedule just now */
	WHY_BEHIND,	    /* its turn has not come on its CPU */
	WHY_BYPASS,	    /* the kernel bypasses the scheduler */
	WHY_NOT_CONSUMED,   /* in a dispatch queue from which CPUs that could do not take it */
	WHY_AFFINITY,	    /* in a dispatch queue of CPUs that it may not use */
	WHY_DSQ_TURN,	    /* in a dispatch queue, and all its CPUs are busy */
	WHY_NOT_DISPATCHED, /* the BPF scheduler has it and did not dispatch it */
	WHY_UNKNOWN
};
/* "runs", "not consumed", ... */
const char *why_verdict_name(enum why_verdict v);

struct why_fact {
	const char *key; /* static; lower case */
	char *text;	 /* owned */
};
#define WHY_FACTS 20

struct why_answer {
	int task; /* index into the model's tasks */
	enum why_verdict verdict;
	struct maybe waited; /* ns since it became runnable, or blocked; a lower bound */
	char *sentence;	     /* without the task's name: "waits ..." */
	struct why_fact facts[WHY_FACTS];
	unsigned int fact_count;
};
void why_answer_deinit(struct why_answer *a);

struct why;
/* Borrows all for its life. `machine` (held) may be NULL: then no registers are looked at. */
struct err *why_create(struct kernel *k, const struct model *m, struct machine *machine,
		       struct why **ret) __attribute__((warn_unused_result));
void why_destroy(struct why *w); /* NULL is fine */

/* `task` is an index into the model's tasks. */
struct err *why_task(struct why *w, int task, struct why_answer *ret)
	__attribute__((warn_unused_result));

/*
 * The tasks that are worst off, worst first: runnable without running for 100 ms or more, blocked
 * uninterruptibly for a second, or running with interrupts off. At most `max` indexes; returns how
 * many there are in all.
 */
unsigned int why_worst(struct why *w, int *tasks, unsigned int max);

/* Whether the kernel took the last scheduler off, or it ended, and none came since, by the kernel's
 * log: "NAME: runnable task stall: NAME: ..." is appended, *ret_ago is in ns. */
bool why_scheduler_ended(struct kernel *k, const struct model *m, struct str *s, uint64_t *ret_ago);

#endif
