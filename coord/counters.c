/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/counters.h"

#include "base/file.h"
#include "coord/counters_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum wanted {
	WANTED_WHEN_FREE, /* nobody said anything */
	WANTED_ALWAYS,
	WANTED_NEVER,
};

struct counters {
	enum wanted wanted;
	bool asked;
	struct counters_layout *layout; /* NULL: not found yet */
	bool unusable;			/* this kernel's run queues cannot be found */
	struct samples samples;
	uint64_t next; /* guest time of the next sample */
	uint64_t cost;
	struct thresholds thresholds;
	struct threshold_events events;
	struct threshold_state findings;
};

struct err *counters_create(struct counters **ret)
{
	struct counters *c = calloc(1, sizeof(*c));

	if (!c)
		return err_nomem();
	thresholds_default(&c->thresholds);
	threshold_state_init(&c->findings);
	*ret = c;
	return NULL;
}

void counters_destroy(struct counters *c)
{
	if (!c)
		return;
	counters_forget(c);
	free(c);
}

void counters_forget(struct counters *c)
{
	counters_reset(c);
	samples_deinit(&c->samples);
	counters_layout_destroy(c->layout);
	c->layout = NULL;
	c->unusable = false;
}

void counters_reset(struct counters *c)
{
	samples_clear(&c->samples);
	threshold_state_init(&c->findings);
	c->next = 0;
}

/* ---- when ---- */

void counters_start(struct counters *c)
{
	if (c->wanted != WANTED_ALWAYS)
		counters_reset(c);
	c->wanted = WANTED_ALWAYS;
	c->asked = true;
}

void counters_stop(struct counters *c)
{
	c->wanted = WANTED_NEVER;
}

bool counters_asked(const struct counters *c)
{
	return c->asked;
}

static uint64_t next_multiple(uint64_t time)
{
	return (time / COUNTERS_PERIOD + 1) * COUNTERS_PERIOD;
}

bool counters_wanted(const struct counters *c, enum coord_pacing pacing)
{
	if (c->unusable || c->wanted == WANTED_NEVER)
		return false;
	return c->wanted == WANTED_ALWAYS || pacing == COORD_FREE;
}

uint64_t counters_next(struct counters *c, enum coord_pacing pacing, uint64_t now)
{
	if (!counters_wanted(c, pacing))
		return UINT64_MAX;
	/* Nothing was sampled yet, or guest time went back. */
	if (!c->next || c->next > next_multiple(now))
		c->next = next_multiple(now);
	return c->next;
}

/* ---- taking a sample ---- */

static int find_event(const struct counters *c, const char *name)
{
	for (unsigned int i = 0; i < counters_layout_events(c->layout); i++)
		if (strcmp(counters_layout_event(c->layout, i), name) == 0)
			return (int)i;
	return -1;
}

static struct err *find_layout(struct counters *c, struct kernel *k)
{
	struct err *err;

	if (c->layout)
		return NULL;
	kernel_window_begin(k);
	ERR_TRY(counters_layout_create(k, &c->layout));
	err = samples_init(&c->samples, counters_layout_cpus(c->layout),
			   counters_layout_events(c->layout));
	if (err) {
		counters_layout_destroy(c->layout);
		c->layout = NULL;
		return err;
	}
	c->events.fallback = find_event(c, "SCX_EV_SELECT_CPU_FALLBACK");
	c->events.keep_last = find_event(c, "SCX_EV_DISPATCH_KEEP_LAST");
	return NULL;
}

/* The first number of a thread's schedstat: ns on a host CPU. */
static bool thread_time(int pid, int tid, uint64_t *ret)
{
	char path[64], *text;
	struct err *err;
	size_t len;
	bool found;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
	err = read_whole_file(path, 256, &text, &len);
	if (err) {
		err_free(err);
		return false;
	}
	found = sscanf(text, "%" SCNu64, ret) == 1;
	free(text);
	return found;
}

/* Under the virtual clock one thread runs all vCPUs, and how long it took means nothing. */
static void read_vcpu_times(struct machine *m, struct sample *s)
{
	int tids[SAMPLES_CPUS];
	unsigned int count;

	if (machine_info(m)->clock != CLOCK_REAL)
		return;
	count = machine_vcpu_threads(m, tids, s->cpus < SAMPLES_CPUS ? s->cpus : SAMPLES_CPUS);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t ns;

		if (!thread_time(machine_info(m)->pid, tids[i], &ns))
			return;
		sample_set(s, i, COUNTER_VCPU_TIME, ns);
	}
	if (count == s->cpus)
		s->present |= 1u << COUNTER_VCPU_TIME;
}

static void fill(struct counters *c, struct machine *m, struct sample *s)
{
	counters_layout_read(c->layout, s);
	read_vcpu_times(m, s);
	s->time = machine_time(m);
}

static void take(struct counters *c, struct machine *m)
{
	const struct sample *last = samples_back(&c->samples, 0);
	uint64_t start = host_now();

	/* Another history. */
	if (last && last->time >= machine_time(m))
		counters_reset(c);
	fill(c, m, samples_add(&c->samples));
	threshold_judge(&c->findings, &c->thresholds, &c->events, samples_back(&c->samples, 1),
			samples_back(&c->samples, 0));
	c->cost = host_now() - start;
}

void counters_poll(struct counters *c, enum coord_pacing pacing, struct kernel *k,
		   struct machine *m)
{
	uint64_t now = machine_time(m), due = counters_next(c, pacing, now);
	struct err *err;

	if (!k || now < due)
		return;
	err = find_layout(c, k);
	if (err) {
		c->unusable = true;
		err_free(err);
		return;
	}
	ram_refresh(machine_ram(m));
	take(c, m);
	c->next = next_multiple(now);
}

/* ---- for commands ---- */

const struct samples *counters_samples(const struct counters *c)
{
	return &c->samples;
}

uint64_t counters_cost(const struct counters *c)
{
	return c->cost;
}

struct err *counters_now(struct counters *c, struct kernel *k, struct machine *m,
			 struct sample **ret)
{
	struct sample *s;

	ERR_TRY(find_layout(c, k));
	s = sample_create(c->samples.cpus, c->samples.events);
	if (!s)
		return err_nomem();
	fill(c, m, s);
	*ret = s;
	return NULL;
}

const char *counters_event(const struct counters *c, unsigned int i)
{
	if (!c->layout || i >= counters_layout_events(c->layout))
		return NULL;
	return counters_layout_event(c->layout, i);
}

bool counters_schedstats(const struct counters *c)
{
	return c->layout && counters_layout_schedstats(c->layout);
}

const struct thresholds *counters_thresholds(const struct counters *c)
{
	return &c->thresholds;
}

void counters_set_thresholds(struct counters *c, const struct thresholds *t)
{
	c->thresholds = *t;
	threshold_state_init(&c->findings);
	for (unsigned int back = c->samples.count; back-- > 0;)
		threshold_judge(&c->findings, &c->thresholds, &c->events,
				samples_back(&c->samples, back + 1),
				samples_back(&c->samples, back));
}

const struct threshold_state *counters_findings(const struct counters *c)
{
	return &c->findings;
}
