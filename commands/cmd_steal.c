/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/show.h"
#include "commands/steal_show.h"
#include "coord/kernel.h"
#include "coord/steal.h"

#include <string.h>

/* `cpu:N`, or `cpu:all` for the whole machine. */
static struct err *parse_cpus(struct session *s, const char *word, unsigned int *ret_first,
			      unsigned int *ret_count)
{
	struct kernel *kernel;

	if (!str_starts(word, "cpu:"))
		return err_new(ERR_USAGE, "%s: cpu:N or cpu:all", word);
	ERR_TRY(session_kernel(s, &kernel));
	*ret_first = 0;
	*ret_count = kernel_cpus(kernel);
	if (strcmp(word, "cpu:all") == 0)
		return NULL;
	*ret_count = 1;
	return show_cpu_number(s, word, ret_first);
}

static struct err *parse_time(const char *word, uint64_t *ret)
{
	ERR_TRY(parse_duration(word, ret));
	if (!*ret || *ret > UINT64_MAX / 4)
		return err_new(ERR_USAGE, "%s: a time above 0 is wanted", word);
	return NULL;
}

static const struct out_column columns[] = {{"cpu", OUT_RIGHT}, {"injected", OUT_RIGHT}, {"steal", OUT_RIGHT}};

static struct err *run_steal(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *coord = session_coord(s);
	unsigned int first, count;
	uint64_t ns, passed, steal;

	if (!line->count)
		return steal_show(s, out);
	if (line->count != 3 || strcmp(line->words[0], "inject") != 0)
		return command_usage(&command_steal);
	if (session_options(s)->readonly)
		return err_new(ERR_REFUSED, "steal inject: refused by --readonly");
	ERR_TRY(parse_cpus(s, line->words[1], &first, &count));
	ERR_TRY(parse_time(line->words[2], &ns));
	ERR_TRY(steal_inject(coord, first, count, ns, &passed));
	out_table_begin(out, columns, 3);
	for (unsigned int cpu = first; cpu < first + count; cpu++) {
		struct err *err = steal_read(coord, cpu, &steal);

		if (err) {
			out_table_drop(out);
			return err;
		}
		out_row(out, (struct out_value[]){out_u64(cpu), out_duration(passed), out_duration(steal)});
	}
	out_table_end(out);
	return NULL;
}

static struct err *run_stall(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *coord = session_coord(s);
	struct machine *machine = coord_machine(coord);
	unsigned int first, count;
	char text[DURATION_TEXT];
	uint64_t ns, until;

	if (line->count != 2)
		return command_usage(&command_stall);
	ERR_TRY(parse_cpus(s, line->words[0], &first, &count));
	ERR_TRY(parse_time(line->words[1], &ns));
	until = coord_time(coord) + ns;
	for (unsigned int cpu = first; cpu < first + count; cpu++)
		ERR_TRY(machine_stall(machine, cpu, until));
	out_text(out, "%s stands until %s", line->words[0], format_seconds(until, text));
	return NULL;
}

static struct err *run_nmi(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count)
		return command_usage(&command_nmi);
	ERR_TRY(machine_nmi(coord_machine(session_coord(s))));
	out_text(out, "NMI to all CPUs");
	return NULL;
}

const struct command command_steal = {
	.name = "steal",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "steal [inject cpu:N|cpu:all DURATION]",
	.summary = "stolen time of each CPU, or take a CPU away for a while",
	.help = "Without words: guest is the steal of the guest's /proc/stat in ns, source who puts it there:\n"
		"kvm-steal-time (KVM; its own figure is kvm), bridge (TCG with the real clock: ktdbg passes on\n"
		"what the host's schedstat says) or inject (the virtual clock). Under the real clock the host's\n"
		"side stands beside it: the state of each vCPU and the ns in each since guest time 0. runnable is\n"
		"time that the vCPU wanted and did not get, blocked that the guest idled, offline that it was\n"
		"frozen; their sum is the wall time. dilation is 1 + runnable / running; host_cpu is where the\n"
		"thread ran last, mask where it may run (`budget`). `view steal` draws it over time. In the guest,\n"
		"vmstat and mpstat show it as --add-file brings them; top wants\n"
		"--add-file /lib/terminfo/d/dumb:/lib/terminfo/d/dumb besides.\n"
		"\n"
		"With `inject` the vCPU executes nothing for DURATION of guest time while the others go on, and the same "
		"amount is added to its steal, as /proc/stat shows it. Exact and repeatable under the virtual "
		"clock, which is the only one that has it; DURATION is rounded up to its grid.\n"
		"\n"
		"    steal inject cpu:1 10ms",
	.arguments = {{"VERB", COMPLETE_WORD, "inject"},
		      {"cpu:N", COMPLETE_CPU, NULL},
		      {"DURATION", COMPLETE_NONE, NULL}},
	.run = run_steal,
};

const struct command command_stall = {
	.name = "stall",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_WRITES,
	.usage = "stall cpu:N|cpu:all DURATION",
	.summary = "a CPU executes nothing for a while",
	.help = "From this instant until DURATION of guest time later the vCPU stands, with whatever lock it "
		"holds, and takes no interrupt; the others go on. The command itself lets no time pass. "
		"A second stall of the same CPU takes the place of the first. Needs the virtual clock, to "
		"whose grid DURATION is rounded up. `steal inject` does this too, and accounts for it.\n"
		"\n"
		"    stall cpu:1 250ms",
	.arguments = {{"cpu:N", COMPLETE_CPU, NULL}, {"DURATION", COMPLETE_NONE, NULL}},
	.run = run_stall,
};

const struct command command_nmi = {
	.name = "nmi",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES,
	.usage = "nmi",
	.summary = "send a non-maskable interrupt to all CPUs",
	.help = "It gets through to CPUs that have interrupts off. Under the virtual clock it comes at this "
		"instant of guest time. A stock kernel reports `NMI received for unknown reason`.",
	.run = run_nmi,
};
