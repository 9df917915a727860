/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/disasm.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct disasm {
	csh handle;
	cs_insn *insn; /* room for one */
};

struct err *disasm_create(struct disasm **ret)
{
	struct disasm *d = calloc(1, sizeof(*d));
	cs_err failed;

	if (!d)
		return err_nomem();
	failed = cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle);
	if (failed) {
		free(d);
		return err_new(ERR_ABSENT, "capstone: %s", cs_strerror(failed));
	}
	cs_option(d->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	cs_option(d->handle, CS_OPT_DETAIL, CS_OPT_ON);
	d->insn = cs_malloc(d->handle);
	if (!d->insn) {
		disasm_destroy(d);
		return err_nomem();
	}
	*ret = d;
	return NULL;
}

void disasm_destroy(struct disasm *d)
{
	if (!d)
		return;
	if (d->insn)
		cs_free(d->insn, 1);
	cs_close(&d->handle);
	free(d);
}

static uint64_t target_of(const struct disasm *d)
{
	const cs_x86 *x86 = &d->insn->detail->x86;
	bool jumps = cs_insn_group(d->handle, d->insn, CS_GRP_JUMP) ||
		     cs_insn_group(d->handle, d->insn, CS_GRP_CALL);

	for (unsigned int i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];

		if (jumps && op->type == X86_OP_IMM)
			return (uint64_t)op->imm;
		if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP)
			return d->insn->address + d->insn->size + (uint64_t)op->mem.disp;
	}
	return 0;
}

void disasm_decode(struct disasm *d, const uint8_t *code, size_t len, uint64_t address,
		   struct instruction *ret)
{
	const uint8_t *at = code;
	uint64_t next = address;

	*ret = (struct instruction){.address = address, .size = 1, .text = "(bad)"};
	if (cs_disasm_iter(d->handle, &at, &len, &next, d->insn) &&
	    d->insn->size <= INSTRUCTION_MAX) {
		ret->size = d->insn->size;
		ret->target = target_of(d);
		snprintf(ret->text, sizeof(ret->text), "%s%s%.120s", d->insn->mnemonic,
			 d->insn->op_str[0] ? " " : "", d->insn->op_str);
	}
	memcpy(ret->bytes, code, ret->size);
}
