/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All CPUs: what runs, what waits, how often it changes. */
#include "coord/counters.h"
#include "tui/task_columns.h"
#include "tui/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BUSIEST_MIN 6 /* rows below the CPUs that make a second table worth while */

enum column {
	COL_CPU,
	COL_BUSY,
	COL_BAR,
	COL_CLASS,
	COL_PID,
	COL_CURRENT,
	COL_RUNNING,
	COL_FAIR,
	COL_RT,
	COL_DL,
	COL_EXT,
	COL_DSQ,
	COL_SWITCHES,
	COL_WAKEUPS,
	COL_STEAL,
	COL_USER,
	COL_SYSTEM,
	COL_LOCK,
	COL_TOTAL,
	COL_CLOCK,
	COL_RQ,
	COL_COUNT,
};

static const struct table_column columns[COL_COUNT] = {
	[COL_CPU] = {"CPU", {3, 0, 0, 99}, ALIGN_RIGHT},
	[COL_BUSY] = {"BUSY%", {5, 0, 0, 80}, ALIGN_RIGHT},
	[COL_BAR] = {"", {8, 2, 60, 20}, ALIGN_LEFT},
	[COL_CLASS] = {"CLASS", {5, 0, 0, 90}, ALIGN_LEFT},
	[COL_PID] = {"PID", {6, 0, 0, 90}, ALIGN_RIGHT},
	[COL_CURRENT] = {"CURRENT", {10, 1, 16, 95}, ALIGN_LEFT},
	[COL_RUNNING] = {"NR", {3, 0, 0, 88}, ALIGN_RIGHT},
	[COL_FAIR] = {"FAIR", {4, 0, 0, 70}, ALIGN_RIGHT},
	[COL_RT] = {"RT", {3, 0, 0, 69}, ALIGN_RIGHT},
	[COL_DL] = {"DL", {3, 0, 0, 68}, ALIGN_RIGHT},
	[COL_EXT] = {"EXT", {3, 0, 0, 72}, ALIGN_RIGHT},
	[COL_DSQ] = {"DSQ", {3, 0, 0, 71}, ALIGN_RIGHT},
	[COL_SWITCHES] = {"SW/s", {6, 0, 0, 85}, ALIGN_RIGHT},
	[COL_WAKEUPS] = {"WAKE/s", {6, 0, 0, 30}, ALIGN_RIGHT},
	[COL_STEAL] = {"STEAL%", {6, 0, 0, 60}, ALIGN_RIGHT},
	[COL_USER] = {"USER%", {5, 0, 0, 28}, ALIGN_RIGHT},
	[COL_SYSTEM] = {"SYS%", {5, 0, 0, 27}, ALIGN_RIGHT},
	[COL_LOCK] = {"LOCK", {4, 0, 0, 65}, ALIGN_LEFT},
	[COL_TOTAL] = {"SWITCHES", {10, 0, 0, 15}, ALIGN_RIGHT},
	[COL_CLOCK] = {"RQ CLOCK", {15, 0, 0, 14}, ALIGN_RIGHT},
	[COL_RQ] = {"RQ", {18, 0, 0, 10}, ALIGN_LEFT},
};

struct cpus {
	struct view view;
	struct table table, busiest;
	struct screen *screen;
	int *rows; /* of `busiest`: indexes into the picture's tasks */
};

/* Per cent of the interval, from ns counters; below 0 when it cannot be told. */
static double share(const struct sampler *s, const struct maybe *now, const struct maybe *old)
{
	if (!now->present || !sampler_interval(s))
		return -1;
	return sampler_rate(s, now->value, old->value) / 1e7;
}

static double busy_share(const struct sampler *s, const struct model_cpu *c,
			 const struct model_cpu *old)
{
	double user, system, sum;

	if (!old)
		return -1;
	user = share(s, &c->user, &old->user);
	system = share(s, &c->system, &old->system);
	sum = user + system;
	if (user < 0 || system < 0)
		return -1;
	return sum > 100 ? 100 : sum;
}

static void add_share(struct str *text, double percent)
{
	if (percent < 0)
		str_add_c(text, '-');
	else
		str_addf(text, percent < 99.95 ? "%.1f" : "%.0f", percent);
}

static void add_maybe(struct str *text, const struct maybe *m)
{
	if (m->present)
		str_addf(text, "%" PRIu64, m->value);
	else
		str_add_c(text, '-');
}

static void add_bar(const struct cpus *v, struct str *text, double percent)
{
	int width = v->table.widths[COL_BAR], filled = (int)(percent * width / 100 + 0.5);

	for (int i = 0; i < filled && i < width; i++)
		str_add_wide(text, v->screen->glyphs->bar);
}

static void current_cell(const struct model *m, const struct model_cpu *c, int column,
			 struct str *text, enum role *role)
{
	const struct model_task *t = c->current_task >= 0 ? &m->tasks[c->current_task] : NULL;

	if (!t) {
		str_add_c(text, '?');
		return;
	}
	*role = class_role(t->class);
	if (column == COL_CLASS)
		str_add(text, sched_class_name(t->class));
	else if (column == COL_PID)
		str_addf(text, "%d", t->pid);
	else
		str_add_clean(text, t->comm, sizeof(t->comm));
}

static void count_cell(struct str *text, enum role *role, unsigned int count, enum role some)
{
	str_addf(text, "%u", count);
	*role = count ? some : ROLE_DIM;
}

static void rate_cell(const struct cpus *v, const struct model_cpu *c, const struct model_cpu *old,
		      int column, struct str *text, enum role *role)
{
	const struct sampler *s = &v->screen->sampler;
	double percent = -1;

	if (!old || !sampler_interval(s)) {
		str_add_c(text, '-');
		*role = ROLE_DIM;
		return;
	}
	if (column == COL_SWITCHES) {
		str_addf(text, "%.0f", sampler_rate(s, c->switches, old->switches));
		return;
	}
	if (column == COL_WAKEUPS) {
		if (c->ttwu_count.present)
			str_addf(text, "%.0f",
				 sampler_rate(s, c->ttwu_count.value, old->ttwu_count.value));
		return;
	}
	if (column == COL_STEAL)
		percent = share(s, &c->steal, &old->steal);
	else
		percent = column == COL_USER ? share(s, &c->user, &old->user)
					     : share(s, &c->system, &old->system);
	add_share(text, percent);
	*role = percent <= 0 ? ROLE_DIM : column == COL_STEAL ? ROLE_WARNING : ROLE_NORMAL;
}

static void queue_cell(const struct model_cpu *c, int column, struct str *text, enum role *role)
{
	switch (column) {
	case COL_RUNNING:
		count_cell(text, role, c->nr_running, ROLE_BOLD);
		break;
	case COL_FAIR:
		count_cell(text, role, c->nr_fair, ROLE_FAIR);
		break;
	case COL_RT:
		count_cell(text, role, c->nr_rt, ROLE_RT);
		break;
	case COL_DL:
		count_cell(text, role, c->nr_dl, ROLE_DL);
		break;
	case COL_EXT:
		*role = c->nr_ext.value ? ROLE_EXT : ROLE_DIM;
		add_maybe(text, &c->nr_ext);
		break;
	default:
		*role = c->local_dsq_nr.value ? ROLE_EXT : ROLE_DIM;
		add_maybe(text, &c->local_dsq_nr);
		break;
	}
}

static void other_cell(const struct cpus *v, const struct model_cpu *c, const struct model_cpu *old,
		       int column, struct str *text, enum role *role)
{
	double busy = busy_share(&v->screen->sampler, c, old);

	switch (column) {
	case COL_CPU:
		str_addf(text, "%u", c->cpu);
		*role = ROLE_LABEL;
		break;
	case COL_BUSY:
		add_share(text, busy);
		*role = busy >= 90 ? ROLE_WARNING : busy > 0 ? ROLE_NORMAL : ROLE_DIM;
		break;
	case COL_BAR:
		add_bar(v, text, busy);
		*role = ROLE_GOOD;
		break;
	case COL_LOCK:
		str_add(text, c->locked ? "held" : "");
		*role = ROLE_WARNING;
		break;
	case COL_TOTAL:
		str_addf(text, "%" PRIu64, c->switches);
		break;
	case COL_CLOCK:
		str_addf(text, "%" PRIu64, c->clock);
		break;
	case COL_RQ:
		str_addf(text, "0x%" PRIx64, c->rq);
		*role = ROLE_DIM;
		break;
	}
}

static void cell(void *context, int row, int column, struct str *text, enum role *role)
{
	struct cpus *v = context;
	const struct model *m = sampler_model(&v->screen->sampler);
	const struct model_cpu *c = &m->cpus[row];
	const struct model_cpu *old = sampler_old_cpu(&v->screen->sampler, c->cpu);

	if (!c->online) {
		*role = ROLE_DIM;
		if (column == COL_CPU)
			str_addf(text, "%u", c->cpu);
		else if (column == COL_CURRENT)
			str_add(text, "offline");
	} else if (column == COL_CLASS || column == COL_PID || column == COL_CURRENT) {
		current_cell(m, c, column, text, role);
	} else if (column >= COL_RUNNING && column <= COL_DSQ) {
		queue_cell(c, column, text, role);
	} else if (column >= COL_SWITCHES && column <= COL_SYSTEM) {
		rate_cell(v, c, old, column, text, role);
	} else {
		other_cell(v, c, old, column, text, role);
	}
}

/* ---- the lines above the table ---- */

static unsigned int count_state(const struct model *m, char state)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < m->task_count; i++)
		count += m->tasks[i].state == state;
	return count;
}

static int draw_pair(const struct area *a, int row, int col, const char *label, const char *value)
{
	col = area_text(a, row, col, ROLE_LABEL, label);
	col = area_text(a, row, col + 1, ROLE_NORMAL, value);
	return col + 2;
}

static void draw_tasks_line(const struct model *m, const struct area *a)
{
	unsigned int threads = 0, kernel = 0;
	char text[96];
	int col;

	for (unsigned int i = 0; i < m->task_count; i++) {
		kernel += m->tasks[i].kthread;
		threads += m->tasks[i].pid != m->tasks[i].tgid;
	}
	snprintf(text, sizeof(text), "%u (%u kernel, %u threads)", m->task_count, kernel, threads);
	col = draw_pair(a, 0, 0, "tasks", text);
	snprintf(text, sizeof(text), "%u", count_state(m, 'R'));
	col = draw_pair(a, 0, col, "runnable", text);
	snprintf(text, sizeof(text), "%u", count_state(m, 'D'));
	draw_pair(a, 0, col, "blocked", text);
}

static void add_exit(const struct model_scx *scx, struct str *s)
{
	if (!scx->exit_reason[0])
		return;
	str_add(s, "; last exit: ");
	str_add_clean(s, scx->exit_reason, sizeof(scx->exit_reason));
	if (scx->exit_message[0]) {
		str_add(s, ": ");
		str_add_clean(s, scx->exit_message, sizeof(scx->exit_message));
	}
}

static void draw_scx_line(const struct model_scx *scx, const struct area *a)
{
	struct str s = {0};

	if (!scx->present)
		str_add(&s, "this kernel has none");
	else
		str_addf(&s, "%s", scx->state);
	if (scx->ops[0]) {
		str_add_c(&s, ' ');
		str_add_clean(&s, scx->ops, sizeof(scx->ops));
	}
	if (scx->nr_rejected.present && scx->nr_rejected.value)
		str_addf(&s, ", %" PRIu64 " rejected", scx->nr_rejected.value);
	if (scx->bypass_depth.present && scx->bypass_depth.value)
		str_addf(&s, ", BYPASS %" PRIu64, scx->bypass_depth.value);
	add_exit(scx, &s);
	draw_pair(a, 1, 0, "sched_ext", str_text(&s));
	str_deinit(&s);
}

/* A limit that counters went beyond: the first, and how many more. */
static void draw_violations(struct screen *screen, const struct area *a)
{
	struct coord *coord = session_coord(screen->session);
	const struct counters *c = coord ? coord_counters(coord) : NULL;
	unsigned int count = 0;
	struct str s = {0};

	for (unsigned int i = 0; c && i < THRESHOLD_COUNT; i++)
		if (counters_findings(c)->findings[i].violated && count++ == 0)
			threshold_describe(counters_findings(c), counters_thresholds(c), i, &s);
	if (count > 1)
		str_addf(&s, "; %u more, see :counters", count - 1);
	if (count)
		area_text(a, 2, 0, ROLE_WARNING, str_text(&s));
	str_deinit(&s);
}

/* ---- the tasks that matter, below the CPUs where there is room ---- */

/* 2: on a CPU, 1: waits for one, 0: neither. */
static int urgency(const struct model_task *t)
{
	return t->current ? 2 : t->on_rq ? 1 : 0;
}

static int compare_urgency(const void *a, const void *b, void *context)
{
	const struct sampler *s = context;
	const struct model *m = sampler_model(s);
	const struct model_task *ta = &m->tasks[*(const int *)a], *tb = &m->tasks[*(const int *)b];

	if (urgency(ta) != urgency(tb))
		return urgency(tb) - urgency(ta);
	if (urgency(ta) && ta->cpu != tb->cpu)
		return ta->cpu < tb->cpu ? -1 : 1;
	return -task_column_compare(s, ta, tb, TASK_CPU_SHARE);
}

static void task_cell(void *context, int row, int column, struct str *text, enum role *role)
{
	struct cpus *v = context;
	const struct model *m = sampler_model(&v->screen->sampler);

	task_column_text(&v->screen->sampler, &m->tasks[v->rows[row]], column, text, role);
}

static void draw_busiest(struct cpus *v, const struct model *m, const struct area *a)
{
	struct area part = area_part(a, 1, 0, a->rows - 1, a->cols);
	int *rows = reallocarray(v->rows, m->task_count + 1, sizeof(*rows));
	struct scroll scroll = {0};

	if (!rows)
		return;
	v->rows = rows;
	for (unsigned int i = 0; i < m->task_count; i++)
		rows[i] = (int)i;
	qsort_r(rows, m->task_count, sizeof(*rows), compare_urgency, &v->screen->sampler);
	area_text(a, 0, 0, ROLE_LABEL, "running, waiting, and busiest tasks");
	table_draw(&v->busiest, &part, &scroll, (int)m->task_count, false);
}

static void draw(struct view *view, struct screen *s, const struct area *a)
{
	struct cpus *v = (struct cpus *)view;
	const struct model *m = sampler_model(&s->sampler);
	int rows = (int)m->cpu_count + 1, spare = a->rows - 3 - rows;
	struct area part = area_part(a, 3, 0, spare < BUSIEST_MIN ? a->rows - 3 : rows, a->cols);
	struct area below = area_part(a, 3 + rows + 1, 0, spare - 1, a->cols);

	draw_tasks_line(m, a);
	draw_scx_line(&m->scx, a);
	draw_violations(s, a);
	view->header_rows = 4;
	table_draw(&v->table, &part, &view->scroll, (int)m->cpu_count, true);
	if (spare >= BUSIEST_MIN)
		draw_busiest(v, m, &below);
}

static void enter(struct view *view, struct screen *s)
{
	const struct model *m = sampler_model(&s->sampler);
	char cpu[16];

	if (!m || view->scroll.at >= (int)m->cpu_count)
		return;
	snprintf(cpu, sizeof(cpu), "%u", m->cpus[view->scroll.at].cpu);
	screen_show(s, &view_queue, cpu);
}

/* The task that runs on the selected CPU. */
static void key_current(struct screen *s, struct view *view)
{
	const struct model *m = sampler_model(&s->sampler);
	const struct model_cpu *c =
		m && view->scroll.at < (int)m->cpu_count ? &m->cpus[view->scroll.at] : NULL;
	char pid[16];

	if (!c || c->current_task < 0 || !m->tasks[c->current_task].pid) {
		screen_message(s, ROLE_WARNING, "this CPU runs its idle task");
		return;
	}
	snprintf(pid, sizeof(pid), "%d", m->tasks[c->current_task].pid);
	screen_show(s, &view_task, pid);
}

static const struct key_binding keys[] = {
	{{K_ENTER}, "the run queue of this CPU", "Queue", NULL, NULL},
	{{'t'}, "the task that runs on this CPU", "Task", key_current, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

static void close_cpus(struct view *view)
{
	free(((struct cpus *)view)->rows);
	free(view);
}

static struct err *open_cpus(struct screen *s, const char *argument, struct view **ret)
{
	struct cpus *v = calloc(1, sizeof(*v));

	if (!v)
		return err_nomem();
	v->view.ops = &view_cpus;
	v->screen = s;
	v->table = (struct table){
		.columns = columns, .count = COL_COUNT, .sort = -1, .cell = cell, .context = v};
	v->busiest = (struct table){.columns = task_columns,
				    .count = TASK_COLUMNS,
				    .sort = -1,
				    .cell = task_cell,
				    .context = v};
	*ret = &v->view;
	return NULL;
}

const struct view_ops view_cpus = {
	.name = "cpus",
	.title = "CPUs",
	.summary = "what runs and waits on each CPU",
	.flags = VIEW_MODEL | VIEW_LISTED | VIEW_ROWS,
	.keys = keys,
	.open = open_cpus,
	.close = close_cpus,
	.draw = draw,
	.enter = enter,
};
