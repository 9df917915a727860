/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest physical memory, shared with QEMU: a field read is a load. The memory is a row of memfds, one
 * for each NUMA node (one in all without NUMA), mapped one after the other; a PC machine shows it to
 * the guest in up to two segments, below and above the 4 GiB hole. A QEMU that somebody else started may
 * have more of each, and may not share them: then this is a copy that fills itself.
 *
 * Lifetime: owned by the machine; pointers are valid until machine_destroy(). Safe to read while the
 * guest runs (values may tear); consistent only while it is held. Threads: reads from any thread.
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ram_segment {
	uint64_t phys;   /* first guest-physical address */
	uint64_t offset; /* where it lies in the mapping */
	uint64_t len;    /* bytes */
};

#define RAM_SEGMENTS_MAX 8
#define RAM_PIECES_MAX 8
struct ram_piece {
	int fd;
	uint64_t start;  /* of its bytes in the file */
	uint64_t offset; /* where it lies in the mapping */
	uint64_t len;    /* bytes */
};

struct ram {
	int fd;          /* of the first piece: the only one without NUMA, and for ram_open() */
	uint8_t *base;   /* the whole of it, mapped shared */
	uint64_t size;   /* bytes */
	struct ram_segment segments[RAM_SEGMENTS_MAX];
	unsigned int segment_count;
	struct ram_piece pieces[RAM_PIECES_MAX];
	unsigned int piece_count;
	struct ram_copy *copy; /* NULL: it is shared. Else `base` is a copy of a process's memory, and the
				* pieces' files are that memory (vmm/ram_copy.h) */
	struct ram_pages *pages; /* NULL: all of it is there. Else only these are (vmm/ram_pages.h) */
};

/* A memfd of `size` bytes, mapped; q35's split: 2 GiB low when size >= 0xb0000000 bytes. */
struct err *ram_create(uint64_t size, struct ram *ret) __attribute__((warn_unused_result));
/* The same as `pieces` (1..RAM_PIECES_MAX) memfds of about equal size, in whole MiB each. */
struct err *ram_create_pieces(uint64_t size, unsigned int pieces, struct ram *ret)
	__attribute__((warn_unused_result));
/* Maps an existing memory image; read-write, shared. For tests, dumps and --attach. Takes `fd`,
 * on failure too. */
struct err *ram_open(int fd, struct ram *ret) __attribute__((warn_unused_result));
/* Maps `ram->pieces`, which the caller has filled in with the segments and the size: shared, or as a copy.
 * Not the owner of `ram` when it fails: ram_deinit() is the caller's. */
struct err *ram_map(struct ram *ram, bool shared) __attribute__((warn_unused_result));
void ram_deinit(struct ram *ram); /* a zeroed one is fine */

/* Host pointer to [phys, phys + len), NULL unless all of it is RAM in one segment, and there. */
void *ram_at(const struct ram *ram, uint64_t phys, size_t len);

/* Where a guest-physical u32 lies, for a process that has the pieces but not the mapping: piece
 * number and offset in it. -1 when `phys` is no RAM. */
int ram_locate(const struct ram *ram, uint64_t phys, uint64_t *ret_offset);

/* The guest may have run: what is copied is old. Nothing to do where memory is shared. */
void ram_refresh(const struct ram *ram);
/* Much was read that will not be read again: this process's resident memory need not have it. */
void ram_give_back(const struct ram *ram);
/* [at, at + len) of the mapping was written: to the guest with it. Nothing to do where memory is shared.
 * ERR_OS. */
struct err *ram_push(const struct ram *ram, const void *at, size_t len)
	__attribute__((warn_unused_result));
/* `len` bytes at `offset` of the mapping, without touching the mapping; at most, as pread(). */
ssize_t ram_pread(const struct ram *ram, void *buffer, size_t len, uint64_t offset);

/* Next range of the mapping that holds data at or after `offset` (SEEK_DATA), inside one piece.
 * 1: found, 0: no more, -1: errno. */
int ram_next_data(const struct ram *ram, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end);

/*
 * A checksum of memory, against truncation, damage and divergence, not against malice. Each page that is
 * not zero counts with its offset in the mapping; pages add up, so their order is free.
 */
#define RAM_PAGE 4096
bool ram_page_zero(const void *page);
uint64_t ram_page_sum(const void *page, uint64_t offset);
/* Of all memory, which should stand still. 0, or -1: errno. */
int ram_sum(const struct ram *ram, uint64_t *ret);

#endif
