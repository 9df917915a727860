/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values: members, elements, loads and stores. */
#include "coord/value.h"

#include "coord/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct value value_object(uint32_t type, uint64_t address)
{
	return (struct value){.kind = VALUE_OBJECT, .type = type, .address = address};
}

struct value value_at(const struct place *place)
{
	struct value v = value_object(place->type, place->address);

	v.bit_offset = place->bit_offset;
	v.bit_size = place->bit_size;
	return v;
}

struct value value_number(int64_t number)
{
	return (struct value){.kind = VALUE_NUMBER, .number = (uint64_t)number};
}

struct value value_unsigned(uint64_t number)
{
	return (struct value){.kind = VALUE_NUMBER, .number = number, .is_unsigned = true};
}

struct value value_typed(uint32_t type, uint64_t number)
{
	return (struct value){.kind = VALUE_NUMBER, .type = type, .number = number};
}

struct value value_string(const char *text)
{
	struct value v = {.kind = VALUE_STRING};

	snprintf(v.string, sizeof(v.string), "%s", text);
	return v;
}

static struct value fault(uint64_t address)
{
	return (struct value){.kind = VALUE_FAULT, .address = address};
}

static bool is_missing(const struct value *v)
{
	return v->kind == VALUE_ABSENT || v->kind == VALUE_FAULT;
}

/* An ERR_FAULT becomes a value; everything else stays an error. */
static struct err *fault_to_value(struct err *err, struct value *ret)
{
	if (!err || err_kind(err) != ERR_FAULT)
		return err;
	*ret = fault(err_address(err));
	err_free(err);
	return NULL;
}

static struct err *wrong_type(struct kernel *k, const struct value *v, const char *what)
{
	struct str name = {0};
	struct err *err;

	if (v->kind == VALUE_STRING)
		return err_new(ERR_USAGE, "a text is %s", what);
	if (!v->type)
		return err_new(ERR_USAGE, "a plain number is %s", what);
	types_name(kernel_types(k), v->type, &name);
	err = err_new(ERR_USAGE, "%s is %s", str_text(&name), what);
	str_deinit(&name);
	return err;
}

/* Bytes of a scalar type that fit a number; 0 for anything else. */
static unsigned int scalar_size(const struct types *t, uint32_t type)
{
	uint64_t size = types_size(t, type);

	return types_is_scalar(t, type) && size <= 8 ? (unsigned int)size : 0;
}

/* The low `bits` (1..64) of `number`, sign-extended when the type is signed. */
static uint64_t extend(uint64_t number, unsigned int bits, bool is_signed)
{
	unsigned int drop = 64 - bits;

	number <<= drop;
	return is_signed ? (uint64_t)((int64_t)number >> drop) : number >> drop;
}

/* A bit-field of up to 64 bits may touch nine bytes. */
static size_t bit_field_bytes(const struct value *v)
{
	return (v->bit_offset + v->bit_size + 7) / 8;
}

static struct err *load_bit_field(struct kernel *k, const struct value *v, uint64_t *ret)
{
	unsigned __int128 raw = 0;

	if (v->bit_size > 64 || v->bit_offset > 7)
		return err_new(ERR_BAD_DATA, "a bit-field of %u bits", v->bit_size);
	ERR_TRY(kernel_read(k, v->address, &raw, bit_field_bytes(v)));
	*ret = extend((uint64_t)(raw >> v->bit_offset), v->bit_size,
		      types_signed(kernel_types(k), v->type));
	return NULL;
}

static struct err *load_scalar(struct kernel *k, const struct value *v, uint64_t *ret)
{
	const struct types *t = kernel_types(k);
	unsigned int size = scalar_size(t, v->type);
	uint64_t raw = 0;

	if (!size)
		return wrong_type(k, v, "no number");
	if (v->bit_size)
		return load_bit_field(k, v, ret);
	ERR_TRY(kernel_read(k, v->address, &raw, size));
	*ret = extend(raw, 8 * size, types_signed(t, v->type));
	return NULL;
}

struct err *value_load(struct kernel *k, const struct value *v, struct value *ret)
{
	uint64_t number = 0;
	struct err *err;

	if (v->kind == VALUE_STRING)
		return wrong_type(k, v, "no number");
	if (v->kind != VALUE_OBJECT) {
		*ret = *v;
		return NULL;
	}
	err = load_scalar(k, v, &number);
	if (err)
		return fault_to_value(err, ret);
	*ret = value_typed(v->type, number);
	ret->is_unsigned = !types_signed(kernel_types(k), v->type);
	return NULL;
}

/* Whether `number` survives in `bits` bits of a type. */
static bool fits(uint64_t number, bool number_signed, unsigned int bits, bool type_signed)
{
	bool negative = number_signed && (int64_t)number < 0;

	if (type_signed)
		return negative ? extend(number, bits, true) == number : number >> (bits - 1) == 0;
	return !negative && (bits == 64 || number >> bits == 0);
}

static struct err *does_not_fit(const struct types *t, const struct value *v, unsigned int bits,
				uint64_t number, bool number_signed)
{
	struct str name = {0};
	struct err *err;

	types_name(t, v->type, &name);
	if (v->bit_size)
		str_addf(&name, " : %u", v->bit_size);
	if (types_kind(t, v->type) == TYPE_BOOL)
		str_add(&name, " (0 or 1)");
	else if (types_signed(t, v->type))
		str_addf(&name, " (%" PRId64 " to %" PRId64 ")",
			 (int64_t)extend(1ull << (bits - 1), bits, true),
			 (int64_t)((1ull << (bits - 1)) - 1));
	else
		str_addf(&name, " (0 to %" PRIu64 ")", extend(UINT64_MAX, bits, false));
	err = err_new(ERR_REFUSED,
		      number_signed ? "%" PRId64 " does not fit %s" : "%" PRIu64 " does not fit %s",
		      number, str_text(&name));
	str_deinit(&name);
	return err;
}

static struct err *store_bit_field(struct kernel *k, const struct value *v, uint64_t number)
{
	unsigned __int128 raw = 0, mask;
	size_t len = bit_field_bytes(v);

	if (v->bit_size > 64 || v->bit_offset > 7)
		return err_new(ERR_BAD_DATA, "a bit-field of %u bits", v->bit_size);
	mask = (unsigned __int128)extend(UINT64_MAX, v->bit_size, false) << v->bit_offset;
	ERR_TRY(kernel_read(k, v->address, &raw, len));
	raw = (raw & ~mask) | ((unsigned __int128)number << v->bit_offset & mask);
	return kernel_write(k, v->address, &raw, len);
}

struct err *value_store(struct kernel *k, const struct value *object, uint64_t number,
			bool is_signed)
{
	const struct types *t = kernel_types(k);
	unsigned int size = scalar_size(t, object->type), bits;

	if (object->kind != VALUE_OBJECT)
		return err_new(ERR_USAGE, "only what lies in guest memory can be written");
	if (!size)
		return wrong_type(k, object, "no number and cannot be written as one");
	bits = object->bit_size ? object->bit_size : 8 * size;
	if (bits > 64)
		return err_new(ERR_BAD_DATA, "a bit-field of %u bits", bits);
	if (!fits(number, is_signed, bits, types_signed(t, object->type)) ||
	    (types_kind(t, object->type) == TYPE_BOOL && number > 1))
		return does_not_fit(t, object, bits, number, is_signed);
	if (object->bit_size)
		return store_bit_field(k, object, number);
	return kernel_write(k, object->address, &number, size);
}

/* The object that a pointer (in memory or a number) leads to; *ret is FAULT when it cannot be read.
 */
static struct err *follow(struct kernel *k, const struct value *v, struct value *ret)
{
	struct value pointer;

	ERR_TRY(value_load(k, v, &pointer));
	*ret = is_missing(&pointer)
		       ? pointer
		       : value_object(types_target(kernel_types(k), v->type), pointer.number);
	return NULL;
}

static struct value absent(uint32_t type, const char *name)
{
	struct value v = value_string(name);

	v.kind = VALUE_ABSENT;
	v.type = type;
	return v;
}

static struct value member_of(const struct value *object, const struct member *m)
{
	struct value v = value_object(m->type, object->address + m->bit_offset / 8);

	if (m->bit_size) {
		v.bit_offset = m->bit_offset % 8;
		v.bit_size = m->bit_size;
	}
	return v;
}

struct err *value_member(struct kernel *k, const struct value *v, const char *name,
			 struct value *ret)
{
	const struct types *t = kernel_types(k);
	struct value object = *v;
	struct member m;

	if (v->kind == VALUE_STRING || (v->kind == VALUE_NUMBER && !v->type))
		return wrong_type(k, v, "no struct");
	if (!is_missing(v) && types_kind(t, v->type) == TYPE_POINTER)
		ERR_TRY(follow(k, v, &object));
	if (is_missing(&object)) {
		*ret = object;
		return NULL;
	}
	if (object.kind != VALUE_OBJECT ||
	    (types_kind(t, object.type) != TYPE_STRUCT && types_kind(t, object.type) != TYPE_UNION))
		return wrong_type(k, v, "no struct");
	*ret = types_find_member(t, object.type, name, &m) ? member_of(&object, &m)
							   : absent(object.type, name);
	return NULL;
}

void value_absent_text(struct kernel *k, const struct value *v, struct str *s)
{
	struct member unused;
	struct err *err =
		v->type ? types_member(kernel_types(k), v->type, v->string, &unused) : NULL;

	if (err)
		str_add(s, err_detail(err));
	else
		str_addf(s, "this kernel has no %s", v->string);
	err_free(err);
}

struct err *value_index(struct kernel *k, const struct value *v, int64_t index, struct value *ret)
{
	const struct types *t = kernel_types(k);
	uint32_t count = types_count(t, v->type);
	struct value object = *v;
	uint64_t size;

	if (is_missing(v)) {
		*ret = *v;
		return NULL;
	}
	if (v->kind == VALUE_STRING)
		return wrong_type(k, v, "no array");
	if (types_kind(t, v->type) == TYPE_POINTER) {
		ERR_TRY(follow(k, v, &object));
	} else if (v->kind != VALUE_OBJECT || types_kind(t, v->type) != TYPE_ARRAY) {
		return wrong_type(k, v, "no array");
	} else {
		if (count && (index < 0 || (uint64_t)index >= count))
			return err_new(ERR_USAGE,
				       "index %" PRId64 " is past the end of an array of %u", index,
				       count);
		object.type = types_target(t, v->type);
	}
	size = types_size(t, object.type);
	if (!is_missing(&object) && !size)
		return wrong_type(k, v, "no pointer to something of known size");
	object.address += (uint64_t)index * (is_missing(&object) ? 0 : size);
	*ret = object;
	return NULL;
}

struct err *value_deref(struct kernel *k, const struct value *v, struct value *ret)
{
	const struct types *t = kernel_types(k);

	if (is_missing(v)) {
		*ret = *v;
		return NULL;
	}
	if (v->kind == VALUE_OBJECT && types_kind(t, v->type) == TYPE_ARRAY)
		return value_index(k, v, 0, ret);
	if (v->kind == VALUE_STRING || types_kind(t, v->type) != TYPE_POINTER)
		return wrong_type(k, v, "no pointer");
	if (types_kind(t, types_target(t, v->type)) == TYPE_VOID)
		return wrong_type(k, v, "a pointer to nothing known: cast it first");
	return follow(k, v, ret);
}

struct err *value_cast(struct kernel *k, const struct value *v, uint32_t type, struct value *ret)
{
	const struct types *t = kernel_types(k);
	unsigned int size = scalar_size(t, type);
	struct value number = *v;

	if (!size) {
		struct value wanted = value_typed(type, 0);

		return type ? wrong_type(k, &wanted, "no type to cast to")
			    : err_new(ERR_USAGE, "void is no type to cast to");
	}
	if (v->kind == VALUE_OBJECT && types_kind(t, v->type) == TYPE_ARRAY)
		number = value_unsigned(v->address);
	else
		ERR_TRY(value_load(k, v, &number));
	if (is_missing(&number)) {
		*ret = number;
		return NULL;
	}
	if (types_kind(t, type) == TYPE_BOOL)
		number.number = number.number != 0;
	*ret = value_typed(type, extend(number.number, 8 * size, types_signed(t, type)));
	ret->is_unsigned = !types_signed(t, type);
	return NULL;
}

bool value_is_text(struct kernel *k, const struct value *v)
{
	const struct types *t = kernel_types(k);
	enum type_kind kind;

	if (v->kind == VALUE_STRING)
		return true;
	if (is_missing(v) || !v->type)
		return false;
	kind = types_kind(t, v->type);
	return (kind == TYPE_ARRAY || kind == TYPE_POINTER) &&
	       types_kind(t, types_target(t, v->type)) == TYPE_CHAR;
}

struct err *value_text(struct kernel *k, const struct value *v, char *buffer, size_t size)
{
	const struct types *t = kernel_types(k);
	struct value object;
	uint64_t count;

	if (!value_is_text(k, v))
		return wrong_type(k, v, "no text");
	if (v->kind == VALUE_STRING) {
		snprintf(buffer, size, "%s", v->string);
		return NULL;
	}
	if (types_kind(t, v->type) == TYPE_ARRAY) {
		count = types_count(t, v->type);
		/* Not every text that fills its array has a NUL. */
		if (count && count < size)
			size = count + 1;
		return kernel_read_string(k, v->address, buffer, size);
	}
	ERR_TRY(follow(k, v, &object));
	if (is_missing(&object))
		return err_fault(object.address);
	return kernel_read_string(k, object.address, buffer, size);
}
