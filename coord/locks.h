/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler's locks that are held in one frozen window, and who waits for them.
 *
 * A mutex names its owner. A queued spinlock only says that it is held and whether somebody waits:
 * waiters are found by their registers (a CPU inside the slow path has the lock's address in one),
 * and the holder is among the CPUs that stand in the kernel with interrupts off and do not wait.
 * Inside the model's window. Threads: one at a time.
 */
#ifndef COORD_LOCKS_H
#define COORD_LOCKS_H

#include "base/err.h"
#include "base/mask.h"
#include "coord/kernel.h"
#include "coord/model.h"
#include "vmm/machine.h"

#define LOCKS_CPUS 256

struct lock_state {
	char name[64]; /* "rq 0", "dsq 0x1", "scx_enable_mutex" */
	uint64_t address;
	bool is_mutex;
	int owner; /* mutex: index into the model's tasks, -1: unknown */
	/* Spinlocks. CPUs that spin for it; CPUs of which one holds it (both may be empty). */
	uint64_t spinners[MASK_WORDS(LOCKS_CPUS)], candidates[MASK_WORDS(LOCKS_CPUS)];
};

/* Those that are held now; caller frees. `machine` NULL: no registers, so neither spinners nor
 * candidates. */
struct err *locks_held(struct kernel *k, const struct model *m, struct machine *machine,
		       struct lock_state **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result));

#endif
