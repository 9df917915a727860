/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `step [cpu:N] [COUNT]` and `step switch [cpu:N]`: on by instructions, or to the next context switch. */
#ifndef COMMANDS_INSTRUCTIONS_H
#define COMMANDS_INSTRUCTIONS_H

#include "commands/command.h"

struct err *step_instructions(struct session *s, const struct command_line *line, struct out *out)
	__attribute__((warn_unused_result));

#endif
