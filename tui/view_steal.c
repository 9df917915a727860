/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steal as it happens: for each CPU the share of every second that its host took, as the guest and
 * as the host book it, and bars of what went before. Read without holding the guest.
 */
#include "base/file.h"
#include "coord/steal_book.h"
#include "tui/pager.h"
#include "tui/views.h"
#include "vmm/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD UINT64_C(1000000000) /* of host time, for one bar */
#define BARS 60

struct lane {
	uint64_t guest, runnable, running; /* at the last bar */
	double guest_share, host_share, dilation;
	unsigned char bars[BARS]; /* eighths of the second that the host took, oldest first */
};

struct steal_view {
	struct pager pager;
	struct lines lines;
	struct coord *coord; /* whose lanes these are */
	struct lane *lanes;
	unsigned int count;
	uint64_t last; /* host_now() of the last bar; 0: none yet */
};

static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char ascii_blocks[] = " .:-=+*%#";

static const char *line(struct pager *p, int i, enum role *role)
{
	struct steal_view *v = (struct steal_view *)p;

	if (i == 0)
		*role = ROLE_HEADER;
	return v->lines.text[i];
}

static double share(uint64_t now, uint64_t before, uint64_t of)
{
	return of && now > before ? (double)(now - before) / (double)of : 0;
}

static void add_bar(struct lane *l, uint64_t guest, const struct vcpu_runstate *v, uint64_t passed)
{
	double eighths;

	l->guest_share = share(guest, l->guest, passed);
	l->host_share = v ? share(v->time[RUNSTATE_RUNNABLE], l->runnable, passed) : 0;
	l->dilation = 1;
	if (v && v->time[RUNSTATE_RUNNING] > l->running)
		l->dilation += share(v->time[RUNSTATE_RUNNABLE], l->runnable,
				     v->time[RUNSTATE_RUNNING] - l->running);
	eighths = (v ? l->host_share : l->guest_share) * 8 + 0.5;
	memmove(l->bars, l->bars + 1, BARS - 1);
	l->bars[BARS - 1] = eighths > 8 ? 8 : (unsigned char)eighths;
	l->guest = guest;
	if (v) {
		l->runnable = v->time[RUNSTATE_RUNNABLE];
		l->running = v->time[RUNSTATE_RUNNING];
	}
}

static void add_line(struct steal_view *view, struct machine *m, const struct vcpu_runstate *v,
		     unsigned int cpu, bool ascii)
{
	const struct lane *l = &view->lanes[cpu];
	struct str s = {0}, mask = {0};
	struct budget_place place;

	str_addf(&s, "%4u %6.1f%% ", cpu, l->guest_share * 100);
	if (v) {
		machine_vcpu_place(m, cpu, &place);
		budget_add_mask(&mask, &place.mask);
		str_addf(&s, "%6.1f%% %8.2f  %-8s %4d %-8s ", l->host_share * 100, l->dilation,
			 runstate_name(v->state), place.last, str_text(&mask));
	} else {
		str_addf(&s, "%7s %8s  %-8s %4s %-8s ", "-", "-", "-", "-", "-");
	}
	for (unsigned int i = 0; i < BARS; i++) {
		if (ascii)
			str_add_c(&s, ascii_blocks[l->bars[i]]);
		else
			str_add(&s, blocks[l->bars[i]]);
	}
	lines_add(&view->lines, str_text(&s), s.len);
	str_deinit(&mask);
	str_deinit(&s);
}

static void add_header(struct steal_view *view, const struct steal_book *book)
{
	char text[160];
	int n = snprintf(text, sizeof(text),
			 " CPU   GUEST    HOST DILATION  STATE    LAST MASK     "
			 "a minute in seconds; source: %s",
			 steal_book_source_name(steal_book_source(book)));

	lines_add(&view->lines, text, (size_t)n);
}

static bool begin(struct steal_view *v, struct coord *coord, unsigned int cpus)
{
	if (coord == v->coord && v->count == cpus)
		return true;
	free(v->lanes);
	v->lanes = calloc(cpus, sizeof(*v->lanes));
	v->count = v->lanes ? cpus : 0;
	v->coord = coord;
	v->last = 0;
	return v->lanes;
}

static void look(struct steal_view *view, struct steal_book *book, struct machine *m, bool ascii)
{
	const struct vcpu_runstate *vcpus = NULL;
	uint64_t now = host_now(), passed = view->last ? now - view->last : 0;
	unsigned int known = 0;

	err_free(machine_runstates(m, &vcpus, &known));
	lines_deinit(&view->lines);
	view->lines = (struct lines){0};
	add_header(view, book);
	for (unsigned int i = 0; i < view->count; i++) {
		const struct vcpu_runstate *v = i < known ? &vcpus[i] : NULL;

		add_bar(&view->lanes[i], steal_book_guest(book, i), v, passed);
		add_line(view, m, v, i, ascii);
	}
	view->last = now;
	view->pager.count = view->lines.count;
}

static void poll_steal(struct view *v, struct screen *s)
{
	struct steal_view *view = (struct steal_view *)v;
	struct coord *coord = session_coord(s->session);
	struct steal_book *book = NULL;
	struct err *err = NULL;

	if (coord && view->last && coord == view->coord && host_now() - view->last < PERIOD)
		return;
	view->pager.count = 0;
	if (coord)
		err = coord_steal_book(coord, &book);
	if (book && begin(view, coord, steal_book_cpus(book)))
		look(view, book, coord_machine(coord), session_options(s->session)->ascii);
	err_free(err);
}

static void draw(struct view *v, struct screen *s, const struct area *a)
{
	struct steal_view *view = (struct steal_view *)v;

	pager_draw(v, s, a);
	if (!view->pager.count)
		area_text(a, 1, 2, ROLE_DIM,
			  "this guest keeps no steal time, or there is no guest");
}

static void close_steal(struct view *v)
{
	struct steal_view *view = (struct steal_view *)v;

	lines_deinit(&view->lines);
	free(view->lanes);
	free(view);
}

static struct err *open_steal(struct screen *s, const char *argument, struct view **ret)
{
	struct steal_view *view = calloc(1, sizeof(*view));

	if (!view)
		return err_nomem();
	view->pager.view.ops = &view_steal;
	view->pager.line = line;
	*ret = &view->pager.view;
	return NULL;
}

const struct view_ops view_steal = {
	.name = "steal",
	.title = "Steal",
	.summary = "what the host took of each CPU, over time",
	.keys = pager_keys,
	.open = open_steal,
	.close = close_steal,
	.poll = poll_steal,
	.draw = draw,
	.search = pager_search,
};
