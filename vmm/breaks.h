/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breaks: instructions at which, and memory at whose writes, a run that heeds them ends (`breaks` of struct
 * machine_stop), with STOP_BREAK. The vCPU stands between two instructions then, and guest time is that
 * of this very moment, which is on no grid. Under the virtual clock breaks leave no trace in the guest's
 * history, whether they are there, heeded, hit, or not.
 */
#ifndef VMM_BREAKS_H
#define VMM_BREAKS_H

#include "vmm/registers.h"

enum break_kind {
	BREAK_ENTRY,  /* before an instruction to which control comes by jump or call: a function's first */
	BREAK_INSIDE, /* before any instruction; code on its page runs slower */
	BREAK_WRITE,  /* behind an instruction of the kernel that wrote there; the kernel runs slower */
	BREAK_STEP,   /* of a hit only: as many instructions as machine_stop asked for are over */
};

struct machine_break {
	enum break_kind kind;
	uint64_t address; /* kernel virtual */
	uint32_t length;  /* BREAK_WRITE: bytes */
};
#define MACHINE_BREAKS_MAX 64

/* ERR_ABSENT: neither breaks nor steps under the real clock, nor with this QEMU. */
struct err *machine_can_break(struct machine *m) __attribute__((warn_unused_result));
/*
 * Held: these, and no others. At a stand within a turn (a hit) a BREAK_WRITE that is new counts from the
 * next point of the grid on. ERR_REFUSED: too many. ERR_ABSENT.
 */
struct err *machine_set_breaks(struct machine *m, const struct machine_break *list, unsigned int count)
	__attribute__((warn_unused_result));

/* Held: of the steps that the last run was to make, those that it did not come to. */
uint64_t machine_steps_left(const struct machine *m);

struct machine_hit {
	enum break_kind kind;
	unsigned int cpu;
	uint64_t pc;   /* of the next instruction; BREAK_WRITE: of the one that wrote */
	uint64_t data; /* BREAK_WRITE: where it wrote */
	struct cpu_registers registers; /* of that vCPU */
};
/* True while the machine is held by a break. */
bool machine_hit(struct machine *m, struct machine_hit *ret);

#endif
