/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real clock: holding is QMP `stop`, running is `cont`, and guest time is host time less the time
 * held. A stop is looked for while somebody waits, never before its time. One thread.
 */
#ifndef VMM_RCLOCK_H
#define VMM_RCLOCK_H

#include "vmm/machine.h"
#include "vmm/qemu.h"

struct rclock {
	bool running;
	uint64_t passed;  /* guest ns up to the last hold */
	uint64_t started; /* host_now() of the last run */
	struct machine_stop stop;
	enum machine_stop_reason reason;
};

uint64_t rclock_now(const struct rclock *c);
void rclock_set_origin(struct rclock *c); /* held: guest time 0 is now */
struct err *rclock_run(struct rclock *c, struct qemu *q, const struct machine_stop *stop)
	__attribute__((warn_unused_result));
/* Wait for the stop and hold there. As machine_wait(). */
struct err *rclock_wait(struct rclock *c, struct qemu *q, const struct ram *ram, uint64_t timeout_ns)
	__attribute__((warn_unused_result));
/* QMP stop. ERR_TIMEOUT: it runs again. */
struct err *rclock_hold(struct rclock *c, struct qemu *q, enum machine_stop_reason reason,
			uint64_t timeout_ns) __attribute__((warn_unused_result));

#endif
