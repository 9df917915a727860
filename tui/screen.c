/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services of the open screen: views, messages, commands, pictures, drawing. */
#include "tui/screen.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "commands/expr.h"
#include "tui/bars.h"
#include "tui/busy.h"
#include "tui/views.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_QUIET_NS 1000000000ull

/* ---- views ---- */

struct view *screen_top(const struct screen *s)
{
	return s->depth ? s->stack[s->depth - 1] : s->base[s->tab];
}

static void close_view(struct view *v)
{
	if (v)
		v->ops->close(v);
}

static void close_above(struct screen *s, unsigned int depth)
{
	while (s->depth > depth)
		close_view(s->stack[--s->depth]);
}

static int listed_at(const struct screen *s, const struct view_ops *ops)
{
	for (int i = 0; s->listed[i]; i++)
		if (s->listed[i] == ops)
			return i;
	return -1;
}

/* A listed view stays open, so that its cursor and filter are still there when it is shown again.
 */
static struct err *open_listed(struct screen *s, int at)
{
	if (!s->base[at])
		ERR_TRY(s->listed[at]->open(s, NULL, &s->base[at]));
	close_above(s, 0);
	s->tab = (unsigned int)at;
	return NULL;
}

static struct err *push_view(struct screen *s, const struct view_ops *ops, const char *argument)
{
	struct view *v;

	if (s->depth == SCREEN_DEPTH)
		return err_new(ERR_REFUSED, "%d views are open on top of each other; q closes one",
			       SCREEN_DEPTH);
	ERR_TRY(ops->open(s, argument, &v));
	s->stack[s->depth++] = v;
	return NULL;
}

struct err *screen_open(struct screen *s, const struct view_ops *ops, const char *argument)
{
	int at = listed_at(s, ops);

	ERR_TRY(at >= 0 && !argument ? open_listed(s, at) : push_view(s, ops, argument));
	s->sample_now = true;
	s->dirty = true;
	return NULL;
}

struct err *screen_open_name(struct screen *s, const char *name, const char *argument)
{
	struct str names = {0};
	struct err *err;

	for (int i = 0; s->listed[i]; i++)
		if (strcmp(s->listed[i]->name, name) == 0)
			return screen_open(s, s->listed[i], argument);
	for (int i = 0; views_other[i]; i++)
		if (strcmp(views_other[i]->name, name) == 0)
			return screen_open(s, views_other[i], argument);
	for (int i = 0; s->listed[i]; i++)
		str_addf(&names, "%s, ", s->listed[i]->name);
	for (int i = 0; views_other[i]; i++)
		str_addf(&names, "%s%s", i ? ", " : "", views_other[i]->name);
	err = err_new(ERR_NOT_FOUND, "no view '%s'; there are %s", name, str_text(&names));
	str_deinit(&names);
	return err;
}

void screen_show(struct screen *s, const struct view_ops *ops, const char *argument)
{
	struct err *err = screen_open(s, ops, argument);

	if (err)
		screen_error(s, err);
}

void screen_back(struct screen *s)
{
	s->dirty = true;
	if (s->depth) {
		close_above(s, s->depth - 1);
		s->sample_now = true;
	}
}

/* ---- messages ---- */

void screen_message(struct screen *s, enum role role, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->message, sizeof(s->message), fmt, ap);
	va_end(ap);
	s->message_role = role;
	s->dirty = true;
}

void screen_error(struct screen *s, struct err *err)
{
	screen_message(s, ROLE_ERROR, "%.*s", (int)strcspn(err_detail(err), "\n"), err_detail(err));
	err_free(err);
}

/* ---- commands ---- */

static bool is_one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return !end || !end[1];
}

/* One line goes where messages go, more into a view of its own. */
static void show_output(struct screen *s, const char *line, const char *text)
{
	struct str argument = {0};

	if (!text[0])
		return;
	if (is_one_line(text)) {
		screen_message(s, ROLE_NORMAL, "%.*s", (int)strcspn(text, "\n"), text);
		return;
	}
	str_addf(&argument, "%s\n%s", line, text);
	if (s->depth && s->stack[s->depth - 1]->ops == &view_output)
		close_above(s, s->depth - 1);
	screen_show(s, &view_output, str_text(&argument));
	str_deinit(&argument);
}

/* An error of several lines (an expression with its caret) needs its own place too. */
static void show_result(struct screen *s, const char *line, struct str *text, struct err *err)
{
	if (err && !is_one_line(err_detail(err)))
		str_addf(text, "%s\n", err_detail(err));
	show_output(s, line, str_text(text));
	if (err)
		screen_error(s, err);
}

static struct err *run_line(struct screen *s, const char *line, struct str *text, bool *more)
{
	struct out *out = out_create(OUT_TEXT, out_sink_str, text);
	struct err *err;

	if (!out)
		return err_nomem();
	interrupt_clear();
	busy_begin(s->busy, line, COMMAND_QUIET_NS);
	err = session_execute(s->session, line, out, more);
	busy_end(s->busy);
	interrupt_clear();
	out_destroy(out);
	return err;
}

void screen_execute(struct screen *s, const char *line)
{
	struct coord *before = session_coord(s->session);
	struct str text = {0};
	bool more = false;
	struct err *err = run_line(s, line, &text, &more);

	if (session_coord(s->session) != before)
		sampler_forget(&s->sampler);
	s->sample_now = true;
	s->dirty = true;
	show_result(s, line, &text, err);
	str_deinit(&text);
	if (more)
		screen_edit_command(s, "");
	if (session_quit(s->session))
		s->done = true;
}

/* ---- pictures ---- */

static void evaluate_watch(struct screen *s, struct watch *w)
{
	struct expr_context context = expr_session_context(s->session);
	struct expr *expr = NULL;
	struct value value;
	struct str text = {0};
	struct err *err = expr_parse(w->text, &expr);

	if (!err)
		err = expr_eval(expr, &context, &value);
	if (err)
		str_addf(&text, "%.*s", (int)strcspn(err_detail(err), "\n"), err_detail(err));
	else
		expr_show_value(&context, &value, &text);
	w->changed = w->value[0] && strncmp(w->value, str_text(&text), sizeof(w->value) - 1) != 0;
	w->bad = err != NULL;
	snprintf(w->value, sizeof(w->value), "%s", str_text(&text));
	expr_destroy(expr);
	str_deinit(&text);
	err_free(err);
}

static struct err *sample_in_window(struct screen *s, struct coord *coord)
{
	struct view *top = screen_top(s);
	const struct model *live;
	struct kernel *kernel;

	s->release[0] = '\0';
	ERR_TRY(coord_kernel(coord, &kernel));
	snprintf(s->release, sizeof(s->release), "%s", kernel_info(kernel)->release);
	ERR_TRY(coord_model(coord, &live));
	ERR_TRY(sampler_add(&s->sampler, live, coord_frozen(coord)));
	for (unsigned int i = 0; i < s->watch_count; i++)
		evaluate_watch(s, &s->watches[i]);
	return top && top->ops->sample ? top->ops->sample(top, s, live) : NULL;
}

void screen_sample(struct screen *s)
{
	struct coord *coord = session_coord(s->session);
	uint64_t start = host_now();
	struct err *err;

	s->sample_now = false;
	s->dirty = true;
	if (!coord)
		return;
	err = coord_enter(coord);
	if (!err)
		err = coord_leave_with(coord, sample_in_window(s, coord));
	s->sampled_epoch = coord_epoch(coord);
	s->sample_cost = host_now() - start;
	if (!err) {
		s->stale[0] = '\0';
		return;
	}
	snprintf(s->stale, sizeof(s->stale), "%.*s", (int)strcspn(err_detail(err), "\n"),
		 err_detail(err));
	err_free(err);
}

/* ---- drawing ---- */

static void draw_too_small(struct screen *s, const struct area *a)
{
	char text[64];

	snprintf(text, sizeof(text), "window too small: %dx%d needed", SCREEN_MIN_COLS,
		 SCREEN_MIN_ROWS);
	area_text(a, a->rows / 2,
		  (a->cols - text_width(text)) / 2 > 0 ? (a->cols - text_width(text)) / 2 : 0,
		  ROLE_WARNING, text);
}

static void draw_view(struct screen *s, const struct area *a)
{
	struct view *v = screen_top(s);

	if (v->ops->poll)
		v->ops->poll(v, s);
	if ((v->ops->flags & VIEW_MODEL) && !sampler_model(&s->sampler)) {
		area_text(a, 1, 2, ROLE_DIM,
			  session_coord(s->session) ? "waiting for the kernel to be adopted"
						    : "no guest; `:boot` starts one");
		return;
	}
	v->ops->draw(v, s, a);
}

/* Where the view is drawn, between the lines around it. */
static struct area view_area(struct screen *s, const struct area *all, bool warned)
{
	int top = 1 + (int)s->watch_count;

	return area_part(all, top, 0, s->status_row - top - (warned ? 1 : 0), all->cols);
}

void screen_draw(struct screen *s)
{
	struct area all = canvas_area(&s->canvas), part;
	char warning[400];

	canvas_clear(&s->canvas);
	s->too_small = all.rows < SCREEN_MIN_ROWS || all.cols < SCREEN_MIN_COLS;
	if (s->too_small) {
		draw_too_small(s, &all);
		return;
	}
	s->status_row = all.rows - 1 - bars_last_rows(s, all.cols);
	bars_warning(s, warning, sizeof(warning));
	part = view_area(s, &all, warning[0]);
	s->view_row = part.row;
	draw_view(s, &part);
	bars_draw_tabs(s, &all);
	bars_draw_watches(s, &all, 1);
	if (warning[0])
		area_field(&all, s->status_row - 1, 0, all.cols, ALIGN_LEFT, ROLE_WARNING, warning);
	bars_draw_status(s, &all, s->status_row);
	bars_draw_last(s, &all, s->status_row + 1);
}
