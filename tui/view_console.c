/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's console, as it comes. */
#include "tui/console_text.h"
#include "tui/views.h"

#include <stdlib.h>

#define CONSOLE_KEPT (1u << 20) /* what the machine keeps */
#define CONSOLE_SLACK 4096

struct console {
	struct pager pager;
	struct console_text text;
	struct str open_line;
	struct coord *coord; /* whose console this is: another guest starts anew */
	uint64_t seen;	     /* bytes ever received */
};

static const char *line(struct pager *p, int i, enum role *role)
{
	struct console *c = (struct console *)p;

	return i < c->text.lines.count ? c->text.lines.text[i] : str_text(&c->open_line);
}

/* What came since the last look; the slack is for bytes that come in between. */
static void take_news(struct console *c, struct machine *m, uint64_t total)
{
	uint64_t news = total - c->seen + CONSOLE_SLACK;
	size_t size = news < CONSOLE_KEPT ? (size_t)news : CONSOLE_KEPT;
	char *buffer = malloc(size + 1);
	size_t len;

	if (!buffer)
		return;
	total = machine_console(m, buffer, size + 1);
	len = total < size ? (size_t)total : size;
	news = total - c->seen < len ? total - c->seen : len;
	console_text_feed(&c->text, buffer + len - news, (size_t)news);
	c->seen = total;
	free(buffer);
}

static void poll_console(struct view *v, struct screen *s)
{
	struct console *c = (struct console *)v;
	struct coord *coord = session_coord(s->session);
	char none[1];
	uint64_t total;

	if (coord != c->coord) {
		console_text_deinit(&c->text);
		c->coord = coord;
		c->seen = 0;
	}
	if (!coord)
		return;
	total = machine_console(coord_machine(coord), none, sizeof(none));
	if (total > c->seen)
		take_news(c, coord_machine(coord), total);
	str_clear(&c->open_line);
	console_text_open_line(&c->text, &c->open_line);
	c->pager.count = c->text.lines.count + (c->open_line.len > 0);
}

static void draw(struct view *v, struct screen *s, const struct area *a)
{
	struct console *c = (struct console *)v;

	pager_draw(v, s, a);
	if (!c->pager.count)
		area_text(a, 1, 2, ROLE_DIM,
			  c->coord
				  ? "nothing was printed since the session began; `:dmesg` has the "
				    "kernel's log"
				  : "no guest; `:boot` starts one");
}

static void close_console(struct view *v)
{
	struct console *c = (struct console *)v;

	console_text_deinit(&c->text);
	str_deinit(&c->open_line);
	free(c);
}

static struct err *open_console(struct screen *s, const char *argument, struct view **ret)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c)
		return err_nomem();
	c->pager.view.ops = &view_console;
	c->pager.line = line;
	c->pager.follow = true;
	*ret = &c->pager.view;
	return NULL;
}

const struct view_ops view_console = {
	.name = "console",
	.title = "Console",
	.summary = "the guest's console",
	.flags = VIEW_LISTED,
	.keys = pager_keys,
	.open = open_console,
	.close = close_console,
	.poll = poll_console,
	.draw = draw,
	.search = pager_search,
};
