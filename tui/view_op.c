/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One op as a form: its fields, the command line that they come to, and Enter to fill one in. */
#include "tui/op_forms.h"
#include "tui/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct form {
	struct view view;
	const struct op_form *op;
	char *values[FORM_FIELDS];
};

static struct form *form_of(struct view *v)
{
	return (struct form *)v;
}

static void draw_field(const struct form *f, int i, const struct area *a, int y)
{
	const struct form_field *field = &f->op->fields[i];
	const char *value = f->values[i];

	area_textf(a, y, 2, ROLE_LABEL, "%-12s", field->label);
	if (value && value[0])
		area_textf(a, y, 15, ROLE_NORMAL, "%s", value);
	else
		area_textf(a, y, 15, ROLE_DIM, "%s%s", field->help, field->needed ? " (needed)" : "");
	if (i == f->view.scroll.at)
		area_paint(a, y, ROLE_CURSOR);
}

static void draw(struct view *v, struct screen *s, const struct area *a)
{
	struct form *f = form_of(v);
	int count = (int)op_form_fields(f->op);
	struct str line = {0};

	v->header_rows = 2;
	area_fill(a, 0, 0, a->cols, ROLE_HEADER, L' ');
	area_textf(a, 0, 0, ROLE_HEADER, "%s: %s", f->op->command, f->op->summary);
	scroll_set(&v->scroll, count, a->rows - 6);
	for (int y = 2; y < a->rows - 4 && v->scroll.top + y - 2 < count; y++)
		draw_field(f, v->scroll.top + y - 2, a, y);
	op_form_line(f->op, f->values, (unsigned int)count, &line);
	area_fill(a, a->rows - 3, 0, a->cols, ROLE_DIM, s->glyphs->line);
	area_textf(a, a->rows - 2, 0, ROLE_BOLD, ":%s", str_text(&line));
	str_deinit(&line);
}

static void take_value(struct screen *s, struct view *v, const char *text)
{
	struct form *f = form_of(v);
	size_t len = strlen(text);
	char *value;

	if (v->ops != &view_op)
		return;
	while (len && text[len - 1] == ' ') /* which a completion leaves */
		len--;
	value = strndup(text, len);
	if (!value) {
		screen_error(s, err_nomem());
		return;
	}
	free(f->values[v->scroll.at]);
	f->values[v->scroll.at] = value;
	scroll_by(&v->scroll, 1);
}

/* The field is completed as that word would be in its command line. */
static void enter(struct view *v, struct screen *s)
{
	struct form *f = form_of(v);
	unsigned int at = (unsigned int)v->scroll.at;
	const struct form_field *field = &f->op->fields[at];
	struct str before = {0};
	char label[48];

	if (at >= op_form_fields(f->op))
		return;
	snprintf(label, sizeof(label), "%s: ", field->label);
	op_form_line(f->op, f->values, at, &before);
	str_addf(&before, " %s", field->prefix);
	screen_ask(s, label, f->values[at] ? f->values[at] : "", take_value);
	screen_complete_after(s, str_text(&before));
	str_deinit(&before);
}

static const char *missing(const struct form *f)
{
	for (unsigned int i = 0; i < op_form_fields(f->op); i++)
		if (f->op->fields[i].needed && (!f->values[i] || !f->values[i][0]))
			return f->op->fields[i].label;
	return NULL;
}

static void key_run(struct screen *s, struct view *v)
{
	struct form *f = form_of(v);
	const char *label = missing(f);
	struct str line = {0};

	if (label) {
		screen_message(s, ROLE_WARNING, "%s is needed", label);
		return;
	}
	op_form_line(f->op, f->values, op_form_fields(f->op), &line);
	screen_back(s); /* the form; the command may open a view of its own */
	screen_execute(s, str_text(&line));
	str_deinit(&line);
}

static void key_clear(struct screen *s, struct view *v)
{
	struct form *f = form_of(v);

	free(f->values[v->scroll.at]);
	f->values[v->scroll.at] = NULL;
}

static const struct key_binding keys[] = {
	{{K_ENTER}, "fill this field in; Tab completes", "Fill in", NULL, NULL},
	{{'r', K_CTRL('x')}, "run it", "Run", key_run, NULL},
	{{'x', K_DELETE}, "empty this field", "Empty", key_clear, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

static void close_form(struct view *v)
{
	struct form *f = form_of(v);

	for (int i = 0; i < FORM_FIELDS; i++)
		free(f->values[i]);
	free(f);
}

/* `argument` is "COMMAND" or "COMMAND|CGROUP". */
static struct err *open_form(struct screen *s, const char *argument, struct view **ret)
{
	char command[64];
	const char *bar = argument ? strchr(argument, '|') : NULL;
	const struct op_form *op;
	struct form *f;

	snprintf(command, sizeof(command), "%.*s", (int)strcspn(argument ? argument : "", "|"),
		 argument ? argument : "");
	op = op_form_find(command);
	if (!op || !op_form_offered(op))
		return err_new(ERR_NOT_FOUND, "no form for '%s'; the ops view has them", command);
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_nomem();
	f->view.ops = &view_op;
	f->op = op;
	for (unsigned int i = 0; bar && i < op_form_fields(op); i++)
		if (op->fields[i].is_cgroup)
			f->values[i] = strdup(bar + 1);
	*ret = &f->view;
	return NULL;
}

static void label(const struct view *v, struct str *s)
{
	str_add(s, ((const struct form *)v)->op->command);
}

const struct view_ops view_op = {
	.name = "op",
	.title = "Op",
	.summary = "an op as a form",
	.flags = VIEW_ROWS,
	.keys = keys,
	.open = open_form,
	.close = close_form,
	.draw = draw,
	.enter = enter,
	.label = label,
};
