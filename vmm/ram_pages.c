/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/ram_pages.h"

#include "base/mask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct ram_pages {
	uint8_t *base;	   /* of the mapping */
	const uint8_t *from; /* the other mapping's; NULL: there is nothing to copy from */
	uint64_t total;	   /* pages of the mapping */
	uint64_t *present; /* a bit a page */
	unsigned int count, late;
	bool is_late;
};

struct err *ram_pages_create(struct ram *ram, const struct ram *from)
{
	struct ram_pages *p = calloc(1, sizeof(*p));
	void *base;

	if (!p)
		return err_nomem();
	p->total = ram->size / RAM_PAGE;
	p->present = calloc(MASK_WORDS(p->total) + 1, sizeof(*p->present));
	if (!p->present) {
		free(p);
		return err_nomem();
	}
	base = mmap(NULL, ram->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (base == MAP_FAILED) {
		ram_pages_destroy(p);
		return err_os(errno, "reserving %llu bytes for guest memory",
			      (unsigned long long)ram->size);
	}
	ram->base = p->base = base;
	p->from = from ? from->base : NULL;
	ram->pages = p;
	return NULL;
}

void ram_pages_destroy(struct ram_pages *p)
{
	if (!p)
		return;
	free(p->present);
	free(p);
}

static void copy(const struct ram_pages *p, uint64_t number)
{
	memcpy(p->base + number * RAM_PAGE, p->from + number * RAM_PAGE, RAM_PAGE);
}

static bool want(struct ram_pages *p, uint64_t number)
{
	if (number < p->total && mask_test(p->present, (unsigned int)number))
		return true;
	if (!p->from || number >= p->total || p->count == RAM_PAGES_MAX)
		return false;
	copy(p, number);
	mask_set(p->present, (unsigned int)number);
	p->count++;
	p->late += p->is_late;
	return true;
}

bool ram_pages_have(struct ram_pages *p, uint64_t offset, size_t len)
{
	uint64_t last = (offset + (len ? len - 1 : 0)) / RAM_PAGE;

	for (uint64_t number = offset / RAM_PAGE; number <= last; number++)
		if (!want(p, number))
			return false;
	return true;
}

void ram_pages_refresh(struct ram_pages *p)
{
	unsigned int total = (unsigned int)p->total;

	for (unsigned int i = 0; p->from && (i = mask_next(p->present, total, i)) < total; i++)
		copy(p, i);
}

void ram_pages_close(struct ram_pages *p)
{
	p->from = NULL;
}

unsigned int ram_pages_count(const struct ram_pages *p)
{
	return p->count;
}

void ram_pages_begin_late(struct ram_pages *p)
{
	p->is_late = true;
}

unsigned int ram_pages_late(const struct ram_pages *p)
{
	return p->late;
}

bool ram_pages_next(const struct ram_pages *p, uint64_t from, uint64_t *ret_start, uint64_t *ret_end)
{
	unsigned int total = (unsigned int)p->total, start, end;

	if (from / RAM_PAGE >= p->total)
		return false;
	start = mask_next(p->present, total, (unsigned int)(from / RAM_PAGE));
	if (start >= total)
		return false;
	for (end = start; end < total && mask_test(p->present, end);)
		end++;
	*ret_start = (uint64_t)start * RAM_PAGE;
	*ret_end = (uint64_t)end * RAM_PAGE;
	return true;
}

struct err *ram_pages_put(struct ram_pages *p, uint64_t number, const void *data)
{
	if (number >= p->total)
		return err_new(ERR_BAD_DATA, "page %llu lies beyond guest memory",
			       (unsigned long long)number);
	if (p->count == RAM_PAGES_MAX)
		return err_new(ERR_REFUSED, "more than %u pages", RAM_PAGES_MAX);
	memcpy(p->base + number * RAM_PAGE, data, RAM_PAGE);
	p->count += !mask_test(p->present, (unsigned int)number);
	mask_set(p->present, (unsigned int)number);
	return NULL;
}
