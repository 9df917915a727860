/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guests that wait in the past. */
#include "commands/travel_impl.h"

#include "base/log.h"
#include "commands/command.h"

#include <limits.h>
#include <string.h>

/* The rear guard is so many times as far back as the last step back was long, at least so far; and is not
 * worth its memory where a fresh guest would be as near. */
#define REAR_FACTOR 4
#define REAR_MIN (1000 * TRAVEL_MS)
#define REAR_WORTH (500 * TRAVEL_MS)

void travel_dismiss(struct waiting_guest *w)
{
	session_destroy(w->session);
	*w = (struct waiting_guest){0};
}

bool travel_later(uint64_t time, struct travel_place place, const struct moment *than)
{
	return time > than->time || place.next > than->step;
}

struct err *travel_make_guest(struct session *like, struct session **ret)
{
	struct options options = *session_options(like);
	struct session *s;
	struct err *err;

	options.record = NULL;
	ERR_TRY(session_create(&options, &s));
	session_set_mode(s, MODE_BATCH);
	err = session_boot(s);
	if (err) {
		session_destroy(s);
		return err_wrap(err, "a guest for the past");
	}
	*ret = s;
	return NULL;
}

/* A rear guard that does not get on is no loss. */
static void drop_rear(struct travel *t, struct err *err)
{
	if (!err)
		return;
	log_info("no rear guard: %s", err_detail(err));
	err_free(err);
	travel_dismiss(&t->rear);
}

/* Where the rear guard can run to by itself. */
static uint64_t rear_goal(const struct travel *t)
{
	const struct recording *r = t->history;
	unsigned int next = t->rear.place.next;
	uint64_t goal = t->rear_time;

	if (t->rear.place.partly && travel_end_of_step(t, next) < goal)
		goal = travel_end_of_step(t, next);
	else if (!t->rear.place.partly && next < r->step_count && r->steps[next].time < goal)
		goal = r->steps[next].time;
	return goal;
}

/* One step of the rear guard, which stands where it is due. */
static struct err *step_rear(struct travel *t)
{
	const struct moment to = {.time = t->rear_time, .step = UINT_MAX};
	struct traveller v = {.travel = t,
			      .session = t->rear.session,
			      .place = t->rear.place,
			      .to = &to,
			      .lookout = {.end = to.time}};
	struct err *err;

	if (v.place.partly) {
		err = traveller_finish_wait(&v);
	} else if (travel_flags(&t->history->steps[v.place.next]) & CMD_WAITS) {
		v.place.partly = true;
		err = NULL;
	} else {
		coord_set_lookout(session_coord(v.session), &v.lookout);
		err = traveller_step(&v);
		coord_set_lookout(session_coord(v.session), NULL);
	}
	t->rear.place = v.place;
	if (!err && v.inside)
		err = err_new(ERR_REFUSED, "it would stand in the middle of `%s`", v.inside);
	return err;
}

/* As far as it gets without anybody waiting for it. */
static struct err *try_push(struct travel *t)
{
	while (travel_time_of(t->rear.session) >= rear_goal(t)) {
		if (travel_time_of(t->rear.session) >= t->rear_time)
			return NULL;
		ERR_TRY(step_rear(t));
	}
	return coord_start_until(session_coord(t->rear.session), rear_goal(t));
}

static bool stands(struct session *s)
{
	return machine_state(coord_machine(session_coord(s))) != MACHINE_RUNNING;
}

void travel_push_rear(struct travel *t)
{
	if (t->rear.session && stands(t->rear.session))
		drop_rear(t, try_push(t));
}

void travel_idle(struct session *s)
{
	struct travel *t = *session_travel(s);

	if (t)
		travel_push_rear(t);
}

/* Somewhat further back than where the next step back will probably go. */
void travel_post_rear(struct travel *t, struct session *s, const struct moment *to)
{
	uint64_t behind = (travel_time_of(s) - to->time) * REAR_FACTOR;
	struct session *guest;
	struct err *err;

	if (behind < REAR_MIN)
		behind = REAR_MIN;
	if (t->rear.session || to->time < behind + REAR_WORTH)
		return;
	err = travel_make_guest(s, &guest);
	if (!err)
		t->rear = (struct waiting_guest){.session = guest};
	t->rear_time = to->time - behind;
	drop_rear(t, err);
	travel_push_rear(t);
}

void travel_follow(struct travel *t, struct session *s, uint64_t time)
{
	if (time < REAR_WORTH)
		return;
	if (!t->rear.session)
		drop_rear(t, travel_make_guest(s, &t->rear.session));
	t->rear_time = time - TRAVEL_MS;
	travel_push_rear(t);
}

/* Hold a guest that may still run, so that its time is exact. */
static struct err *halt(struct session *s)
{
	ERR_TRY(coord_enter(session_coord(s)));
	return coord_leave(session_coord(s));
}

/* The best guest to begin at: one that waits, or a new one. Takes it out of its place. */
struct err *travel_find_start(struct travel *t, struct session *s, const struct moment *to,
			      struct waiting_guest *ret)
{
	struct waiting_guest *list[] = {&t->latest, &t->rear}, *best = NULL;

	if (t->rear.session)
		drop_rear(t, halt(t->rear.session));
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i]->session &&
		    !travel_later(travel_time_of(list[i]->session), list[i]->place, to) &&
		    (!best || travel_time_of(list[i]->session) > travel_time_of(best->session)))
			best = list[i];
	if (!best) {
		*ret = (struct waiting_guest){0};
		return travel_make_guest(s, &ret->session);
	}
	*ret = *best;
	*best = (struct waiting_guest){0};
	return NULL;
}

/* ---- another history ---- */

static bool same_lines(const struct session *a_session, struct session *b_session)
{
	struct recorder *a = session_recorder((struct session *)a_session);
	struct recorder *b = session_recorder(b_session);

	if (recorder_lines(a) > recorder_lines(b))
		return false;
	for (size_t i = 0; i < recorder_lines(a); i++)
		if (strcmp(recorder_line(a, i), recorder_line(b, i)) != 0)
			return false;
	return true;
}

/* A rear guard of the old history is one of the new as well if they part after it. */
void travel_check_rear(struct travel *t, struct session *s)
{
	struct waiting_guest *rear = &t->rear;

	if (!rear->session)
		return;
	drop_rear(t, halt(rear->session));
	if (!rear->session)
		return;
	rear->place.partly = false;
	if (!same_lines(rear->session, s) || rear->place.next > t->history->step_count ||
	    travel_time_of(rear->session) > travel_end_of_step(t, rear->place.next) ||
	    (rear->place.next < t->history->step_count &&
	     t->history->steps[rear->place.next].time < travel_time_of(rear->session)))
		travel_dismiss(rear);
}
