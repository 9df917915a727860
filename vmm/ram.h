/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest physical memory, shared with QEMU: a field read is a load. The memory is one memfd; a PC
 * machine shows it to the guest in up to two pieces, below and above the 4 GiB hole.
 *
 * Lifetime: owned by the machine; pointers are valid until machine_destroy(). Safe to read while the
 * guest runs (values may tear); consistent only while it is held. Threads: reads from any thread.
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct ram_segment {
	uint64_t phys;   /* first guest-physical address */
	uint64_t offset; /* where it lies in the memfd */
	uint64_t len;    /* bytes */
};

struct ram {
	int fd;          /* the memfd (or a file, in tests) */
	uint8_t *base;   /* the whole of it, mapped shared */
	uint64_t size;   /* bytes */
	struct ram_segment segments[2];
	unsigned int segment_count;
};

/* A memfd of `size` bytes, mapped; q35's split: 2 GiB low when size >= 0xb0000000 bytes. */
struct err *ram_create(uint64_t size, struct ram *ret) __attribute__((warn_unused_result));
/* Maps an existing memory image; read-write, shared. For tests, dumps and --attach. Takes `fd`. */
struct err *ram_open(int fd, struct ram *ret) __attribute__((warn_unused_result));
void ram_deinit(struct ram *ram);

/* Host pointer to [phys, phys + len), NULL unless all of it is RAM in one segment. */
void *ram_at(const struct ram *ram, uint64_t phys, size_t len);

/* Next range of the memfd that holds data at or after `offset` (SEEK_DATA); false at the end. */
int ram_next_data(const struct ram *ram, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end);

#endif
