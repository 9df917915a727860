/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for addresses of kernel code: functions by kallsyms; BPF programs, their functions and the
 * trampolines that lead to them by the kernel's list of what it generated. For one window; the list
 * is read when an address outside the kernel's image is first asked for. Threads: one at a time.
 */
#ifndef COORD_CODE_H
#define COORD_CODE_H

#include "base/str.h"
#include "coord/kernel.h"

#include <stdbool.h>

#define CODE_NAME 512 /* KSYM_NAME_LEN */
struct code_generated {
	uint64_t start, end;  /* `end` excluded */
	char name[CODE_NAME]; /* "bpf:vtime_dispatch", "bpf_trampoline_6442536467"; raw */
};
struct code {
	struct kernel *kernel; /* set by the caller, all else zero */
	struct code_generated *generated;
	unsigned int count;
	bool read;
};
void code_deinit(struct code *c);

/* "schedule+0x27/0xa0", "bpf:vtime_dispatch+0x107/0x163", or the bare number: where `ip` stands,
 * named after what contains `inside` (a return address is named by the call before it). Appended.
 */
void code_place(struct code *c, uint64_t ip, uint64_t inside, struct str *s);
/* The function's or program's name alone; false: none is known. */
bool code_function(struct code *c, uint64_t address, struct str *s);
/* Where the function or program around `address` begins and ends (excluded). False: none is known.
 */
bool code_bounds(struct code *c, uint64_t address, uint64_t *ret_start, uint64_t *ret_end);
/* Where the machine code of the BPF program called `name` begins; 0: none is loaded that has any.
 */
uint64_t code_program(struct code *c, const char *name);

#endif
