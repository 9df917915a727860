/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/counters_layout.h"

#include "coord/object.h"
#include "coord/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 64

/* Members of struct rq; several names where kernels of different age differ. */
static const char *const rq_members[COUNTER_COUNT] = {
	[COUNTER_NR_RUNNING] = "nr_running",
	[COUNTER_NR_FAIR] = "cfs.h_nr_queued|cfs.h_nr_running",
	[COUNTER_NR_RT] = "rt.rt_nr_running",
	[COUNTER_NR_DL] = "dl.dl_nr_running",
	[COUNTER_NR_EXT] = "scx.nr_running",
	[COUNTER_LOCAL_DSQ] = "scx.local_dsq.nr",
	[COUNTER_CLOCK] = "clock",
	[COUNTER_SWITCHES] = "nr_switches",
	[COUNTER_WAKEUPS] = "ttwu_count",
	[COUNTER_WAKEUPS_LOCAL] = "ttwu_local",
	[COUNTER_GOIDLE] = "sched_goidle",
	[COUNTER_SCHEDULES] = "sched_count",
	[COUNTER_YIELDS] = "yld_count",
	[COUNTER_RUN_DELAY] = "rq_sched_info.run_delay",
	[COUNTER_RUNS] = "rq_sched_info.pcount",
};

/* The kernel counts these only while schedstats are switched on. */
#define SCHEDSTATS_ONLY                                                                            \
	(1u << COUNTER_WAKEUPS | 1u << COUNTER_WAKEUPS_LOCAL | 1u << COUNTER_GOIDLE |              \
	 1u << COUNTER_SCHEDULES | 1u << COUNTER_YIELDS)

struct event {
	char name[64];
	uint32_t offset; /* in struct scx_event_stats */
};

struct counters_layout {
	struct kernel *kernel;
	unsigned int cpus, event_count;
	uint32_t present; /* bit for each counter */
	uint8_t size[COUNTER_COUNT];
	const void **at;	    /* of each CPU's counters, NULL: absent or not mapped */
	const uint32_t *schedstats; /* the switch, NULL: there is none */
	struct event events[EVENTS_MAX];
	const uint64_t *root;	  /* the loaded instance's address; NULL: events are static */
	struct field pcpu;	  /* in the instance: the per-CPU pointer */
	uint32_t stats_offset;	  /* of the events in what that points to */
	uint64_t instance;	  /* whose events event_at leads to */
	const int64_t **event_at; /* of each CPU's events */
};

void counters_layout_destroy(struct counters_layout *l)
{
	if (!l)
		return;
	free(l->at);
	free(l->event_at);
	free(l);
}

unsigned int counters_layout_cpus(const struct counters_layout *l)
{
	return l->cpus;
}

unsigned int counters_layout_events(const struct counters_layout *l)
{
	return l->event_count;
}

const char *counters_layout_event(const struct counters_layout *l, unsigned int i)
{
	return l->events[i].name;
}

/* ---- finding ---- */

/* Host address of a per-CPU word that is aligned and all in one page, else NULL. */
static const void *percpu_at(struct kernel *k, uint64_t symbol, unsigned int cpu, uint32_t size)
{
	uint64_t address;
	struct err *err = kernel_percpu(k, symbol, cpu, &address);

	if (err) {
		err_free(err);
		return NULL;
	}
	return address % size ? NULL : kernel_at(k, address, size);
}

static bool is_word(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static void find_counter(struct counters_layout *l, enum counter c, uint64_t symbol, uint32_t size)
{
	if (!is_word(size))
		return;
	l->size[c] = (uint8_t)size;
	l->present |= 1u << c;
	for (unsigned int cpu = 0; cpu < l->cpus; cpu++) {
		const void *at = percpu_at(l->kernel, symbol, cpu, size);

		l->at[(size_t)cpu * COUNTER_COUNT + c] = at;
		if (!at)
			l->present &= ~(1u << c);
	}
}

static void find_run_queues(struct counters_layout *l, uint64_t runqueues)
{
	const struct types *t = kernel_types(l->kernel);
	struct field f;

	for (unsigned int c = 0; c < COUNTER_COUNT; c++) {
		if (!rq_members[c])
			continue;
		field_find(t, "rq", rq_members[c], &f);
		if (f.present && !f.bit_size)
			find_counter(l, c, runqueues + f.offset, f.size);
	}
}

static void find_steal(struct counters_layout *l)
{
	const struct types *t = kernel_types(l->kernel);
	struct field times;
	uint64_t symbol;
	int64_t slot;
	struct err *err = types_enumerator(t, "CPUTIME_STEAL", &slot);

	field_find(t, "kernel_cpustat", "cpustat", &times);
	if (!err && slot >= 0 && slot < 64 && times.present &&
	    kernel_find_symbol(l->kernel, "kernel_cpustat", &symbol))
		find_counter(l, COUNTER_STEAL, symbol + times.offset + 8 * (uint64_t)slot, 8);
	err_free(err);
}

static void find_event_names(struct counters_layout *l)
{
	const struct types *t = kernel_types(l->kernel);
	struct member member;
	const char *name;
	uint32_t id;
	struct err *err = types_parse(t, "struct scx_event_stats", &id);

	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; types_member_at(t, id, i, &name, &member); i++) {
		struct event *e = &l->events[l->event_count];

		if (l->event_count == EVENTS_MAX)
			return;
		if (member.bit_offset % 64 || types_size(t, member.type) != 8)
			continue;
		snprintf(e->name, sizeof(e->name), "%s", name);
		e->offset = (uint32_t)(member.bit_offset / 8);
		l->event_count++;
	}
}

/* Where each CPU counts an instance's events. False when not all of them can be found. */
static bool find_event_counts(struct counters_layout *l, uint64_t stats)
{
	for (unsigned int cpu = 0; cpu < l->cpus; cpu++) {
		for (unsigned int i = 0; i < l->event_count; i++) {
			const int64_t *at =
				percpu_at(l->kernel, stats + l->events[i].offset, cpu, 8);

			if (!at)
				return false;
			l->event_at[(size_t)cpu * l->event_count + i] = at;
		}
	}
	return true;
}

/* Before 6.16 the events were one per-CPU variable for all schedulers to come. */
static void find_static_events(struct counters_layout *l)
{
	uint64_t symbol;

	if (kernel_find_symbol(l->kernel, "event_stats_cpu", &symbol) &&
	    find_event_counts(l, symbol))
		l->instance = symbol;
	else
		l->event_count = 0;
}

static void find_events(struct counters_layout *l)
{
	const struct types *t = kernel_types(l->kernel);
	struct field stats;
	uint64_t root;

	find_event_names(l);
	l->event_at = calloc((size_t)l->cpus * l->event_count + 1, sizeof(*l->event_at));
	if (!l->event_at || !l->event_count)
		return;
	field_find(t, "scx_sched", "pcpu|event_stats_cpu", &l->pcpu);
	field_find(t, "scx_sched_pcpu", "event_stats", &stats);
	l->stats_offset = stats.present ? stats.offset : 0;
	if (l->pcpu.present && kernel_find_symbol(l->kernel, "scx_root", &root) && root % 8 == 0)
		l->root = kernel_at(l->kernel, root, 8);
	if (!l->root)
		find_static_events(l);
}

struct err *counters_layout_create(struct kernel *k, struct counters_layout **ret)
{
	struct counters_layout *l;
	uint64_t runqueues, key;

	ERR_TRY(kernel_symbol(k, "runqueues", &runqueues));
	if (kernel_cpus(k) > SAMPLES_CPUS)
		return err_new(ERR_REFUSED, "counters: %u CPUs, at most %u can be sampled",
			       kernel_cpus(k), SAMPLES_CPUS);
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_nomem();
	l->kernel = k;
	l->cpus = kernel_cpus(k);
	l->at = calloc((size_t)l->cpus * COUNTER_COUNT + 1, sizeof(*l->at));
	if (l->at) {
		find_run_queues(l, runqueues);
		find_steal(l);
		find_events(l);
	}
	if (!l->at || !l->event_at) {
		counters_layout_destroy(l);
		return err_nomem();
	}
	if (kernel_find_symbol(k, "sched_schedstats", &key) && key % 4 == 0)
		l->schedstats = kernel_at(k, key, 4);
	*ret = l;
	return NULL;
}

/* ---- reading ---- */

bool counters_layout_schedstats(const struct counters_layout *l)
{
	return !l->schedstats || __atomic_load_n(l->schedstats, __ATOMIC_RELAXED) != 0;
}

static uint64_t load(const void *at, uint8_t size)
{
	switch (size) {
	case 1:
		return __atomic_load_n((const uint8_t *)at, __ATOMIC_RELAXED);
	case 2:
		return __atomic_load_n((const uint16_t *)at, __ATOMIC_RELAXED);
	case 4:
		return __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
	default:
		return __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
	}
}

/* One CPU's words. */
struct reading {
	const struct counters_layout *layout;
	uint32_t present;
	unsigned int cpu;
};

static void read_once(void *context, uint64_t *values)
{
	const struct reading *r = context;
	const struct counters_layout *l = r->layout;
	const void *const *at = &l->at[(size_t)r->cpu * COUNTER_COUNT];

	for (unsigned int c = 0; c < COUNTER_COUNT; c++)
		if (r->present >> c & 1)
			values[c] = load(at[c], l->size[c]);
}

static void read_cpu(const struct counters_layout *l, struct sample *s, unsigned int cpu)
{
	struct reading r = {.layout = l, .present = s->present, .cpu = cpu};

	if (!sample_read(read_once, &r, &s->values[(size_t)cpu * COUNTER_COUNT]))
		cpu_set_add(&s->torn, cpu);
}

/* Another instance: its per-CPU memory lies elsewhere. */
static bool find_instance(struct counters_layout *l, uint64_t instance)
{
	struct object root;
	uint64_t pcpu;

	if (instance == l->instance)
		return instance != 0;
	l->instance = 0;
	if (!instance)
		return false;
	/* The guest may have run since the translations that are kept. */
	kernel_window_begin(l->kernel);
	object_init(&root, l->kernel, instance);
	pcpu = object_read(&root, &l->pcpu);
	if (root.faulted || !pcpu || !find_event_counts(l, pcpu + l->stats_offset))
		return false;
	l->instance = instance;
	return true;
}

static uint64_t loaded_instance(const struct counters_layout *l)
{
	return l->root ? __atomic_load_n(l->root, __ATOMIC_ACQUIRE) : l->instance;
}

static void read_events(struct counters_layout *l, struct sample *s)
{
	uint64_t instance = loaded_instance(l);
	int64_t *events = sample_events(s);

	if (!l->event_count || !find_instance(l, instance))
		return;
	for (unsigned int cpu = 0; cpu < l->cpus; cpu++) {
		const int64_t **at = &l->event_at[(size_t)cpu * l->event_count];

		for (unsigned int i = 0; i < l->event_count; i++)
			events[i] = (int64_t)((uint64_t)events[i] +
					      (uint64_t)__atomic_load_n(at[i], __ATOMIC_RELAXED));
	}
	/* It may have been unloaded, and its memory used anew, meanwhile. */
	if (loaded_instance(l) == instance)
		s->instance = instance;
	else
		memset(events, 0, l->event_count * sizeof(*events));
}

void counters_layout_read(struct counters_layout *l, struct sample *s)
{
	s->present = l->present;
	if (!counters_layout_schedstats(l))
		s->present &= ~SCHEDSTATS_ONLY;
	for (unsigned int cpu = 0; cpu < l->cpus; cpu++) {
		if (kernel_cpu_online(l->kernel, cpu))
			cpu_set_add(&s->online, cpu);
		read_cpu(l, s, cpu);
	}
	read_events(l, s);
}
