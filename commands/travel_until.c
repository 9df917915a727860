/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back until an expression: a guest of its own is looked at all along the history, and the rear guard follows, on
 * another CPU of the host, to just before the last moment found so far: the way to the last of all is short then.
 */
#include "commands/travel_impl.h"

#include "commands/expr.h"

#define SCAN_STEP (TRAVEL_MS / 10) /* guest time between two looks; the grid where that is coarser */

struct scan {
	struct traveller v;
	const struct expr *expr;
	struct moment now; /* the present one: only earlier ones count */
	struct moment found;
	bool any;
};

static struct err *look_at(struct scan *scan, unsigned int step)
{
	struct expr_context context = expr_session_context(scan->v.session);
	uint64_t time = travel_time_of(scan->v.session);
	struct expr_test test;

	travel_push_rear(scan->v.travel);
	if (time > scan->now.time || (time == scan->now.time && step >= scan->now.step))
		return NULL;
	ERR_TRY(expr_test(scan->expr, &context, &test));
	if (!test.holds || test.missing != EXPR_COMPLETE)
		return NULL;
	scan->any = true;
	scan->found = (struct moment){.time = time, .step = step};
	travel_follow(scan->v.travel, scan->v.session, time);
	return NULL;
}

/* In the middle of a step, which the moment then includes as far as it got. */
static struct err *look_while_waiting(void *context)
{
	struct scan *scan = context;
	const struct recording *r = scan->v.travel->history;
	unsigned int next = scan->v.place.next;
	bool begun = next < r->step_count && r->steps[next].time < travel_time_of(scan->v.session);

	return look_at(scan, next + begun);
}

static struct err *scan_history(struct scan *scan)
{
	struct traveller *v = &scan->v;
	const struct recording *r = v->travel->history;
	struct moment to = {0};
	struct err *err = NULL;

	v->to = &to;
	while (!err && !v->inside && to.step <= scan->now.step) {
		to.time = to.step < r->step_count ? r->steps[to.step].time : scan->now.time;
		if (to.time > scan->now.time)
			to.time = scan->now.time;
		v->lookout.look = look_while_waiting;
		err = traveller_advance(v);
		if (!err)
			err = look_at(scan, v->place.next);
		to.step++;
	}
	return err;
}

/* All of it, from its beginning to the present. */
static struct err *scan_with_guest(struct travel *t, struct session *s, struct scan *scan)
{
	uint64_t grid = machine_grid(coord_machine(session_coord(s)));
	struct err *err;

	scan->v.travel = t;
	scan->v.lookout.context = scan;
	scan->v.lookout.step = (SCAN_STEP + grid - 1) / grid * grid;
	scan->now = (struct moment){.time = travel_time_of(s), .step = t->place.next};
	ERR_TRY(travel_make_guest(s, &scan->v.session));
	err = scan_history(scan);
	session_destroy(scan->v.session);
	return err;
}

struct err *travel_to_last(struct session *s, const struct expr *e, struct travel_arrival *ret)
{
	struct scan scan = {.expr = e};
	struct travel *t;

	ERR_TRY(travel_prepare(s, &t));
	ERR_TRY(scan_with_guest(t, s, &scan));
	if (!scan.any)
		return err_new(ERR_NOT_FOUND, "`%s` was never true before", expr_text(e));
	return travel_go(t, s, &scan.found, ret);
}
