/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time travel: what was done to a guest is known to the nanosecond, so any moment of its past can be made
 * again, byte for byte, by doing the same to another guest that starts from the same saved machine. That
 * guest then takes the present one's place in the session, with its history, variables and replies.
 *
 * A re-run begins at the nearest guest that waits in the past. Two may wait: the one from which the first
 * step back was made, and a rear guard, which is made while somebody travels, well behind where he goes.
 * Both are whole machines, so what this costs is bounded by twice the guest's memory; by three times in the search
 * for a moment, in which the rear guard follows a guest that is looked at all along.
 *
 * What lies ahead is kept until something is changed: then history goes on from where it is. What was only
 * looked at on the way is not kept.
 *
 * Only under the virtual clock. Threads: one.
 */
#ifndef COMMANDS_TRAVEL_H
#define COMMANDS_TRAVEL_H

#include "commands/session.h"

struct expr;
struct travel;

void travel_destroy(struct travel *t); /* with the guests that wait; NULL is fine */

/* Where a journey ended. */
struct travel_arrival {
	uint64_t time;      /* guest ns since ready; the guest is frozen */
	unsigned int ahead; /* commands that lie in the future */
	const char *inside; /* the command that it stands in the middle of, until the next journey; or NULL */
	bool differs;       /* commands on the way gave other output than the first time */
};

/* All of these: ERR_REFUSED under the real clock; ERR_USAGE for a moment that history does not have. */
struct err *travel_to_time(struct session *s, uint64_t time, struct travel_arrival *ret)
	__attribute__((warn_unused_result));
/* Before the command of line `line` of the recording that `record start` would write. */
struct err *travel_to_line(struct session *s, uint64_t line, struct travel_arrival *ret)
	__attribute__((warn_unused_result));
/* The last point before this one at which `e` was true. ERR_NOT_FOUND. */
struct err *travel_to_last(struct session *s, const struct expr *e, struct travel_arrival *ret)
	__attribute__((warn_unused_result));
/* The latest moment that history has. */
struct err *travel_to_end(struct session *s, struct travel_arrival *ret)
	__attribute__((warn_unused_result));

/* A command is to run that changes the guest or lets time pass: what lay ahead is void. Refused in the middle
 * of another one. */
struct err *travel_check(struct session *s, const char *name) __attribute__((warn_unused_result));
/* When idle: keep the rear guard going. */
void travel_idle(struct session *s);

#endif
