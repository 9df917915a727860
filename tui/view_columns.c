/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which columns the tasks view shows. */
#include "tui/task_columns.h"
#include "tui/view_tasks.h"
#include "tui/views.h"

#include <stdlib.h>

static void draw(struct view *v, struct screen *s, const struct area *a)
{
	const struct table *t = tasks_table(s);

	v->header_rows = 1;
	area_fill(a, 0, 0, a->cols, ROLE_HEADER, L' ');
	area_text(a, 0, 0, ROLE_HEADER, "Columns of the tasks view: x switches one on or off");
	scroll_set(&v->scroll, TASK_COLUMNS, a->rows - 1);
	for (int y = 1; y < a->rows && v->scroll.top + y - 1 < TASK_COLUMNS; y++) {
		int i = v->scroll.top + y - 1;
		bool hidden = t->hidden >> i & 1, shown = table_shown(t, i);

		area_textf(a, y, 1, ROLE_NORMAL, "[%c] %-12s %s%s", hidden ? ' ' : 'x',
			   task_columns[i].title, task_column_meaning(i),
			   hidden || shown ? "" : " (no room)");
		if (i == v->scroll.at)
			area_paint(a, y, ROLE_CURSOR);
	}
}

static void enter(struct view *v, struct screen *s)
{
	struct table *t = tasks_table(s);

	if (v->scroll.at != TASK_PID)
		t->hidden ^= 1ull << v->scroll.at;
	else
		screen_message(s, ROLE_WARNING, "the pid is always shown");
}

static void key_toggle(struct screen *s, struct view *v)
{
	enter(v, s);
}

static const struct key_binding keys[] = {
	{{'x', K_ENTER}, "show or hide this column", "Toggle", key_toggle, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

static void close_columns(struct view *v)
{
	free(v);
}

static struct err *open_columns(struct screen *s, const char *argument, struct view **ret)
{
	struct view *v;

	if (!tasks_table(s))
		return err_new(ERR_NOT_FOUND, "the tasks view was not opened yet");
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_nomem();
	v->ops = &view_columns;
	*ret = v;
	return NULL;
}

const struct view_ops view_columns = {
	.name = "columns",
	.title = "Columns",
	.summary = "which columns the tasks view shows",
	.flags = VIEW_ROWS,
	.keys = keys,
	.open = open_columns,
	.close = close_columns,
	.draw = draw,
	.enter = enter,
};
