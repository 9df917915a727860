/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real clock: holding is QMP `stop`, running is `cont`, and guest time is host time less the time
 * held. A stop is looked for while somebody waits, never before its time. One thread.
 *
 * A hold may also be one that the guest's clock does not know of: the whole process is stopped by a
 * signal, so that its clock runs on, and the guest misses the time (the gap). QMP does not answer
 * then.
 */
#ifndef VMM_RCLOCK_H
#define VMM_RCLOCK_H

#include "vmm/machine.h"
#include "vmm/qemu.h"
#include "vmm/rbreaks.h"

struct rclock {
	bool running;
	uint64_t passed;  /* guest ns up to the last hold */
	uint64_t started; /* host_now() of the last run */
	uint64_t stopped; /* host_now() since when a signal holds the process and no gap was taken; 0: none does */
	struct machine_stop stop;
	enum machine_stop_reason reason;
	struct rbreaks breaks;
};

/* Give up what it has of QEMU, which may be gone (NULL); it is zeroed. */
void rclock_deinit(struct rclock *c, struct qemu *q);
uint64_t rclock_now(const struct rclock *c);
void rclock_set_origin(struct rclock *c); /* held: guest time 0 is now */
struct err *rclock_run(struct rclock *c, struct qemu *q, const struct machine_stop *stop)
	__attribute__((warn_unused_result));
/* Hold so that the guest's clock runs on. */
struct err *rclock_hold_as_gap(struct rclock *c, struct qemu *q) __attribute__((warn_unused_result));
/* ns that the guest's clock ran on for since then, or since the last call: they count as passed now. */
uint64_t rclock_take_gap(struct rclock *c);
/* Wait for the stop and hold there. As machine_wait(). */
struct err *rclock_wait(struct rclock *c, struct qemu *q, const struct ram *ram, uint64_t timeout_ns)
	__attribute__((warn_unused_result));
/* Without waiting: take note of a break that was hit, and let a watchpoint that has rested count again. */
struct err *rclock_look(struct rclock *c, struct qemu *q) __attribute__((warn_unused_result));
/* QMP stop. ERR_TIMEOUT: it runs again. */
struct err *rclock_hold(struct rclock *c, struct qemu *q, enum machine_stop_reason reason,
			uint64_t timeout_ns) __attribute__((warn_unused_result));

#endif
