/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a breakpoint costs whose condition is never true: ktdbg's under both clocks, and gdb's over
 * the debug stub of the same QEMU, at the same function of the same guest, in which four tasks
 * yield without end.
 *
 * What takes minutes is measured for some hits and told for a million.
 */
#ifndef BENCH_MISSES_H
#define BENCH_MISSES_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define MISSES 1000000

struct misses {
	uint64_t virtual_ns; /* host time of MISSES hits, without that which the guest needs by
				itself */
	uint64_t guest_ns;   /* host time that the guest needed by itself meanwhile */
	uint64_t real_hits;  /* measured under the real clock, */
	uint64_t real_ns;    /* told for MISSES */
	bool has_gdb;
	uint64_t gdb_hits, gdb_ns; /* the same by gdb */
};

/* `folder` is for a socket. */
struct err *misses_measure(const char *folder, struct misses *ret)
	__attribute__((warn_unused_result));

#endif
