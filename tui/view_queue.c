/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run queue of one CPU, in the order in which the kernel keeps it. */
#include "base/parse.h"
#include "tui/table.h"
#include "tui/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column {
	COL_POSITION,
	COL_CLASS,
	COL_PID,
	COL_STATE,
	COL_PRIORITY,
	COL_KEY,
	COL_DISTANCE,
	COL_SLICE,
	COL_WEIGHT,
	COL_RUNTIME,
	COL_COMM,
	COL_COUNT,
};

static const struct table_column columns[COL_COUNT] = {
	[COL_POSITION] = {"#", {3, 0, 0, 90}, ALIGN_RIGHT},
	[COL_CLASS] = {"CLASS", {5, 0, 0, 95}, ALIGN_LEFT},
	[COL_PID] = {"PID", {6, 0, 0, 99}, ALIGN_RIGHT},
	[COL_STATE] = {"S", {1, 0, 0, 60}, ALIGN_LEFT},
	[COL_PRIORITY] = {"PRIO", {4, 0, 0, 70}, ALIGN_RIGHT},
	[COL_KEY] = {"KEY", {17, 0, 0, 80}, ALIGN_RIGHT},
	[COL_DISTANCE] = {"+FIRST", {10, 0, 0, 75}, ALIGN_RIGHT},
	[COL_SLICE] = {"SLICE", {8, 0, 0, 40}, ALIGN_RIGHT},
	[COL_WEIGHT] = {"WEIGHT", {6, 0, 0, 30}, ALIGN_RIGHT},
	[COL_RUNTIME] = {"RUNTIME", {8, 0, 0, 50}, ALIGN_RIGHT},
	[COL_COMM] = {"COMM", {15, 1, 0, 98}, ALIGN_LEFT},
};

/* A copy of an entry and its task: the model it came from is gone with its window. */
struct entry {
	struct model_queue_entry entry;
	struct model_task task;
	bool shared; /* in no queue of this CPU; the key is its vtime */
};

struct queue {
	struct view view;
	struct table table;
	unsigned int cpu;
	struct entry *entries;
	unsigned int count;
};

static const struct model_cpu *find_cpu(const struct model *m, unsigned int cpu)
{
	for (unsigned int i = 0; i < m->cpu_count; i++)
		if (m->cpus[i].cpu == cpu)
			return &m->cpus[i];
	return NULL;
}

static struct entry make_entry(const struct model *m, const struct model_queue_entry *entry)
{
	return (struct entry){
		*entry, entry->task >= 0 ? m->tasks[entry->task] : (struct model_task){.pid = -1},
		false};
}

/* Counted on this CPU, but in none of its own queues: it waits in a
 * shared dispatch queue, or is held by the BPF scheduler. */
static bool waits_elsewhere(const struct model *m, int task, unsigned int cpu,
			    const struct entry *kept, unsigned int count)
{
	const struct model_task *t = &m->tasks[task];

	if (t->class != CLASS_EXT || !t->on_rq || t->cpu != cpu)
		return false;
	for (unsigned int i = 0; i < count; i++)
		if (kept[i].entry.task == task)
			return false;
	return true;
}

static unsigned int add_shared(const struct model *m, unsigned int cpu, struct entry *kept,
			       unsigned int count)
{
	unsigned int n = count;

	for (unsigned int i = 0; i < m->task_count; i++) {
		struct model_queue_entry entry = {CLASS_EXT, (int)i, m->tasks[i].scx_vtime.value};

		if (!waits_elsewhere(m, (int)i, cpu, kept, count))
			continue;
		kept[n] = make_entry(m, &entry);
		kept[n++].shared = true;
	}
	return n;
}

/* What runs comes first, whether its class keeps it in a queue meanwhile (fair) or not (ext, rt).
 */
static struct err *keep_entries(struct queue *q, const struct model *m,
				const struct model_queue_entry *entries, unsigned int count)
{
	struct entry *kept = reallocarray(NULL, count + m->task_count + 1, sizeof(*kept));
	const struct model_cpu *c = find_cpu(m, q->cpu);
	int running = c && !c->idle ? c->current_task : -1;
	unsigned int n = 0;

	if (!kept)
		return err_nomem();
	if (running >= 0) {
		struct model_queue_entry first = {m->tasks[running].class, running, 0};

		for (unsigned int i = 0; i < count; i++)
			if (entries[i].task == running)
				first = entries[i];
		kept[n++] = make_entry(m, &first);
	}
	for (unsigned int i = 0; i < count; i++)
		if (running < 0 || entries[i].task != running)
			kept[n++] = make_entry(m, &entries[i]);
	n = add_shared(m, q->cpu, kept, n);
	free(q->entries);
	q->entries = kept;
	q->count = n;
	return NULL;
}

static struct err *sample(struct view *view, struct screen *s, const struct model *live)
{
	struct queue *q = (struct queue *)view;
	struct model_queue_entry *entries;
	struct kernel *kernel;
	unsigned int count;
	struct err *err;

	ERR_TRY(coord_kernel(session_coord(s->session), &kernel));
	ERR_TRY(model_queue(kernel, live, q->cpu, &entries, &count));
	err = keep_entries(q, live, entries, count);
	free(entries);
	return err;
}

/* The key of the first entry of the same class. */
static uint64_t first_key(const struct queue *q, const struct entry *e)
{
	for (unsigned int i = 0; i < q->count; i++)
		if (q->entries[i].entry.class == e->entry.class)
			return q->entries[i].entry.key;
	return e->entry.key;
}

static void distance_cell(const struct queue *q, const struct entry *e, struct str *text)
{
	uint64_t first = first_key(q, e), key = e->entry.key;
	char duration[DURATION_TEXT];

	if (e->entry.class != CLASS_FAIR && e->entry.class != CLASS_DL)
		return;
	/* vruntime wraps: the difference is signed. */
	if ((int64_t)(key - first) < 0)
		str_addf(text, "-%s", format_duration(first - key, duration));
	else
		str_addf(text, "+%s", format_duration(key - first, duration));
}

static void task_cell(const struct model_task *t, int column, struct str *text)
{
	char duration[DURATION_TEXT];

	switch (column) {
	case COL_PID:
		str_addf(text, "%d", t->pid);
		break;
	case COL_STATE:
		str_add_c(text, t->state);
		break;
	case COL_PRIORITY:
		str_addf(text, "%d", t->prio);
		break;
	case COL_SLICE:
		if (t->class == CLASS_EXT && t->scx_slice.present)
			str_add(text, format_duration(t->scx_slice.value, duration));
		break;
	case COL_WEIGHT:
		if (t->class == CLASS_EXT && t->scx_weight.present)
			str_addf(text, "%" PRIu64, t->scx_weight.value);
		break;
	case COL_RUNTIME:
		str_add(text, format_duration(t->runtime, duration));
		break;
	default:
		str_add_clean(text, t->comm, sizeof(t->comm));
		break;
	}
}

static void cell(void *context, int row, int column, struct str *text, enum role *role)
{
	struct queue *q = context;
	const struct entry *e = &q->entries[row];

	switch (column) {
	case COL_POSITION:
		if (e->task.current)
			str_add(text, "run");
		else if (e->shared)
			/* Between its wakeup and a dispatch queue a task is the BPF scheduler's. */
			str_add(text, e->task.scx_dsq.value ? "dsq" : "bpf");
		else
			str_addf(text, "%d", row);
		*role = e->task.current ? ROLE_GOOD : ROLE_DIM;
		break;
	case COL_CLASS:
		str_add(text, sched_class_name(e->entry.class));
		*role = class_role(e->entry.class);
		break;
	case COL_KEY:
		/* What runs is in no queue, so it has no key there, unless its class keeps one. */
		if (!e->task.current || e->entry.class == CLASS_FAIR)
			str_addf(text, "%" PRIu64, e->entry.key);
		break;
	case COL_DISTANCE:
		distance_cell(q, e, text);
		break;
	default:
		if (e->task.pid < 0)
			str_add_c(text, '?');
		else
			task_cell(&e->task, column, text);
		break;
	}
}

static void draw_head(const struct queue *q, const struct model *m, const struct area *a)
{
	const struct model_cpu *c = find_cpu(m, q->cpu);
	const struct model_task *t;
	struct str s = {0};
	int col = area_textf(a, 0, 0, ROLE_BOLD, "CPU %u", q->cpu);

	if (!c) {
		area_text(a, 0, col + 2, ROLE_WARNING, "there is no such CPU");
		return;
	}
	t = c->current_task >= 0 ? &m->tasks[c->current_task] : NULL;
	col = area_text(a, 0, col + 2, ROLE_LABEL, "runs");
	if (t) {
		str_add_clean(&s, t->comm, sizeof(t->comm));
		str_addf(&s, " (%d, %s)", t->pid, sched_class_name(t->class));
	}
	col = area_text(a, 0, col + 1, t ? class_role(t->class) : ROLE_DIM, t ? str_text(&s) : "?");
	col = area_text(a, 0, col + 2, ROLE_LABEL, "nr_running");
	col = area_textf(a, 0, col + 1, ROLE_NORMAL, "%u", c->nr_running);
	if (c->locked)
		area_text(a, 0, col + 2, ROLE_WARNING, "run-queue lock held");
	str_deinit(&s);
}

static void draw(struct view *view, struct screen *s, const struct area *a)
{
	struct queue *q = (struct queue *)view;
	struct area part = area_part(a, 2, 0, a->rows - 2, a->cols);

	draw_head(q, sampler_model(&s->sampler), a);
	view->header_rows = 3;
	table_draw(&q->table, &part, &view->scroll, (int)q->count, true);
	if (!q->count)
		area_text(&part, 2, 2, ROLE_DIM, "nothing runs or waits here");
}

static void enter(struct view *view, struct screen *s)
{
	struct queue *q = (struct queue *)view;
	char pid[16];

	if (view->scroll.at >= (int)q->count || q->entries[view->scroll.at].task.pid <= 0)
		return;
	snprintf(pid, sizeof(pid), "%d", q->entries[view->scroll.at].task.pid);
	screen_show(s, &view_task, pid);
}

static void step_cpu(struct screen *s, struct queue *q, int step)
{
	const struct model *m = sampler_model(&s->sampler);

	if (!m || !m->cpu_count)
		return;
	q->cpu = (q->cpu + m->cpu_count + (unsigned int)step) % m->cpu_count;
	s->sample_now = true;
}

static void key_next_cpu(struct screen *s, struct view *v)
{
	step_cpu(s, (struct queue *)v, 1);
}

static void key_previous_cpu(struct screen *s, struct view *v)
{
	step_cpu(s, (struct queue *)v, -1);
}

static const struct key_binding keys[] = {
	{{']', K_RIGHT}, "next CPU", "CPU", key_next_cpu, NULL},
	{{'[', K_LEFT}, "previous CPU", NULL, key_previous_cpu, NULL},
	{{K_ENTER}, "the fields of this task", "Task", NULL, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

static void close_queue(struct view *view)
{
	struct queue *q = (struct queue *)view;

	free(q->entries);
	free(q);
}

static struct err *parse_cpu(struct screen *s, const char *text, unsigned int *ret)
{
	const struct model *m = sampler_model(&s->sampler);
	uint64_t cpu;

	ERR_TRY(parse_u64(text, &cpu));
	if (cpu > UINT32_MAX || (m && !find_cpu(m, (unsigned int)cpu)))
		return err_new(ERR_NOT_FOUND, "no CPU %s; there are 0 to %u", text,
			       m ? m->cpu_count - 1 : 0);
	*ret = (unsigned int)cpu;
	return NULL;
}

static struct err *open_queue(struct screen *s, const char *argument, struct view **ret)
{
	unsigned int cpu = 0;
	struct queue *q;

	if (argument)
		ERR_TRY(parse_cpu(s, argument, &cpu));
	q = calloc(1, sizeof(*q));
	if (!q)
		return err_nomem();
	q->view.ops = &view_queue;
	q->cpu = cpu;
	q->table = (struct table){
		.columns = columns, .count = COL_COUNT, .sort = -1, .cell = cell, .context = q};
	*ret = &q->view;
	return NULL;
}

const struct view_ops view_queue = {
	.name = "queue",
	.title = "Queue",
	.summary = "the run queue of one CPU, in the kernel's order",
	.flags = VIEW_MODEL | VIEW_LISTED | VIEW_ROWS,
	.keys = keys,
	.open = open_queue,
	.close = close_queue,
	.sample = sample,
	.draw = draw,
	.enter = enter,
};
