/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was brought about in the guest: the tree of cgroups with their workers, and below it the steps of the
 * scenario with their results. */
#include "base/parse.h"
#include "commands/scenario.h"
#include "coord/agent.h"
#include "tui/table.h"
#include "tui/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum column {
	COL_CGROUP,
	COL_LIVES,
	COL_WORKERS,
	COL_ITERATIONS,
	COL_GAP,
	COL_MIGRATIONS,
	COL_TASKS,
	COL_WEIGHT,
	COL_QUOTA,
	COL_FROZEN,
	COL_COUNT,
};

static const struct table_column columns[COL_COUNT] = {
	[COL_CGROUP] = {"CGROUP", {14, 1, 40, 99}, ALIGN_LEFT},
	[COL_LIVES] = {"LIVES", {8, 0, 0, 60}, ALIGN_LEFT},
	[COL_WORKERS] = {"WORKERS", {7, 0, 0, 95}, ALIGN_RIGHT},
	[COL_ITERATIONS] = {"ITERATIONS", {10, 0, 0, 90}, ALIGN_RIGHT},
	[COL_GAP] = {"MAXGAP", {7, 0, 0, 80}, ALIGN_RIGHT},
	[COL_MIGRATIONS] = {"MIGR", {6, 0, 0, 70}, ALIGN_RIGHT},
	[COL_TASKS] = {"TASKS", {5, 0, 0, 50}, ALIGN_RIGHT},
	[COL_WEIGHT] = {"WEIGHT", {6, 0, 0, 75}, ALIGN_RIGHT},
	[COL_QUOTA] = {"QUOTA", {6, 0, 0, 65}, ALIGN_RIGHT},
	[COL_FROZEN] = {"F", {1, 0, 0, 85}, ALIGN_LEFT},
};

enum step_column { STEP_NUMBER, STEP_KIND, STEP_BEGIN, STEP_HELD, STEP_OPS, STEP_ITERATIONS, STEP_RATE,
		   STEP_RESULT, STEP_COLUMNS };

static const struct table_column step_columns[STEP_COLUMNS] = {
	[STEP_NUMBER] = {"STEP", {4, 0, 0, 99}, ALIGN_RIGHT},
	[STEP_KIND] = {"KIND", {8, 0, 0, 60}, ALIGN_LEFT},
	[STEP_BEGIN] = {"BEGIN", {8, 0, 0, 70}, ALIGN_RIGHT},
	[STEP_HELD] = {"HELD", {8, 0, 0, 80}, ALIGN_RIGHT},
	[STEP_OPS] = {"OPS", {4, 0, 0, 50}, ALIGN_RIGHT},
	[STEP_ITERATIONS] = {"ITERATIONS", {10, 0, 0, 75}, ALIGN_RIGHT},
	[STEP_RATE] = {"RATE/s", {8, 0, 0, 85}, ALIGN_RIGHT},
	[STEP_RESULT] = {"RESULT", {10, 1, 0, 95}, ALIGN_LEFT},
};

/* One cgroup as it was last looked at. */
struct row {
	struct model_group group;
	char *path; /* cleaned, without the leading slash; "@runner" for the root */
	enum wire_scope scope;
	unsigned int workers;
	uint64_t iterations, migrations, max_gap;
};

struct ops {
	struct view view;
	struct table table, steps;
	struct scroll step_scroll;
	struct scenario *scenario;
	struct row *rows;
	unsigned int count;
};

static void free_rows(struct row *rows, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(rows[i].path);
	free(rows);
}

/* ---- looking ---- */

static void add_workers(struct row *row, const struct agent_worker *workers, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct agent_worker *w = &workers[i];

		if (strcmp(w->cgroup, row->path) != 0)
			continue;
		if (w->alive && (!row->workers || w->scope < row->scope))
			row->scope = w->scope;
		row->workers += w->alive;
		row->iterations += w->iterations;
		row->migrations += w->migrations;
		row->max_gap = w->max_gap > row->max_gap ? w->max_gap : row->max_gap;
	}
}

static char *clean_path(const struct model_group *group)
{
	struct str s = {0};

	if (group->depth)
		str_add_clean(&s, group->path + 1, strlen(group->path + 1));
	else
		str_add(&s, WIRE_RUNNER);
	return str_take(&s);
}

static struct err *make_rows(const struct model_group *groups, unsigned int count,
			     const struct agent_worker *workers, unsigned int worker_count, struct row **ret)
{
	struct row *rows = calloc(count + 1, sizeof(*rows));

	if (!rows)
		return err_nomem();
	for (unsigned int i = 0; i < count; i++) {
		rows[i].group = groups[i];
		rows[i].path = clean_path(&groups[i]);
		if (!rows[i].path) {
			free_rows(rows, i);
			return err_nomem();
		}
		add_workers(&rows[i], workers, worker_count);
	}
	*ret = rows;
	return NULL;
}

static struct err *sample(struct view *view, struct screen *s, const struct model *live)
{
	struct ops *v = (struct ops *)view;
	struct coord *coord = session_coord(s->session);
	struct model_group *groups;
	struct agent_worker *workers = NULL;
	unsigned int count, worker_count = 0;
	struct str damage = {0};
	struct kernel *kernel;
	struct row *rows;
	struct err *err;

	ERR_TRY(coord_kernel(coord, &kernel));
	ERR_TRY(model_groups(kernel, live, &groups, &count, &damage));
	str_deinit(&damage);
	/* A guest whose mailbox is broken still has cgroups. */
	err_free(agent_workers(coord_agent(coord), NULL, &workers, &worker_count));
	err = make_rows(groups, count, workers, worker_count, &rows);
	free(workers);
	if (!err) {
		free_rows(v->rows, v->count);
		v->rows = rows;
		v->count = count;
	}
	model_groups_destroy(groups, count);
	return err;
}

/* ---- drawing ---- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_quota(const struct model_group *g, struct str *text)
{
	if (!g->quota.present || !g->period.present || !g->period.value)
		return;
	if (g->quota.value == UINT64_MAX)
		str_add(text, "max");
	else
		str_addf(text, "%" PRIu64 "%%", g->quota.value * 100 / g->period.value);
}

static void work_cell(const struct row *row, int column, struct str *text)
{
	static const char *const lives[] = {"session", "scenario", "step"};
	char duration[DURATION_TEXT];

	if (!row->workers)
		return;
	if (column == COL_LIVES)
		str_add(text, lives[row->scope]);
	else if (column == COL_WORKERS)
		str_addf(text, "%u", row->workers);
	else if (column == COL_ITERATIONS)
		str_addf(text, "%" PRIu64, row->iterations);
	else if (column == COL_GAP)
		str_add(text, format_duration(row->max_gap, duration));
	else
		str_addf(text, "%" PRIu64, row->migrations);
}

static void cell(void *context, int at, int column, struct str *text, enum role *role)
{
	const struct ops *v = context;
	const struct row *row = &v->rows[at];

	switch (column) {
	case COL_CGROUP:
		str_addf(text, "%*s%s", 2 * (int)row->group.depth, "", last_part(row->path));
		*role = row->group.depth ? ROLE_NORMAL : ROLE_DIM;
		break;
	case COL_TASKS:
		str_addf(text, "%u", row->group.tasks);
		break;
	case COL_WEIGHT:
		if (row->group.weight.present)
			str_addf(text, "%" PRIu64, row->group.weight.value);
		break;
	case COL_QUOTA:
		add_quota(&row->group, text);
		break;
	case COL_FROZEN:
		if (row->group.frozen.present && row->group.frozen.value)
			str_add_c(text, 'F');
		*role = ROLE_FROZEN;
		break;
	default:
		work_cell(row, column, text);
		break;
	}
}

static void step_cell(void *context, int at, int column, struct str *text, enum role *role)
{
	const struct ops *v = context;
	const struct step_record *r = scenario_record(v->scenario, (unsigned int)at);
	uint64_t held = r->held_until - r->held_from;
	char duration[DURATION_TEXT];

	switch (column) {
	case STEP_NUMBER:
		str_addf(text, "%u", r->number);
		break;
	case STEP_KIND:
		str_add(text, r->number == 0 ? "backdrop" : r->loop ? "loop" : "hold");
		break;
	case STEP_BEGIN:
		str_add(text, format_duration(r->begin.time, duration));
		break;
	case STEP_HELD:
		str_add(text, format_duration(held, duration));
		break;
	case STEP_OPS:
		str_addf(text, "%u", r->end.ops - r->begin.ops);
		break;
	case STEP_ITERATIONS:
		str_addf(text, "%" PRIu64, step_iterations(r));
		break;
	case STEP_RATE:
		str_addf(text, "%" PRIu64, measured_rate(step_iterations(r), held));
		break;
	default:
		str_add(text, step_result_name(r));
		*role = r->result == STEP_DONE ? ROLE_GOOD : ROLE_ERROR;
		break;
	}
}

static void draw_steps(struct ops *v, const struct area *a)
{
	struct area table = area_part(a, 1, 0, a->rows - 1, a->cols);
	int count = 0;

	while (scenario_record(v->scenario, (unsigned int)count))
		count++;
	area_fill(a, 0, 0, a->cols, ROLE_DIM, L' ');
	area_textf(a, 0, 0, ROLE_BOLD, "Scenario");
	area_text(a, 0, 10, ROLE_DIM,
		  scenario_active(v->scenario) ? "running"
		  : count		       ? "over"
					       : "none; `:backdrop` or `:step hold=T` begin one");
	if (!count)
		return;
	scroll_set(&v->step_scroll, count, table.rows - 1);
	scroll_to(&v->step_scroll, count - 1);
	table_draw(&v->steps, &table, &v->step_scroll, count, false);
}

static void draw(struct view *view, struct screen *s, const struct area *a)
{
	struct ops *v = (struct ops *)view;
	int upper = a->rows * 6 / 10;
	struct area top = area_part(a, 0, 0, upper, a->cols);
	struct area bottom = area_part(a, upper, 0, a->rows - upper, a->cols);

	v->scenario = session_scenario(s->session);
	view->header_rows = 1;
	table_draw(&v->table, &top, &view->scroll, (int)v->count, true);
	if (!v->count)
		area_text(&top, 2, 2, ROLE_DIM, "no cgroups were seen yet");
	draw_steps(v, &bottom);
}

/* ---- keys ---- */

static const char *selected(const struct ops *v)
{
	return v->view.scroll.at < (int)v->count ? v->rows[v->view.scroll.at].path : "";
}

static void open_form(struct screen *s, const struct ops *v, const char *command)
{
	struct str argument = {0};

	str_addf(&argument, "%s|%s", command, selected(v));
	screen_show(s, &view_op, str_text(&argument));
	str_deinit(&argument);
}

static void key_add(struct screen *s, struct view *v)
{
	open_form(s, (struct ops *)v, "cgroup add");
}

static void key_spawn(struct screen *s, struct view *v)
{
	open_form(s, (struct ops *)v, "spawn");
}

static void key_set(struct screen *s, struct view *v)
{
	open_form(s, (struct ops *)v, "cgroup set");
}

static void enter(struct view *v, struct screen *s)
{
	screen_show(s, &view_oplist, selected((struct ops *)v));
}

static void key_ops(struct screen *s, struct view *v)
{
	enter(v, s);
}

static void key_workers(struct screen *s, struct view *v)
{
	struct str line = {0};

	str_addf(&line, "workers %s", selected((struct ops *)v));
	screen_execute(s, str_text(&line));
	str_deinit(&line);
}

static void key_steps(struct screen *s, struct view *v)
{
	screen_execute(s, "steps cgroups");
}

static const struct key_binding keys[] = {
	{{K_ENTER, 'o'}, "the ops, as forms for this cgroup", "Ops", key_ops, NULL},
	{{'a'}, "a new cgroup", "Add", key_add, NULL},
	{{'w'}, "start workers in this cgroup", "Workers", key_spawn, NULL},
	{{'c'}, "change this cgroup's knobs", "Change", key_set, NULL},
	{{'i'}, "what this cgroup's workers did", NULL, key_workers, NULL},
	{{'r'}, "what each step measured, by cgroup", "Results", key_steps, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

static void close_ops(struct view *view)
{
	struct ops *v = (struct ops *)view;

	free_rows(v->rows, v->count);
	free(v);
}

static struct err *open_ops(struct screen *s, const char *argument, struct view **ret)
{
	struct ops *v = calloc(1, sizeof(*v));

	if (!v)
		return err_nomem();
	v->view.ops = &view_ops;
	v->table = (struct table){
		.columns = columns, .count = COL_COUNT, .sort = -1, .cell = cell, .context = v};
	v->steps = (struct table){.columns = step_columns, .count = STEP_COLUMNS, .sort = -1,
				  .cell = step_cell, .context = v};
	*ret = &v->view;
	return NULL;
}

const struct view_ops view_ops = {
	.name = "ops",
	.title = "Ops",
	.summary = "cgroups, workers, and the steps of the scenario",
	.flags = VIEW_MODEL | VIEW_LISTED | VIEW_ROWS,
	.keys = keys,
	.open = open_ops,
	.close = close_ops,
	.sample = sample,
	.draw = draw,
	.enter = enter,
};
