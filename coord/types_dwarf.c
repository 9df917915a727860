/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/types_dwarf.h"

#include "coord/types_private.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 4096
#define NESTED_MAX 12	/* structs within structs or behind pointers that are taken along */
#define WRAPPED_MAX 200 /* types around types: a DWARF of our kernel has no such chain */
#define DIMENSIONS_MAX 8

struct import {
	const struct types *types;
	unsigned int nested;  /* structs that are being made */
	unsigned int wrapped; /* types that are */
};

static struct err *import_type(struct import *im, Dwarf_Die *die, uint32_t *ret);

static const char *name_of(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name ? name : "";
}

/* Adding to BTF fails when memory runs out, or when a number does not fit in. */
static struct err *added(int id, uint32_t *ret)
{
	if (id < 0)
		return id == -ENOMEM ? err_nomem()
				     : err_new(ERR_REFUSED, "a type does not fit into BTF: %s",
					       strerror(-id));
	*ret = (uint32_t)id;
	return NULL;
}

static uint64_t constant(Dwarf_Die *die, unsigned int attribute, uint64_t otherwise)
{
	Dwarf_Attribute found;
	Dwarf_Word value;
	Dwarf_Sword value_signed;

	if (!dwarf_attr_integrate(die, attribute, &found))
		return otherwise;
	/* gcc writes what is negative in these forms, and nothing else. */
	if (dwarf_whatform(&found) == DW_FORM_sdata ||
	    dwarf_whatform(&found) == DW_FORM_implicit_const)
		return dwarf_formsdata(&found, &value_signed) == 0 ? (uint64_t)value_signed
								   : otherwise;
	return dwarf_formudata(&found, &value) == 0 ? value : otherwise;
}

static bool flag(Dwarf_Die *die, unsigned int attribute)
{
	Dwarf_Attribute found;
	bool set;

	return dwarf_attr(die, attribute, &found) && dwarf_formflag(&found, &set) == 0 && set;
}

/* The type that this one, a member or a variable is made of; none is void. */
static struct err *import_target(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Die target;

	*ret = 0;
	if (!dwarf_attr_integrate(die, DW_AT_type, &attribute))
		return NULL;
	if (!dwarf_formref_die(&attribute, &target))
		return err_new(ERR_BAD_DATA, "DWARF: %s", dwarf_errmsg(-1));
	return import_type(im, &target, ret);
}

static struct err *import_base(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	uint64_t encoding = constant(die, DW_AT_encoding, 0);
	int size = dwarf_bytesize(die), flags = 0;

	*ret = types_find(im->types, name_of(die), KIND(INT) | KIND(FLOAT));
	if (*ret)
		return NULL;
	if (encoding == DW_ATE_float)
		return added(btf__add_float(im->types->btf, name_of(die), (size_t)size), ret);
	if (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char)
		flags = BTF_INT_SIGNED;
	else if (encoding == DW_ATE_boolean)
		flags = BTF_INT_BOOL;
	return added(btf__add_int(im->types->btf, name_of(die), (size_t)size, flags), ret);
}

static struct err *import_array(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	uint32_t counts[DIMENSIONS_MAX];
	unsigned int dimensions = 0;
	Dwarf_Die child;

	if (dwarf_child(die, &child) == 0) {
		do {
			if (dwarf_tag(&child) != DW_TAG_subrange_type)
				continue;
			if (dimensions == DIMENSIONS_MAX)
				return err_new(ERR_REFUSED, "an array of more than %d dimensions",
					       DIMENSIONS_MAX);
			counts[dimensions++] = (uint32_t)constant(
				&child, DW_AT_count,
				constant(&child, DW_AT_upper_bound, UINT64_MAX) + 1);
		} while (dwarf_siblingof(&child, &child) == 0);
	}
	ERR_TRY(import_target(im, die, ret));
	while (dimensions > 0)
		ERR_TRY(types_array_of(im->types, *ret, counts[--dimensions], ret));
	return NULL;
}

static struct err *import_enum(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	struct btf *btf = im->types->btf;
	bool wide = dwarf_bytesize(die) > 4;
	Dwarf_Die child;

	*ret = *name_of(die) ? types_find(im->types, name_of(die), KIND(ENUM) | KIND(ENUM64)) : 0;
	if (*ret)
		return NULL;
	ERR_TRY(added(wide ? btf__add_enum64(btf, name_of(die), 8, false)
			   : btf__add_enum(btf, name_of(die), (uint32_t)dwarf_bytesize(die)),
		      ret));
	if (dwarf_child(die, &child) != 0)
		return NULL;
	do {
		uint64_t value = constant(&child, DW_AT_const_value, 0);
		uint32_t unused;

		if (dwarf_tag(&child) == DW_TAG_enumerator)
			ERR_TRY(added(
				wide ? btf__add_enum64_value(btf, name_of(&child), value)
				     : btf__add_enum_value(btf, name_of(&child), (int64_t)value),
				&unused));
	} while (dwarf_siblingof(&child, &child) == 0);
	return NULL;
}

/* ---- structs and unions ---- */

struct place {
	const char *name;
	uint32_t type, bit_offset, bit_size; /* 0: no bit-field */
};

/* Before DWARF 4 a bit-field was counted from the top of the integer that holds it. */
static void member_place(Dwarf_Die *die, const struct types *t, struct place *p)
{
	uint64_t bits = constant(die, DW_AT_data_member_location, 0) * 8;
	uint64_t from_top = constant(die, DW_AT_bit_offset, UINT64_MAX), storage;

	p->bit_size = (uint32_t)constant(die, DW_AT_bit_size, 0);
	if (from_top != UINT64_MAX) {
		storage = constant(die, DW_AT_byte_size, types_size(t, p->type)) * 8;
		bits += storage - from_top - p->bit_size;
	}
	p->bit_offset = (uint32_t)constant(die, DW_AT_data_bit_offset, bits);
}

/* All that the members need must be there before the struct: its record is written in one go. */
static struct err *collect(struct import *im, Dwarf_Die *die, struct place *places,
			   unsigned int *count)
{
	Dwarf_Die child;

	*count = 0;
	if (dwarf_child(die, &child) != 0)
		return NULL;
	do {
		struct place *p = &places[*count];

		if (dwarf_tag(&child) != DW_TAG_member)
			continue;
		if (*count == MEMBERS_MAX)
			return err_new(ERR_REFUSED, "%s has more than %d members", name_of(die),
				       MEMBERS_MAX);
		p->name = name_of(&child);
		ERR_TRY(import_target(im, &child, &p->type));
		member_place(&child, im->types, p);
		++*count;
	} while (dwarf_siblingof(&child, &child) == 0);
	return NULL;
}

static struct err *add_composite(struct import *im, Dwarf_Die *die, const struct place *places,
				 unsigned int count, uint32_t *ret)
{
	struct btf *btf = im->types->btf;
	uint32_t size = (uint32_t)dwarf_bytesize(die), unused;

	ERR_TRY(added(dwarf_tag(die) == DW_TAG_union_type
			      ? btf__add_union(btf, name_of(die), size)
			      : btf__add_struct(btf, name_of(die), size),
		      ret));
	for (unsigned int i = 0; i < count; i++)
		ERR_TRY(added(btf__add_field(btf, places[i].name, (int)places[i].type,
					     places[i].bit_offset, places[i].bit_size),
			      &unused));
	return NULL;
}

/* One that is being made, or too far away, is declared: its name leads to the whole one if there is
 * any. */
static struct err *import_composite(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	bool is_union = dwarf_tag(die) == DW_TAG_union_type, named = *name_of(die);
	struct place *places;
	unsigned int count;
	struct err *err;

	*ret = named ? types_find(im->types, name_of(die), is_union ? KIND(UNION) : KIND(STRUCT))
		     : 0;
	if (*ret)
		return NULL;
	if (named && (flag(die, DW_AT_declaration) || im->nested == NESTED_MAX))
		return added(btf__add_fwd(im->types->btf, name_of(die),
					  is_union ? BTF_FWD_UNION : BTF_FWD_STRUCT),
			     ret);
	places = calloc(MEMBERS_MAX, sizeof(*places));
	if (!places)
		return err_nomem();
	im->nested++;
	err = collect(im, die, places, &count);
	im->nested--;
	/* Its own members may have led to it again, and it was made there. */
	if (!err && named)
		*ret = types_find(im->types, name_of(die), is_union ? KIND(UNION) : KIND(STRUCT));
	if (!err && !*ret)
		err = add_composite(im, die, places, count, ret);
	free(places);
	return err;
}

/* ---- all kinds ---- */

static struct err *import_typedef(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	uint32_t target;

	*ret = types_find(im->types, name_of(die), KIND(TYPEDEF));
	if (*ret)
		return NULL;
	ERR_TRY(import_target(im, die, &target));
	return added(btf__add_typedef(im->types->btf, name_of(die), (int)target), ret);
}

static struct err *import_kind(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		return import_base(im, die, ret);
	case DW_TAG_pointer_type:
		ERR_TRY(import_target(im, die, ret));
		return types_pointer_to(im->types, *ret, ret);
	case DW_TAG_array_type:
		return import_array(im, die, ret);
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return import_composite(im, die, ret);
	case DW_TAG_enumeration_type:
		return import_enum(im, die, ret);
	case DW_TAG_typedef:
		return import_typedef(im, die, ret);
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		return import_target(im, die, ret);
	case DW_TAG_subroutine_type: /* nothing here looks at its parameters */
		return added(btf__add_func_proto(im->types->btf, 0), ret);
	}
	return err_new(ERR_ABSENT, "'%s' is no type of C (DWARF tag 0x%x)", name_of(die),
		       (unsigned int)dwarf_tag(die));
}

static struct err *import_type(struct import *im, Dwarf_Die *die, uint32_t *ret)
{
	struct err *err;

	if (im->wrapped == WRAPPED_MAX ||
	    btf__type_cnt(im->types->btf) - im->types->base_count >= TYPES_DERIVED_MAX)
		return err_new(ERR_REFUSED, "too many types hang together");
	im->wrapped++;
	err = import_kind(im, die, ret);
	im->wrapped--;
	return err;
}

struct err *types_import(const struct types *t, Dwarf_Die *die, uint32_t *ret)
{
	struct import im = {.types = t};
	struct err *err = import_type(&im, die, ret);

	/* Names of what was added before may have moved. */
	memset(t->cache, 0, TYPES_CACHE * sizeof(*t->cache));
	return err;
}
