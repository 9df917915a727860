/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/scenario_impl.h"

#include <stdlib.h>
#include <string.h>

static void free_record(struct step_record *r)
{
	free(r->failure);
	free(r->groups);
	free(r);
}

static void forget_records(struct scenario *sc)
{
	for (unsigned int i = 0; i < sc->count; i++)
		free_record(sc->records[i]);
	free(sc->records);
	sc->records = NULL;
	sc->count = 0;
}

struct err *scenario_create(struct scenario **ret)
{
	struct scenario *sc = calloc(1, sizeof(*sc));

	if (!sc)
		return err_nomem();
	sc->duration = SCENARIO_DURATION;
	*ret = sc;
	return NULL;
}

void scenario_forget(struct scenario *sc)
{
	if (!sc)
		return;
	forget_records(sc);
	*sc = (struct scenario){.duration = SCENARIO_DURATION};
}

void scenario_destroy(struct scenario *sc)
{
	scenario_forget(sc);
	free(sc);
}

void scenario_begin(struct scenario *sc, uint64_t duration)
{
	forget_records(sc);
	*sc = (struct scenario){.active = true, .duration = duration, .next = 1};
}

/* A backdrop's record is the first, and stays. */
static void forget_oldest(struct scenario *sc)
{
	unsigned int oldest = sc->records[0]->number == 0;

	free_record(sc->records[oldest]);
	memmove(&sc->records[oldest], &sc->records[oldest + 1],
		(sc->count - oldest - 1) * sizeof(struct step_record *));
	sc->count--;
}

struct err *scenario_add(struct scenario *sc, unsigned int number, struct step_record **ret)
{
	struct step_record **grown, *r;

	if (sc->count == SCENARIO_STEPS)
		forget_oldest(sc);
	grown = reallocarray(sc->records, sc->count + 1, sizeof(struct step_record *));
	if (!grown)
		return err_nomem();
	sc->records = grown;
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_nomem();
	r->number = number;
	sc->records[sc->count++] = r;
	*ret = r;
	return NULL;
}

bool scenario_active(const struct scenario *sc)
{
	return sc->active;
}

uint64_t scenario_duration(const struct scenario *sc)
{
	return sc->duration;
}

const struct step_record *scenario_record(const struct scenario *sc, unsigned int i)
{
	return i < sc->count ? sc->records[i] : NULL;
}

const struct step_record *scenario_step(const struct scenario *sc, unsigned int number)
{
	for (unsigned int i = 0; i < sc->count; i++)
		if (sc->records[i]->number == number)
			return sc->records[i];
	return NULL;
}

const struct measured *scenario_last(const struct scenario *sc, const char *cgroup)
{
	for (unsigned int i = sc->count; i--;) {
		const struct measured *group = step_group(sc->records[i], cgroup);

		if (group)
			return group;
	}
	return NULL;
}

/* ---- one record ---- */

const char *step_result_name(const struct step_record *r)
{
	switch (r->result) {
	case STEP_DONE:
		return "held";
	case STEP_FAILED:
		return "failed";
	default:
		return death_name(r->death.kind);
	}
}

uint64_t step_iterations(const struct step_record *r)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < r->group_count; i++)
		sum += r->groups[i].iterations;
	return sum;
}

unsigned int step_workers(const struct step_record *r)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < r->group_count; i++)
		sum += r->groups[i].count + r->groups[i].ended;
	return sum;
}

const struct measured *step_group(const struct step_record *r, const char *cgroup)
{
	for (unsigned int i = 0; i < r->group_count; i++)
		if (strcmp(r->groups[i].cgroup, cgroup) == 0)
			return &r->groups[i];
	return NULL;
}

/* ---- its workers as a table ---- */

static const struct out_column group_columns[] = {
	{"step", OUT_RIGHT},	   {"cgroup", 0},	    {"lives", 0},
	{"workers", OUT_RIGHT},	   {"ended", OUT_RIGHT},    {"iterations", OUT_RIGHT},
	{"rate", OUT_RIGHT},	   {"max_gap", OUT_RIGHT},  {"spread", OUT_RIGHT},
	{"migrations", OUT_RIGHT}, {"starved", OUT_RIGHT},  {"outside", OUT_RIGHT},
	{"wakeups", OUT_HIDDEN},   {"cpu_time", OUT_HIDDEN}, {"max_latency", OUT_HIDDEN},
};

static const char *lives_name(enum wire_scope scope)
{
	static const char *const names[] = {"session", "scenario", "step"};

	return names[scope];
}

static void show_group(struct out *out, const struct step_record *r, const struct measured *g)
{
	uint64_t rate = measured_rate(g->iterations, r->held_until - r->held_from);
	struct out_value values[] = {
		out_u64(r->number),
		out_string(g->cgroup),
		out_string(lives_name(g->scope)),
		out_u64(g->count),
		out_u64(g->ended),
		out_u64(g->iterations),
		out_u64(rate),
		out_duration(g->max_gap),
		out_u64(measured_spread(g)),
		out_u64(g->migrations),
		out_u64(g->starved),
		g->outside_known ? out_u64(g->outside) : out_none(),
		out_u64(g->wakeups),
		out_duration(g->cpu_time),
		out_duration(g->max_latency),
	};

	out_row(out, values);
}

void scenario_show_groups(struct out *out, const struct step_record *const *records, unsigned int count)
{
	unsigned int groups = 0;

	for (unsigned int i = 0; i < count; i++)
		groups += records[i]->group_count;
	if (!groups)
		return;
	out_table_begin(out, group_columns, sizeof(group_columns) / sizeof(group_columns[0]));
	for (unsigned int i = 0; i < count; i++)
		for (unsigned int j = 0; j < records[i]->group_count; j++)
			show_group(out, records[i], &records[i]->groups[j]);
	out_table_end(out);
}
