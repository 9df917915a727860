/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of text in a view: scrolling, following the end, search, long lines. What the console, the
 * recording, the help and a command's output have in common. A view that embeds a pager as its
 * first member uses pager_keys and pager_search in its ops table.
 */
#ifndef TUI_PAGER_H
#define TUI_PAGER_H

#include "tui/screen.h"

struct pager {
	struct view view;
	/* Line i of `count`, borrowed until the next call; its role too. */
	const char *(*line)(struct pager *p, int i, enum role *role);
	int count;
	int shift;          /* columns that are scrolled out on the left */
	bool follow;        /* stay at the end as lines come */
	char wanted[128];   /* of the last search; "" none */
};

extern const struct key_binding pager_keys[];

void pager_draw(struct view *v, struct screen *s, const struct area *a);
void pager_search(struct view *v, struct screen *s, const char *text, bool done);

/* Lines that are owned: text taken apart at '\n', tabs expanded. */
struct lines {
	char **text;
	int count, size;
};
void lines_add(struct lines *l, const char *text, size_t len); /* dropped when memory is out */
void lines_split(struct lines *l, const char *text);
void lines_drop_first(struct lines *l, int count);
void lines_deinit(struct lines *l);

#endif
