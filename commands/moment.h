/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions about the moment of a break: `cpu`, the task `curr`, a function's arguments by the names that
 * its prototype has in BTF, and as $arg0 to $arg5; `if EXPR` of break and watchpoint.
 */
#ifndef COMMANDS_MOMENT_H
#define COMMANDS_MOMENT_H

#include "commands/expr.h"
#include "vmm/breaks.h"

struct moment {
	struct session *session;
	uint32_t prototype; /* BTF id of the function whose first instruction it is; 0: unknown, or none */
};

/* Inside a window. `e` NULL is true. */
struct err *moment_test(const struct moment *m, const struct machine_hit *hit, const struct expr *e,
			bool *ret) __attribute__((warn_unused_result));
/* The value of an expression of that moment, or why there is none, is added to `s`. Inside a window. */
void moment_show(const struct moment *m, const struct machine_hit *hit, const struct expr *e,
		 struct str *s);
/* "on cpu 2, in stress-3 (pid 113) at schedule+0x0" is added to `s`. */
void moment_describe(const struct moment *m, const struct machine_hit *hit, struct str *s);

#endif
