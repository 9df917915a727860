/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/samples.h"

#include <stdlib.h>
#include <string.h>

const struct counter_info counter_table[COUNTER_COUNT] = {
	[COUNTER_NR_RUNNING] = {"nr_running", COUNTER_GAUGE, false},
	[COUNTER_NR_FAIR] = {"fair", COUNTER_GAUGE, false},
	[COUNTER_NR_RT] = {"rt", COUNTER_GAUGE, false},
	[COUNTER_NR_DL] = {"dl", COUNTER_GAUGE, false},
	[COUNTER_NR_EXT] = {"ext", COUNTER_GAUGE, false},
	[COUNTER_LOCAL_DSQ] = {"local_dsq", COUNTER_GAUGE, false},
	[COUNTER_CLOCK] = {"clock", COUNTER_TIME, false},
	[COUNTER_SWITCHES] = {"switches", COUNTER_TOTAL, false},
	[COUNTER_WAKEUPS] = {"wakeups", COUNTER_TOTAL, true},
	[COUNTER_WAKEUPS_LOCAL] = {"wakeups_local", COUNTER_TOTAL, true},
	[COUNTER_GOIDLE] = {"goidle", COUNTER_TOTAL, true},
	[COUNTER_SCHEDULES] = {"schedules", COUNTER_TOTAL, true},
	[COUNTER_YIELDS] = {"yields", COUNTER_TOTAL, true},
	[COUNTER_RUN_DELAY] = {"run_delay", COUNTER_TIME, false},
	[COUNTER_RUNS] = {"runs", COUNTER_TOTAL, false},
	[COUNTER_STEAL] = {"steal", COUNTER_TIME, false},
	[COUNTER_VCPU_TIME] = {"vcpu_time", COUNTER_TIME, false},
};

int counter_find(const char *name)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		if (strcmp(counter_table[i].name, name) == 0)
			return i;
	return -1;
}

/* ---- one sample ---- */

static size_t sample_size(unsigned int cpus, unsigned int events)
{
	return sizeof(struct sample) + ((size_t)cpus * COUNTER_COUNT + events) * sizeof(uint64_t);
}

struct sample *sample_create(unsigned int cpus, unsigned int events)
{
	struct sample *s = calloc(1, sample_size(cpus, events));

	if (!s)
		return NULL;
	s->cpus = cpus;
	s->events = events;
	return s;
}

bool sample_read(void (*read)(void *context, uint64_t *values), void *context, uint64_t *values)
{
	uint64_t again[COUNTER_COUNT] = {0};

	memset(values, 0, sizeof(again));
	read(context, values);
	for (unsigned int i = 1; i < SAMPLE_TRIES; i++) {
		read(context, again);
		if (memcmp(values, again, sizeof(again)) == 0)
			return true;
		memcpy(values, again, sizeof(again));
	}
	return false;
}

static double per_second(uint64_t difference, const struct sample *old, const struct sample *now)
{
	return (double)difference * 1e9 / (double)(now->time - old->time);
}

bool sample_rate(const struct sample *old, const struct sample *now, unsigned int cpu,
		 enum counter c, double *ret)
{
	uint64_t before, after;

	if (now->time <= old->time || !sample_has(old, c) || !sample_has(now, c))
		return false;
	before = sample_value(old, cpu, c);
	after = sample_value(now, cpu, c);
	if (counter_table[c].narrow)
		after = before + (uint32_t)(after - before);
	if (counter_table[c].kind == COUNTER_GAUGE || after < before)
		return false;
	*ret = per_second(after - before, old, now);
	return true;
}

bool sample_event_rate(const struct sample *old, const struct sample *now, unsigned int event,
		       double *ret)
{
	int64_t before, after;

	if (now->time <= old->time || !now->instance || old->instance != now->instance)
		return false;
	before = sample_event(old, event);
	after = sample_event(now, event);
	if (after < before)
		return false;
	*ret = per_second((uint64_t)after - (uint64_t)before, old, now);
	return true;
}

/* ---- the ring ---- */

struct err *samples_init(struct samples *s, unsigned int cpus, unsigned int events)
{
	size_t stride = sample_size(cpus, events);
	size_t capacity = SAMPLES_MEMORY / stride;

	if (cpus > SAMPLES_CPUS)
		return err_new(ERR_REFUSED, "counters of %u CPUs: at most %u can be kept", cpus,
			       SAMPLES_CPUS);
	if (capacity > SAMPLES_MAX)
		capacity = SAMPLES_MAX;
	*s = (struct samples){
		.stride = stride,
		.cpus = cpus,
		.events = events,
		.capacity = (unsigned int)capacity,
	};
	s->data = calloc(capacity, stride);
	return s->data ? NULL : err_nomem();
}

void samples_deinit(struct samples *s)
{
	free(s->data);
	*s = (struct samples){0};
}

void samples_clear(struct samples *s)
{
	s->first = s->count = 0;
}

static struct sample *slot(const struct samples *s, unsigned int i)
{
	return (struct sample *)(s->data + (size_t)((s->first + i) % s->capacity) * s->stride);
}

struct sample *samples_add(struct samples *s)
{
	struct sample *sample;

	if (s->count < s->capacity)
		s->count++;
	else
		s->first = (s->first + 1) % s->capacity;
	sample = slot(s, s->count - 1);
	memset(sample, 0, s->stride);
	sample->cpus = s->cpus;
	sample->events = s->events;
	return sample;
}

const struct sample *samples_back(const struct samples *s, unsigned int back)
{
	return back < s->count ? slot(s, s->count - 1 - back) : NULL;
}

const struct sample *samples_before(const struct samples *s, uint64_t time)
{
	unsigned int low = 0, high = s->count;

	if (!s->count)
		return NULL;
	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (slot(s, middle)->time <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return slot(s, low ? low - 1 : 0);
}
