/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of the guest kernel from its BTF, by libbpf: names to ids, members (also through anonymous
 * structs and unions), bit-fields, enums, printing of declarations. Ids are BTF ids of vmlinux.
 * Kernel differences are found by asking for a member, never by version.
 *
 * Immutable after creation but for lookup caches. Threads: one at a time.
 */
#ifndef COORD_TYPES_H
#define COORD_TYPES_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct types;

/* Copies `len` bytes of raw BTF. ERR_BAD_DATA with libbpf's reason. */
struct err *types_create(const void *btf, size_t len, struct types **ret)
	__attribute__((warn_unused_result));
void types_destroy(struct types *t);

enum type_kind {
	TYPE_VOID,
	TYPE_INT,
	TYPE_BOOL,
	TYPE_CHAR,
	TYPE_FLOAT,
	TYPE_ENUM,
	TYPE_POINTER,
	TYPE_ARRAY,
	TYPE_STRUCT,
	TYPE_UNION,
	TYPE_FUNCTION,
};

/* "struct rq", "u64", "unsigned int", "task_struct *", "char [16]": a C type name. "rq" alone also
 * finds struct/union/enum/typedef rq. ERR_NOT_FOUND offers near names. Pointers and arrays that BTF
 * does not hold are made on demand. */
struct err *types_parse(const struct types *t, const char *name, uint32_t *ret)
	__attribute__((warn_unused_result));

/* `target *`, and `element [count]`; the same ids for the same question. 0 is void. ERR_REFUSED:
 * too many were made. */
struct err *types_pointer_to(const struct types *t, uint32_t target, uint32_t *ret)
	__attribute__((warn_unused_result));
struct err *types_array_of(const struct types *t, uint32_t element, uint32_t count, uint32_t *ret)
	__attribute__((warn_unused_result));

enum type_kind types_kind(const struct types *t, uint32_t id); /* through typedefs and qualifiers */
/* A number: an integer, truth value, character, enumerator or pointer. */
bool types_is_scalar(const struct types *t, uint32_t id);
uint64_t types_size(const struct types *t, uint32_t id);       /* bytes; 0 for void and functions */
bool types_signed(const struct types *t, uint32_t id);
uint32_t types_target(const struct types *t,
		      uint32_t id); /* pointer's or array's element; 0: void */
uint32_t types_count(const struct types *t, uint32_t id);   /* array's length */
uint32_t types_resolve(const struct types *t, uint32_t id); /* without typedefs and qualifiers */
void types_name(const struct types *t, uint32_t id, struct str *s); /* "struct rq *" */

/* A member's place, relative to its outermost struct. */
struct member {
	uint32_t type;
	uint64_t bit_offset;
	uint32_t bit_size; /* 0: not a bit-field, its type's size counts */
};
/* `path` is one name or "a.b[3].c"; anonymous members are searched. Pointers are not followed.
 * ERR_ABSENT when there is none, offering near names. */
struct err *types_member(const struct types *t, uint32_t id, const char *path, struct member *ret)
	__attribute__((warn_unused_result));
/* One member's name, quietly and fast (the last few answers are kept): false when there is none. */
bool types_find_member(const struct types *t, uint32_t id, const char *name, struct member *ret);
/* The i-th direct member in declaration order; false past the end. `name` borrowed, "" if
 * anonymous. */
bool types_member_at(const struct types *t, uint32_t id, unsigned int i, const char **name,
		     struct member *ret);

/* The i-th variable of a data section (".bss" and such, in the BTF of BPF objects); false past the
 * end, and for what is no section. `name` borrowed; `offset` in bytes from the section's start. */
struct section_variable {
	const char *name;
	uint32_t type;
	uint32_t offset;
};
bool types_is_section(const struct types *t, uint32_t id);
bool types_section_at(const struct types *t, uint32_t id, unsigned int i,
		      struct section_variable *ret);

/* Offset of a plain member in bytes, -1 when this kernel lacks it: the presence test. */
int64_t types_offset(const struct types *t, const char *struct_name, const char *path);

/* Enumerators, also of anonymous enums: value by name over all enums; name by value in one (or
 * NULL). */
struct err *types_enumerator(const struct types *t, const char *name, int64_t *ret)
	__attribute__((warn_unused_result));
/* The same, and whether an expression counts with it as an unsigned number (an unsigned enum of 64
 * bits). */
struct err *types_constant(const struct types *t, const char *name, int64_t *ret,
			   bool *ret_unsigned) __attribute__((warn_unused_result));
const char *types_enum_name(const struct types *t, uint32_t id, int64_t value);
/* The value of enumerator `name` of enum `id`. */
struct err *types_enum_value(const struct types *t, uint32_t id, const char *name, int64_t *ret)
	__attribute__((warn_unused_result));

/* C declaration with offsets and sizes, for `ptype`. */
struct err *types_print(const struct types *t, uint32_t id, struct str *s)
	__attribute__((warn_unused_result));
/* Names of structs, unions, enums and typedefs that start with `prefix`, for completion. */
void types_names_each(const struct types *t, const char *prefix,
		      bool (*visit)(void *context, const char *name), void *context);

/* Type id of a function's prototype or of a per-CPU variable known to BTF; ERR_ABSENT. */
struct err *types_variable(const struct types *t, const char *name, uint32_t *ret)
	__attribute__((warn_unused_result));
/* The i-th parameter of a prototype: its name ("" if it has none, borrowed) and type; false past the end, for
 * `...`, and for what is no prototype. */
bool types_parameter_at(const struct types *t, uint32_t id, unsigned int i, const char **name,
			uint32_t *type);

#endif
