/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's scopes (enum wire_scope of guest/wire.h): what is made between the beginning of a scope and
 * its end belongs to it. Ending takes everything down in one call, workers first. Errors are those of
 * agent_call().
 */
#ifndef COORD_SCOPE_H
#define COORD_SCOPE_H

#include "coord/agent.h"

struct err *scope_begin(struct agent *a, enum wire_scope scope) __attribute__((warn_unused_result));
/* Also those within it. What cannot be ended is reported, the rest is ended nevertheless. */
struct err *scope_end(struct agent *a, enum wire_scope scope) __attribute__((warn_unused_result));

/* Whether the guest has a program at `path` that could be run; the error says why not. */
struct err *scope_check_program(struct agent *a, const char *path)
	__attribute__((warn_unused_result));

#endif
