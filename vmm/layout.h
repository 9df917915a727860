/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a QEMU that somebody else started shows its memory to the guest: read from `info mtree -f`, which
 * is text of the human monitor; so nothing in it is relied upon but the lines that are understood.
 */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

#include "base/err.h"
#include "vmm/ram.h"

#define LAYOUT_NAME 64

/* A run of guest-physical memory out of one block. What shadows parts of it (the VGA window, a BIOS) is
 * passed over. */
struct layout_run {
	char block[LAYOUT_NAME];
	uint64_t phys;
	uint64_t offset; /* in the block */
	uint64_t len;
	uint64_t seen;   /* an address of the run that is not shadowed */
};

struct layout {
	struct layout_run runs[RAM_SEGMENTS_MAX]; /* ascending */
	unsigned int count;
};

/* `is_memory` says whether a block is the guest's memory, and not a device's. ERR_BAD_DATA: there is none,
 * or it lies in more than RAM_SEGMENTS_MAX places. */
struct err *layout_parse(const char *text, bool (*is_memory)(void *context, const char *block),
			 void *context, struct layout *ret) __attribute__((warn_unused_result));

#endif
