/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine code of x86-64 as text, as assemblers of Unix write it (AT&T). Knows nothing of the
 * guest: the bytes are the caller's, and what they are called is coord/code.h's. Threads: one at a
 * time.
 */
#ifndef COORD_DISASM_H
#define COORD_DISASM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define INSTRUCTION_MAX 15 /* bytes */

struct instruction {
	uint64_t address;
	unsigned int size;
	uint8_t bytes[INSTRUCTION_MAX];
	char text[160];	 /* "callq 0xffffffff81000000"; "(bad)", of one byte: not to be decoded */
	uint64_t target; /* where it jumps or calls, or the memory that it names by rip; 0: nowhere
			    that it tells */
};

struct disasm;
struct err *disasm_create(struct disasm **ret) __attribute__((warn_unused_result));
void disasm_destroy(struct disasm *d); /* NULL is fine */

/* The instruction in the first bytes of `code`; `len` is not 0. */
void disasm_decode(struct disasm *d, const uint8_t *code, size_t len, uint64_t address,
		   struct instruction *ret);

#endif
