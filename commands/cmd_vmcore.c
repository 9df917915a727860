/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "coord/vmcore.h"

static struct err *run_vmcore(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *coord = session_coord(s);
	struct kernel *k;
	uint64_t bytes;

	if (line->count != 1)
		return err_new(ERR_USAGE, "want one file name: vmcore FILE");
	ERR_TRY(coord_kernel(coord, &k));
	ERR_TRY(vmcore_write(k, machine_ram(coord_machine(coord)), line->words[0], &bytes));
	out_record_begin(out);
	out_record(out, "file", out_string(line->words[0]));
	out_record(out, "bytes", out_u64(bytes));
	out_record_end(out);
	return NULL;
}

const struct command command_vmcore = {
	.name = "vmcore",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_KERNEL | CMD_FROZEN,
	.usage = "vmcore FILE",
	.summary = "write guest memory as an ELF core for drgn or crash",
	.help = "The file is sparse and holds a VMCOREINFO note, as kdump writes it:\n"
		"  vmcore /tmp/guest.core\n"
		"  $ drgn -c /tmp/guest.core -s vmlinux\n"
		"All of it is of one frozen instant. An existing file is never overwritten.",
	.arguments = {{"FILE", COMPLETE_FILE, NULL}},
	.run = run_vmcore,
};
