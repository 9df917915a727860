/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/show.h"
#include "vmm/registers.h"

#include <inttypes.h>

/* Bits of RFLAGS that have letters of their own. */
static void flags_text(uint64_t flags, struct str *s)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {{0, "CF"},	 {2, "PF"},  {4, "AF"},	 {6, "ZF"},  {7, "SF"},
		     {8, "TF"},	 {9, "IF"},  {10, "DF"}, {11, "OF"}, {14, "NT"},
		     {16, "RF"}, {17, "VM"}, {18, "AC"}, {21, "ID"}};

	str_addf(s, "0x%" PRIx64, flags);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (flags >> names[i].bit & 1)
			str_addf(s, " %s", names[i].name);
}

/* The number, and what it points to when that is code of the kernel. */
static void rip_text(struct kernel *kernel, uint64_t rip, struct str *s)
{
	uint64_t offset;
	char name[256];
	struct err *err;

	str_addf(s, "0x%" PRIx64, rip);
	if (!kernel || !kernel_in_image(kernel, rip))
		return;
	err = kernel_symbol_at(kernel, rip, name, sizeof(name), &offset);
	if (!err)
		str_addf(s, " %s+0x%" PRIx64, name, offset);
	err_free(err);
}

static void show_registers(struct kernel *kernel, unsigned int cpu, const struct cpu_registers *r,
			   struct out *out)
{
	struct str rip = {0}, flags = {0};

	rip_text(kernel, r->value[REG_RIP], &rip);
	flags_text(r->value[REG_RFLAGS], &flags);
	out_record_begin(out);
	out_record(out, "cpu", out_u64(cpu));
	for (int i = 0; i < REG_COUNT; i++) {
		struct out_value v = out_hex(r->value[i]);

		if (i == REG_RIP)
			v.string = str_text(&rip);
		if (i == REG_RFLAGS)
			v.string = str_text(&flags);
		out_record(out, cpu_register_name((enum cpu_register)i), v);
	}
	out_record(out, "mode", out_string(registers_in_user(r) ? "user" : "kernel"));
	out_record(out, "interrupts", out_string(r->value[REG_RFLAGS] & RFLAGS_IF ? "on" : "off"));
	out_record_end(out);
	str_deinit(&rip);
	str_deinit(&flags);
}

static struct err *run_registers(struct session *s, const struct command_line *line,
				 struct out *out)
{
	struct cpu_registers registers;
	struct kernel *kernel = NULL;
	unsigned int cpu;

	if (line->count != 1)
		return command_usage(&command_registers);
	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(show_cpu_number(s, line->words[0], &cpu));
	ERR_TRY(machine_registers(coord_machine(session_coord(s)), cpu, &registers));
	show_registers(kernel, cpu, &registers, out);
	return NULL;
}

const struct command command_registers = {
	.name = "registers",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "registers cpu:N",
	.summary = "a vCPU's registers, where it stands, and whether it takes interrupts",
	.help = "Of the frozen vCPU: general registers, rip with the function it is in, rflags "
		"with the names\n"
		"of the bits that are set, segments. `mode` is user or kernel; `interrupts` off "
		"means that this\n"
		"CPU takes none until it allows them again.\n"
		"\n"
		"    registers cpu:0",
	.arguments = {{"cpu:N", COMPLETE_CPU, NULL}},
	.run = run_registers,
};
