/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What machine.c (the facade), boot.c (from nothing to ready) and warm.c (the saved machines) share.
 * Nobody else includes this.
 */
#ifndef VMM_MACHINE_IMPL_H
#define VMM_MACHINE_IMPL_H

#include "base/file.h"
#include "vmm/budget.h"
#include "vmm/console.h"
#include "vmm/machine.h"
#include "vmm/qemu.h"
#include "vmm/rclock.h"
#include "vmm/runstate.h"
#include "vmm/topology.h"
#include "vmm/vclock.h"

struct cpu_registers; /* vmm/registers.h */
struct still;	       /* vmm/still.h */

struct machine {
	struct machine_info info; /* its strings are the ones below */
	struct machine_callbacks callbacks;
	char *program;            /* path of QEMU */
	char *qemu_version;
	char *kernel;
	char *append;             /* the whole kernel command line */
	char *plugin;
	char *gdb_socket;
	char image_hash[SHA256_TEXT];
	char saved_hash[SHA256_TEXT];
	char accel_reason[200];
	int initrd_fd;            /* memfd, all archives in one; -1: none */
	struct budget budget;     /* cpus 0, no pin: not confined */
	uint64_t boot_timeout;

	struct ram ram;
	struct console serial, debug;
	struct qemu qemu;
	struct vclock vclock;     /* one of the two */
	struct rclock rclock;
	uint64_t debug_read;      /* bytes of the debug port that were looked at */
	uint64_t serial_read;     /* looked at for a panic, */
	uint64_t mailbox_read;    /* and for the mailbox */
	uint64_t mailbox;
	int poll_fd;
	int tids[TOPOLOGY_CPUS_MAX];
	unsigned int tid_count;
	struct runstates runstates; /* real clock */
	struct still *still;        /* NULL: it is a machine that lives */
	uint64_t restore_gap;       /* ns that a restore moved the guest's clock by, not taken yet */
};

static inline bool is_virtual(const struct machine *m)
{
	return m->info.clock == CLOCK_VIRTUAL && !m->still;
}

/* boot.c */
struct machine *machine_new(void); /* NULL: no memory */
/* It has no QEMU, memory, consoles, clocks: none is its own. */
void machine_without_process(struct machine *m);
void machine_progress(struct machine *m, const char *what);
/* RAM, consoles, clock and the QEMU process, stopped before its first instruction. */
struct err *machine_spawn(struct machine *m, bool incoming) __attribute__((warn_unused_result));
/* QMP negotiated, vCPU threads known and confined. */
struct err *machine_talk(struct machine *m) __attribute__((warn_unused_result));
/* vCPU threads known, ends watched. */
struct err *machine_look_at_threads(struct machine *m) __attribute__((warn_unused_result));
/* attach.c: leave an attached machine as it was found. */
void machine_let_go(struct machine *m);
/* still.c */
void machine_forget_still(struct machine *m);
struct err *machine_still_registers(const struct machine *m, unsigned int cpu, struct cpu_registers *ret)
	__attribute__((warn_unused_result));
/* ERR_REFUSED: nothing runs in a still. */
struct err *machine_still_stands(void) __attribute__((warn_unused_result));
/* Undo it; the machine can be started again. */
void machine_stop_qemu(struct machine *m);
/* Let the stopped QEMU go, until the machine is held by its clock. */
struct err *machine_first_hold(struct machine *m) __attribute__((warn_unused_result));
/* Boot the kernel until the agent is ready and the guest has settled; held. */
struct err *machine_cold_boot(struct machine *m) __attribute__((warn_unused_result));
/* host.c: QEMU's threads where the budget wants them. */
struct err *machine_confine(struct machine *m) __attribute__((warn_unused_result));
/* host.c: the account of what the host does with the vCPUs begins now. */
struct err *machine_begin_runstates(struct machine *m) __attribute__((warn_unused_result));
/* Guest time 0 is now, with the session's own quantum. */
void machine_set_origin(struct machine *m, const struct quantum *quantum);

#endif
