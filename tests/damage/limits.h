/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a walk may cost. Beyond it the process says so, shows where it is, and ends. Memory is
 * counted in builds with sanitizers only, which tell of each allocation.
 */
#ifndef TESTS_DAMAGE_LIMITS_H
#define TESTS_DAMAGE_LIMITS_H

#include <stdint.h>

/* Under the sanitizers, which cost a factor of three to ten; an undamaged walk takes milliseconds.
 */
#define LIMIT_CPU_MS 5000
#define LIMIT_BYTES (256 << 20)

struct cost {
	uint64_t ns;	/* CPU time */
	uint64_t bytes; /* held at most at a time, beyond what was held before */
};

void limits_init(void);
void limits_begin(void);
struct cost limits_end(void);

/* "WHY: TEXT", where it happened, and the end. */
void damage_fail(const char *why, const char *text) __attribute__((noreturn));

#endif
