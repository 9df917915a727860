/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, made from the key tables, the views and the command table. */
#include "commands/help.h"
#include "tui/keys.h"
#include "tui/pager.h"
#include "tui/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_WIDTH 20

struct help {
	struct pager pager;
	struct lines lines;
};

static const char *line(struct pager *p, int i, enum role *role)
{
	const char *text = ((struct help *)p)->lines.text[i];

	/* Headings begin in the first column, everything else is indented. */
	if (text[0] && text[0] != ' ')
		*role = ROLE_LABEL;
	return text;
}

static void add(struct lines *l, struct str *s)
{
	lines_add(l, str_text(s), s->len);
	str_clear(s);
}

static void add_padded(struct str *s, const char *text, int width)
{
	str_addf(s, "  %s%*s", text, width - text_width(text) > 1 ? width - text_width(text) : 1,
		 "");
}

static void add_keys(struct lines *l, const char *title, const struct key_binding *b)
{
	struct str s = {0}, names = {0};

	if (!b || !b->help)
		return;
	str_add(&s, title);
	add(l, &s);
	for (; b->help; b++) {
		if (!keys_offered(b))
			continue;
		str_clear(&names);
		keys_names(b, &names);
		add_padded(&s, str_text(&names), KEYS_WIDTH);
		str_add(&s, b->help);
		add(l, &s);
	}
	add(l, &s);
	str_deinit(&names);
	str_deinit(&s);
}

static void add_views(struct lines *l)
{
	struct str s = {0};
	char number[32];

	str_add(&s, "Views");
	add(l, &s);
	for (int i = 0; views_listed[i]; i++) {
		snprintf(number, sizeof(number), "%d, F%d", i + 1, i + 2);
		add_padded(&s, number, 9);
		str_addf(&s, "%-10s %s", views_listed[i]->name, views_listed[i]->summary);
		add(l, &s);
	}
	for (int i = 0; views_other[i]; i++) {
		add_padded(&s, "", 9);
		str_addf(&s, "%-10s %s", views_other[i]->name, views_other[i]->summary);
		add(l, &s);
	}
	add(l, &s);
	str_deinit(&s);
}

static void add_command(struct lines *l, struct str *s, const struct command *c)
{
	add_padded(s, c->name, 13);
	str_addf(s, "%-7s %s", c->key ? c->key : "", c->summary);
	add(l, s);
}

static void add_commands(struct lines *l)
{
	struct str s = {0};

	for (int group = 0; group < GROUP_COUNT; group++) {
		str_addf(&s, "%s commands (`:help NAME` says more)", command_group_name(group));
		add(l, &s);
		for (const struct command *const *c = command_table; *c; c++)
			if ((int)(*c)->group == group)
				add_command(l, &s, *c);
		add(l, &s);
	}
	str_deinit(&s);
}

static const struct view_ops *find_view(const char *name)
{
	for (int i = 0; views_listed[i]; i++)
		if (name && strcmp(views_listed[i]->name, name) == 0)
			return views_listed[i];
	for (int i = 0; views_other[i]; i++)
		if (name && strcmp(views_other[i]->name, name) == 0)
			return views_other[i];
	return NULL;
}

static void close_help(struct view *v)
{
	struct help *h = (struct help *)v;

	lines_deinit(&h->lines);
	free(h);
}

/* The argument: the view whose keys come first. */
static struct err *open_help(struct screen *s, const char *argument, struct view **ret)
{
	const struct view_ops *of = find_view(argument);
	struct help *h = calloc(1, sizeof(*h));
	char title[64];

	if (!h)
		return err_nomem();
	h->pager.view.ops = &view_help;
	h->pager.line = line;
	if (of) {
		snprintf(title, sizeof(title), "Keys of the view %s", of->name);
		add_keys(&h->lines, title, of->keys);
	}
	add_keys(&h->lines, "Keys everywhere", common_keys);
	add_views(&h->lines);
	add_commands(&h->lines);
	h->pager.count = h->lines.count;
	*ret = &h->pager.view;
	return NULL;
}

const struct view_ops view_help = {
	.name = "help",
	.title = "Help",
	.summary = "keys, views and commands",
	.keys = pager_keys,
	.open = open_help,
	.close = close_help,
	.draw = pager_draw,
	.search = pager_search,
};
