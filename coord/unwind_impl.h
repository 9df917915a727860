/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the unwinder's parts share. Private to coord/unwind*.c. */
#ifndef COORD_UNWIND_IMPL_H
#define COORD_UNWIND_IMPL_H

#include "coord/unwind.h"

/* IRQ, NMI, DF, DB, MCE, VC, VC2, entry, and the task's own. */
#define STACK_RANGES 10
struct stack_range {
	uint64_t low, high; /* `high` excluded */
};
struct stack_ranges {
	struct stack_range ranges[STACK_RANGES];
	unsigned int count;
};

/* The stacks that a CPU keeps for interrupts, exceptions and the way into the kernel, as far as
 * this kernel's types and symbols tell. */
void unwind_cpu_stacks(struct kernel *k, unsigned int cpu, struct stack_ranges *ret);

#endif
