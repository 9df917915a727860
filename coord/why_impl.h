/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of `why` share. Private to coord/why*.c. */
#ifndef COORD_WHY_IMPL_H
#define COORD_WHY_IMPL_H

#include "base/mask.h"
#include "coord/code.h"
#include "coord/object.h"
#include "coord/unwind.h"
#include "coord/why.h"
#include "vmm/registers.h"

#include <stdbool.h>

#define WHY_CPUS 1024
/* A CPU may take this long from a wake-up to the task; what waits longer was not taken. */
#define PROMPT_NS 20000000ull

struct cpu_set {
	uint64_t bits[MASK_WORDS(WHY_CPUS)];
};

struct why {
	struct kernel *kernel;
	const struct model *model;
	struct machine *machine; /* NULL: registers are not to be had */
	struct code code;
	bool unwind_tried, dsqs_read;
	struct unwind *unwind; /* why_unwind() */
	struct unwind_trace *trace;
	uint64_t now; /* the latest run queue clock, ns */
	uint64_t
		*last_run; /* of each CPU: when one of its tasks last ran, ns; NULL: not read yet */
	struct model_dsq *dsqs; /* why_dsq() */
	unsigned int dsq_count;
	char **scheduling; /* of each CPU, why_scheduling(): "" it is not, NULL not looked at yet */
	struct field last_arrival, last_queued, exec_start, delayed, blocked_on, frozen;
};

/* One question: the task, what is known of it, and the answer as it grows. */
struct question {
	struct why *why;
	int index;
	const struct model_task *task;
	const struct model_cpu *cpu; /* its run queue's; NULL: out of range */
	struct model_detail detail;
	struct cpu_set allowed;
	uint64_t queued; /* when it was queued, by its queue's clock, ns; 0: unknown */
	struct why_answer *answer;
};

/* Set the verdict and its sentence; the first one stands. Returns true. */
bool why_say(struct question *q, enum why_verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void why_fact(struct question *q, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Read when first asked for, since an expression may ask `why` at every point of a run. NULL: this
 * kernel's stacks cannot be walked; there is no such dispatch queue. */
struct unwind *why_unwind(struct why *w);
const struct model_dsq *why_dsq(struct why *w, uint64_t address);

/* "4.210s": as durations are shown everywhere. */
struct why_text {
	char text[64];
};
struct why_text why_time(uint64_t ns);
/* "17 kworker/0:1", cleaned. */
struct why_text why_name(const struct model_task *t);

/* "it runs", "it waits for a CPU", "it sleeps" */
const char *why_doing(const struct model_task *t);
/* When the struct hrtimer at `timer` fires, ns from now; false: it is not set, or cannot be read.
 */
bool why_timer_left(struct why *w, uint64_t timer, int64_t *ret);

/* "0-2,5" or "none"; caller frees. */
char *why_cpus(const struct cpu_set *set);

/* ns from a run queue's clock to now. Its own queue's clock stands while a CPU idles: the latest of
 * all clocks is now. */
uint64_t why_since(const struct why *w, uint64_t clock);
/* How long it has been runnable without running, ns; also finds `queued`. */
uint64_t why_waited(struct question *q);
/* When a task of CPU `cpu` last ran, at least: the CPU went through the scheduler after it. ns. */
uint64_t why_last_run(struct why *w, unsigned int cpu);
/* A CPU inside __schedule() neither idles nor runs what is still current there. Where it is:
 * "bpf:f_dispatch"; NULL: it is not, or nobody can tell. */
const char *why_scheduling(struct why *w, const struct model_cpu *cpu);
/* The CPU has not seen a tick for a while although it should: ns, else 0. */
uint64_t why_masked(struct why *w, const struct model_cpu *cpu);
/* Of who waits for such a CPU: WHY_CPU_MASKED, or WHY_STOLEN as long as the host may be why. */
enum why_verdict why_masked_verdict(struct why *w, const struct model_cpu *cpu);
/* "cpu 2 takes no interrupts for 3s: 12 hog keeps them off in bpf:f". */
struct why_sentence {
	char text[224];
};
struct why_sentence why_masked_text(struct why *w, const struct model_cpu *cpu);
/* ", with 9.210s of its slice left": the turn of a running task is so long that others wait; else
 * "". */
struct why_text why_slice(const struct model_task *t);
/* How long a CPU's current task has had it, ns. */
uint64_t why_current_for(struct why *w, const struct model_cpu *cpu);

/* It waits in a queue of its own class. */
void why_own_queue(struct question *q);
/* Its cgroups, or its class, have used up what they may run; says so. False: they have not. */
bool why_throttled(struct question *q);
/* It waits in the queue of CPU `cpu`, `ahead` tasks before it (-1: not known). */
void why_on_cpu(struct question *q, const struct model_cpu *cpu, int ahead);
/* It waits under sched_ext; false: nothing there says so. */
bool why_ext(struct question *q);
/* It sleeps. */
void why_blocked(struct question *q);

#endif
