/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/instructions.h"
#include "commands/scenario.h"

#include <stdlib.h>
#include <string.h>

static struct err *run_backdrop(struct session *s, const struct command_line *line, struct out *out)
{
	return scenario_run_backdrop(s, line, out);
}

static struct err *run_step(struct session *s, const struct command_line *line, struct out *out)
{
	if (!command_opens_block(&command_step, line->rest))
		return step_instructions(s, line, out);
	return scenario_run_step(s, line, out);
}

/* ---- what was ---- */

static const struct out_column step_columns[] = {
	{"step", OUT_RIGHT},
	{"kind", 0},
	{"begin", OUT_RIGHT},
	{"end", OUT_RIGHT},
	{"held", OUT_RIGHT},
	{"ops", OUT_RIGHT},
	{"workers", OUT_RIGHT},
	{"iterations", OUT_RIGHT},
	{"rate", OUT_RIGHT},
	{"result", 0},
	{"turns", OUT_HIDDEN},
	{"held_from", OUT_HIDDEN},
	{"held_until", OUT_HIDDEN},
	{"iterations_begin", OUT_HIDDEN},
	{"iterations_end", OUT_HIDDEN},
	{"ops_begin", OUT_HIDDEN},
	{"ops_end", OUT_HIDDEN},
	{"why", OUT_HIDDEN},
};

static const char *kind_of(const struct step_record *r)
{
	return r->number == 0 ? "backdrop" : r->loop ? "loop" : "hold";
}

static void explain(const struct step_record *r, struct str *s)
{
	if (r->result == STEP_DIED)
		death_describe(&r->death, s);
	else if (r->failure)
		str_add(s, r->failure);
}

static void show_step(struct out *out, const struct step_record *r)
{
	uint64_t held = r->held_until - r->held_from;
	struct str why = {0};

	explain(r, &why);
	out_row(out, (struct out_value[]){
			     out_u64(r->number),
			     out_string(kind_of(r)),
			     out_duration(r->begin.time),
			     out_duration(r->end.time),
			     out_duration(held),
			     out_u64(r->end.ops - r->begin.ops),
			     out_u64(step_workers(r)),
			     out_u64(step_iterations(r)),
			     out_u64(measured_rate(step_iterations(r), held)),
			     out_string(step_result_name(r)),
			     out_u64(r->turns),
			     out_duration(r->held_from),
			     out_duration(r->held_until),
			     out_u64(r->begin.iterations),
			     out_u64(r->end.iterations),
			     out_u64(r->begin.ops),
			     out_u64(r->end.ops),
			     out_string(str_text(&why)),
		     });
	str_deinit(&why);
}

static void show_steps(const struct scenario *sc, struct out *out)
{
	const struct step_record *r;

	out_table_begin(out, step_columns, sizeof(step_columns) / sizeof(step_columns[0]));
	for (unsigned int i = 0; (r = scenario_record(sc, i)); i++)
		show_step(out, r);
	out_table_end(out);
}

static struct err *show_groups(const struct scenario *sc, struct out *out)
{
	const struct step_record **records;
	unsigned int count = 0;

	while (scenario_record(sc, count))
		count++;
	records = calloc(count + 1, sizeof(struct step_record *));
	if (!records)
		return err_nomem();
	for (unsigned int i = 0; i < count; i++)
		records[i] = scenario_record(sc, i);
	scenario_show_groups(out, records, count);
	free(records);
	return NULL;
}

static struct err *run_steps(struct session *s, const struct command_line *line, struct out *out)
{
	const struct scenario *sc = session_scenario(s);

	if (line->count == 1 && strcmp(line->words[0], "cgroups") == 0)
		return show_groups(sc, out);
	if (line->count)
		return command_usage(&command_steps);
	show_steps(sc, out);
	return NULL;
}

static struct err *run_scenario(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count != 1 || strcmp(line->words[0], "end") != 0)
		return command_usage(&command_scenario);
	return scenario_end(s);
}

#define OPS_HELP                                                                                   \
	"A line is an op, which is any command that inspects, injects or changes something, also " \
	"`wait`, `let` and\n"                                                                      \
	"`note`; or a definition of a cgroup with its workers:\n"                                  \
	"    def NAME [KNOB=V...] [WORK...]    as `cgroup add` and `spawn` have them; no WORK, no "   \
	"workers\n"                                                                                \
	"or `expect EXPR`. All lines are checked before anything is created.\n"

const struct command command_backdrop = {
	.name = "backdrop",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT | CMD_BLOCK,
	.usage = "backdrop [for=T] ... end",
	.summary = "begin a scenario: what lives through all its steps",
	.help = OPS_HELP
	"\n"
	"The definitions come first, then the ops, then the payloads, whatever the order of the lines. "
	"for=T is the\n"
	"scenario's duration, which hold=frac:F and hold=full are about, 10s without it. A scenario "
	"that was running\n"
	"ends first; `scenario end` ends this one.\n"
	"\n"
	"    backdrop for=4s\n"
	"    def base cpuset=0-1 workers=2 work=spin\n"
	"    end",
	.arguments = {{"for=T", COMPLETE_WORD, "for="}},
	.run = run_backdrop,
};

const struct command command_step = {
	.name = "step",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT | CMD_BLOCK,
	.usage = "step hold=T|frac:F|full ... end | step loop=T for=T ... end | step [cpu:N] [COUNT] | "
		 "step switch [cpu:N]",
	.summary = "a step of a scenario; or of a CPU, by instructions",
	.help = "Without `=`: thaw until the CPU has executed COUNT instructions (1), or until the next "
		"context switch,\n"
		"and freeze. The CPU is the one at whose breakpoint the guest stands, else 0. Behind a "
		"watchpoint the\n"
		"first one may be the rest of a block of them. Under the real clock the CPU takes no "
		"interrupts meanwhile.\n"
		"\n"
		"With hold= or loop= it is a scenario's. " OPS_HELP
	"\n"
	"Its ops are applied in their order, then its definitions; then it holds: T, or the part F of "
	"the scenario's\n"
	"duration, or all of it. What it expects is checked at the end of the hold, then everything "
	"that it made is\n"
	"taken down: workers, then programs, then cgroups, frozen ones thawed first. What belongs to "
	"the backdrop\n"
	"stays. With loop=T the definitions come once and the ops again every T.\n"
	"When the scheduler dies the hold ends, the workers of the whole scenario are killed, and the "
	"step fails and\n"
	"says why. The table is of what the workers did during the hold: iterations and their rate a "
	"second, longest\n"
	"time without one, spread of CPU time in per cent, those that did nothing at all (starved) and "
	"those seen on a\n"
	"CPU that their cpuset did not allow (outside).\n"
	"\n"
	"    step hold=500ms\n"
	"    def web weight=200 workers=2 work=spin\n"
	"    expect workers(web).starved == 0\n"
	"    end",
	.arguments = {{"HOLD", COMPLETE_WORD, "hold=|hold=frac:|hold=full|loop="},
		      {"FOR", COMPLETE_WORD, "for="}},
	.run = run_step,
};

const struct command command_steps = {
	.name = "steps",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_RECORDED,
	.usage = "steps [cgroups]",
	.summary = "what each step of the scenario did",
	.help = "Times are guest time since ready. `steps cgroups` has a line for each step and "
		"cgroup. JSON has both\n"
		"stamps of each step: time, iterations and ops.",
	.arguments = {{"cgroups", COMPLETE_WORD, "cgroups"}},
	.run = run_steps,
};

const struct command command_scenario = {
	.name = "scenario",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT,
	.usage = "scenario end",
	.summary = "end the scenario: take its backdrop down",
	.help = "The results stay until the next one begins.",
	.arguments = {{"end", COMPLETE_WORD, "end"}},
	.run = run_scenario,
};
