/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits that the counters of a healthy scheduler keep, judged sample by sample. What is above its
 * limit in one sample only is no violation: cpusets change, cgroups come and go. It has to stay
 * there for `samples` samples in a row. The meaning and the defaults are those of ktstr's monitor.
 *
 *   imbalance  the longest run queue divided by the shortest (at least 1), by nr_running
 *   local_dsq  tasks in a CPU's local dispatch queue
 *   stuck      a run-queue clock that stands still; not where nr_running is 0 in both samples (an
 *              idle CPU has no tick), nor where the vCPU's thread hardly ran (the host took it)
 *   fallback   SCX_EV_SELECT_CPU_FALLBACK a second of guest time, over all CPUs
 *   keep_last  SCX_EV_DISPATCH_KEEP_LAST a second of guest time, over all CPUs
 *
 * Plain data; nothing here fails a command: whoever asks does. Threads: one.
 */
#ifndef COORD_THRESHOLDS_H
#define COORD_THRESHOLDS_H

#include "base/err.h"
#include "base/str.h"
#include "coord/samples.h"

#include <stdbool.h>
#include <stdint.h>

enum threshold {
	THRESHOLD_IMBALANCE,
	THRESHOLD_LOCAL_DSQ,
	THRESHOLD_STUCK,
	THRESHOLD_FALLBACK,
	THRESHOLD_KEEP_LAST,
	THRESHOLD_COUNT
};
const char *threshold_name(enum threshold t);

struct thresholds {
	bool off[THRESHOLD_COUNT];
	double limit[THRESHOLD_COUNT]; /* above it is too much; nothing for STUCK */
	unsigned int samples;	       /* in a row */
};
void thresholds_default(struct thresholds *t);
/* One "KEY=VALUE": a name and a number or "off" ("on" for stuck), or samples=N. ERR_USAGE. */
struct err *thresholds_set(struct thresholds *t, const char *word)
	__attribute__((warn_unused_result));
/* A value of that kind as text: "6.0", "64", "7 samples", "450/s". */
void threshold_value_text(enum threshold which, double value, struct str *s);
/* The limit as text: "4.0", "50", "5 samples", "200/s", "off". */
void thresholds_limit_text(const struct thresholds *t, enum threshold which, struct str *s);

struct threshold_finding {
	bool violated;
	double worst;	      /* the worst value of a sample, violated or not */
	int worst_cpu;	      /* of LOCAL_DSQ and STUCK, else -1 */
	uint64_t time;	      /* when it was first violated: guest ns of the last sample needed */
	unsigned int longest; /* samples in a row above the limit */
};

struct threshold_state {
	struct threshold_finding findings[THRESHOLD_COUNT];
	unsigned int row[THRESHOLD_COUNT]; /* samples in a row up to now */
	unsigned int stuck[SAMPLES_CPUS];
	unsigned int judged; /* samples that made sense */
};
void threshold_state_init(struct threshold_state *s);

/* Indexes of the two events, -1: this kernel has none. */
struct threshold_events {
	int fallback, keep_last;
};

/*
 * Judge the next sample; `old` is the one before it, NULL for the first or after a pause. A sample
 * that cannot be right (a local queue of more than 10,000 tasks, clocks that are all 0) is left
 * out.
 */
void threshold_judge(struct threshold_state *s, const struct thresholds *t,
		     const struct threshold_events *events, const struct sample *old,
		     const struct sample *now);

/* A violation as one sentence: "imbalance: 6.0 in 5 samples in a row (limit 4.0), at 1.500000000".
 * Nothing when there is none. */
void threshold_describe(const struct threshold_state *s, const struct thresholds *t,
			enum threshold which, struct str *text);

#endif
