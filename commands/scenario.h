/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario: a backdrop that lives all the time, and steps one after the other, each of which applies its
 * ops, holds while work is done and measured, and takes down what it made. Begins with `backdrop`, or with
 * the first `step`; ends with the next `backdrop`, with `scenario end`, or when its scheduler dies.
 *
 * Everything that happens in it is a command line given to the session, and time passes only in holds and
 * in the ops, so under the virtual clock a scenario is the same in each run, to the nanosecond.
 *
 * The records of its steps stay until the next scenario begins. Threads: the session's.
 */
#ifndef COMMANDS_SCENARIO_H
#define COMMANDS_SCENARIO_H

#include "commands/command.h"
#include "coord/liveness.h"
#include "coord/measure.h"

#define SCENARIO_DURATION 10000000000ULL /* ns of guest time that frac: and full are about, unless told */
#define SCENARIO_STEPS 10000             /* records kept */

enum step_result { STEP_DONE, STEP_FAILED, STEP_DIED };

/* The state of things at one end of a step. */
struct step_stamp {
	uint64_t time;       /* guest ns since ready */
	uint64_t iterations; /* of all workers that there are */
	unsigned int ops;    /* applied since the scenario began; a def is one */
};

struct step_record {
	unsigned int number;    /* from 1; 0: the backdrop */
	bool loop;
	unsigned int turns;     /* of a loop step */
	struct step_stamp begin, end;
	uint64_t held_from, held_until; /* guest ns: work was measured between these */
	enum step_result result;
	struct death death;     /* STEP_DIED */
	char *failure;          /* STEP_FAILED, else NULL */
	struct measured *groups;
	unsigned int group_count;
};
/* "held", "failed", or what death_name() says. */
const char *step_result_name(const struct step_record *r);
/* Of all cgroups: iterations while it held. */
uint64_t step_iterations(const struct step_record *r);
unsigned int step_workers(const struct step_record *r);
/* NULL: nothing of that cgroup worked in it. */
const struct measured *step_group(const struct step_record *r, const char *cgroup);

struct scenario;
struct err *scenario_create(struct scenario **ret) __attribute__((warn_unused_result));
void scenario_destroy(struct scenario *sc); /* forgets; the guest keeps what is in it. NULL is fine */

void scenario_forget(struct scenario *sc); /* with another guest there is another scenario; NULL is fine */

bool scenario_active(const struct scenario *sc);
uint64_t scenario_duration(const struct scenario *sc);
/* Records in their order, the backdrop's first when there is one; NULL past the end. */
const struct step_record *scenario_record(const struct scenario *sc, unsigned int i);
/* Step `number`; NULL: there is none (yet). */
const struct step_record *scenario_step(const struct scenario *sc, unsigned int number);
/* The newest that measured that cgroup, NULL: none. */
const struct measured *scenario_last(const struct scenario *sc, const char *cgroup);

/*
 * Run a whole backdrop or step: `line` has its words and its block. What the ops print and the table of
 * what was measured goes to `out`. Whatever goes wrong, what it made is taken down again, and its record
 * says what was measured until then.
 */
struct err *scenario_run_backdrop(struct session *s, const struct command_line *line, struct out *out)
	__attribute__((warn_unused_result));
struct err *scenario_run_step(struct session *s, const struct command_line *line, struct out *out)
	__attribute__((warn_unused_result));
/* Take down the backdrop. ERR_USAGE when none is running. */
struct err *scenario_end(struct session *s) __attribute__((warn_unused_result));

/* The table of what a record's workers did, by cgroup; nothing for one without workers. */
void scenario_show_groups(struct out *out, const struct step_record *const *records, unsigned int count);

#endif
