/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/show.h"
#include "coord/agent.h"
#include "coord/places.h"
#include "coord/work_spec.h"

#include <string.h>

struct err *spawn_show(struct agent *agent, const char *cgroup, unsigned int first, unsigned int count,
		       struct out *out)
{
	for (unsigned int i = first; i < first + count; i++) {
		struct agent_worker worker;

		ERR_TRY(agent_worker(agent, cgroup, i, &worker));
		out_text(out, "%s,%u pid %d %s %s", cgroup, i, worker.pid, worker.type,
			 worker.comm);
	}
	return NULL;
}

static struct err *run_spawn(struct session *s, const struct command_line *line, struct out *out)
{
	struct spec_limits limits;
	struct places places;
	struct work_spec spec;
	struct agent *agent;
	unsigned int first;

	if (line->count < 1)
		return command_usage(&command_spawn);
	ERR_TRY(show_agent(s, &agent));
	ERR_TRY(agent_limits(agent, line->words[0], &places, &limits));
	ERR_TRY(work_spec_parse(line->words[0], line->count - 1, line->words + 1, &limits, &spec));
	ERR_TRY(agent_spawn(agent, &spec, &first));
	return spawn_show(agent, line->words[0], first, spec.wire.workers, out);
}

const struct command command_spawn = {
	.name = "spawn",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT,
	.usage = "spawn NAME|@runner [WORK...]",
	.summary = "start workers in a cgroup, or in the runner's own",
	.help = "WORK = workers=N|P% (of the usable CPUs)  work=TYPE[(ARG=V,...)]|sequence(TYPE:DURATION,...)\n"
		"       policy=normal|batch|idle|ext|fifo[:PRIO]|rr[:PRIO]|deadline:RUNTIME[/DEADLINE]/PERIOD\n"
		"       nice=N  affinity=INTENT (see `help affinity`)  comm=NAME  uid=N  gid=N  numa=N  "
		"clone=fork|thread\n"
		"       mempolicy=default|local|bind:LIST|preferred:LIST|preferred-many:LIST|interleave:LIST|"
		"weighted-interleave:LIST\n"
		"       mpolflags=static|relative|numa-balancing\n"
		"All words are checked before anything is created. worker(NAME,I) is a worker's "
		"pid in expressions.\n"
		"\n"
		"    spawn @runner workers=1 work=sequence(sleep:60s) comm=sleeper",
	.arguments = {{"NAME", COMPLETE_CGROUP, NULL}, {"WORK", COMPLETE_WORK, NULL}},
	.run = run_spawn,
};
