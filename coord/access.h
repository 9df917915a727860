/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a place and a width to bytes and back: which bytes an operation touches, what they mean as a
 * value, and which bytes a written value's text stands for. Checks widths, ranges and alignment;
 * knows nothing of guest memory but types.
 */
#ifndef COORD_ACCESS_H
#define COORD_ACCESS_H

#include "base/err.h"
#include "coord/cold.h"
#include "coord/path.h"

enum access_kind {
	ACCESS_NUMBER, /* integers, enums, pointers, bit-fields, bool */
	ACCESS_TEXT,   /* a char array */
	ACCESS_BYTES,  /* bytes:N */
	ACCESS_WHOLE,  /* a struct, union or array: can be shown, not written */
};

struct access {
	enum access_kind kind;
	uint64_t address;
	uint32_t len;  /* bytes touched, 1..COLD_BYTES_MAX; 0 for ACCESS_WHOLE */
	uint32_t type; /* BTF id that the value has; 0: a plain number */
	bool is_signed, is_bool, is_or;
	uint8_t bit_shift, bit_size; /* of a bit-field, else 0 */
	char name[64];		     /* of the type, for replies and messages */
};

/* ERR_REFUSED when `width` does not fit the place (the message names the field's type) or the
 * address is not aligned; ERR_USAGE when neither says how wide it is. */
struct err *access_plan(const struct types *t, const struct place *place, const struct width *width,
			struct access *ret) __attribute__((warn_unused_result));

/* The value that `bytes` (access.len of them) hold. Not for ACCESS_WHOLE. */
void access_decode(const struct access *a, const uint8_t *bytes, struct value *ret);

/* The bytes that `text` stands for, over a copy of the old ones (bit-fields, or-u32). ERR_USAGE:
 * not a value of this type; ERR_REFUSED: it does not fit. */
struct err *access_encode(const struct types *t, const struct access *a, const char *text,
			  const uint8_t *old, uint8_t *ret) __attribute__((warn_unused_result));

#endif
