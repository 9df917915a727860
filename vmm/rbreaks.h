/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breaks under the real clock, through QEMU's debug stub (vmm/stub.h), which is asked for with the
 * first one. Who runs the machine by the stub hears of it by the stub; a run that heeds no breaks
 * is QMP's, and they are taken out for it. Part of vmm/rclock.c, which has the time. One thread.
 *
 * A hot watchpoint does not hang the guest: after two hits within 200 us of guest time it rests for
 * as long, and nobody learns of the writes of that time.
 */
#ifndef VMM_RBREAKS_H
#define VMM_RBREAKS_H

#include "vmm/stub.h"

struct rbreaks {
	struct stub *stub; /* NULL: nobody asked for a break yet */
	struct machine_break list[MACHINE_BREAKS_MAX];
	unsigned int count;
	bool inserted; /* those of the list, */
	bool resting;  /* but for the watchpoints, until guest time `rested` */
	uint64_t rested;
	bool driving;	/* the run is the stub's */
	uint64_t steps; /* of the run, that are left; 0: it does not step */
	unsigned int step_cpu;
	bool heeded;
	bool stands; /* at a break that is wanted */
	bool came;   /* the guest goes on from `hit`, wanted or not */
	struct machine_hit hit;
};

/* Held. These and no others; `qmp` is asked for the stub. Errors of stub_open() and stub_insert(),
 * after which it is those of before. */
struct err *rbreaks_set(struct rbreaks *b, struct qmp *qmp, const struct machine_break *list,
			unsigned int count) __attribute__((warn_unused_result));
/* Whether a run to `stop` is the stub's. */
bool rbreaks_wanted(const struct rbreaks *b, const struct machine_stop *stop);
/* Held. Begin a run that `stop` asks for, if it is the stub's; *ret false: it is QMP's. `now`:
 * guest ns. */
struct err *rbreaks_run(struct rbreaks *b, struct qmp *qmp, const struct machine_stop *stop,
			uint64_t now, bool *ret) __attribute__((warn_unused_result));
/*
 * While the stub drives: wait up to `timeout_ns` of host time for the run's end. One that nobody
 * wants to hear of is passed over, at once. *ret true: it stands, at a break when `stands` says so.
 */
struct err *rbreaks_wait(struct rbreaks *b, uint64_t timeout_ns, uint64_t now, bool *ret)
	__attribute__((warn_unused_result));
/* After QMP stopped a run of the stub's, which says so too. A break may have come first. */
struct err *rbreaks_stopped(struct rbreaks *b) __attribute__((warn_unused_result));
/* The rest of a watchpoint is over: the run has to be begun anew. */
bool rbreaks_is_due(const struct rbreaks *b, uint64_t now);
/* Held. Give the stub up. `qmp` NULL: QEMU is gone. */
void rbreaks_deinit(struct rbreaks *b, struct qmp *qmp);

#endif
