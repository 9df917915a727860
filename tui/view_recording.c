/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was done since the guest's boot, as a recording holds it, by the lines that its file has: `back to
 * LINE` and --at take them. */
#include "commands/recorder.h"
#include "tui/pager.h"
#include "tui/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recording {
	struct pager pager;
	struct recorder *recorder; /* the session's */
	struct str clean;	   /* of the line that was asked for last */
};

static const char *line(struct pager *p, int i, enum role *role)
{
	struct recording *r = (struct recording *)p;
	const char *text = recorder_line(r->recorder, (size_t)i);
	unsigned int first = recorder_header_lines(r->recorder) + 1;
	int width = snprintf(NULL, 0, "%u", first + (unsigned int)p->count);

	str_clear(&r->clean);
	str_addf(&r->clean, "%*u  ", width, first + (unsigned int)i);
	str_add_clean(&r->clean, text, strlen(text));
	if (str_starts(text, "  | "))
		*role = str_starts(text, "  | error: ") ? ROLE_ERROR : ROLE_DIM;
	else if (text[0] == '#')
		*role = ROLE_LABEL;
	return str_text(&r->clean);
}

static void poll_recording(struct view *v, struct screen *s)
{
	struct recording *r = (struct recording *)v;

	r->pager.count = (int)recorder_lines(r->recorder);
}

static void draw(struct view *v, struct screen *s, const struct area *a)
{
	struct recording *r = (struct recording *)v;
	const char *path = recorder_path(r->recorder);
	struct area text = area_part(a, 1, 0, a->rows - 1, a->cols);

	area_fill(a, 0, 0, a->cols, ROLE_HEADER, L' ');
	if (path)
		area_textf(a, 0, 0, ROLE_HEADER, "recording to %s", path);
	else
		area_text(a, 0, 0, ROLE_HEADER,
			  "kept in memory; `:record start FILE` writes it from the boot on");
	v->header_rows = 1;
	pager_draw(v, s, &text);
	if (!r->pager.count)
		area_text(a, 2, 2, ROLE_DIM, "nothing was done to the guest yet");
}

static void close_recording(struct view *v)
{
	struct recording *r = (struct recording *)v;

	str_deinit(&r->clean);
	free(r);
}

static struct err *open_recording(struct screen *s, const char *argument, struct view **ret)
{
	struct recording *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem();
	r->pager.view.ops = &view_recording;
	r->pager.line = line;
	r->pager.follow = true;
	r->recorder = session_recorder(s->session);
	*ret = &r->pager.view;
	return NULL;
}

const struct view_ops view_recording = {
	.name = "recording",
	.title = "Recording",
	.summary = "what was done since the boot, as a recording holds it",
	.flags = VIEW_LISTED,
	.keys = pager_keys,
	.open = open_recording,
	.close = close_recording,
	.poll = poll_recording,
	.draw = draw,
	.search = pager_search,
};
