/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmcoreinfo: the text with which a kernel describes itself to crash tools (kernel/vmcore_info.c).
 * It lies in RAM as an ELF note at the start of a page, and is all that is needed to find the page
 * tables and kallsyms, with KASLR or without.
 *
 * RAM also holds the text's sources and copies, and may hold those of a kernel that ran before: a
 * candidate here is complete and well formed, whether it is alive is for the caller to verify.
 * Threads: any; no state. Text is untrusted.
 */
#ifndef COORD_VMCOREINFO_H
#define COORD_VMCOREINFO_H

#include "vmm/ram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMCOREINFO_MAX                                                                             \
	16384u /* bytes of text; the kernel's own limit is one page (Linux 6 and 7) */

struct vmcoreinfo {
	uint64_t phys; /* guest-physical address of the note */
	size_t len;
	char text[VMCOREINFO_MAX + 1]; /* "KEY=VALUE" lines; NUL terminated */
};

/* The note at guest-physical `phys`; false when there is no complete one. */
bool vmcoreinfo_read(const struct ram *ram, uint64_t phys, struct vmcoreinfo *ret);

/* Calls `visit` for every complete note in RAM, lowest first, until it returns false. Reads RAM by
 * pread where it has data, so that the mapping stays untouched. ERR_OS, ERR_NOMEM. */
struct err *vmcoreinfo_each(const struct ram *ram,
			    bool (*visit)(void *context, const struct vmcoreinfo *info),
			    void *context) __attribute__((warn_unused_result));

/* SYMBOL(name), an address. */
bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name, uint64_t *ret);
/* NUMBER(name), decimal or 0x hexadecimal, may be negative. */
bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *name, int64_t *ret);
/* OFFSET(name). */
bool vmcoreinfo_offset(const struct vmcoreinfo *info, const char *name, uint64_t *ret);
/* "KEY=..." to the end of its line, copied; false when there is none or it does not fit. */
bool vmcoreinfo_string(const struct vmcoreinfo *info, const char *key, char *buffer, size_t size);

#endif
