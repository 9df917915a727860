/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ktdbg's half of the virtual clock: the control page (vmm/vclock_page.h), and waiting for the plugin.
 * Never uses QMP, which does not answer while the guest stands. One thread.
 */
#ifndef VMM_VCLOCK_H
#define VMM_VCLOCK_H

#include "vmm/machine.h"
#include "vmm/qemu.h"
#include "vmm/vclock_page.h"

struct vclock {
	int fd; /* of the page, for QEMU */
	struct vclock_page *page;
};

/* A page on which the guest, once started, stands at its first point. */
struct err *vclock_init(struct vclock *v) __attribute__((warn_unused_result));
void vclock_deinit(struct vclock *v); /* a zeroed one is fine */

/* The plugin for a QEMU of this version ("7.2.22 (...)"); caller frees. */
struct err *vclock_plugin(const char *qemu_version, char **ret) __attribute__((warn_unused_result));

/* Held, both: what was asked for of another clock stays asked for of this one, whose guest takes over: the
 * quantum, pacing, spies. Breaks are set anew. */
void vclock_take_over(struct vclock *v, const struct vclock *from);

bool vclock_held(const struct vclock *v);
uint64_t vclock_now(const struct vclock *v);
/* Held: make this instant guest time `time` and count the points from time 0. */
void vclock_set_time(struct vclock *v, uint64_t time);
void vclock_set_quantum(struct vclock *v, const struct quantum *q); /* held */
void vclock_set_paced(struct vclock *v, bool paced);

/* Held: let it run until `stop`. ERR_USAGE when the watched address is no RAM or not aligned. */
struct err *vclock_run(struct vclock *v, const struct ram *ram, const struct machine_stop *stop)
	__attribute__((warn_unused_result));
/* Wait until it stands. ERR_TIMEOUT, ERR_GUEST_DIED, ERR_INTERRUPTED. */
struct err *vclock_wait(struct vclock *v, struct qemu *q, uint64_t timeout_ns)
	__attribute__((warn_unused_result));
/* Held: a vCPU's registers as of now, borrowed until the next call. ERR_ABSENT: QEMU hides them. */
struct err *vclock_registers(struct vclock *v, struct qemu *q, unsigned int cpu,
			     const struct vclock_cpu **ret) __attribute__((warn_unused_result));
/* Held: vCPU `cpu` executes nothing from now on until the first point at or after guest time `until`; a
 * stall that is not over is changed. ERR_ABSENT: this QEMU cannot. */
struct err *vclock_stall(struct vclock *v, unsigned int cpu, uint64_t until)
	__attribute__((warn_unused_result));
uint64_t vclock_stalled_until(const struct vclock *v, unsigned int cpu); /* 0: it is not */
/* Held: an NMI to every vCPU at this instant. ERR_ABSENT. */
struct err *vclock_nmi(struct vclock *v) __attribute__((warn_unused_result));
/* Held at a point: still held there, but so that QEMU takes up a `stop` that is sent, by when the guest is
 * let go. */
struct err *vclock_stand_unlocked(struct vclock *v, struct qemu *q, const struct ram *ram,
				  uint64_t timeout_ns) __attribute__((warn_unused_result));
/* Ask it to stand at the next point; follow with vclock_wait(). */
void vclock_request_hold(struct vclock *v);
void vclock_withdraw_hold(struct vclock *v);
/* Why it stands. */
enum machine_stop_reason vclock_reason(const struct vclock *v);
/* Held: stand at each write to one of these, see machine_spy(). ERR_ABSENT: this QEMU cannot. */
struct err *vclock_spy(struct vclock *v, const struct machine_spy *spies, unsigned int count, uint64_t every)
	__attribute__((warn_unused_result));
/* Held: whose write it stands at. */
unsigned int vclock_spy_hit(const struct vclock *v);
uint64_t vclock_spy_writes(const struct vclock *v, unsigned int i);

#endif
