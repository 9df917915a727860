/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/agent.h"
#include "coord/work_spec.h"

#include <stdlib.h>
#include <string.h>

struct table {
	struct agent *agent;
	struct agent_worker *workers;
	unsigned int count;
	/* Of `phases`: a row each. */
	struct phase_row {
		const struct agent_worker *worker;
		unsigned int number;
		struct wire_phase phase;
		uint64_t latency[WIRE_LATENCY_BUCKETS];
	} *phases;
	unsigned int phase_count;
};

/* ---- all workers ---- */

static const struct out_column worker_columns[] = {
	{"cgroup", 0},
	{"index", OUT_RIGHT},
	{"pid", OUT_RIGHT},
	{"comm", OUT_HIDDEN},
	{"type", 0},
	{"state", 0},
	{"iterations", OUT_RIGHT},
	{"max_gap", OUT_RIGHT},
	{"migrations", OUT_RIGHT},
	{"wakeups", OUT_RIGHT},
	{"p50", OUT_RIGHT},
	{"p90", OUT_RIGHT | OUT_HIDDEN},
	{"p99", OUT_RIGHT},
	{"max_latency", OUT_RIGHT},
	{"cpu_time", OUT_RIGHT},
	{"wall_time", OUT_RIGHT},
	{"exit_status", OUT_RIGHT | OUT_HIDDEN},
};

/* p50, p90 or p99 and the like; nothing where nothing ever woke up. */
static struct out_value percentile(const uint64_t *latency, uint64_t wakeups, uint64_t max, unsigned int percent)
{
	return wakeups ? out_duration(agent_percentile(latency, max, percent)) : out_none();
}

static void fill_worker(void *context, unsigned int row, struct out_value *v)
{
	const struct table *t = context;
	const struct agent_worker *w = &t->workers[row];

	*v++ = out_string(w->cgroup);
	*v++ = out_u64(w->index);
	*v++ = out_s64(w->pid);
	*v++ = out_string(w->comm);
	*v++ = out_string(w->type);
	*v++ = out_string(w->alive ? "alive" : "ended");
	*v++ = out_u64(w->iterations);
	*v++ = out_duration(w->max_gap);
	*v++ = out_u64(w->migrations);
	*v++ = out_u64(w->wakeups);
	*v++ = percentile(w->latency, w->wakeups, w->max_latency, 50);
	*v++ = percentile(w->latency, w->wakeups, w->max_latency, 90);
	*v++ = percentile(w->latency, w->wakeups, w->max_latency, 99);
	*v++ = w->wakeups ? out_duration(w->max_latency) : out_none();
	*v++ = out_duration(w->cpu_time);
	*v++ = out_duration(w->update_time > w->start_time ? w->update_time - w->start_time : 0);
	*v++ = w->alive ? out_none() : out_s64(w->exit_status);
}

static struct err *show_workers(struct session *s, struct table *t, const char *clauses, struct out *out)
{
	const struct rows rows = {.columns = worker_columns,
				  .column_count = sizeof(worker_columns) / sizeof(worker_columns[0]),
				  .row_count = t->count,
				  .fill = fill_worker,
				  .context = t};

	return rows_show(s, &rows, clauses, out);
}

/* ---- phases of those with a sequence ---- */

static const struct out_column phase_columns[] = {
	{"cgroup", 0},		 {"index", OUT_RIGHT},	    {"phase", OUT_RIGHT},
	{"type", 0},		 {"rounds", OUT_RIGHT},	    {"iterations", OUT_RIGHT},
	{"max_gap", OUT_RIGHT},	 {"migrations", OUT_RIGHT}, {"wakeups", OUT_RIGHT},
	{"p50", OUT_RIGHT},	 {"p90", OUT_RIGHT | OUT_HIDDEN},
	{"p99", OUT_RIGHT},	 {"max_latency", OUT_RIGHT},
	{"cpu_time", OUT_RIGHT}, {"wall_time", OUT_RIGHT},
};

static void fill_phase(void *context, unsigned int row, struct out_value *v)
{
	const struct table *t = context;
	const struct phase_row *r = &t->phases[row];
	const struct wire_phase *p = &r->phase;

	*v++ = out_string(r->worker->cgroup);
	*v++ = out_u64(r->worker->index);
	*v++ = out_u64(r->number);
	*v++ = out_string(work_name_of(r->worker->phase_type[r->number]));
	*v++ = out_u64(p->rounds);
	*v++ = out_u64(p->iterations);
	*v++ = out_duration(p->max_gap);
	*v++ = out_u64(p->migrations);
	*v++ = out_u64(p->wakeups);
	*v++ = percentile(r->latency, p->wakeups, p->max_latency, 50);
	*v++ = percentile(r->latency, p->wakeups, p->max_latency, 90);
	*v++ = percentile(r->latency, p->wakeups, p->max_latency, 99);
	*v++ = p->wakeups ? out_duration(p->max_latency) : out_none();
	*v++ = out_duration(p->cpu_time);
	*v++ = out_duration(p->wall_time);
}

static struct err *read_phases(struct table *t)
{
	unsigned int total = 0;

	for (unsigned int i = 0; i < t->count; i++)
		total += t->workers[i].phase_count;
	t->phases = calloc(total + 1, sizeof(*t->phases));
	if (!t->phases)
		return err_nomem();
	for (unsigned int i = 0; i < t->count; i++)
		for (unsigned int n = 0; n < t->workers[i].phase_count; n++) {
			struct phase_row *r = &t->phases[t->phase_count++];

			r->worker = &t->workers[i];
			r->number = n;
			ERR_TRY(agent_phase(t->agent, r->worker, n, &r->phase));
			for (unsigned int b = 0; b < WIRE_LATENCY_BUCKETS; b++)
				r->latency[b] = r->phase.latency[b];
		}
	return NULL;
}

static struct err *show_phases(struct session *s, struct table *t, const char *clauses, struct out *out)
{
	const struct rows rows = {.columns = phase_columns,
				  .column_count = sizeof(phase_columns) / sizeof(phase_columns[0]),
				  .row_count = t->phase_count,
				  .fill = fill_phase,
				  .context = t};

	return rows_show(s, &rows, clauses, out);
}

/* [CGROUP] and clauses; without it, the workers of all. */
static struct err *run(struct session *s, const struct command_line *line, bool phases, struct out *out)
{
	struct table t = {0};
	const char *clauses;
	struct err *err;
	char *cgroup;

	ERR_TRY(show_agent(s, &t.agent));
	ERR_TRY(rows_word(line->rest, &cgroup, &clauses));
	err = agent_workers(t.agent, cgroup, &t.workers, &t.count);
	if (!err && cgroup && !t.count)
		err = agent_worker(t.agent, cgroup, 0, &(struct agent_worker){0}); /* says which have some */
	if (!err && phases)
		err = read_phases(&t);
	if (!err)
		err = phases ? show_phases(s, &t, clauses, out) : show_workers(s, &t, clauses, out);
	free(cgroup);
	free(t.workers);
	free(t.phases);
	return err;
}

static struct err *run_workers(struct session *s, const struct command_line *line, struct out *out)
{
	return run(s, line, false, out);
}

static struct err *run_phases(struct session *s, const struct command_line *line, struct out *out)
{
	return run(s, line, true, out);
}

const struct command command_workers = {
	.name = "workers",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "workers [CGROUP] [where EXPR] [sort KEY] [columns A,B]",
	.summary = "what each worker did, and how long it waited",
	.help = "Read from memory that the workers write themselves; the guest's help is not needed. p50, p99 "
		"(p90): below\n"
		"that stay so many per cent of the wake-ups, told to about a quarter of their value. More columns: "
		"comm p90\n"
		"exit_status (a wait status).\n"
		"\n"
		"    workers web sort -max_gap",
	.arguments = {{"CGROUP", COMPLETE_CGROUP, NULL}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_workers,
};

const struct command command_phases = {
	.name = "phases",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "phases [CGROUP] [where EXPR] [sort KEY] [columns A,B]",
	.summary = "the same by phase, of workers with work=sequence",
	.help = "Over all rounds of the sequence; times count when a phase came to its end.\n"
		"\n"
		"    phases @runner where type == \"sleep\"",
	.arguments = {{"CGROUP", COMPLETE_CGROUP, NULL}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_phases,
};
