/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the walk*.c files share: the loop detector. Not for others: coord/walk.h is the interface.
 */
#ifndef COORD_WALK_PRIVATE_H
#define COORD_WALK_PRIVATE_H

#include "coord/walk.h"

/*
 * Brent's loop detector: remembers one place of the walk, moves it forward at powers of two. A walk
 * whose next step depends on the present place alone is caught within three rounds of its loop.
 */
struct loop_detector {
	uint64_t remembered;
	unsigned int steps, power;
};

static inline bool loop_detector_step(struct loop_detector *d, uint64_t place)
{
	if (d->power && place == d->remembered)
		return true;
	if (d->steps == d->power) {
		d->remembered = place;
		d->power = d->power ? d->power * 2 : 1;
		d->steps = 0;
	}
	d->steps++;
	return false;
}

static inline struct walk walk_ended(const struct walk *w, enum walk_end end, uint64_t address)
{
	return (struct walk){.end = end, .count = w->count, .address = address};
}

/* Scalars inside one page, without an error object; hostile addresses need not be aligned. */
static inline bool walk_load(struct kernel *k, uint64_t va, uint64_t *ret)
{
	const void *at = kernel_at(k, va, sizeof(*ret));

	if (!at)
		return false;
	__builtin_memcpy(ret, at, sizeof(*ret));
	return true;
}

static inline bool walk_load_u32(struct kernel *k, uint64_t va, uint32_t *ret)
{
	const void *at = kernel_at(k, va, sizeof(*ret));

	if (!at)
		return false;
	__builtin_memcpy(ret, at, sizeof(*ret));
	return true;
}

#endif
