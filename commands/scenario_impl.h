/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the scenario's state (scenario.c) and the running of its steps (step_run.c). */
#ifndef COMMANDS_SCENARIO_IMPL_H
#define COMMANDS_SCENARIO_IMPL_H

#include "commands/scenario.h"

struct scenario {
	bool active;
	uint64_t duration;
	unsigned int ops;      /* applied so far */
	unsigned int next;     /* number of the next step */
	struct step_record **records;
	unsigned int count;
};

/* Forget all records and begin anew. */
void scenario_begin(struct scenario *sc, uint64_t duration);
/* A new record, kept when it can be; the oldest step goes when there are too many. */
struct err *scenario_add(struct scenario *sc, unsigned int number, struct step_record **ret)
	__attribute__((warn_unused_result));

#endif
