/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/show.h"
#include "coord/agent.h"

#include <string.h>

static struct err *attach(struct agent *agent, const struct command_line *line, struct out *out)
{
	ERR_TRY(agent_sched_attach(agent, line->words[1], line->count - 2, line->words + 2));
	out_text(out, "%s attached", line->words[1]);
	return NULL;
}

static struct err *status(struct agent *agent, struct out *out)
{
	struct str text = {0};
	struct err *err = agent_sched_status(agent, &text);

	if (!err)
		out_lines(out, str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *run_sched(struct session *s, const struct command_line *line, struct out *out)
{
	struct agent *agent;

	ERR_TRY(show_agent(s, &agent));
	if (line->count >= 2 && strcmp(line->words[0], "attach") == 0)
		return attach(agent, line, out);
	if (line->count >= 2 && strcmp(line->words[0], "replace") == 0) {
		ERR_TRY(agent_sched_detach(agent));
		return attach(agent, line, out);
	}
	if (line->count == 1 && strcmp(line->words[0], "detach") == 0) {
		ERR_TRY(agent_sched_detach(agent));
		out_text(out, "detached");
		return NULL;
	}
	if (line->count == 1 && strcmp(line->words[0], "status") == 0)
		return status(agent, out);
	return command_usage(&command_sched);
}

const struct command command_sched = {
	.name = "sched",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT,
	.usage = "sched attach|replace NAME [ARGS] | detach | status",
	.summary = "attach, replace or detach a sched_ext scheduler",
	.help = "NAME is a scheduler of the guest's image, such as vtime, or a program that "
		"--scheduler packed.\n"
		"Guest time passes until sched_ext is enabled.\n"
		"\n"
		"    sched attach vtime",
	.arguments = {{"VERB", COMPLETE_WORD, "attach|replace|detach|status"},
		      {"NAME", COMPLETE_SCHEDULER, NULL}},
	.run = run_sched,
};
