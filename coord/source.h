/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the DWARF of a vmlinux (`--vmlinux`) tells: the source line of an address, the line where a
 * function or variable is defined, and types that the kernel's BTF lacks: those of most variables,
 * those inside functions. Nothing else needs such a file.
 *
 * A vmlinux of another build would give wrong lines without a word, so its build-id must be the
 * guest's. Look-ups may take seconds the first time (variables: every compile unit is searched) and
 * hundreds of MB. Threads: one at a time.
 */
#ifndef COORD_SOURCE_H
#define COORD_SOURCE_H

#include "base/err.h"
#include "coord/types.h"

#include <stdint.h>

struct source;

/* `build_id` is the guest's in hex digits, `kaslr_offset` the guest's in bytes. ERR_OS: cannot be
 * read; ERR_BAD_DATA: no ELF file; ERR_ABSENT: it has no DWARF or no build-id; ERR_REFUSED: another
 * build, with both ids. */
struct err *source_open(const char *path, const char *build_id, uint64_t kaslr_offset,
			struct source **ret) __attribute__((warn_unused_result));
/* Whether `path` could be opened for a guest whose build-id it has; the same errors. */
struct err *source_check(const char *path) __attribute__((warn_unused_result));
void source_close(struct source *s); /* NULL is fine */

struct source_line {
	char file[256]; /* relative to the kernel's tree where the compiler says so */
	int line;	/* 1 or more */
};

/* The line of the instruction at guest address `address`. ERR_NOT_FOUND. */
struct err *source_of_address(struct source *s, uint64_t address, struct source_line *ret)
	__attribute__((warn_unused_result));
/* A function, and where in it the address is, or the call that the compiler put in its place. */
struct source_frame {
	char function[64];	 /* "": in assembly, which has only lines */
	struct source_line at; /* line 0: not told */
};
/* The functions that were inlined at guest address `address`, innermost first, and last the one that has its own
 * code there; the outermost are left out beyond `max`. Returns how many; 0: nothing is known. */
unsigned int source_frames(struct source *s, uint64_t address, struct source_frame *ret,
			   unsigned int max);
/* Where the function or variable `name` is defined; `address` is its guest address, by which one of
 * several static ones is chosen, 0 when it is not known. ERR_NOT_FOUND. */
struct err *source_of_symbol(struct source *s, const char *name, uint64_t address,
			     struct source_line *ret) __attribute__((warn_unused_result));

/* types_parse() and global_type(), and where they know nothing what DWARF knows; `s` may be NULL.
 * The error is theirs when it does not either. `address` as for source_of_symbol(). */
struct err *source_parse_type(struct source *s, const struct types *types, const char *text,
			      uint32_t *ret) __attribute__((warn_unused_result));
struct err *source_global_type(struct source *s, const struct types *types, const char *name,
			       uint64_t address, uint32_t *ret) __attribute__((warn_unused_result));

#endif
