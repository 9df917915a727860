/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/pager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHIFT_STEP 8
#define TAB_STOP 8

/* ---- lines ---- */

static char *expand_tabs(const char *text, size_t len)
{
	struct str s = {0};
	int column = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\t') {
			do
				str_add_c(&s, ' ');
			while (++column % TAB_STOP);
			continue;
		}
		str_add_c(&s, text[i]);
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			column++;
	}
	return str_take(&s);
}

void lines_add(struct lines *l, const char *text, size_t len)
{
	char **grown;

	if (l->count == l->size) {
		int size = l->size ? 2 * l->size : 64;

		grown = reallocarray(l->text, (size_t)size, sizeof(*grown));
		if (!grown)
			return;
		l->text = grown;
		l->size = size;
	}
	l->text[l->count] = expand_tabs(text, len);
	if (l->text[l->count])
		l->count++;
}

void lines_split(struct lines *l, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		lines_add(l, text, len);
		text += len + (text[len] == '\n');
	}
}

void lines_drop_first(struct lines *l, int count)
{
	if (count > l->count)
		count = l->count;
	for (int i = 0; i < count; i++)
		free(l->text[i]);
	l->count -= count;
	memmove(l->text, l->text + count, (size_t)l->count * sizeof(*l->text));
}

void lines_deinit(struct lines *l)
{
	for (int i = 0; i < l->count; i++)
		free(l->text[i]);
	free(l->text);
	*l = (struct lines){0};
}

/* ---- search ---- */

static bool line_matches(struct pager *p, int i)
{
	enum role role = ROLE_NORMAL;

	return strcasestr(p->line(p, i, &role), p->wanted) != NULL;
}

/* The next matching line from `from` on in the direction of `step`, around the end; -1. */
static int find_line(struct pager *p, int from, int step)
{
	for (int tried = 0; tried < p->count; tried++) {
		int at = ((from + tried * step) % p->count + p->count) % p->count;

		if (line_matches(p, at))
			return at;
	}
	return -1;
}

static void go_to(struct pager *p, int at)
{
	scroll_window(&p->view.scroll, at - p->view.scroll.top);
	p->view.scroll.at = at;
	p->follow = false;
}

static void search_from(struct screen *s, struct pager *p, int from, int step)
{
	int at = p->wanted[0] && p->count ? find_line(p, from, step) : -1;

	if (at >= 0)
		go_to(p, at);
	else if (p->wanted[0])
		screen_message(s, ROLE_WARNING, "not found: %s", p->wanted);
}

void pager_search(struct view *v, struct screen *s, const char *text, bool done)
{
	struct pager *p = (struct pager *)v;

	snprintf(p->wanted, sizeof(p->wanted), "%s", text);
	if (done || text[0])
		search_from(s, p, p->view.scroll.top, 1);
}

static void key_search_next(struct screen *s, struct view *v)
{
	struct pager *p = (struct pager *)v;

	search_from(s, p, p->view.scroll.at + 1, 1);
}

static void key_search_previous(struct screen *s, struct view *v)
{
	struct pager *p = (struct pager *)v;

	search_from(s, p, p->view.scroll.at - 1, -1);
}

static void key_left(struct screen *s, struct view *v)
{
	struct pager *p = (struct pager *)v;

	p->shift = p->shift > SHIFT_STEP ? p->shift - SHIFT_STEP : 0;
}

static void key_right(struct screen *s, struct view *v)
{
	((struct pager *)v)->shift += SHIFT_STEP;
}

const struct key_binding pager_keys[] = {
	{{'n'}, "next match", NULL, key_search_next, NULL},
	{{'N'}, "previous match", NULL, key_search_previous, NULL},
	{{K_LEFT}, "scroll left", NULL, key_left, NULL},
	{{K_RIGHT}, "scroll right", NULL, key_right, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

/* ---- drawing ---- */

static void paint_matches(struct pager *p, const struct area *a, int y, const char *text)
{
	const char *at = text;
	size_t len = strlen(p->wanted);
	char before[1024];

	while (len && (at = strcasestr(at, p->wanted))) {
		snprintf(before, sizeof(before), "%.*s", (int)(at - text), text);
		area_paint_part(a, y, text_width(before) - p->shift, text_width(p->wanted),
				ROLE_MATCH);
		at += len;
	}
}

void pager_draw(struct view *v, struct screen *s, const struct area *a)
{
	struct pager *p = (struct pager *)v;
	struct scroll *scroll = &v->scroll;

	scroll_set(scroll, p->count, a->rows);
	if (p->follow)
		scroll_window(scroll, p->count);
	for (int y = 0; y < a->rows && scroll->top + y < p->count; y++) {
		enum role role = ROLE_NORMAL;
		const char *text = p->line(p, scroll->top + y, &role);

		area_text(a, y, -p->shift, role, text);
		paint_matches(p, a, y, text);
	}
	/* At the end one stays there; whoever scrolls up is left in peace. */
	p->follow = p->follow || (scroll->top > 0 && scroll->top + a->rows >= p->count);
}
