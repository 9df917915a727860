/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/registers.h"
#include "base/str.h"
#include "vmm/machine_impl.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

_Static_assert((int)REG_COUNT == VCLOCK_REGISTERS, "the plugin gives what gdb numbers");

const char *cpu_register_name(enum cpu_register r)
{
	static const char *const names[REG_COUNT] = {
		"rax", "rbx", "rcx", "rdx", "rsi", "rdi",    "rbp", "rsp", "r8", "r9", "r10", "r11",
		"r12", "r13", "r14", "r15", "rip", "rflags", "cs",  "ss",  "ds", "es", "fs",  "gs",
	};

	return names[r];
}

/* QEMU writes "RAX=0123..", "R8 =..", "RIP=..", "RFL=.. [flags]", "CS =0010 base limit flags". */
static bool parse_one(const char *text, enum cpu_register r, uint64_t *ret)
{
	static const char *const names[REG_COUNT] = {
		"RAX=", "RBX=", "RCX=", "RDX=", "RSI=", "RDI=", "RBP=", "RSP=",
		"R8 =", "R9 =", "R10=", "R11=", "R12=", "R13=", "R14=", "R15=",
		"RIP=", "RFL=", "CS =", "SS =", "DS =", "ES =", "FS =", "GS =",
	};
	const char *at = strstr(text, names[r]);
	char *end;

	if (!at)
		return false;
	at += strlen(names[r]);
	*ret = strtoull(at, &end, 16);
	return end != at;
}

bool registers_parse(const char *text, struct cpu_registers *ret)
{
	for (int r = 0; r < REG_COUNT; r++)
		if (!parse_one(text, (enum cpu_register)r, &ret->value[r]))
			return false;
	return true;
}

static struct err *ask_qemu(struct machine *m, unsigned int cpu, struct cpu_registers *ret)
{
	struct json_object *arguments = json_object_new_object(), *result = NULL;
	const char *text;
	bool found;

	if (!arguments)
		return err_nomem();
	json_object_object_add(arguments, "command-line", json_object_new_string("info registers"));
	json_object_object_add(arguments, "cpu-index", json_object_new_int((int)cpu));
	ERR_TRY(qmp_execute(&m->qemu.qmp, "human-monitor-command", arguments, -1, 5 * SECOND,
			    &result));
	text = json_object_get_string(result);
	found = text && registers_parse(text, ret);
	json_object_put(result);
	if (!found)
		return err_new(ERR_ABSENT, "this QEMU does not tell the registers of vCPU %u", cpu);
	return NULL;
}

struct err *machine_registers(struct machine *m, unsigned int cpu, struct cpu_registers *ret)
{
	unsigned int cpus = topology_cpus(&m->info.topology);
	const struct vclock_cpu *from;

	if (cpu >= cpus)
		return err_new(ERR_NOT_FOUND, "no vCPU %u: this machine has 0 to %u", cpu,
			       cpus - 1);
	if (machine_state(m) != MACHINE_HELD)
		return err_new(ERR_REFUSED, "registers change while the machine runs");
	if (!is_virtual(m))
		return ask_qemu(m, cpu, ret);
	ERR_TRY(vclock_registers(&m->vclock, &m->qemu, cpu, &from));
	memcpy(ret->value, from->value, sizeof(ret->value));
	return NULL;
}
