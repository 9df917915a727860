/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/registers.h"
#include "vmm/vclock_page.h"

#include <stdlib.h>
#include <string.h>

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
