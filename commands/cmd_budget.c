/* SPDX-License-Identifier: GPL-2.0-or-later */
/* budget: the host CPUs that the guest may use. */
#include "base/parse.h"
#include "commands/command.h"
#include "vmm/budget.h"

#include <stdbool.h>
#include <string.h>

static struct err *show(struct machine *m, struct out *out)
{
	const struct budget *budget;
	struct str s = {0};

	ERR_TRY(machine_budget(m, &budget));
	if (!budget) {
		out_text(out, "no budget");
		return NULL;
	}
	budget_add_mask(&s, &budget->mask);
	out_text(out, "budget of %d host CPU%s: %s%s%s%s", CPU_COUNT(&budget->mask),
		 CPU_COUNT(&budget->mask) == 1 ? "" : "s", str_text(&s),
		 budget->pinned ? ", one for each vCPU" : "", *budget->note ? "; " : "",
		 budget->note);
	str_deinit(&s);
	return NULL;
}

/* N|off and pin, in this order. */
static struct err *parse(const struct command_line *line, unsigned int *ret_cpus, bool *ret_pin)
{
	unsigned int next = 0;
	uint64_t cpus = 0;

	if (strcmp(line->words[0], "off") == 0) {
		next = 1;
	} else if (strcmp(line->words[0], "pin") != 0) {
		ERR_TRY(parse_u64(line->words[0], &cpus));
		if (cpus < 1 || cpus > 1024)
			return err_new(ERR_USAGE, "%s: a budget is 1 to 1024 host CPUs",
				       line->words[0]);
		next = 1;
	}
	*ret_cpus = (unsigned int)cpus;
	*ret_pin = next < line->count && strcmp(line->words[next], "pin") == 0;
	return next + *ret_pin == line->count ? NULL : command_usage(&command_budget);
}

static struct err *run_budget(struct session *s, const struct command_line *line, struct out *out)
{
	struct machine *m = coord_machine(session_coord(s));
	unsigned int cpus;
	bool pin;

	if (line->count) {
		ERR_TRY(parse(line, &cpus, &pin));
		ERR_TRY(machine_set_budget(m, cpus, pin));
	}
	return show(m, out);
}

const struct command command_budget = {
	.name = "budget",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED,
	.usage = "budget [N|off] [pin]",
	.summary = "confine all vCPUs to N host CPUs, or show what confines them",
	.help = "Only under the real clock. The CPUs are the first N that ktdbg itself may use; "
		"all of "
		"QEMU's\n"
		"threads go there, and each mask is read back. `pin` gives each vCPU a CPU of its "
		"own where there\n"
		"are enough. When the host takes one away, the rest is used and it says so. `off` "
		"allows all\n"
		"again. Where each vCPU is shows `steal`.",
	.arguments = {{"N", COMPLETE_WORD, "off|pin"}, {"pin", COMPLETE_WORD, "pin"}},
	.run = run_budget,
};
