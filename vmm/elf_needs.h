/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a dynamic program needs to run elsewhere: its interpreter and, transitively, its shared
 * libraries, found by the rules of ld.so(8): DT_RPATH or DT_RUNPATH with $ORIGIN, the folders of
 * /etc/ld.so.conf, the default folders. Files are read, never run; a damaged one is ERR_BAD_DATA.
 */
#ifndef VMM_ELF_NEEDS_H
#define VMM_ELF_NEEDS_H

#include "base/err.h"

struct elf_need {
	char *path;   /* on the host */
	char *soname; /* as the program asks for it; NULL for the interpreter, which has a fixed path */
};

struct elf_needs {
	struct elf_need *list;
	unsigned int count;
};

/* A static program needs nothing: count 0. ERR_BAD_DATA: no 64-bit x86 program. ERR_NOT_FOUND names
 * the library and who wants it. */
struct err *elf_needs_find(const char *program, struct elf_needs *ret)
	__attribute__((warn_unused_result));
void elf_needs_deinit(struct elf_needs *needs);

#endif
