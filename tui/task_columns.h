/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of the tasks view: text, order, and the value that a filter by name sees. */
#ifndef TUI_TASK_COLUMNS_H
#define TUI_TASK_COLUMNS_H

#include "coord/value.h"
#include "tui/snapshot.h"
#include "tui/table.h"

enum task_column {
	TASK_PID, TASK_TGID, TASK_STATE, TASK_CLASS, TASK_POLICY, TASK_PRIO, TASK_NICE, TASK_CPU,
	TASK_CPU_SHARE, TASK_RUNTIME, TASK_SWITCHES, TASK_SWITCH_RATE, TASK_DELAY, TASK_WAITING,
	TASK_VRUNTIME, TASK_ON_RQ, TASK_DSQ, TASK_VTIME, TASK_SLICE, TASK_WEIGHT, TASK_SCX_FLAGS, TASK_START,
	TASK_ADDRESS, TASK_COMM, TASK_COLUMNS,
};

extern const struct table_column task_columns[TASK_COLUMNS];
/* What a column means, in a few words. */
const char *task_column_meaning(int column);

void task_column_text(const struct sampler *s, const struct model_task *t, int column,
		      struct str *text, enum role *role);
/* As strcmp(); equal tasks are ordered by pid. */
int task_column_compare(const struct sampler *s, const struct model_task *a,
			const struct model_task *b, int column);
/* Per cent of one CPU over the sampler's interval. */
double task_cpu_share(const struct sampler *s, const struct model_task *t);
/* The value behind a column's name in lower case ("class", "on_rq"); false when there is none. */
bool task_column_value(const struct model_task *t, const char *name, struct value *ret);

#endif
