/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/diff_runs.h"

#include "base/parse.h"
#include "commands/diff.h"
#include "commands/replay.h"
#include "coord/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_STEP UINT64_C(1000000) /* guest ns; the finest interleaving is finer, tasks run longer */
#define LOOKS_MAX (1u << 20)	    /* times CPUs: what is kept of a run */
#define CPUS_MAX 256

/* What a CPU ran when it was looked at. */
struct seen {
	int pid;
	char comm[16];
};

struct history {
	char name[DURATION_TEXT + 16]; /* of its quantum */
	struct seen *seen;	       /* cpu_count for each look */
	uint64_t *times;
	unsigned int cpu_count, count, room;
	struct replay_result result;
};

static void history_deinit(struct history *h)
{
	free(h->seen);
	free(h->times);
	replay_result_deinit(&h->result);
}

static struct err *grow(struct history *h)
{
	unsigned int room = h->room ? 2 * h->room : 256;
	struct seen *seen = reallocarray(h->seen, (size_t)room * h->cpu_count, sizeof(*seen));
	uint64_t *times = seen ? reallocarray(h->times, room, sizeof(*times)) : NULL;

	if (seen)
		h->seen = seen;
	if (!times)
		return err_nomem();
	h->times = times;
	h->room = room;
	return NULL;
}

static struct err *keep(struct history *h, const struct model *model)
{
	if (!h->cpu_count)
		h->cpu_count = model->cpu_count;
	if (!h->cpu_count || h->cpu_count != model->cpu_count ||
	    h->count * h->cpu_count >= LOOKS_MAX)
		return NULL;
	if (h->count == h->room)
		ERR_TRY(grow(h));
	for (unsigned int i = 0; i < h->cpu_count; i++) {
		int current = model->cpus[i].current_task;
		struct seen *seen = &h->seen[h->count * h->cpu_count + i];

		*seen = (struct seen){.pid = -1};
		if (current < 0)
			continue;
		seen->pid = model->tasks[current].pid;
		memcpy(seen->comm, model->tasks[current].comm, sizeof(seen->comm));
	}
	h->times[h->count++] = model->time;
	return NULL;
}

static struct err *look(void *context, struct session *s)
{
	const struct model *model;
	struct err *err = coord_model(session_coord(s), &model);

	if (!err)
		return keep(context, model);
	/* A guest that cannot be looked at now is looked at later. */
	if (err_kind(err) == ERR_NOMEM || err_kind(err) == ERR_INTERRUPTED)
		return err;
	err_free(err);
	return NULL;
}

static void name_quantum(const struct quantum *q, struct history *h)
{
	char text[DURATION_TEXT];

	if (q->ns)
		snprintf(h->name, sizeof(h->name), "%s", format_duration(q->ns, text));
	else
		snprintf(h->name, sizeof(h->name), "random:%llu", (unsigned long long)q->seed);
}

static struct err *run(const struct recording *r, const struct options *options,
		       const struct quantum *quantum, struct history *h)
{
	const struct replay_change change = {
		.quantum = quantum, .look_step = LOOK_STEP, .look = look, .context = h};

	name_quantum(quantum, h);
	return replay_run(r, options, &change, &h->result);
}

/* ---- where they part ---- */

/* The first look at which they differ, or the end of the shorter one. */
static unsigned int first_difference(const struct history *a, const struct history *b)
{
	unsigned int i = 0, count = a->count < b->count ? a->count : b->count;

	while (i < count && !memcmp(&a->seen[i * a->cpu_count], &b->seen[i * b->cpu_count],
				    a->cpu_count * sizeof(*a->seen)))
		i++;
	return i;
}

static void show_look(const struct history *a, const struct history *b, unsigned int look,
		      struct out *out)
{
	const struct out_column columns[] = {
		{"cpu", OUT_RIGHT}, {a->name, 0}, {b->name, 0}, {"", 0}};

	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned int cpu = 0; cpu < a->cpu_count; cpu++) {
		const struct seen *x = &a->seen[look * a->cpu_count + cpu];
		const struct seen *y = &b->seen[look * b->cpu_count + cpu];
		char left[40], right[40];
		struct out_value values[] = {out_u64(cpu), out_string(left), out_string(right),
					     out_string(memcmp(x, y, sizeof(*x)) ? "differs" : "")};

		snprintf(left, sizeof(left), "%d %.16s", x->pid, x->comm);
		snprintf(right, sizeof(right), "%d %.16s", y->pid, y->comm);
		out_row(out, values);
	}
	out_table_end(out);
}

static void show_parting(const struct history *a, const struct history *b, struct out *out)
{
	unsigned int look = first_difference(a, b);
	char same[DURATION_TEXT], other[DURATION_TEXT];

	if (a->cpu_count != b->cpu_count || look >= a->count || look >= b->count) {
		out_text(out, "every CPU runs the same task at each of %u looks, one a millisecond",
			 look);
		return;
	}
	out_text(out, "the histories part between %s and %s:",
		 format_seconds(look ? a->times[look - 1] : 0, same),
		 format_seconds(a->times[look], other));
	show_look(a, b, look, out);
}

static void show_verdict(const struct history *h, struct out *out)
{
	out_text(out, "%s: %s", h->name,
		 h->result.outcome == REPLAY_PASSED ? "passed" : h->result.message);
}

static struct err *show(const struct history *a, const struct history *b, struct out *out)
{
	struct str diff = {0};
	struct err *err;

	show_verdict(a, out);
	show_verdict(b, out);
	if (a->result.memory && a->result.memory == b->result.memory) {
		out_text(out, "both end with the same guest memory");
		return NULL;
	}
	show_parting(a, b, out);
	err = diff_unified(a->result.transcript, b->result.transcript, a->name, b->name, &diff);
	if (!err && diff.len)
		out_lines(out, str_text(&diff));
	str_deinit(&diff);
	return err;
}

struct err *diff_runs(const struct recording *r, const struct options *options,
		      const struct quantum quanta[2], struct out *out)
{
	struct history a = {0}, b = {0};
	struct err *err = run(r, options, &quanta[0], &a);

	if (!err)
		err = run(r, options, &quanta[1], &b);
	if (!err)
		err = show(&a, &b, out);
	history_deinit(&a);
	history_deinit(&b);
	return err;
}
