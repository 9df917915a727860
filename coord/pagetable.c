/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/pagetable.h"

#include <string.h>

#define ENTRY_PRESENT (1ull << 0)
#define ENTRY_HUGE (1ull << 7)
#define ENTRY_ADDRESS 0x000ffffffffff000ull

#define WINDOW_SHIFT 52 /* a page number has 52 bits; the window's number takes the rest */
#define WINDOW_MAX 0xfffu

void pagetable_init(struct pagetable *pt, const struct ram *ram, uint64_t root, unsigned int levels)
{
	memset(pt, 0, sizeof(*pt));
	pt->ram = ram;
	pt->root = root & ENTRY_ADDRESS;
	pt->levels = levels;
	pt->window = 1; /* so that an empty cache entry, key 0, never matches */
}

void pagetable_flush(struct pagetable *pt)
{
	if (pt->window < WINDOW_MAX) {
		pt->window++;
		return;
	}
	memset(pt->cache, 0, sizeof(pt->cache));
	pt->window = 1;
}

static bool is_canonical(const struct pagetable *pt, uint64_t va)
{
	unsigned int bits = 12 + 9 * pt->levels;
	uint64_t high = va >> (bits - 1);

	return high == 0 || high == UINT64_MAX >> (bits - 1);
}

bool pagetable_walk_from(const struct pagetable *pt, uint64_t table, uint64_t va,
			 uint64_t *ret_phys)
{
	if (!is_canonical(pt, va))
		return false;
	for (unsigned int level = pt->levels; level-- > 0;) {
		unsigned int shift = 12 + 9 * level;
		uint64_t offset_mask = (1ull << shift) - 1;
		const void *at = ram_at(pt->ram, table + 8 * (va >> shift & 511), 8);
		uint64_t entry;

		if (!at)
			return false;
		memcpy(&entry, at, sizeof(entry));
		if (!(entry & ENTRY_PRESENT))
			return false;
		table = entry & ENTRY_ADDRESS;
		if (level > 0 && !(entry & ENTRY_HUGE))
			continue;
		if (level > 2) /* the bit is reserved above 1 GiB pages */
			return false;
		*ret_phys = (table & ~offset_mask) | (va & offset_mask);
		return true;
	}
	return false;
}

bool pagetable_walk(const struct pagetable *pt, uint64_t va, uint64_t *ret_phys)
{
	return pagetable_walk_from(pt, pt->root, va, ret_phys);
}

uint8_t *pagetable_at(struct pagetable *pt, uint64_t va)
{
	uint64_t page = va / GUEST_PAGE_SIZE, phys;
	uint64_t key = page | (uint64_t)pt->window << WINDOW_SHIFT;
	/* Kernel structures favour some alignments; folding the page number spreads them. */
	unsigned int slot = (page ^ page >> 12) % PAGETABLE_CACHE;
	uint8_t *host;

	if (pt->cache[slot].key == key)
		return pt->cache[slot].host + va % GUEST_PAGE_SIZE;
	if (!pagetable_walk(pt, page * GUEST_PAGE_SIZE, &phys))
		return NULL;
	host = ram_at(pt->ram, phys, GUEST_PAGE_SIZE);
	if (!host)
		return NULL;
	pt->fills++;
	pt->cache[slot].key = key;
	pt->cache[slot].host = host;
	return host + va % GUEST_PAGE_SIZE;
}
