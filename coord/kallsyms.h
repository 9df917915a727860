/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own symbol table (kernel/kallsyms.c, scripts/kallsyms.c): names compressed with a
 * table of 256 tokens, and one 32-bit number a symbol that gives its address. The numbers have had
 * three meanings; which one is in use is found by trying them on a symbol whose address is known.
 *
 * Names stay compressed; an index of 8 bytes a symbol finds them. Tables are untrusted: every
 * length is checked at creation, so that later look-ups cannot leave them.
 *
 * Immutable after creation. Threads: any.
 */
#ifndef COORD_KALLSYMS_H
#define COORD_KALLSYMS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KALLSYMS_NAME 512     /* longest name with its NUL: the kernel's KSYM_NAME_LEN */
#define KALLSYMS_MAX 4000000u /* symbols; a kernel has about 200,000 */

/* The raw tables, as copied from guest memory. Borrowed by kallsyms_create() for its call. */
struct kallsyms_tables {
	uint32_t count;
	const uint8_t *names; /* kallsyms_names */
	size_t names_len;     /* bytes available, at least the table */
	const char *tokens;   /* kallsyms_token_table */
	size_t tokens_len;
	const uint16_t *token_index; /* kallsyms_token_index, 256 of them */
	const int32_t *offsets;	     /* kallsyms_offsets, `count` of them */
	uint64_t offsets_address;    /* where kallsyms_offsets lies in the guest */
	bool has_relative_base;	     /* kallsyms_relative_base exists (until Linux 6.19) */
	uint64_t relative_base;
	const char *anchor; /* a symbol and its address, known from elsewhere */
	uint64_t anchor_address;
};

struct kallsyms;

/* ERR_BAD_DATA says what is wrong. */
struct err *kallsyms_create(const struct kallsyms_tables *tables, struct kallsyms **ret)
	__attribute__((warn_unused_result));
void kallsyms_destroy(struct kallsyms *ks); /* NULL is fine */

/* Symbols are numbered 0 to count - 1 in order of address. */
unsigned int kallsyms_count(const struct kallsyms *ks);
uint64_t kallsyms_address(const struct kallsyms *ks, unsigned int i);
/* The name and its kind (as nm(1) shows it: 'T', 'd', ...; `kind` may be NULL); returns its length.
 */
size_t kallsyms_name(const struct kallsyms *ks, unsigned int i, char name[KALLSYMS_NAME],
		     char *kind);

/* The symbol called `name`; among several a global one, else the lowest. False: none. */
bool kallsyms_find(const struct kallsyms *ks, const char *name, unsigned int *ret);
/* The first of the symbols with the highest address at or below `address`. False: none. */
bool kallsyms_find_address(const struct kallsyms *ks, uint64_t address, unsigned int *ret);
/* Bytes from symbol `i` to the next higher address; 0 for the last. */
uint64_t kallsyms_span(const struct kallsyms *ks, unsigned int i);

#endif
