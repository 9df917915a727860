/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command has printed, when it is more than one line. */
#include "tui/pager.h"
#include "tui/views.h"

#include <stdlib.h>
#include <string.h>

struct output {
	struct pager pager;
	struct lines lines;
	char *command;
};

static const char *line(struct pager *p, int i, enum role *role)
{
	return ((struct output *)p)->lines.text[i];
}

static void close_output(struct view *v)
{
	struct output *o = (struct output *)v;

	lines_deinit(&o->lines);
	free(o->command);
	free(o);
}

/* The argument: the command line, a newline, its output. */
static struct err *open_output(struct screen *s, const char *argument, struct view **ret)
{
	struct output *o = calloc(1, sizeof(*o));
	const char *text = argument ? strchr(argument, '\n') : NULL;

	if (!o)
		return err_nomem();
	o->pager.view.ops = &view_output;
	o->pager.line = line;
	o->command = strndup(argument ? argument : "", strcspn(argument ? argument : "", "\n"));
	lines_split(&o->lines, text ? text + 1 : "");
	o->pager.count = o->lines.count;
	*ret = &o->pager.view;
	return NULL;
}

static void label(const struct view *v, struct str *s)
{
	const struct output *o = (const struct output *)v;

	str_add(s, o->command ? o->command : "");
}

const struct view_ops view_output = {
	.name = "output",
	.title = "Output",
	.summary = "what the last command printed",
	.keys = pager_keys,
	.open = open_output,
	.close = close_output,
	.draw = pager_draw,
	.search = pager_search,
	.label = label,
};
