/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampler of scheduler counters: ten times a second of guest time, by plain loads from guest
 * memory, without holding the guest.
 *
 * When it samples: while guest time passes freely (the prompt, the screen, the real clock), from
 * the poll loop and from waits, unless `counters stop` was said; such samples come at moments that
 * the host chooses. In lockstep only between counters_start() and counters_stop(), and then at
 * exact multiples of the period, where the guest stands for it: the same in every run.
 *
 * Thresholds (coord/thresholds.h) are judged as samples come. Owned by the coordinator, which calls
 * the first half; lifetime: the coordinator's. Threads: one.
 */
#ifndef COORD_COUNTERS_H
#define COORD_COUNTERS_H

#include "base/err.h"
#include "coord/coord.h"
#include "coord/samples.h"
#include "coord/thresholds.h"

/* Guest ns between two samples. */
#define COUNTERS_PERIOD 100000000ull

struct counters;

/* ---- for the coordinator ---- */

struct err *counters_create(struct counters **ret) __attribute__((warn_unused_result));
void counters_destroy(struct counters *c); /* NULL is fine */
/* The kernel goes away: everything that was found and sampled in it is forgotten. */
void counters_forget(struct counters *c);
bool counters_wanted(const struct counters *c, enum coord_pacing pacing);
/* Guest time of the next sample, as seen at `now`; UINT64_MAX: none is wanted. */
uint64_t counters_next(struct counters *c, enum coord_pacing pacing, uint64_t now);
/* Take the sample that is due, if one is. Hot: the guest may run. Without memory, or without run
 * queues to read, there is none; nothing fails for that. */
void counters_poll(struct counters *c, enum coord_pacing pacing, struct kernel *k,
		   struct machine *m);

/* ---- for commands and views ---- */

/* Sample from now on, in lockstep too. What was sampled unasked is forgotten. */
void counters_start(struct counters *c);
void counters_stop(struct counters *c);
/* Whether counters_start() was ever called for this guest. */
bool counters_asked(const struct counters *c);
/* Forget samples and violations. */
void counters_reset(struct counters *c);

/* What has been sampled; borrowed, valid until guest time passes. */
const struct samples *counters_samples(const struct counters *c);
/* Host ns that the newest sample took. */
uint64_t counters_cost(const struct counters *c);

/* A sample of this moment beside the ring; caller frees. Exact in a window. */
struct err *counters_now(struct counters *c, struct kernel *k, struct machine *m,
			 struct sample **ret) __attribute__((warn_unused_result));
/* Names of the events in samples, NULL past the end; known after the first sample. */
const char *counters_event(const struct counters *c, unsigned int i);
/* Whether the guest counts what it only counts under schedstats. */
bool counters_schedstats(const struct counters *c);

const struct thresholds *counters_thresholds(const struct counters *c);
/* Other limits: the samples that are kept are judged anew. */
void counters_set_thresholds(struct counters *c, const struct thresholds *t);
const struct threshold_state *counters_findings(const struct counters *c);

#endif
