/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of CPUs as rows: what they are in one sample, how fast they grew since another, or
 * sample by sample. Filters and columns see the table's names and the members of the CPU's struct rq
 * as it is now.
 *
 * Borrows its samples. Threads: one.
 */
#ifndef COMMANDS_COUNTER_ROWS_H
#define COMMANDS_COUNTER_ROWS_H

#include "base/err.h"
#include "base/out.h"
#include "commands/session.h"
#include "coord/samples.h"

struct counter_rows {
	const struct sample *base; /* for rates a second since then; NULL: values */
	bool timed;		   /* each row has its sample's time, and says whether it is torn */
	struct counter_row {
		const struct sample *sample;
		unsigned int cpu;
	} *rows;
	unsigned int count;
	bool no_memory;
};

/* The rows of one sample: of CPU `cpu`, -1: of all that are online. */
void counter_rows_add(struct counter_rows *rows, const struct sample *sample, int cpu);
/* Write those that `clauses` ([where EXPR] [sort KEY] [columns A,B]) asks for as a table. */
struct err *counter_rows_show(struct session *s, const struct counter_rows *rows,
			      const char *clauses, struct out *out)
	__attribute__((warn_unused_result));
void counter_rows_deinit(struct counter_rows *rows);

/* A counter's value or, of one that grows, its rate since `base` (may be NULL), as a cell. */
struct out_value counter_value(const struct sample *s, unsigned int cpu, enum counter c);
struct out_value counter_rate(const struct sample *base, const struct sample *now,
			      unsigned int cpu, enum counter c);

#endif
