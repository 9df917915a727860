/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steal: time in which a vCPU wanted to run and its host did not let it. A kernel keeps it per CPU in
 * kernel_cpustat and shows it in /proc/stat; without a hypervisor's word it stays as it is, so what is
 * put there from outside is all there is.
 *
 * Injected steal is exact: the vCPU stands for that time of the guest's own clock (machine_stall()), and the
 * same amount is added. Threads: the coordinator's.
 */
#ifndef COORD_STEAL_H
#define COORD_STEAL_H

#include "coord/coord.h"

/* ns of steal of `cpu` so far. ERR_ABSENT: this kernel has no such account. */
struct err *steal_read(struct coord *c, unsigned int cpu, uint64_t *ret)
	__attribute__((warn_unused_result));
/* Inside a window. */
struct err *steal_add(struct coord *c, unsigned int cpu, uint64_t ns)
	__attribute__((warn_unused_result));

/*
 * Let `ns` of guest time pass in which the vCPUs [first, first + count) stand, and add what has passed
 * (rounded up to the clock's grid; less when the wait was cut short, with its error) to each one's
 * steal: *ret. ERR_ABSENT under the real clock, ERR_REFUSED while the guest is frozen.
 */
struct err *steal_inject(struct coord *c, unsigned int first, unsigned int count, uint64_t ns,
			 uint64_t *ret) __attribute__((warn_unused_result));

#endif
