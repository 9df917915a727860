/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A round damages the memory, makes some walks as commands in one frozen window would, and repairs
 * it. Round I of a seed is always the same.
 */
#ifndef TESTS_DAMAGE_ROUNDS_H
#define TESTS_DAMAGE_ROUNDS_H

#include "tests/damage/harm.h"
#include "tests/damage/walks.h"

/* What is known of one line's walks. */
struct tally {
	uint64_t answers, errors;
	uint64_t ns, worst_ns, worst_round, worst_bytes;
};

/* In memory shared by parent and children. */
struct progress {
	uint64_t round; /* that runs, or is next */
	unsigned int line;
	bool running;
	struct tally tallies[]; /* by line */
};

struct rounds {
	struct memory memory;
	struct walks *walks;
	struct target *targets; /* by line */
	uint8_t *tables;	/* by page: it is a page table */
	uint64_t sum;		/* of the memory when whole */
	struct progress *progress;
	uint64_t seed;
	bool verbose;
};

/* `r` is zeroed before; deinit after a failure, too. */
struct err *rounds_init(struct rounds *r, const char *core) __attribute__((warn_unused_result));
void rounds_deinit(struct rounds *r);

/* Make the round that progress says. Ends the process where a walk does what it must not. */
void rounds_do(struct rounds *r);
/* Whether the memory is as it was loaded. */
bool rounds_is_whole(const struct rounds *r);

#endif
