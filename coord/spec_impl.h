/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the parsers of what is injected: work_spec.c, work_type.c, work_place.c, cgroup_spec.c. */
#ifndef COORD_SPEC_IMPL_H
#define COORD_SPEC_IMPL_H

#include "coord/places.h"
#include "coord/work_spec.h"

#include <stdbool.h>

#define PIECE 160 /* bytes of a knob's value that make sense */

/* Cuts the next piece of a list off `*rest`; false at the end. `piece` has PIECE bytes. */
bool spec_next_piece(const char **rest, char separator, char piece[PIECE]);
/* ERR_USAGE "SAID WANTED; there is A, B, C; near: B". `name` gives NULL past the end. */
struct err *spec_unknown(const char *said, const char *wanted, const char *(*name)(unsigned int))
	__attribute__((warn_unused_result));

/* The CPUs that may be used: those of limits->places, else all. */
void spec_usable(const struct spec_limits *limits, uint64_t ret[WIRE_CPUS / 64]);
/* A list of CPUs that all may be used; ERR_USAGE names the first that may not. */
struct err *spec_cpus(const char *list, const struct spec_limits *limits, uint64_t ret[WIRE_CPUS / 64])
	__attribute__((warn_unused_result));
/* ERR_ABSENT without limits->places: `what` cannot be told. */
struct err *spec_need_places(const struct spec_limits *limits, const char *what)
	__attribute__((warn_unused_result));

/* work_type.c: TYPE or TYPE(ARGS) of work=; the type's defaults. */
struct wire_work_type;
struct err *work_type_parse(const char *value, struct wire_spawn *w) __attribute__((warn_unused_result));
void work_type_default(const struct wire_work_type *type, struct wire_spawn *w);

/* work_place.c. The check comes when all words are known. */
struct err *place_parse(const char *intent, const struct spec_limits *limits, struct wire_place *ret)
	__attribute__((warn_unused_result));
struct err *place_numa(const char *value, const struct spec_limits *limits, struct wire_place *ret)
	__attribute__((warn_unused_result));
struct err *mempolicy_parse(const char *value, struct wire_spawn *w) __attribute__((warn_unused_result));
struct err *mpolflags_parse(const char *value, struct wire_spawn *w) __attribute__((warn_unused_result));
struct err *mempolicy_check(const struct wire_spawn *w, const struct spec_limits *limits)
	__attribute__((warn_unused_result));

#endif
