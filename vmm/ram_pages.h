/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of which only some pages are here: what is at hand of a guest at one instant. Made from a machine, it
 * copies each page when it is first looked at; made from a file, it has what the file has, and nothing lies
 * elsewhere: ram_at() gives NULL.
 *
 * Threads: one.
 */
#ifndef VMM_RAM_PAGES_H
#define VMM_RAM_PAGES_H

#include "base/err.h"
#include "vmm/ram.h"

struct ram_pages;

/* 4 GiB: no picture of a kernel's state needs as much. */
#define RAM_PAGES_MAX (1u << 20)

/* Makes `ram->base`: as large as `ram->size`, whose segments the caller has filled in. `from`, of the same shape,
 * is borrowed; NULL: there is none. */
struct err *ram_pages_create(struct ram *ram, const struct ram *from) __attribute__((warn_unused_result));
void ram_pages_destroy(struct ram_pages *p); /* the mapping stays; NULL is fine */

/* Whether all of [offset, offset + len) of the mapping is there; what is not is copied, if it can be. */
bool ram_pages_have(struct ram_pages *p, uint64_t offset, size_t len);
/* What is there is copied anew: it is of this instant. */
void ram_pages_refresh(struct ram_pages *p);
/* Nothing is copied any more. */
void ram_pages_close(struct ram_pages *p);
unsigned int ram_pages_count(const struct ram_pages *p);
/* What is copied from now on is late: the guest may have run since. How many have been. */
void ram_pages_begin_late(struct ram_pages *p);
unsigned int ram_pages_late(const struct ram_pages *p);

/* The first run of pages that are there at or after offset `from`; false: no more. */
bool ram_pages_next(const struct ram_pages *p, uint64_t from, uint64_t *ret_start, uint64_t *ret_end);
/* Page `number` of the mapping with what `data` has: RAM_PAGE bytes. ERR_REFUSED: too many. */
struct err *ram_pages_put(struct ram_pages *p, uint64_t number, const void *data)
	__attribute__((warn_unused_result));

#endif
