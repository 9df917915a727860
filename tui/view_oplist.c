/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ops to choose from; each opens its form. */
#include "tui/op_forms.h"
#include "tui/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oplist {
	struct view view;
	char cgroup[128]; /* that the cursor of the ops view was on; "" */
};

/* The i-th of those that this ktdbg has, NULL past the end. */
static const struct op_form *offered(int i)
{
	for (const struct op_form *form = op_forms; form->command; form++)
		if (op_form_offered(form) && i-- == 0)
			return form;
	return NULL;
}

static void draw(struct view *v, struct screen *s, const struct area *a)
{
	int count = 0;

	while (offered(count))
		count++;
	v->header_rows = 1;
	area_fill(a, 0, 0, a->cols, ROLE_HEADER, L' ');
	area_text(a, 0, 0, ROLE_HEADER, "Ops: Enter opens the form");
	scroll_set(&v->scroll, count, a->rows - 1);
	for (int y = 1; y < a->rows && v->scroll.top + y - 1 < count; y++) {
		const struct op_form *form = offered(v->scroll.top + y - 1);

		area_textf(a, y, 1, ROLE_NORMAL, "%-22s %s", form->command, form->summary);
		if (v->scroll.top + y - 1 == v->scroll.at)
			area_paint(a, y, ROLE_CURSOR);
	}
}

static void enter(struct view *v, struct screen *s)
{
	struct oplist *list = (struct oplist *)v;
	const struct op_form *form = offered(v->scroll.at);
	char argument[224];

	if (!form)
		return;
	snprintf(argument, sizeof(argument), "%s%s%s", form->command, list->cgroup[0] ? "|" : "",
		 list->cgroup);
	screen_back(s); /* so that the form's end leads back to where the list came from */
	screen_show(s, &view_op, argument);
}

/* The next op whose name or summary holds the text. */
static void search(struct view *v, struct screen *s, const char *text, bool done)
{
	int count = 0;

	while (offered(count))
		count++;
	for (int i = 1; i <= count && text[0]; i++) {
		int at = (v->scroll.at + i) % count;

		if (strstr(offered(at)->command, text) || strstr(offered(at)->summary, text)) {
			if (done || at != v->scroll.at)
				scroll_to(&v->scroll, at);
			return;
		}
	}
}

static void close_list(struct view *v)
{
	free(v);
}

static struct err *open_list(struct screen *s, const char *argument, struct view **ret)
{
	struct oplist *list = calloc(1, sizeof(*list));

	if (!list)
		return err_nomem();
	list->view.ops = &view_oplist;
	snprintf(list->cgroup, sizeof(list->cgroup), "%s", argument ? argument : "");
	*ret = &list->view;
	return NULL;
}

static const struct key_binding keys[] = {
	{{K_ENTER}, "the form of this op", "Form", NULL, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

const struct view_ops view_oplist = {
	.name = "oplist",
	.title = "Ops",
	.summary = "the ops to choose from",
	.flags = VIEW_ROWS,
	.keys = keys,
	.open = open_list,
	.close = close_list,
	.draw = draw,
	.enter = enter,
	.search = search,
};
