/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest kernel's page tables: x86-64, four or five levels, 4 KiB, 2 MiB and 1 GiB pages, read
 * straight from RAM. A cache of translations spares the walk; it is right for one frozen window.
 *
 * Page tables are hostile input: every table must lie in RAM, a walk takes at most five loads.
 * Threads: one at a time. Lifetime: the caller's memory; `ram` is borrowed.
 */
#ifndef COORD_PAGETABLE_H
#define COORD_PAGETABLE_H

#include "vmm/ram.h"

#include <stdbool.h>
#include <stdint.h>

#define GUEST_PAGE_SIZE 4096u
#define PAGETABLE_CACHE 4096u /* entries, a power of two */

struct pagetable {
	const struct ram *ram;
	uint64_t root;	     /* guest-physical address of the top table */
	unsigned int levels; /* 4 or 5 */
	uint32_t window;     /* part of each key, so that a flush is one addition */
	uint32_t fills;	     /* translations made, ever */
	struct {
		uint64_t key;
		uint8_t *host;
	} cache[PAGETABLE_CACHE];
};

void pagetable_init(struct pagetable *pt, const struct ram *ram, uint64_t root,
		    unsigned int levels);

/* Forget all translations. */
void pagetable_flush(struct pagetable *pt);

/* Guest-physical address of `va`; false when it is not canonical, not present, or a table on the
 * way is not in RAM. The result itself need not be RAM (device memory). Never uses the cache. */
bool pagetable_walk(const struct pagetable *pt, uint64_t va, uint64_t *ret_phys);
/* The same through another top table, at guest-physical `table`: a process's. */
bool pagetable_walk_from(const struct pagetable *pt, uint64_t table, uint64_t va,
			 uint64_t *ret_phys);

/* Host pointer to the byte at `va`, good up to the end of its 4 KiB page; NULL when it is not
 * mapped or not RAM. Uses and fills the cache. */
uint8_t *pagetable_at(struct pagetable *pt, uint64_t va);

#endif
