/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of one vCPU of a held machine. Under the virtual clock the clock's plugin reads
 * them inside QEMU, whose protocol does not answer while the guest stands; under the real one QEMU
 * is asked (`info registers`), which works with every accelerator.
 */
#ifndef VMM_REGISTERS_H
#define VMM_REGISTERS_H

#include "vmm/machine.h"

/* In the order in which gdb numbers them. */
enum cpu_register {
	REG_RAX,
	REG_RBX,
	REG_RCX,
	REG_RDX,
	REG_RSI,
	REG_RDI,
	REG_RBP,
	REG_RSP,
	REG_R8,
	REG_R9,
	REG_R10,
	REG_R11,
	REG_R12,
	REG_R13,
	REG_R14,
	REG_R15,
	REG_RIP,
	REG_RFLAGS,
	REG_CS,
	REG_SS,
	REG_DS,
	REG_ES,
	REG_FS,
	REG_GS,
	REG_COUNT
};
const char *cpu_register_name(enum cpu_register r); /* "rax" */

#define RFLAGS_IF (1ull << 9) /* interrupts are taken */

struct cpu_registers {
	uint64_t value[REG_COUNT]; /* segments: selectors */
};

static inline bool registers_in_user(const struct cpu_registers *r)
{
	return (r->value[REG_CS] & 3) == 3;
}

/* The machine must be held. ERR_NOT_FOUND: no such vCPU; ERR_ABSENT: this QEMU does not tell them.
 */
struct err *machine_registers(struct machine *m, unsigned int cpu, struct cpu_registers *ret)
	__attribute__((warn_unused_result));

/* From QEMU's own text; false: a register is missing. For machine_registers() and its test. */
bool registers_parse(const char *text, struct cpu_registers *ret);

#endif
