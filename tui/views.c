/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/views.h"

const struct view_ops *const views_listed[] = {
	&view_cpus, &view_tasks, &view_queue, &view_console, &view_recording,
	&view_ops,  NULL,
};

const struct view_ops *const views_other[] = {
	&view_task, &view_columns, &view_output, &view_help,
	&view_oplist, &view_op, &view_steal, NULL,
};

enum role class_role(enum sched_class class)
{
	switch (class) {
	case CLASS_STOP:
		return ROLE_STOP;
	case CLASS_DL:
		return ROLE_DL;
	case CLASS_RT:
		return ROLE_RT;
	case CLASS_FAIR:
		return ROLE_FAIR;
	case CLASS_EXT:
		return ROLE_EXT;
	case CLASS_IDLE:
		return ROLE_IDLE;
	default:
		return ROLE_ERROR;
	}
}
