/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the types_*.c files share. Not for others: coord/types.h is the interface.
 */
#ifndef COORD_TYPES_PRIVATE_H
#define COORD_TYPES_PRIVATE_H

#include "coord/types.h"

#include <bpf/btf.h>

/* Chains of typedefs, qualifiers, pointers' targets excluded, and arrays: checked at creation. */
#define TYPES_CHAIN 64
/* Anonymous members nest this deep at most when a name is searched. */
#define TYPES_NESTING 16
/* Derived types (pointers, arrays, plain words) that one kernel view may make. */
#define TYPES_DERIVED_MAX 65536

/* The last answers of types_find_member(), by hash of type and name. */
#define TYPES_CACHE 256
struct types_cache {
	uint32_t id;	  /* 0: empty */
	const char *name; /* in the BTF's strings */
	struct member member;
};

struct types {
	struct btf *base;    /* the kernel's BTF */
	struct btf *btf;     /* split over `base`: pointers and arrays made on demand */
	uint32_t base_count; /* ids of `base`: 0 to base_count - 1 */
	uint32_t *heads;     /* by hash of the name: first id, then by `next`; 0 ends */
	uint32_t *next;
	uint32_t hash_mask;
	uint32_t *enums; /* ids of all enums, ascending */
	uint32_t enum_count;
	struct types_cache *cache;
};

uint32_t types_hash(const char *text);

/* NULL when `id` is void or no id. */
const struct btf_type *types_raw(const struct types *t, uint32_t id);
const char *types_text(const struct types *t, uint32_t name_off); /* "", never NULL */

/* First id called `name` whose kind is in the set `kinds` (1 << BTF_KIND_*); 0: none. */
uint32_t types_find(const struct types *t, const char *name, uint32_t kinds);

/* "TYPE NAME" as C declares it: "int (*handler)(struct rq *)", "char comm[16]". */
void types_declare(const struct types *t, uint32_t id, const char *name, struct str *s);

#define KIND(k) (1u << BTF_KIND_##k)
#define KINDS_NAMED                                                                                \
	(KIND(INT) | KIND(STRUCT) | KIND(UNION) | KIND(ENUM) | KIND(ENUM64) | KIND(TYPEDEF) |      \
	 KIND(FLOAT))

#endif
