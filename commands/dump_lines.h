/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command lines whose answers make a dump. */
#ifndef COMMANDS_DUMP_LINES_H
#define COMMANDS_DUMP_LINES_H

#include "base/err.h"
#include "commands/session.h"

/* SHORT: they look at what is not part of a task; few, and quickly answered. LONG: all tasks. */
enum dump_lines { DUMP_LINE_SHORT, DUMP_LINE_LONG };

/* The lines of one kind, as this guest needs them. `visit`'s error ends it. */
struct err *dump_lines_each(struct session *s, enum dump_lines which,
			    struct err *(*visit)(void *context, const char *line), void *context)
	__attribute__((warn_unused_result));

#endif
