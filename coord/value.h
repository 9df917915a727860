/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A typed value of the guest: either an object in its memory (address and type, read when asked) or
 * an immediate. What expressions, cold operations and printing have in common.
 *
 * Plain data, copied freely; a value that refers to memory is only as good as the frozen window.
 */
#ifndef COORD_VALUE_H
#define COORD_VALUE_H

#include "base/err.h"
#include "base/out.h"
#include "base/str.h"
#include "coord/kernel.h"
#include "coord/types.h"

enum value_kind {
	VALUE_OBJECT, /* in guest memory at `address` */
	VALUE_NUMBER, /* `number`, typed (`type` 0: plain s64 or u64 by `is_unsigned`) */
	VALUE_STRING, /* host string in `string` (console, names, literals) */
	VALUE_ABSENT, /* a member that this kernel lacks; `string` names it, `type` is the struct */
	VALUE_FAULT,  /* `address` was bad */
};

struct value {
	enum value_kind kind;
	uint32_t type;	     /* BTF id; 0: void or none */
	uint64_t address;    /* OBJECT, FAULT */
	uint32_t bit_offset; /* OBJECT: of a bit-field, from `address`, 0..7 */
	uint32_t bit_size;   /* OBJECT: of a bit-field, else 0 */
	uint64_t number;     /* NUMBER, two's complement */
	bool is_unsigned;
	char string[256]; /* STRING, ABSENT; NUL terminated, cut at 255 bytes */
};

struct value value_object(uint32_t type, uint64_t address);
/* What lies at `place`, a bit-field included. */
struct place; /* coord/path.h */
struct value value_at(const struct place *place);
struct value value_number(int64_t number);
struct value value_unsigned(uint64_t number);
struct value value_typed(uint32_t type, uint64_t number);
struct value value_string(const char *text);

/* v.name or v->name (pointers are followed once); absence and faults are values, not errors.
 * Errors: v is no struct (ERR_USAGE), out of memory. */
struct err *value_member(struct kernel *k, const struct value *v, const char *name,
			 struct value *ret) __attribute__((warn_unused_result));
/* "struct rq has no member 'nr_runing'; near: nr_running" for a VALUE_ABSENT that value_member()
 * made. */
void value_absent_text(struct kernel *k, const struct value *v, struct str *s);
/* v[index] of an array or a pointer. ERR_USAGE: neither, or past the end of an array of known
 * length. */
struct err *value_index(struct kernel *k, const struct value *v, int64_t index, struct value *ret)
	__attribute__((warn_unused_result));
/* *v. ERR_USAGE: v is no pointer to something of known type. */
struct err *value_deref(struct kernel *k, const struct value *v, struct value *ret)
	__attribute__((warn_unused_result));
/* (type)v, as C does it: numbers are cut to the type's width, arrays become their address.
 * ERR_USAGE: `type` is no scalar, or v is a struct. */
struct err *value_cast(struct kernel *k, const struct value *v, uint32_t type, struct value *ret)
	__attribute__((warn_unused_result));
/* The scalar as a number (pointers, enums, bit-fields, bool). A bad address gives VALUE_FAULT in
 * *ret, with NULL returned; ERR_USAGE for structs. *ret is NUMBER, FAULT or ABSENT. */
struct err *value_load(struct kernel *k, const struct value *v, struct value *ret)
	__attribute__((warn_unused_result));
/* Store into an object; the number must fit (ERR_REFUSED names type and range). */
struct err *value_store(struct kernel *k, const struct value *object, uint64_t number,
			bool is_signed) __attribute__((warn_unused_result));
/* char arrays and char pointers as text: raw bytes up to the NUL, at most size - 1. ERR_FAULT: the
 * text lies at a bad address (a char array in a bad page, too). */
bool value_is_text(struct kernel *k, const struct value *v);
struct err *value_text(struct kernel *k, const struct value *v, char *buffer, size_t size)
	__attribute__((warn_unused_result));

/* For people: scalars on one line, structs indented, arrays shortened, enum names, "char[]" quoted,
 * pointers with their symbol. `depth` levels of nested structs (0: one line `{...}`). */
void value_format(struct kernel *k, const struct value *v, unsigned int depth, struct str *s);
/* The same for programs, as one JSON text: structs are objects, arrays lists, "{...}" what lies
 * deeper. */
void value_json(struct kernel *k, const struct value *v, unsigned int depth, struct str *s);
/* Whether it is a struct, a union, or an array of other things than characters. */
bool value_is_compound(struct kernel *k, const struct value *v);
/* A scalar as an output cell. */
struct out_value value_out(struct kernel *k, const struct value *v, char buffer[256]);

#endif
