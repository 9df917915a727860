/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of time travel share: journeys and the history that they are made in (travel.c), one guest
 * on its way (travel_way.c), those that wait (travel_guests.c), and the search for a moment
 * (travel_until.c). For these files only.
 */
#ifndef COMMANDS_TRAVEL_IMPL_H
#define COMMANDS_TRAVEL_IMPL_H

#include "commands/recorder.h"
#include "commands/recording.h"
#include "commands/travel.h"

#define TRAVEL_MS UINT64_C(1000000)

/* Where in the history a guest is. */
struct travel_place {
	unsigned int next; /* the first step that has not been done whole */
	bool partly;       /* that is a wait, and has begun */
};

struct waiting_guest {
	struct session *session; /* NULL: none */
	struct travel_place place;
};

/* A moment: the guest's time, and the steps before `step` done, as far as that time lets them. */
struct moment {
	uint64_t time;
	unsigned int step;
};

struct travel {
	struct recording *history;
	struct moment end;	    /* where it was left for the past */
	struct travel_place place;	    /* of the session's own guest */
	const char *inside;	    /* the step that this one stands in the middle of, or NULL */
	size_t lines;		    /* of the recorder, on arrival */
	bool was_frozen;	    /* then; it is frozen now in any case */
	bool changed;		    /* since: what lies ahead is not going to happen */
	uint64_t arrival;	    /* when that was */
	struct waiting_guest latest; /* at `end` */
	struct waiting_guest rear;
	uint64_t rear_time;	    /* where the rear guard is to wait */
};

/* One guest on its way. */
struct traveller {
	struct travel *travel;
	struct session *session;
	struct travel_place place;
	const char *inside;
	struct session *shown; /* whose progress is shown, or NULL */
	const struct moment *to;
	struct coord_lookout lookout;
};

uint64_t travel_time_of(struct session *s);

/* ---- travel.c ---- */

/* The history as it stands, read. ERR_REFUSED where there can be no travelling. */
struct err *travel_prepare(struct session *s, struct travel **ret) __attribute__((warn_unused_result));
/* Take the session to a moment of it. */
struct err *travel_go(struct travel *t, struct session *s, const struct moment *to,
		      struct travel_arrival *ret) __attribute__((warn_unused_result));

/* ---- travel_way.c ---- */

unsigned int travel_flags(const struct recording_step *step); /* enum command_flags of its command */
uint64_t travel_end_of_step(const struct travel *t, unsigned int i); /* at the latest */
/* As a replay does, without what it prints. */
struct err *travel_execute(struct session *s, const struct recording_step *step)
	__attribute__((warn_unused_result));
struct err *traveller_step(struct traveller *v) __attribute__((warn_unused_result));
struct err *traveller_finish_wait(struct traveller *v) __attribute__((warn_unused_result));
struct err *traveller_advance(struct traveller *v) __attribute__((warn_unused_result));

/* ---- travel_guests.c ---- */

void travel_dismiss(struct waiting_guest *w);
bool travel_later(uint64_t time, struct travel_place place, const struct moment *than);
/* A fresh one, at guest time 0. */
struct err *travel_make_guest(struct session *like, struct session **ret) __attribute__((warn_unused_result));
/* The best one to begin at: one that waits, or a fresh one. Takes it out of its place. */
struct err *travel_find_start(struct travel *t, struct session *s, const struct moment *to,
			      struct waiting_guest *ret) __attribute__((warn_unused_result));
/* Leave a rear guard behind, on the way from the present to `to`. */
void travel_post_rear(struct travel *t, struct session *s, const struct moment *to);
/* Post one unless there is one, to wait just before `time` instead. */
void travel_follow(struct travel *t, struct session *s, uint64_t time);
/* Let it get on to where it is to wait, as far as that goes without waiting for it. */
void travel_push_rear(struct travel *t);
/* The history is another: dismiss a rear guard that is not of it. */
void travel_check_rear(struct travel *t, struct session *s);

#endif
