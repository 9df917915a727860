/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same picture as drgn takes it: every task with the same members, its CPUs and its cgroup, on an ELF
 * core of the same instant. $KTDBG_DRGN names the program, else it is looked for on PATH; $KTDBG_VMLINUX is the
 * file with the kernel's debug information, without which drgn may know no types.
 */
#ifndef BENCH_DRGN_H
#define BENCH_DRGN_H

#include "coord/coord.h"

struct drgn {
	const char *why_not; /* NULL: measured; static */
	uint64_t walk_ns;    /* without its start */
	unsigned int tasks;
};

/* In a window; the core and the script go to `folder`. */
struct err *drgn_measure(struct coord *c, const char *folder, struct drgn *ret)
	__attribute__((warn_unused_result));

#endif
