/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the counters' sampler has seen: one sample is one number for each counter and CPU and one
 * for each sched_ext event, at one moment of guest time. The newest are kept in a ring whose memory
 * is bounded; rates are differences of two samples per second of guest time.
 *
 * Plain data: knows nothing of guest memory (coord/counters.c fills the samples). Threads: one.
 */
#ifndef COORD_SAMPLES_H
#define COORD_SAMPLES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ten minutes at ten a second; with many CPUs what fits into the memory. */
#define SAMPLES_MAX 6000u
#define SAMPLES_MEMORY (16u << 20)
#define SAMPLES_CPUS 256u

enum counter {
	COUNTER_NR_RUNNING,
	COUNTER_NR_FAIR,
	COUNTER_NR_RT,
	COUNTER_NR_DL,
	COUNTER_NR_EXT,
	COUNTER_LOCAL_DSQ,
	COUNTER_CLOCK,
	COUNTER_SWITCHES,
	COUNTER_WAKEUPS,
	COUNTER_WAKEUPS_LOCAL,
	COUNTER_GOIDLE,
	COUNTER_SCHEDULES,
	COUNTER_YIELDS,
	COUNTER_RUN_DELAY,
	COUNTER_RUNS,
	COUNTER_STEAL,
	COUNTER_VCPU_TIME, /* of the host: never recorded nor compared */
	COUNTER_COUNT
};

enum counter_kind {
	COUNTER_GAUGE, /* goes up and down */
	COUNTER_TOTAL, /* only grows */
	COUNTER_TIME,  /* only grows, ns */
};

struct counter_info {
	const char *name; /* of the column and in expressions */
	enum counter_kind kind;
	bool narrow; /* 32 bits wide in the kernel: wraps */
};
extern const struct counter_info counter_table[COUNTER_COUNT];
/* By name, -1. */
int counter_find(const char *name);

/* A set of CPUs. */
struct cpu_set {
	uint64_t words[SAMPLES_CPUS / 64];
};
static inline bool cpu_set_has(const struct cpu_set *s, unsigned int cpu)
{
	return s->words[cpu / 64] >> cpu % 64 & 1;
}
static inline void cpu_set_add(struct cpu_set *s, unsigned int cpu)
{
	s->words[cpu / 64] |= 1ull << cpu % 64;
}

struct sample {
	uint64_t time;	       /* guest ns since ready */
	uint64_t instance;     /* address of the struct that the events belong to, 0: none loaded */
	uint32_t present;      /* bit for each counter; the others are 0 */
	uint32_t cpus, events; /* as in the ring */
	struct cpu_set online;
	struct cpu_set torn; /* CPUs that changed while they were read, again and again */
	uint64_t values[];   /* counter of each CPU, CPU after CPU; then the events */
};

static inline bool sample_has(const struct sample *s, enum counter c)
{
	return s->present >> c & 1;
}
static inline uint64_t sample_value(const struct sample *s, unsigned int cpu, enum counter c)
{
	return s->values[(size_t)cpu * COUNTER_COUNT + c];
}
static inline void sample_set(struct sample *s, unsigned int cpu, enum counter c, uint64_t value)
{
	s->values[(size_t)cpu * COUNTER_COUNT + c] = value;
}
static inline int64_t *sample_events(struct sample *s)
{
	return (int64_t *)&s->values[(size_t)s->cpus * COUNTER_COUNT];
}
static inline int64_t sample_event(const struct sample *s, unsigned int event)
{
	return (int64_t)s->values[(size_t)s->cpus * COUNTER_COUNT + event];
}

/* One sample for that many CPUs and events, all zeros; caller frees. NULL: no memory. */
struct sample *sample_create(unsigned int cpus, unsigned int events);

/* Fill a CPU's COUNTER_COUNT values from memory that may change meanwhile: read until two readings
 * in a row agree. False after SAMPLE_TRIES that did not: each value is right, but not all at once.
 */
#define SAMPLE_TRIES 4
bool sample_read(void (*read)(void *context, uint64_t *values), void *context, uint64_t *values);

/* Per second of guest time between two samples, `old` the earlier one. False when there is no rate:
 * no time between them, a counter that one of them lacks, one that went back. */
bool sample_rate(const struct sample *old, const struct sample *now, unsigned int cpu,
		 enum counter c, double *ret);
/* The same for an event; false too when another scheduler was loaded in between. */
bool sample_event_rate(const struct sample *old, const struct sample *now, unsigned int event,
		       double *ret);

struct samples {
	uint8_t *data;
	size_t stride; /* bytes of a sample */
	unsigned int cpus, events;
	unsigned int capacity, first, count;
};

/* For at most SAMPLES_CPUS CPUs. Memory is touched as samples arrive. */
struct err *samples_init(struct samples *s, unsigned int cpus, unsigned int events)
	__attribute__((warn_unused_result));
void samples_deinit(struct samples *s); /* all zeros is fine */
void samples_clear(struct samples *s);
/* Room for the next sample, zeroed but for its shape; the oldest gives way when the ring is full.
 */
struct sample *samples_add(struct samples *s);
/* `back` samples before the newest (0), NULL when there are fewer. Borrowed until the next add. */
const struct sample *samples_back(const struct samples *s, unsigned int back);
/* The newest that was taken at or before guest time `time`, else the oldest; NULL: none at all. */
const struct sample *samples_before(const struct samples *s, uint64_t time);

#endif
