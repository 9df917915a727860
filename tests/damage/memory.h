/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory from a core file that `dump` wrote, whose words can be changed and put back. The
 * log of changes lies in shared memory, so that a parent can undo what a child that crashed did.
 */
#ifndef TESTS_DAMAGE_MEMORY_H
#define TESTS_DAMAGE_MEMORY_H

#include "vmm/ram.h"

#include <stdbool.h>

#define CHANGES_MAX 64
#define CHANGE_BYTES 4096

struct changes {
	unsigned int count;
	struct {
		uint64_t offset, len;
		uint8_t before[CHANGE_BYTES];
	} list[CHANGES_MAX];
};

struct memory {
	struct ram ram;
	struct changes *changes;
};

/* `ret` is zeroed before. */
struct err *memory_load(const char *core, struct memory *ret) __attribute__((warn_unused_result));
void memory_deinit(struct memory *m); /* after a failed load, too */

uint64_t memory_word(const struct memory *m, uint64_t offset);
/* Changes of at most CHANGE_BYTES each; those that do not fit into the log are not made. */
void memory_change(struct memory *m, uint64_t offset, const void *bytes, uint64_t len);
void memory_undo(struct memory *m);
/* Of everything in it, to see that nothing was changed by itself. */
uint64_t memory_sum(const struct memory *m);

#endif
