/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/scope.h"

#include <string.h>

/* Killing a thousand workers under a scheduler that hangs takes its time. */
#define END_DEADLINE (3 * AGENT_DEADLINE)

static struct err *call(struct agent *a, uint32_t op, enum wire_scope scope, uint64_t deadline)
{
	struct wire_scope_request payload = {.scope = scope};

	return agent_call(a, op, &payload, sizeof(payload), deadline, NULL);
}

struct err *scope_begin(struct agent *a, enum wire_scope scope)
{
	return call(a, WIRE_OP_SCOPE_BEGIN, scope, AGENT_DEADLINE);
}

struct err *scope_end(struct agent *a, enum wire_scope scope)
{
	return call(a, WIRE_OP_SCOPE_END, scope, END_DEADLINE);
}

struct err *scope_check_program(struct agent *a, const char *path)
{
	struct wire_path payload = {0};

	if (strlen(path) >= sizeof(payload.path))
		return err_new(ERR_USAGE, "%.20s...: the path is too long", path);
	strcpy(payload.path, path);
	return agent_call(a, WIRE_OP_PROGRAM_CHECK, &payload, sizeof(payload), AGENT_DEADLINE, NULL);
}
