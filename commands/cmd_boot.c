/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"

static struct err *run_boot(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count)
		return command_usage(&command_boot);
	ERR_TRY(session_boot(s));
	out_text(out, "guest booted");
	return NULL;
}

static struct err *run_poweroff(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count)
		return command_usage(&command_poweroff);
	ERR_TRY(session_poweroff(s));
	out_text(out, "guest ended");
	return NULL;
}

const struct command command_boot = {
	.name = "boot",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_HOST,
	.usage = "boot",
	.summary = "start the guest that the options describe",
	.help = "Commands that need a guest start one by themselves; after `poweroff` or when the "
		"guest has\n"
		"died, `boot` starts a new one. Its history begins anew.",
	.run = run_boot,
};

const struct command command_poweroff = {
	.name = "poweroff",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_HOST,
	.usage = "poweroff",
	.summary = "end the guest at once",
	.help = "The machine is taken away as it is; nothing in the guest is asked. Variables of "
		"`let` and the\n"
		"list of changes end with it.",
	.run = run_poweroff,
};
