/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lines of a step or a backdrop ask for, checked before anything is created: how long it holds,
 * which ops come when, which cgroups with workers it makes.
 *
 * The parts are applied in an order of their own, whatever that of the lines: a backdrop's are defs, ops,
 * payloads; a step's ops, defs, then the hold, then what it expects; a loop step's defs once, then the ops
 * again and again. An op is a command line of the table; a def is the one that makes a cgroup with workers.
 *
 * Not responsible for running anything. Needs the agent, for what there is already.
 */
#ifndef COMMANDS_STEP_PLAN_H
#define COMMANDS_STEP_PLAN_H

#include "commands/command.h"

struct hold {
	uint64_t time;  /* guest ns */
	uint64_t every; /* of a loop step; 0: it does not loop */
};
/* The words of `step`: hold=T|frac:F|full, or loop=T for=T|frac:F|full; `duration` is the scenario's.
 * ERR_USAGE. */
struct err *hold_parse(unsigned int count, char *const *words, uint64_t duration, struct hold *ret)
	__attribute__((warn_unused_result));

enum plan_part { PLAN_DEF, PLAN_OP, PLAN_PAYLOAD, PLAN_EXPECT };

struct plan_line {
	enum plan_part part;
	unsigned int number;           /* of the line in its block, from 1 */
	const struct command *command; /* of `text` */
	char *text;
};

struct plan {
	struct plan_line *lines;
	unsigned int count;
};

/* Takes the lines of a block apart and checks them; inside a window. ERR_USAGE and others: "line N: WHY". */
struct err *plan_parse(struct session *s, char *const *lines, unsigned int count, struct plan *ret)
	__attribute__((warn_unused_result));
void plan_deinit(struct plan *p);
/* Whether one of its ops puts another scheduler in place, so that the end of the old one is no death. */
bool plan_changes_scheduler(const struct plan *p);

#endif
