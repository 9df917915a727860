/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/counter_rows.h"

#include "base/parse.h"
#include "commands/rows.h"

#include <stdlib.h>

struct counter_column {
	enum counter counter;
	unsigned int flags;
};

static const struct counter_column shown[] = {
	{COUNTER_NR_RUNNING, OUT_RIGHT},
	{COUNTER_NR_FAIR, OUT_RIGHT},
	{COUNTER_NR_RT, OUT_RIGHT},
	{COUNTER_NR_DL, OUT_RIGHT | OUT_HIDDEN},
	{COUNTER_NR_EXT, OUT_RIGHT},
	{COUNTER_LOCAL_DSQ, OUT_RIGHT},
	{COUNTER_SWITCHES, OUT_RIGHT},
	{COUNTER_WAKEUPS, OUT_RIGHT},
	{COUNTER_WAKEUPS_LOCAL, OUT_RIGHT},
	{COUNTER_GOIDLE, OUT_RIGHT},
	{COUNTER_RUN_DELAY, OUT_RIGHT},
	{COUNTER_STEAL, OUT_RIGHT},
	{COUNTER_CLOCK, OUT_RIGHT | OUT_HIDDEN},
	{COUNTER_SCHEDULES, OUT_RIGHT | OUT_HIDDEN},
	{COUNTER_YIELDS, OUT_RIGHT | OUT_HIDDEN},
	{COUNTER_RUNS, OUT_RIGHT | OUT_HIDDEN},
};
#define SHOWN (sizeof(shown) / sizeof(shown[0]))

/* A table's columns: its own first, then the counters. */
#define LEADING_MAX 3

struct table {
	const struct counter_rows *rows;
	struct kernel *kernel;
	uint64_t runqueues; /* per-CPU symbol */
	uint32_t rq_type;
	struct out_column columns[LEADING_MAX + SHOWN];
	unsigned int column_count;
	char time[DURATION_TEXT];
};

static void add_row(struct counter_rows *rows, const struct sample *sample, unsigned int cpu)
{
	rows->rows[rows->count].sample = sample;
	rows->rows[rows->count++].cpu = cpu;
}

void counter_rows_add(struct counter_rows *rows, const struct sample *sample, int cpu)
{
	void *grown = realloc(rows->rows, (rows->count + sample->cpus) * sizeof(*rows->rows));

	if (!grown) {
		rows->no_memory = true;
		return;
	}
	rows->rows = grown;
	for (unsigned int i = 0; i < sample->cpus; i++)
		if ((cpu < 0 || cpu == (int)i) && cpu_set_has(&sample->online, i))
			add_row(rows, sample, i);
}

void counter_rows_deinit(struct counter_rows *rows)
{
	free(rows->rows);
	*rows = (struct counter_rows){0};
}

struct out_value counter_value(const struct sample *s, unsigned int cpu, enum counter c)
{
	if (!sample_has(s, c))
		return out_absent();
	if (counter_table[c].kind == COUNTER_TIME && c != COUNTER_CLOCK)
		return out_duration(sample_value(s, cpu, c));
	return out_u64(sample_value(s, cpu, c));
}

/* A gauge has no rate: its value stands in the same place. */
struct out_value counter_rate(const struct sample *base, const struct sample *now,
			      unsigned int cpu, enum counter c)
{
	double rate;

	if (counter_table[c].kind == COUNTER_GAUGE)
		return counter_value(now, cpu, c);
	if (!sample_rate(base, now, cpu, c, &rate))
		return out_absent();
	if (counter_table[c].kind == COUNTER_TIME)
		return out_duration((uint64_t)(rate + 0.5));
	return out_u64((uint64_t)(rate + 0.5));
}

static void fill(void *context, unsigned int row, struct out_value *v)
{
	struct table *t = context;
	const struct sample *sample = t->rows->rows[row].sample;
	unsigned int cpu = t->rows->rows[row].cpu;

	if (t->rows->timed)
		*v++ = out_string(format_seconds(sample->time, t->time));
	*v++ = out_u64(cpu);
	if (t->rows->timed)
		*v++ = out_bool(cpu_set_has(&sample->torn, cpu));
	for (unsigned int i = 0; i < SHOWN; i++)
		*v++ = t->rows->base ? counter_rate(t->rows->base, sample, cpu, shown[i].counter)
				     : counter_value(sample, cpu, shown[i].counter);
}

static bool self(void *context, unsigned int row, struct value *ret)
{
	struct table *t = context;
	uint64_t address;
	struct err *err = kernel_percpu(t->kernel, t->runqueues, t->rows->rows[row].cpu, &address);

	if (err) {
		err_free(err);
		return false;
	}
	*ret = value_object(t->rq_type, address);
	return true;
}

static void add_column(struct table *t, const char *name, unsigned int flags)
{
	t->columns[t->column_count++] = (struct out_column){name, flags};
}

static void add_columns(struct table *t)
{
	if (t->rows->timed)
		add_column(t, "time", OUT_RIGHT);
	add_column(t, "cpu", OUT_RIGHT);
	if (t->rows->timed)
		add_column(t, "torn", 0);
	for (unsigned int i = 0; i < SHOWN; i++)
		add_column(t, counter_table[shown[i].counter].name, shown[i].flags);
}

struct err *counter_rows_show(struct session *s, const struct counter_rows *rows,
			      const char *clauses, struct out *out)
{
	struct table t = {.rows = rows};

	if (rows->no_memory)
		return err_nomem();
	ERR_TRY(session_kernel(s, &t.kernel));
	ERR_TRY(kernel_symbol(t.kernel, "runqueues", &t.runqueues));
	ERR_TRY(types_parse(kernel_types(t.kernel), "struct rq", &t.rq_type));
	add_columns(&t);
	return rows_show(s,
			 &(struct rows){.columns = t.columns,
					.column_count = t.column_count,
					.row_count = rows->count,
					.fill = fill,
					.self = self,
					.context = &t},
			 clauses, out);
}
