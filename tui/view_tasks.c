/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All tasks: sorted, filtered, followed. */
#include "tui/view_tasks.h"

#include "commands/expr.h"
#include "tui/task_columns.h"
#include "tui/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_MAX 512

struct tasks {
	struct view view;
	struct table table;
	struct screen *screen;
	int *rows; /* indexes into the picture's tasks, filtered and sorted */
	int count;
	uint64_t collected;	     /* the host time of the picture that they are of; 0: anew */
	char text[128];		     /* filter by text; "" for none */
	char expression[FILTER_MAX]; /* filter by expression; "" for none */
	struct expr *expr;
	bool *holds; /* what it said of each task of the picture */
	unsigned int holds_count;
	char problem[160]; /* why it could not be evaluated */
	bool hide_kernel, hide_threads;
	int followed; /* pid; 0: nobody */
};

struct table *tasks_table(const struct screen *s)
{
	for (int i = 0; s->listed[i]; i++)
		if (s->listed[i] == &view_tasks && s->base[i])
			return &((struct tasks *)s->base[i])->table;
	return NULL;
}

/* ---- which tasks, in which order ---- */

static bool text_matches(const struct tasks *v, const struct model_task *t)
{
	struct str s = {0};
	enum role role;
	bool found;

	if (!v->text[0])
		return true;
	str_addf(&s, "%d ", t->pid);
	task_column_text(&v->screen->sampler, t, TASK_CLASS, &s, &role);
	str_add_c(&s, ' ');
	str_add_clean(&s, t->comm, sizeof(t->comm));
	found = strcasestr(str_text(&s), v->text) != NULL;
	str_deinit(&s);
	return found;
}

static bool is_wanted(const struct tasks *v, const struct model_task *t, unsigned int i)
{
	if ((v->hide_kernel && t->kthread) || (v->hide_threads && t->pid != t->tgid))
		return false;
	if (v->expr && (i >= v->holds_count || !v->holds[i]))
		return false;
	return text_matches(v, t);
}

static int compare_rows(const void *a, const void *b, void *context)
{
	const struct tasks *v = context;
	const struct model *m = sampler_model(&v->screen->sampler);
	int order = task_column_compare(&v->screen->sampler, &m->tasks[*(const int *)a],
					&m->tasks[*(const int *)b], v->table.sort);

	return v->table.descending ? -order : order;
}

static void collect_rows(struct tasks *v)
{
	const struct model *m = sampler_model(&v->screen->sampler);
	int *rows = reallocarray(v->rows, m->task_count + 1, sizeof(*rows));

	v->count = 0;
	if (!rows)
		return;
	v->rows = rows;
	v->collected = v->screen->sampler.host_time;
	for (unsigned int i = 0; i < m->task_count; i++)
		if (is_wanted(v, &m->tasks[i], i))
			rows[v->count++] = (int)i;
	qsort_r(rows, (size_t)v->count, sizeof(*rows), compare_rows, v);
}

static void follow(struct tasks *v)
{
	const struct model *m = sampler_model(&v->screen->sampler);

	for (int i = 0; v->followed && i < v->count; i++) {
		if (m->tasks[v->rows[i]].pid == v->followed) {
			scroll_to(&v->view.scroll, i);
			return;
		}
	}
}

/* Rows for the newest picture; moving the cursor needs no new order. */
static void refresh_rows(struct tasks *v)
{
	if (v->collected == v->screen->sampler.host_time)
		return;
	collect_rows(v);
	scroll_set(&v->view.scroll, v->count, v->view.scroll.page);
	follow(v);
}

static const struct model_task *selected(struct tasks *v)
{
	const struct model *m = sampler_model(&v->screen->sampler);

	if (!m)
		return NULL;
	refresh_rows(v);
	return v->view.scroll.at < v->count ? &m->tasks[v->rows[v->view.scroll.at]] : NULL;
}

/* ---- filter by expression ---- */

static struct err *row_name(void *row, const char *name, bool *found, struct value *ret)
{
	*found = task_column_value(row, name, ret);
	return NULL;
}

static struct err *evaluate(struct tasks *v, const struct model *live, uint32_t task_type)
{
	struct expr_context context = expr_session_context(v->screen->session);

	context.name = row_name;
	for (unsigned int i = 0; i < live->task_count; i++) {
		struct value self = value_object(task_type, live->tasks[i].address);

		context.self = &self;
		context.row = &live->tasks[i];
		ERR_TRY(expr_true(v->expr, &context, &v->holds[i]));
	}
	return NULL;
}

/* In the window of the picture, since the expression may look at anything in the guest. */
static struct err *sample(struct view *view, struct screen *s, const struct model *live)
{
	struct tasks *v = (struct tasks *)view;
	struct kernel *kernel;
	uint32_t task_type;
	struct err *err;

	if (!v->expr)
		return NULL;
	free(v->holds);
	v->holds_count = 0;
	v->holds = calloc(live->task_count + 1, sizeof(*v->holds));
	if (!v->holds)
		return err_nomem();
	v->holds_count = live->task_count;
	ERR_TRY(coord_kernel(session_coord(s->session), &kernel));
	ERR_TRY(types_parse(kernel_types(kernel), "struct task_struct", &task_type));
	err = evaluate(v, live, task_type);
	v->problem[0] = '\0';
	if (err)
		snprintf(v->problem, sizeof(v->problem), "%.*s",
			 (int)strcspn(err_detail(err), "\n"), err_detail(err));
	err_free(err);
	return NULL;
}

static void set_expression(struct screen *s, struct view *view, const char *text)
{
	struct tasks *v = (struct tasks *)view;
	struct expr *expr = NULL;

	if (text[0]) {
		struct err *err = expr_parse(text, &expr);

		if (err) {
			screen_error(s, err);
			return;
		}
	}
	expr_destroy(v->expr);
	v->expr = expr;
	v->problem[0] = '\0';
	snprintf(v->expression, sizeof(v->expression), "%s", text);
	s->sample_now = true;
}

/* ---- drawing ---- */

static void cell(void *context, int row, int column, struct str *text, enum role *role)
{
	struct tasks *v = context;
	const struct model *m = sampler_model(&v->screen->sampler);

	task_column_text(&v->screen->sampler, &m->tasks[v->rows[row]], column, text, role);
}

static void add_hidden(const struct tasks *v, struct str *s)
{
	if (v->hide_kernel)
		str_add(s, "  kernel threads hidden (K)");
	if (v->hide_threads)
		str_add(s, "  threads hidden (H)");
}

static void draw_head(const struct tasks *v, const struct model *m, const struct area *a)
{
	struct str s = {0};
	int col;

	if (v->count == (int)m->task_count)
		str_addf(&s, "%u tasks", m->task_count);
	else
		str_addf(&s, "%d of %u tasks", v->count, m->task_count);
	add_hidden(v, &s);
	col = area_text(a, 0, 0, ROLE_NORMAL, str_text(&s));
	str_deinit(&s);
	if (v->text[0])
		col = area_textf(a, 0, col + 2, ROLE_LABEL, "/%s", v->text);
	if (v->expr)
		col = area_textf(a, 0, col + 2, ROLE_LABEL, "\\%s", v->expression);
	if (v->problem[0])
		area_text(a, 0, col + 2, ROLE_ERROR, v->problem);
	else if (v->followed)
		area_textf(a, 0, col + 2, ROLE_LABEL, "following %d", v->followed);
}

static void draw(struct view *view, struct screen *s, const struct area *a)
{
	struct tasks *v = (struct tasks *)view;
	struct area part = area_part(a, 1, 0, a->rows - 1, a->cols);

	refresh_rows(v);
	view->header_rows = 2;
	draw_head(v, sampler_model(&s->sampler), a);
	table_draw(&v->table, &part, &view->scroll, v->count, true);
}

/* ---- keys and mouse ---- */

static void enter(struct view *view, struct screen *s)
{
	const struct model_task *t = selected((struct tasks *)view);
	char pid[16];

	if (!t)
		return;
	snprintf(pid, sizeof(pid), "%d", t->pid);
	screen_show(s, &view_task, pid);
}

static void search(struct view *view, struct screen *s, const char *text, bool done)
{
	struct tasks *v = (struct tasks *)view;

	snprintf(v->text, sizeof(v->text), "%s", text);
	v->collected = 0;
}

/* Numbers are wanted big first, names and ids in their order. */
static void sort_by(struct tasks *v, int column)
{
	v->collected = 0;
	v->table.sort = column;
	v->table.descending = task_columns[column].align == ALIGN_RIGHT && column != TASK_PID &&
			      column != TASK_TGID && column != TASK_PRIO && column != TASK_NICE &&
			      column != TASK_CPU;
}

static void step_sort(struct tasks *v, int step)
{
	int column = v->table.sort;

	for (int tried = 0; tried < TASK_COLUMNS; tried++) {
		column = (column + step + TASK_COLUMNS) % TASK_COLUMNS;
		if (table_shown(&v->table, column))
			break;
	}
	sort_by(v, column);
}

static void key_sort_next(struct screen *s, struct view *v)
{
	step_sort((struct tasks *)v, 1);
}

static void key_sort_previous(struct screen *s, struct view *v)
{
	step_sort((struct tasks *)v, -1);
}

static void key_invert(struct screen *s, struct view *v)
{
	((struct tasks *)v)->table.descending ^= true;
	((struct tasks *)v)->collected = 0;
}

static void key_by_share(struct screen *s, struct view *v)
{
	sort_by((struct tasks *)v, TASK_CPU_SHARE);
}

static void key_by_runtime(struct screen *s, struct view *v)
{
	sort_by((struct tasks *)v, TASK_RUNTIME);
}

static void key_by_pid(struct screen *s, struct view *v)
{
	sort_by((struct tasks *)v, TASK_PID);
}

static void key_follow(struct screen *s, struct view *view)
{
	struct tasks *v = (struct tasks *)view;
	const struct model_task *t = selected(v);

	v->followed = v->followed || !t ? 0 : t->pid;
}

static void key_hide_kernel(struct screen *s, struct view *v)
{
	((struct tasks *)v)->hide_kernel ^= true;
	((struct tasks *)v)->collected = 0;
}

static void key_hide_threads(struct screen *s, struct view *v)
{
	((struct tasks *)v)->hide_threads ^= true;
	((struct tasks *)v)->collected = 0;
}

static void key_expression(struct screen *s, struct view *v)
{
	screen_ask(s, "show tasks where ", ((struct tasks *)v)->expression, set_expression);
}

static void key_columns(struct screen *s, struct view *v)
{
	screen_show(s, &view_columns, NULL);
}

/* Moving by hand ends following. */
static void key_leave(struct screen *s, struct view *view)
{
	((struct tasks *)view)->followed = 0;
}

static const struct key_binding keys[] = {
	{{K_ENTER}, "the fields of this task", "Task", NULL, NULL},
	{{'<'}, "sort by the column to the left", NULL, key_sort_previous, NULL},
	{{'>', K_F9}, "sort by the column to the right", "Sort", key_sort_next, NULL},
	{{'I'}, "turn the order around", "Invert", key_invert, NULL},
	{{'\\', '&'},
	 "show only tasks for which an expression holds",
	 "Where",
	 key_expression,
	 NULL},
	{{'F'}, "follow this task (again: stop following)", "Follow", key_follow, NULL},
	{{'C', K_F8}, "choose columns", "Columns", key_columns, NULL},
	{{'K'}, "hide kernel threads", NULL, key_hide_kernel, NULL},
	{{'H'}, "hide threads that lead no process", NULL, key_hide_threads, NULL},
	{{'P'}, "sort by share of CPU", NULL, key_by_share, NULL},
	{{'T'}, "sort by run time", NULL, key_by_runtime, NULL},
	{{'N'}, "sort by pid", NULL, key_by_pid, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

static void click(struct view *view, struct screen *s, int row, int col, bool twice)
{
	struct tasks *v = (struct tasks *)view;
	int column = table_column_at(&v->table, col);

	key_leave(s, view);
	if (row != view->header_rows - 1 || column < 0)
		return;
	if (column == v->table.sort)
		key_invert(s, view);
	else
		sort_by(v, column);
}

static void close_tasks(struct view *view)
{
	struct tasks *v = (struct tasks *)view;

	expr_destroy(v->expr);
	free(v->holds);
	free(v->rows);
	free(v);
}

static struct err *open_tasks(struct screen *s, const char *argument, struct view **ret)
{
	struct tasks *v = calloc(1, sizeof(*v));

	if (!v)
		return err_nomem();
	v->view.ops = &view_tasks;
	v->screen = s;
	v->table = (struct table){
		.columns = task_columns, .count = TASK_COLUMNS, .cell = cell, .context = v};
	sort_by(v, TASK_CPU_SHARE);
	*ret = &v->view;
	return NULL;
}

const struct view_ops view_tasks = {
	.name = "tasks",
	.title = "Tasks",
	.summary = "all tasks, sorted and filtered",
	.flags = VIEW_MODEL | VIEW_LISTED | VIEW_ROWS,
	.keys = keys,
	.open = open_tasks,
	.close = close_tasks,
	.sample = sample,
	.draw = draw,
	.click = click,
	.search = search,
	.enter = enter,
	.moved = key_leave,
};
