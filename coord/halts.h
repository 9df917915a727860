/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Halts: what makes a run stand by itself: breakpoints, watchpoints and triggers, by numbers that are never
 * used twice. A halt has places (vmm/breaks.h), or a rhythm of guest time in which it is asked, or both; what
 * it thinks of a moment is its owner's business. The coordinator calls the second half while guest time
 * passes; who may be stopped is its business (coord_heed()).
 *
 * A halt without a rhythm costs what its places cost. Threads: one.
 */
#ifndef COORD_HALTS_H
#define COORD_HALTS_H

#include "base/err.h"
#include "base/str.h"
#include "vmm/machine.h"

struct halts;
struct machine_break; /* vmm/breaks.h */
struct machine_hit;

struct halt_ops {
	/* The guest stands at one of the halt's places, or, with `hit` NULL, its time has come. Whether it is
	 * to stand; what was seen is added to `what`. An error makes it stand, too, and is what was seen. */
	struct err *(*judge)(void *context, const struct machine_hit *hit, bool *stop, struct str *what);
	void (*destroy)(void *context);
};

struct halt_spec {
	const char *text; /* the command that made it */
	const struct machine_break *places;
	unsigned int place_count;
	uint64_t every; /* guest ns; 0: no rhythm */
	const struct halt_ops *ops;
	void *context;
};

struct err *halts_create(struct machine *machine, struct halts **ret) __attribute__((warn_unused_result));
void halts_destroy(struct halts *h); /* NULL is fine */

/* Held. Takes `context` when it succeeds, copies the rest. Errors of machine_set_breaks(). */
struct err *halts_add(struct halts *h, const struct halt_spec *spec, unsigned int *ret_number)
	__attribute__((warn_unused_result));
/* Held. ERR_NOT_FOUND lists those that there are. */
struct err *halts_delete(struct halts *h, unsigned int number) __attribute__((warn_unused_result));

/* Held: the machine's places once more, after another process took its place. */
struct err *halts_renew(struct halts *h) __attribute__((warn_unused_result));

struct halt_info {
	unsigned int number;
	const char *text;
	uint64_t hits;	/* times that it was judged at a place */
	uint64_t stops; /* times that it made the guest stand */
};
/* From the oldest on; false past the end. Borrowed until the next one is added or deleted. */
bool halts_at(const struct halts *h, unsigned int i, struct halt_info *ret);

/* ---- for the coordinator ---- */

/* The first instant after `now` at which one wants to be asked; UINT64_MAX: none does. */
uint64_t halts_next(const struct halts *h, uint64_t now);
/* Held. The machine has another process, and maybe another time: rhythms begin at `now`. */
struct err *halts_begin_anew(struct halts *h, uint64_t now) __attribute__((warn_unused_result));
/* The guest stands at a break: true, with a sentence added to `what`, if it is to stay. */
bool halts_hit(struct halts *h, struct str *what);
/* The same for those whose time has come. */
bool halts_due(struct halts *h, uint64_t now, struct str *what);

#endif
