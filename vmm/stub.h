/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's debug stub (gdb's remote protocol), as a client of its own on a private socket pair: no
 * listener, no file. Breakpoints are always hardware ones: under KVM those of the vCPU's debug
 * registers, of which there are four, under TCG a list of QEMU's; guest memory is never changed.
 *
 * A stop of the stub's is a stop of the machine, as QMP's `stop` is, and either may end what the
 * other began. While the guest runs QEMU takes any byte for a wish to stop: all but stub_stopped()
 * and stub_fd() need a guest that stands.
 *
 * Not responsible for what is inserted where, nor for going on from a breakpoint. The peer is not
 * trusted: replies are bounded and checked. Errors: ERR_QMP for a conversation that went wrong. One
 * thread.
 */
#ifndef VMM_STUB_H
#define VMM_STUB_H

#include "vmm/breaks.h"
#include "vmm/qmp.h"

struct stub;

/* Held. ERR_REFUSED: the stub is somebody else's. */
struct err *stub_open(struct qmp *qmp, struct stub **ret) __attribute__((warn_unused_result));
/* What is inserted sits in the vCPUs' debug registers, which stop a vCPU also where it is to be
 * stepped. */
bool stub_is_kvm(const struct stub *s);
/* Held: what was inserted is taken away, and the stub given up. `qmp` NULL: QEMU is gone. NULL is
 * fine. */
void stub_close(struct stub *s, struct qmp *qmp);
/* The conversation alone, with a connected stream socket, which it takes. */
struct err *stub_create(int fd, bool kvm, struct stub **ret) __attribute__((warn_unused_result));

/* What is inserted already, or not at all, is passed over. ERR_REFUSED: more than the vCPUs' debug
 * registers can hold, or what they cannot watch. */
struct err *stub_insert(struct stub *s, const struct machine_break *what)
	__attribute__((warn_unused_result));
struct err *stub_remove(struct stub *s, const struct machine_break *what)
	__attribute__((warn_unused_result));

/* Of the vCPU that stopped. */
struct err *stub_registers(struct stub *s, struct cpu_registers *ret)
	__attribute__((warn_unused_result));
/*
 * Over the instruction at `pc`, before which a vCPU stopped, if that does nothing, as what
 * functions begin with: much cheaper than to execute it. *ret false: it does something.
 */
struct err *stub_skip(struct stub *s, uint64_t pc, bool *ret) __attribute__((warn_unused_result));

struct err *stub_continue(struct stub *s) __attribute__((warn_unused_result));
/* One instruction of vCPU `cpu`, at which nothing is inserted; its interrupts wait. `alone`: the
 * others stand meanwhile, and with them the time. */
struct err *stub_step(struct stub *s, unsigned int cpu, bool alone)
	__attribute__((warn_unused_result));

#define STUB_TRAP                                                                                  \
	5 /* a breakpoint, a watchpoint, the end of a step; QMP's stop is another signal */

struct stub_stop {
	unsigned int signal;
	unsigned int cpu;
	bool watch;
	uint64_t address; /* of the watchpoint, as it was inserted */
};
/* After stub_continue() or stub_step(), wait up to `timeout_ns` of host time for the end of the
 * run. False: the guest still runs, as far as the stub knows. */
struct err *stub_stopped(struct stub *s, uint64_t timeout_ns, bool *ret_stopped,
			 struct stub_stop *ret) __attribute__((warn_unused_result));
/* Readable when there may be news of a run. */
int stub_fd(const struct stub *s);

#endif
