/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wrong words for guest memory, chosen by a seeded generator: flipped bits, impossible numbers,
 * pointers to themselves, to other objects that the same walk reads (cycles, objects of the same
 * and of another type), near them, to nothing, freed and reused memory, and page-table entries of
 * all these kinds.
 */
#ifndef TESTS_DAMAGE_HARM_H
#define TESTS_DAMAGE_HARM_H

#include "tests/damage/memory.h"
#include "tests/damage/trace.h"

/* splitmix64: each walk has a generator of its own, so that it can be repeated alone. */
struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *c);
/* 0..n-1; 0 for n = 0. */
unsigned int chance_of(struct chance *c, unsigned int n);

/* What a walk reads, and the page-table entries among it. */
struct target {
	struct places all, tables;
};

/* One change among the words of `t`; pointers are addresses of the direct map. */
void harm(struct memory *m, const struct target *t, uint64_t direct_map, struct chance *c);

#endif
