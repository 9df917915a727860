/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of small numbers (CPUs, nodes) as words of 64 bits, the notation "0-2,5" (parse_list() reads it). */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define MASK_WORDS(bits) (((bits) + 63) / 64)

static inline bool mask_test(const uint64_t *mask, unsigned int bit)
{
	return mask[bit / 64] >> bit % 64 & 1;
}

static inline void mask_set(uint64_t *mask, unsigned int bit)
{
	mask[bit / 64] |= 1ULL << bit % 64;
}

/* The first that is set from `from` on, `bits` when there is none. */
unsigned int mask_next(const uint64_t *mask, unsigned int bits, unsigned int from);
unsigned int mask_count(const uint64_t *mask, unsigned int bits);
/* "0-2,5" appended, nothing for the empty set. */
void mask_list(const uint64_t *mask, unsigned int bits, struct str *s);

#endif
