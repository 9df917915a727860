/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every view of the screen, one file each. */
#ifndef TUI_VIEWS_H
#define TUI_VIEWS_H

#include "tui/screen.h"

extern const struct view_ops view_cpus, view_tasks, view_task, view_queue, view_console,
	view_recording, view_steal, view_help, view_output, view_columns, view_ops, view_oplist, view_op;

/* In the order of the keys 1, 2, 3...; NULL terminated. */
extern const struct view_ops *const views_listed[];
/* Those that are opened from others: NULL terminated. */
extern const struct view_ops *const views_other[];

/* The role that a scheduling class is drawn in. */
enum role class_role(enum sched_class class);

#endif
