/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast reads of members of one guest object through offsets that were looked up once. A field is
 * where a member lies in its struct on this kernel, or that this kernel lacks it; an object is a
 * struct in guest memory whose pages are translated once and then read as plain loads.
 *
 * Faults are sticky: a read of an unmapped page gives 0 and is kept in the object, so that code
 * which collects thirty members tests once. Not responsible for holding the guest: an object is
 * only good inside the window in which object_init() was called.
 */
#ifndef COORD_OBJECT_H
#define COORD_OBJECT_H

#include "coord/kernel.h"
#include "coord/types.h"

#include <stdbool.h>
#include <stdint.h>

struct field {
	bool present;
	bool is_signed;
	uint32_t offset; /* bytes from the start of the struct */
	uint32_t size;	 /* bytes of the member's type: 1, 2, 4, 8, or any for arrays and structs */
	uint8_t bit_shift; /* of a bit-field, from `offset` */
	uint8_t bit_size;  /* of a bit-field, else 0 */
	uint32_t type;	   /* BTF id */
};

/*
 * Find a member. `paths` is one path, or several with `|` between them where kernels of different
 * age use different names: the first that exists counts. A member that none names is not present.
 */
void field_find(const struct types *types, const char *struct_name, const char *paths,
		struct field *ret);

#define OBJECT_PAGES 8

struct object {
	struct kernel *kernel;
	uint64_t base;
	const uint8_t *pages[OBJECT_PAGES]; /* host addresses, NULL: not translated yet */
	uint64_t fault;			    /* the first bad address */
	bool faulted;
};

void object_init(struct object *o, struct kernel *kernel, uint64_t base);

/* The cache lines of a struct in which some of its members lie. */
#define CACHE_LINES_MAX 48
struct cache_lines {
	unsigned int count;
	uint32_t offsets[CACHE_LINES_MAX];
};
/* Absent members, and those beyond the room, are left out. */
void cache_lines_add(struct cache_lines *lines, const struct field *f);
/* Ask the host's memory for them all at once: what is read one by one would be waited for one by
 * one. Pays for objects that no cache holds, and changes nothing else. */
void object_prefetch(struct object *o, const struct cache_lines *lines);

/* The member's value, sign-extended when its type is signed; 0 when it is absent or faults. */
uint64_t object_read(struct object *o, const struct field *f);
/* The same `delta` bytes further on: for arrays of structs. */
uint64_t object_read_at(struct object *o, const struct field *f, uint64_t delta);
/* Raw bytes of a member or a part of it; zeroes when it is absent or faults. */
void object_bytes(struct object *o, const struct field *f, void *buffer, uint32_t len);
/* Guest address of a member. */
static inline uint64_t object_address(const struct object *o, const struct field *f)
{
	return o->base + f->offset;
}

#endif
