/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a piece of code reads guest memory: its pages are taken away, each load then faults, is
 * noted, and runs alone with its page back in place. Needs nothing of the code; slow (microseconds
 * a load), so a page that is copied or read very often is no longer looked at. x86-64. One trace at
 * a time.
 */
#ifndef TESTS_DAMAGE_TRACE_H
#define TESTS_DAMAGE_TRACE_H

#include "vmm/ram.h"

/* The words of memory that were read, as offsets (multiples of 8) in rising order, each once. */
struct places {
	uint32_t *words; /* offset / 8 */
	unsigned int count;
};

struct err *trace_run(const struct ram *ram, void (*code)(void *context), void *context,
		      struct places *ret) __attribute__((warn_unused_result));
void places_deinit(struct places *p);

#endif
