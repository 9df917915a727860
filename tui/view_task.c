/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One task: what it is, and every field of its task_struct, to be changed by `write`. */
#include "base/parse.h"
#include "coord/why.h"
#include "tui/task_columns.h"
#include "tui/tree.h"
#include "tui/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two lines of labels, the answer to `why` on one or two, and the titles. */
#define WHY_ROW 2
#define WHY_INDENT 4

/* Where value and type stand: long names of types get what a wide screen has left over. */
struct tree_columns {
	int name_width, value_at, value_width, type_at, type_width;
};

struct task {
	struct view view;
	struct screen *screen;
	struct model_task task; /* as last seen */
	bool gone;
	struct str why;	       /* it runs, or does not: as `why` says it */
	struct kernel *kernel; /* whose types the tree is made of */
	struct tree tree;
	char wanted[64];  /* of the last search */
	int search_start; /* the row where it began */
};

/* ---- reading ---- */

static struct err *make_tree(struct task *v, struct kernel *kernel)
{
	uint32_t type;

	if (v->kernel == kernel)
		return NULL;
	tree_deinit(&v->tree);
	v->kernel = NULL;
	ERR_TRY(types_parse(kernel_types(kernel), "struct task_struct", &type));
	ERR_TRY(tree_create(kernel_types(kernel), type, &v->tree));
	v->kernel = kernel;
	return NULL;
}

/* Without an answer the line stays empty: the command says what is wrong. */
static void ask_why(struct task *v, struct kernel *kernel, const struct model *live, int at)
{
	struct coord *coord = session_coord(v->screen->session);
	struct why_answer answer;
	struct why *why = NULL;
	struct err *err = why_create(kernel, live, coord_machine(coord), &why);

	str_clear(&v->why);
	if (!err)
		err = why_task(why, at, &answer);
	if (!err) {
		str_add(&v->why, answer.sentence);
		why_answer_deinit(&answer);
	}
	err_free(err);
	why_destroy(why);
}

/* The rows that can be seen after this; before the first drawing the window's height is not known.
 */
static int last_row(const struct task *v)
{
	return v->view.scroll.top + (v->view.scroll.page > 1 ? v->view.scroll.page : 100);
}

static struct err *sample(struct view *view, struct screen *s, const struct model *live)
{
	struct task *v = (struct task *)view;
	struct kernel *kernel;
	int at;

	ERR_TRY(coord_kernel(session_coord(s->session), &kernel));
	ERR_TRY(make_tree(v, kernel));
	at = sampler_find(&s->sampler, v->task.pid);
	/* A pid may be used again: the address and start time say whether it is still this task. */
	v->gone = at < 0 || live->tasks[at].start_time != v->task.start_time;
	if (v->gone)
		return NULL;
	v->task = live->tasks[at];
	ask_why(v, kernel, live, at);
	return tree_read(&v->tree, kernel, v->task.address, v->view.scroll.top, last_row(v));
}

/* ---- drawing ---- */

static int add_label(const struct area *a, int row, int col, const char *label, int column,
		     const struct task *v)
{
	struct str s = {0};
	enum role role = ROLE_NORMAL;

	task_column_text(&v->screen->sampler, &v->task, column, &s, &role);
	col = area_text(a, row, col, ROLE_LABEL, label);
	col = area_text(a, row, col + 1, column == TASK_COMM ? ROLE_BOLD : role,
			s.len ? str_text(&s) : "-");
	str_deinit(&s);
	return col + 2;
}

/* How much of the sentence goes onto its first line; all of it when it fits. */
static size_t why_split(const struct task *v, int cols)
{
	size_t room = cols > WHY_INDENT + 20 ? (size_t)(cols - WHY_INDENT) : 20, at;

	if (v->why.len <= room)
		return v->why.len;
	for (at = room; at > 0 && v->why.data[at] != ' '; at--)
		;
	return at ? at : room;
}

static void draw_why(const struct task *v, const struct area *a)
{
	size_t split = why_split(v, a->cols);
	char *first = strndup(str_text(&v->why), split);

	area_text(a, WHY_ROW, 0, ROLE_LABEL, "why");
	area_text(a, WHY_ROW, WHY_INDENT, ROLE_NORMAL, first ? first : "");
	if (split < v->why.len)
		area_text(a, WHY_ROW + 1, WHY_INDENT, ROLE_NORMAL, v->why.data + split + 1);
	free(first);
}

static int head_rows(const struct task *v, int cols)
{
	return WHY_ROW + 2 + (why_split(v, cols) < v->why.len);
}

static void draw_head(const struct task *v, const struct area *a)
{
	int col;

	col = add_label(a, 0, 0, "pid", TASK_PID, v);
	col = add_label(a, 0, col, "comm", TASK_COMM, v);
	col = add_label(a, 0, col, "state", TASK_STATE, v);
	col = add_label(a, 0, col, "class", TASK_CLASS, v);
	col = add_label(a, 0, col, "policy", TASK_POLICY, v);
	col = add_label(a, 0, col, "cpu", TASK_CPU, v);
	if (v->task.current)
		area_text(a, 0, col, ROLE_GOOD, "on CPU");
	else if (v->task.on_rq)
		area_text(a, 0, col, ROLE_GOOD, "queued");
	if (v->gone) {
		area_text(a, 1, 0, ROLE_WARNING,
			  "this task is gone; what follows is the last of it");
		return;
	}
	col = add_label(a, 1, 0, "prio", TASK_PRIO, v);
	col = add_label(a, 1, col, "nice", TASK_NICE, v);
	col = add_label(a, 1, col, "runtime", TASK_RUNTIME, v);
	col = add_label(a, 1, col, "switches", TASK_SWITCHES, v);
	col = add_label(a, 1, col, "delay", TASK_DELAY, v);
	add_label(a, 1, col, "cpu%", TASK_CPU_SHARE, v);
	draw_why(v, a);
}

static struct tree_columns tree_columns(int cols)
{
	struct tree_columns c = {.name_width = cols >= 120 ? 40 : 30};

	c.value_at = c.name_width + 1;
	c.type_width = cols >= 110 ? 36 : 22;
	c.value_width = cols - c.value_at - c.type_width - 1;
	if (c.value_width > 64)
		c.value_width = 64;
	c.type_at = c.value_at + c.value_width + 1;
	c.type_width = cols - c.type_at;
	return c;
}

static enum role value_role(const struct task *v, const struct tree_node *n)
{
	if (v->gone || (n->text && strcmp(n->text, "{...}") == 0))
		return ROLE_DIM;
	return n->changed ? ROLE_CHANGED : ROLE_NORMAL;
}

static void draw_node(const struct task *v, const struct area *a, int y, int at)
{
	const struct glyphs *g = v->screen->glyphs;
	const struct tree_node *n = &v->tree.nodes[at];
	struct tree_columns c = tree_columns(a->cols);
	int indent = 2 * n->depth;
	struct str type = {0};

	area_text(a, y, indent, ROLE_DIM, n->open ? g->open : n->parental ? g->closed : g->leaf);
	area_field(a, y, indent + 2, c.name_width - indent - 2, ALIGN_LEFT,
		   v->wanted[0] && strstr(n->name, v->wanted) ? ROLE_MATCH : ROLE_LABEL, n->name);
	types_name(v->tree.types, n->type, &type);
	if (n->bit_size)
		str_addf(&type, " : %u", n->bit_size);
	area_field(a, y, c.value_at, c.value_width, ALIGN_LEFT, value_role(v, n),
		   n->text ? n->text : "");
	area_field(a, y, c.type_at, c.type_width, ALIGN_LEFT, ROLE_DIM, str_text(&type));
	str_deinit(&type);
}

static void draw_tree_header(const struct area *a, int row)
{
	struct tree_columns c = tree_columns(a->cols);

	area_fill(a, row, 0, a->cols, ROLE_HEADER, L' ');
	area_text(a, row, 2, ROLE_HEADER, "FIELD");
	area_text(a, row, c.value_at, ROLE_HEADER, "VALUE");
	area_text(a, row, c.type_at, ROLE_HEADER, "TYPE");
}

static void draw(struct view *view, struct screen *s, const struct area *a)
{
	struct task *v = (struct task *)view;
	int head = head_rows(v, a->cols);
	struct area part = area_part(a, head, 0, a->rows - head, a->cols);
	struct scroll *scroll = &view->scroll;
	int top = scroll->top;

	view->header_rows = head;
	draw_head(v, a);
	draw_tree_header(a, head - 1);
	scroll_set(scroll, v->tree.count, part.rows);
	for (int y = 0; y < part.rows && scroll->top + y < v->tree.count; y++) {
		draw_node(v, &part, y, scroll->top + y);
		if (scroll->top + y == scroll->at)
			area_paint(&part, y, ROLE_CURSOR);
	}
	/* Rows that came into view have no values yet. */
	if (scroll->top != top)
		s->sample_now = true;
}

/* ---- keys ---- */

static struct tree_node *selected(struct task *v)
{
	return v->view.scroll.at < v->tree.count ? &v->tree.nodes[v->view.scroll.at] : NULL;
}

static void moved(struct screen *s, struct view *v)
{
	s->sample_now = true;
}

/* Open it, and move the window so that as much as can be of what came out is seen. */
static void open_node(struct screen *s, struct task *v)
{
	struct scroll *scroll = &v->view.scroll;
	int before = v->tree.count, beyond;
	struct err *err = tree_open(&v->tree, scroll->at);

	if (err)
		screen_error(s, err);
	beyond = scroll->at + v->tree.count - before + 1 - (scroll->top + scroll->page);
	scroll_set(scroll, v->tree.count, scroll->page);
	if (beyond > scroll->at - scroll->top)
		beyond = scroll->at - scroll->top;
	if (beyond > 0)
		scroll_window(scroll, beyond);
	s->sample_now = true;
}

static void edit(struct screen *s, struct task *v, const struct tree_node *n)
{
	struct str line = {0};

	if (!n->scalar) {
		screen_message(s, ROLE_WARNING, "%s is no single number; open it", n->name);
		return;
	}
	str_addf(&line, "write task %d ", v->task.pid);
	tree_path(&v->tree, v->view.scroll.at, &line);
	str_addf(&line, " %.*s", n->text ? (int)strcspn(n->text, " ") : 0, n->text ? n->text : "");
	screen_edit_command(s, str_text(&line));
	str_deinit(&line);
}

static void enter(struct view *view, struct screen *s)
{
	struct task *v = (struct task *)view;
	const struct tree_node *n = selected(v);

	if (!n)
		return;
	if (n->open)
		tree_close(&v->tree, view->scroll.at);
	else if (n->parental)
		open_node(s, v);
	else
		edit(s, v, n);
}

static void key_edit(struct screen *s, struct view *view)
{
	struct task *v = (struct task *)view;
	const struct tree_node *n = selected(v);

	if (n)
		edit(s, v, n);
}

static void key_open(struct screen *s, struct view *view)
{
	struct task *v = (struct task *)view;
	const struct tree_node *n = selected(v);

	if (n && n->parental && !n->open)
		open_node(s, v);
	else if (n && n->open)
		scroll_by(&view->scroll, 1);
}

/* Close it, or go to what it is a part of. */
static void key_close(struct screen *s, struct view *view)
{
	struct task *v = (struct task *)view;
	const struct tree_node *n = selected(v);

	if (n && n->open)
		tree_close(&v->tree, view->scroll.at);
	else if (n && n->parent >= 0)
		scroll_to(&view->scroll, n->parent);
	s->sample_now = true;
}

static void go_to(struct screen *s, struct task *v, int at)
{
	scroll_set(&v->view.scroll, v->tree.count, v->view.scroll.page);
	scroll_to(&v->view.scroll, at);
	s->sample_now = true;
}

/* The next one in the order of the struct, also inside what is closed. */
static void find_next(struct screen *s, struct task *v, int from)
{
	struct err *err;
	int at;

	if (!v->wanted[0] || !v->tree.count)
		return;
	err = tree_find(&v->tree, v->wanted, from, &at);
	if (err)
		screen_error(s, err);
	else if (at < 0)
		screen_message(s, ROLE_WARNING, "no field's name contains '%s'", v->wanted);
	else
		go_to(s, v, at);
}

/* What can be seen is found as it is typed; what is closed is opened only for the whole word. */
static void search(struct view *view, struct screen *s, const char *text, bool done)
{
	struct task *v = (struct task *)view;
	int at;

	if (!v->wanted[0])
		v->search_start = view->scroll.at;
	snprintf(v->wanted, sizeof(v->wanted), "%s", text);
	at = text[0] ? tree_find_open(&v->tree, text, v->search_start - 1) : -1;
	if (at >= 0)
		go_to(s, v, at);
	else if (done)
		find_next(s, v, v->search_start - 1);
}

static void key_next(struct screen *s, struct view *view)
{
	find_next(s, (struct task *)view, view->scroll.at);
}

static void key_why(struct screen *s, struct view *view)
{
	char line[32];

	snprintf(line, sizeof(line), "why %d", ((struct task *)view)->task.pid);
	screen_execute(s, line);
}

static const struct key_binding keys[] = {
	{{K_ENTER}, "open or close a struct; edit a number", "Open", NULL, NULL},
	{{'e'}, "edit: the line `write task PID FIELD VALUE`", "Edit", key_edit, NULL},
	{{K_RIGHT, 'l'}, "open", NULL, key_open, NULL},
	{{K_LEFT}, "close, or go to what it is a part of", NULL, key_close, NULL},
	{{'n'}, "next match", NULL, key_next, NULL},
	{{'w'}, "why this task does not run", "Why", key_why, "why"},
	{{0}, NULL, NULL, NULL, NULL},
};

static void label(const struct view *view, struct str *s)
{
	const struct task *v = (const struct task *)view;

	str_addf(s, "%d ", v->task.pid);
	str_add_clean(s, v->task.comm, sizeof(v->task.comm));
}

static void close_task(struct view *view)
{
	struct task *v = (struct task *)view;

	tree_deinit(&v->tree);
	str_deinit(&v->why);
	free(v);
}

static struct err *open_task(struct screen *s, const char *argument, struct view **ret)
{
	const struct model *m = sampler_model(&s->sampler);
	struct task *v;
	int64_t pid;
	int at;

	if (!argument)
		return err_new(ERR_USAGE, "which task? want `view task PID`");
	ERR_TRY(parse_s64(argument, &pid));
	at = m && pid > 0 && pid <= INT32_MAX ? sampler_find(&s->sampler, (int)pid) : -1;
	if (at < 0)
		return err_new(ERR_NOT_FOUND, "no task %s", argument);
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_nomem();
	v->view.ops = &view_task;
	v->screen = s;
	v->task = m->tasks[at];
	*ret = &v->view;
	return NULL;
}

const struct view_ops view_task = {
	.name = "task",
	.title = "Task",
	.summary = "every field of one task",
	.flags = VIEW_MODEL | VIEW_ROWS,
	.keys = keys,
	.open = open_task,
	.close = close_task,
	.sample = sample,
	.draw = draw,
	.search = search,
	.enter = enter,
	.moved = moved,
	.label = label,
};
