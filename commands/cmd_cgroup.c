/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/show.h"
#include "coord/agent.h"
#include "coord/cold.h"
#include "coord/def_spec.h"
#include "coord/places.h"

#include <stdio.h>
#include <string.h>

struct verb {
	const char *name;
	unsigned int words; /* after the verb; 0: any number from 1 on */
	struct err *(*run)(struct agent *agent, const struct command_line *line, struct out *out);
};

/* Nothing stays of a cgroup whose workers could not be started. */
static struct err *start_workers(struct agent *agent, const struct work_spec *work, struct out *out)
{
	unsigned int first;
	struct err *err = agent_spawn(agent, work, &first);

	if (err) {
		err_free(agent_cgroup_remove(agent, work->wire.cgroup));
		return err;
	}
	return spawn_show(agent, work->wire.cgroup, first, work->wire.workers, out);
}

static struct err *add(struct agent *agent, const struct command_line *line, struct out *out)
{
	struct spec_limits limits;
	struct def_spec spec;
	struct places places;

	ERR_TRY(agent_limits_above(agent, line->words[1], &places, &limits));
	ERR_TRY(def_spec_parse(line->words[1], line->count - 2, line->words + 2, &limits, &spec));
	ERR_TRY(agent_cgroup_add(agent, &spec.cgroup));
	return spec.has_work ? start_workers(agent, &spec.work, out) : NULL;
}

static struct err *set(struct agent *agent, const struct command_line *line, struct out *out)
{
	struct spec_limits limits;
	struct cgroup_spec spec;
	struct places places;

	ERR_TRY(agent_limits_above(agent, line->words[1], &places, &limits));
	ERR_TRY(cgroup_spec_parse(line->words[1], line->count - 2, line->words + 2, &limits, &spec));
	return agent_cgroup_set(agent, &spec);
}

static struct err *take_away(struct agent *agent, const struct command_line *line, struct out *out)
{
	return agent_cgroup_remove(agent, line->words[1]);
}

static struct err *stop(struct agent *agent, const struct command_line *line, struct out *out)
{
	return agent_cgroup_stop(agent, line->words[1]);
}

static struct err *freeze(struct agent *agent, const struct command_line *line, struct out *out)
{
	return agent_cgroup_freeze(agent, line->words[1]);
}

static struct err *unfreeze(struct agent *agent, const struct command_line *line, struct out *out)
{
	return agent_cgroup_thaw(agent, line->words[1]);
}

static struct err *move(struct agent *agent, const struct command_line *line, struct out *out)
{
	return agent_cgroup_move(agent, line->words[1], line->words[2]);
}

/* What `name` was given as its cpuset. ERR_NOT_FOUND: there is no such cgroup, or it was given none. */
static struct err *read_cpuset(struct agent *agent, const char *name, struct wire_knob *ret)
{
	struct str text = {0};
	char path[128];
	struct err *err;

	ERR_TRY(agent_cgroup_procs(agent, name, &text)); /* says which exist */
	str_deinit(&text);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/cpuset.cpus", name);
	text = (struct str){0};
	err = agent_cat(agent, path, &text);
	if (err && err_kind(err) != ERR_NOT_FOUND) {
		str_deinit(&text);
		return err;
	}
	err_free(err);
	snprintf(ret->file, sizeof(ret->file), "cpuset.cpus");
	snprintf(ret->value, sizeof(ret->value), "%.*s", (int)strcspn(str_text(&text), "\n"),
		 str_text(&text));
	str_deinit(&text);
	return ret->value[0] ? NULL : err_new(ERR_NOT_FOUND, "cgroup %s has no cpuset of its own", name);
}

static struct err *write_cpuset(struct agent *agent, const char *name, const struct wire_knob *knob)
{
	struct cgroup_spec spec = {.wire = {.knob_count = 1, .knobs = {*knob}}};

	snprintf(spec.wire.name, sizeof(spec.wire.name), "%s", name);
	return agent_cgroup_set(agent, &spec);
}

static struct err *clear_cpuset(struct agent *agent, const struct command_line *line, struct out *out)
{
	struct wire_knob knob = {0};

	ERR_TRY(read_cpuset(agent, line->words[1], &knob));
	snprintf(knob.value, sizeof(knob.value), "\n"); /* what the kernel takes for none */
	return write_cpuset(agent, line->words[1], &knob);
}

static struct err *swap_cpusets(struct agent *agent, const struct command_line *line, struct out *out)
{
	struct wire_knob a = {0}, b = {0};

	if (strcmp(line->words[1], line->words[2]) == 0)
		return err_new(ERR_USAGE, "%s with itself", line->words[1]);
	ERR_TRY(cgroup_name_check(line->words[2]));
	ERR_TRY(read_cpuset(agent, line->words[1], &a));
	ERR_TRY(read_cpuset(agent, line->words[2], &b));
	ERR_TRY(write_cpuset(agent, line->words[1], &b));
	return write_cpuset(agent, line->words[2], &a);
}

/* "@runner" and such are for the agent to judge. */
static struct err *check_name(const char *name)
{
	return name[0] == '@' ? NULL : cgroup_name_check(name);
}

/* The pids in one line, as a reply under that tag. */
static struct err *keep_pids(struct cold *cold, const char *tag, char *pids)
{
	struct cold_reply reply = {.type = "pids"};

	for (char *p = pids; (p = strchr(p, '\n'));)
		*p = p[1] ? ' ' : '\0';
	snprintf(reply.tag, sizeof(reply.tag), "%s", tag);
	reply.value = value_string(pids);
	snprintf(reply.text, sizeof(reply.text), "%s", reply.value.string);
	return cold_add_reply(cold, &reply);
}

/* procs NAME [as TAG] */
static struct err *procs(struct session *s, struct agent *agent, const struct command_line *line,
			 struct out *out)
{
	bool tagged = line->count == 4 && strcmp(line->words[2], "as") == 0;
	struct str text = {0};
	struct err *err;

	if (line->count != 2 && !tagged)
		return command_usage(&command_cgroup);
	err = check_name(line->words[1]);
	if (!err)
		err = agent_cgroup_procs(agent, line->words[1], &text);
	if (!err)
		out_lines(out, str_text(&text));
	if (!err && tagged)
		err = keep_pids(coord_cold(session_coord(s)), line->words[3], text.len ? text.data : (char[]){""});
	str_deinit(&text);
	return err;
}

static struct err *list(struct agent *agent, const struct command_line *line, struct out *out)
{
	struct str text = {0};
	struct err *err = agent_cgroup_list(agent, &text);

	if (!err)
		out_lines(out, str_text(&text));
	str_deinit(&text);
	return err;
}

static const struct verb verbs[] = {
	{"add", 0, add},   {"set", 0, set},	  {"remove", 1, take_away},
	{"stop", 1, stop}, {"freeze", 1, freeze}, {"unfreeze", 1, unfreeze},
	{"move", 2, move},
	{"clear-cpuset", 1, clear_cpuset},
	{"swap-cpusets", 2, swap_cpusets},
};

static struct err *run_verb(const struct verb *verb, struct agent *agent,
			    const struct command_line *line, struct out *out)
{
	unsigned int words = line->count - 1;

	if (verb->words ? words != verb->words : words < 1)
		return command_usage(&command_cgroup);
	ERR_TRY(check_name(line->words[1]));
	return verb->run(agent, line, out);
}

static struct err *run_cgroup(struct session *s, const struct command_line *line, struct out *out)
{
	struct agent *agent;

	ERR_TRY(show_agent(s, &agent));
	if (line->count == 1 && strcmp(line->words[0], "list") == 0)
		return list(agent, line, out);
	if (line->count > 1 && strcmp(line->words[0], "procs") == 0)
		return procs(s, agent, line, out);
	for (unsigned int i = 0; line->count && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, line->words[0]) == 0)
			return run_verb(&verbs[i], agent, line, out);
	return command_usage(&command_cgroup);
}

const struct command command_cgroup = {
	.name = "cgroup",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT,
	.usage = "cgroup add NAME [KNOB=V...] [WORK...] | set NAME KNOB=V... | "
		 "remove|stop|freeze|unfreeze|clear-cpuset NAME | procs NAME [as TAG] | move FROM TO | "
		 "swap-cpusets A B | list",
	.summary = "make, change and remove cgroups",
	.help = "KNOB = cpuset=CPUS mems=LIST weight=N cpu.max=QUOTA/PERIOD|P%|max memory.max=SIZE "
		"memory.high=\n"
		"memory.low= swap.max= io.weight=N pids.max=N; WORK as of `spawn`: the workers that begin in it\n"
		"CPUS = LIST | exact:LIST | llc:I | numa:N | range:A-B (fractions) | disjoint:I/N (the "
		"I-th, from\n"
		"0, of N equal parts) | overlap:I/N:F (and F of its length more), of the CPUs that the cgroup "
		"above may use\n"
		"`stop` kills what runs in it and keeps it; `remove` stops it first. $TAG of `procs` is the pids "
		"in one line.\n"
		"\n"
		"    cgroup add web cpuset=0-1 weight=200 workers=4 work=mixed",
	.arguments = {{"VERB", COMPLETE_WORD,
		       "add|set|remove|stop|freeze|unfreeze|procs|move|clear-cpuset|swap-cpusets|list"},
		      {"NAME", COMPLETE_CGROUP, NULL},
		      {"KNOB", COMPLETE_WORK, NULL}},
	.run = run_cgroup,
};
