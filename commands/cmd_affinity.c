/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/show.h"
#include "coord/agent.h"

static struct err *run_affinity(struct session *s, const struct command_line *line, struct out *out)
{
	struct agent *agent;

	if (line->count != 2)
		return command_usage(&command_affinity);
	ERR_TRY(show_agent(s, &agent));
	return agent_affinity(agent, line->words[0], line->words[1]);
}

const struct command command_affinity = {
	.name = "affinity",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT,
	.usage = "affinity NAME|@runner INTENT",
	.summary = "bind the workers of a cgroup to CPUs",
	.help = "INTENT = LIST (0-3,7) | exact:LIST | all | inherit (what its cgroup may) | single[:CPU]\n"
		"       | each[:LIST] (worker i on CPU i) | random(POOL,N[,seed=S]) (N CPUs of POOL, others for "
		"each\n"
		"       worker, the same for the same seed) | llc-aligned (worker i on LLC i) | smt-pair (workers 2i "
		"and\n"
		"       2i + 1 on the two threads of core i)\n"
		"\n"
		"    affinity web 2-3",
	.arguments = {{"NAME", COMPLETE_CGROUP, NULL}, {"INTENT", COMPLETE_NONE, NULL}},
	.run = run_affinity,
};
