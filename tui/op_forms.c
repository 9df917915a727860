/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/op_forms.h"

#include "commands/command.h"

#include <string.h>

#define CGROUP {"NAME", "", "an existing cgroup", true, true}
#define NEW_CGROUP {"NAME", "", "a new cgroup; a/b lies in a", true, false}
#define KNOB_FIELDS                                                                                \
	{"cpuset", "cpuset=", "0-1, range:0-0.5, disjoint:0/2, llc:0, numa:0", false, false},      \
		{"weight", "weight=", "1 to 10000, 100 is usual", false, false},                   \
		{"cpu.max", "cpu.max=", "20ms/100ms, 150%, max", false, false},                    \
		{"memory.max", "memory.max=", "64M, max", false, false},                           \
		{"pids.max", "pids.max=", "a number, max", false, false}
#define WORK_FIELDS                                                                                \
	{"workers", "workers=", "a number, or P% of the CPUs", false, false},                      \
		{"work", "work=", "spin, mixed, pipe, sequence(...)", false, false},               \
		{"policy", "policy=", "normal, batch, idle, fifo, rr, deadline, ext", false, false}, \
		{"nice", "nice=", "-20 to 19", false, false},                                      \
		{"affinity", "affinity=", "0-3, all, each, single", false, false},                 \
		{"comm", "comm=", "their name", false, false}

const struct op_form op_forms[] = {
	{"cgroup add", "make a cgroup", {NEW_CGROUP, KNOB_FIELDS}},
	{"spawn", "start workers", {CGROUP, WORK_FIELDS}},
	{"cgroup set", "change a cgroup's knobs", {CGROUP, KNOB_FIELDS}},
	{"affinity", "where a cgroup's workers run", {CGROUP, {"INTENT", "", "0-3, all, each", true, false}}},
	{"cgroup move", "move all workers to another cgroup",
	 {CGROUP, {"TO", "", "another cgroup, or @runner", true, false}}},
	{"cgroup freeze", "freeze all that runs in a cgroup", {CGROUP}},
	{"cgroup unfreeze", "let it go on", {CGROUP}},
	{"cgroup stop", "kill the workers, keep the cgroup", {CGROUP}},
	{"cgroup remove", "kill the workers, remove the cgroup", {CGROUP}},
	{"cgroup clear-cpuset", "take a cgroup's cpuset away", {CGROUP}},
	{"cgroup swap-cpusets", "exchange the cpusets of two",
	 {CGROUP, {"WITH", "", "another cgroup", true, false}}},
	{"cgroup procs", "the processes in a cgroup", {CGROUP}},
	{"payload run", "start a program of the guest",
	 {{"PROGRAM", "", "a path in the guest", true, false},
	  {"ARGS", "", "its arguments", false, false},
	  {"in", "in ", "a cgroup", false, true}}},
	{"payload wait", "wait for a program's end",
	 {{"PROGRAM", "", "as it was started", true, false}, {"in", "in ", "its cgroup", false, false}}},
	{"payload kill", "kill a program",
	 {{"PROGRAM", "", "as it was started", true, false}, {"in", "in ", "its cgroup", false, false}}},
	{"sched attach", "attach a sched_ext scheduler",
	 {{"NAME", "", "vtime, fifo, or what --scheduler packed", true, false},
	  {"ARGS", "", "its arguments", false, false}}},
	{"sched replace", "put another scheduler in its place",
	 {{"NAME", "", "vtime, fifo, or what --scheduler packed", true, false},
	  {"ARGS", "", "its arguments", false, false}}},
	{"sched detach", "take the scheduler off", {{0}}},
	{"sched restart", "the scheduler of the boot again", {{0}}},
	{"bpf pin", "keep a map, whoever made it ends", {{"MAP", "", "a map's name", true, false}}},
	{"bpf set", "set a variable of a map",
	 {{"MAP.VAR", "", "map and variable", true, false}, {"VALUE", "", "a number", true, false}}},
	{"snapshot take", "keep the model under a name", {{"NAME", "", "a name for it", true, false}}},
	{"snapshot diff", "what changed between two",
	 {{"BEFORE", "", "a snapshot", true, false}, {"AFTER", "", "another", true, false}}},
	{"snapshot watch", "keep the model at each write to a symbol",
	 {{"SYMBOL", "", "a kernel variable", true, false}}},
	{"stall", "keep a CPU from running",
	 {{"cpu:N", "", "as in cpu:1", true, false}, {"TIME", "", "as in 10ms", true, false}}},
	{"steal inject", "take a CPU's time away",
	 {{"cpu:N", "", "as in cpu:1", true, false}, {"TIME", "", "as in 10ms", true, false}}},
	{"nmi", "a non-maskable interrupt to all CPUs", {{0}}},
	{"scenario end", "take the scenario's backdrop down", {{0}}},
	{NULL, NULL, {{0}}},
};

const struct op_form *op_form_find(const char *command)
{
	for (const struct op_form *form = op_forms; form->command; form++)
		if (strcmp(form->command, command) == 0)
			return form;
	return NULL;
}

bool op_form_offered(const struct op_form *form)
{
	size_t len = strcspn(form->command, " ");

	for (const struct command *const *c = command_table; *c; c++)
		if (strlen((*c)->name) == len && strncmp((*c)->name, form->command, len) == 0)
			return !form->command[len] ||
			       strstr((*c)->usage, form->command + len + 1) != NULL;
	return false;
}

unsigned int op_form_fields(const struct op_form *form)
{
	unsigned int n = 0;

	while (n < FORM_FIELDS && form->fields[n].label)
		n++;
	return n;
}

void op_form_line(const struct op_form *form, char *const *values, unsigned int count, struct str *s)
{
	str_add(s, form->command);
	for (unsigned int i = 0; i < count; i++)
		if (values[i] && values[i][0])
			str_addf(s, " %s%s", form->fields[i].prefix, values[i]);
}
