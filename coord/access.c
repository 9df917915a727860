/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/access.h"

#include "base/parse.h"
#include "coord/types.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void name_type(const struct types *t, const struct place *place, char *buffer, size_t size)
{
	struct str s = {0};

	types_name(t, place->type, &s);
	if (place->bit_size)
		str_addf(&s, ":%u", place->bit_size);
	snprintf(buffer, size, "%s", str_text(&s));
	str_deinit(&s);
}

static void name_width(const struct width *w, char *buffer, size_t size)
{
	if (w->kind == WIDTH_BYTES)
		snprintf(buffer, size, "bytes:%u", w->bytes);
	else if (w->kind == WIDTH_OR_U32)
		snprintf(buffer, size, "or-u32");
	else
		snprintf(buffer, size, "%c%u", w->kind == WIDTH_SIGNED ? 's' : 'u', w->bytes * 8);
}

static struct err *misfit(const struct types *t, const struct place *place,
			  const struct width *width)
{
	char type[64], wanted[32];

	name_type(t, place, type, sizeof(type));
	name_width(width, wanted, sizeof(wanted));
	if (place->bit_size)
		return err_new(ERR_REFUSED, "%s does not fit: the field is a bit-field, %s", wanted,
			       type);
	return err_new(ERR_REFUSED, "%s does not fit: the field is %s, %" PRIu64 " bytes", wanted,
		       type, types_size(t, place->type));
}

/* An explicit width; where the type is known it must agree. */
static struct err *plan_width(const struct types *t, const struct place *place,
			      const struct width *width, struct access *a)
{
	uint64_t size = place->type ? types_size(t, place->type) : 0;

	if (place->bit_size)
		return misfit(t, place, width);
	if (width->kind == WIDTH_BYTES ? size && width->bytes > size : size && width->bytes != size)
		return misfit(t, place, width);
	a->kind = width->kind == WIDTH_BYTES ? ACCESS_BYTES : ACCESS_NUMBER;
	a->len = width->bytes;
	a->is_signed = width->kind == WIDTH_SIGNED;
	a->is_or = width->kind == WIDTH_OR_U32;
	name_width(width, a->name, sizeof(a->name));
	return NULL;
}

static struct err *plan_bitfield(const struct place *place, struct access *a)
{
	a->kind = ACCESS_NUMBER;
	a->bit_shift = (uint8_t)place->bit_offset;
	a->bit_size = (uint8_t)place->bit_size;
	a->len = (place->bit_offset + place->bit_size + 7) / 8;
	if (a->len > 8)
		return err_new(ERR_REFUSED, "%s: a bit-field over more than 8 bytes", a->name);
	return NULL;
}

static struct err *plan_type(const struct types *t, const struct place *place, struct access *a)
{
	uint64_t size = types_size(t, place->type);
	enum type_kind kind = types_kind(t, place->type);

	a->type = place->type;
	a->is_signed = types_signed(t, place->type);
	a->is_bool = kind == TYPE_BOOL;
	name_type(t, place, a->name, sizeof(a->name));
	if (place->bit_size)
		return plan_bitfield(place, a);
	switch (kind) {
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_CHAR:
	case TYPE_ENUM:
	case TYPE_POINTER:
		if (size == 0 || size > 8)
			return err_new(ERR_REFUSED, "%s is wider than 8 bytes: use :bytes:N",
				       a->name);
		a->kind = ACCESS_NUMBER;
		a->len = (uint32_t)size;
		return NULL;
	case TYPE_ARRAY:
		if (types_kind(t, types_target(t, place->type)) == TYPE_CHAR && size > 0 &&
		    size <= COLD_BYTES_MAX) {
			a->kind = ACCESS_TEXT;
			a->len = (uint32_t)size;
			return NULL;
		}
		a->kind = ACCESS_WHOLE;
		return NULL;
	case TYPE_STRUCT:
	case TYPE_UNION:
		a->kind = ACCESS_WHOLE;
		return NULL;
	default:
		return err_new(ERR_USAGE, "%s has no value", a->name);
	}
}

struct err *access_plan(const struct types *t, const struct place *place, const struct width *width,
			struct access *ret)
{
	struct access a = {.address = place->address};

	if (width->kind != WIDTH_BTF)
		ERR_TRY(plan_width(t, place, width, &a));
	else if (place->type)
		ERR_TRY(plan_type(t, place, &a));
	else
		return err_new(ERR_USAGE, "0x%" PRIx64 " has no known type: say one, as in :u64",
			       place->address);
	/* The types of packed structs may lie anywhere; an address that was typed in may not. */
	if (!place->type && a.kind == ACCESS_NUMBER && a.address % a.len)
		return err_new(ERR_REFUSED, "0x%" PRIx64 " is not aligned to the %u bytes of %s",
			       a.address, a.len, a.name);
	*ret = a;
	return NULL;
}

static uint64_t load(const uint8_t *bytes, uint32_t len)
{
	uint64_t value = 0;

	memcpy(&value, bytes, len);
	return value;
}

static unsigned int bits_of(const struct access *a)
{
	return a->bit_size ? a->bit_size : a->len * 8;
}

static uint64_t mask_of(const struct access *a)
{
	return bits_of(a) >= 64 ? UINT64_MAX : (1ull << bits_of(a)) - 1;
}

static void decode_bytes(const uint8_t *bytes, uint32_t len, struct value *ret)
{
	size_t shown = len < (sizeof(ret->string) - 1) / 2 ? len : (sizeof(ret->string) - 1) / 2;

	for (size_t i = 0; i < shown; i++)
		snprintf(ret->string + 2 * i, 3, "%02x", bytes[i]);
}

void access_decode(const struct access *a, const uint8_t *bytes, struct value *ret)
{
	uint64_t number;

	if (a->kind != ACCESS_NUMBER) {
		*ret = value_string("");
		if (a->kind == ACCESS_BYTES)
			decode_bytes(bytes, a->len, ret);
		else
			memcpy(ret->string, bytes, strnlen((const char *)bytes, a->len));
		return;
	}
	number = load(bytes, a->len) >> a->bit_shift & mask_of(a);
	if (a->is_signed && number >> (bits_of(a) - 1))
		number |= ~mask_of(a);
	if (a->type) {
		*ret = value_typed(a->type, number);
		ret->is_unsigned = !a->is_signed;
		return;
	}
	*ret = a->is_signed ? value_number((int64_t)number) : value_unsigned(number);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct err *encode_bytes(const struct access *a, const char *text, uint8_t *ret)
{
	uint8_t bytes[COLD_BYTES_MAX];
	uint32_t len = 0;

	if (str_starts(text, "0x"))
		text += 2;
	for (const char *p = text; *p; p += 2) {
		int high = hex_digit(p[0]), low = high < 0 ? -1 : hex_digit(p[1]);

		if (low < 0)
			return err_new(ERR_USAGE, "'%s': pairs of hexadecimal digits are expected",
				       text);
		if (len == a->len)
			return err_new(ERR_REFUSED, "'%s' is longer than %s", text, a->name);
		bytes[len++] = (uint8_t)(high << 4 | low);
	}
	if (len != a->len)
		return err_new(ERR_REFUSED, "'%s' is %u bytes, not the %u of %s", text, len, a->len,
			       a->name);
	memcpy(ret, bytes, len);
	return NULL;
}

static struct err *encode_text(const struct access *a, const char *text, uint8_t *ret)
{
	size_t len = strlen(text);

	if (len >= a->len)
		return err_new(ERR_REFUSED, "'%s' is %zu bytes: %s has room for %u and the NUL",
			       text, len, a->name, a->len - 1);
	memset(ret, 0, a->len);
	memcpy(ret, text, len);
	return NULL;
}

/* A number as typed: its 64 bits, and whether it was negative. */
struct typed_number {
	uint64_t bits;
	bool negative;
};

static bool ends_in_unit(const char *text)
{
	size_t len = strlen(text);

	return len > 1 && isdigit((unsigned char)text[0]) && text[len - 1] == 's';
}

/* Numbers, booleans, times with a unit, and the enumerators of the field's own enum or of any. */
static struct err *parse_number(const struct types *t, const struct access *a, const char *text,
				struct typed_number *ret)
{
	int64_t number = 0;
	struct err *err;

	*ret = (struct typed_number){0};
	if (a->is_bool && (!strcmp(text, "true") || !strcmp(text, "false"))) {
		ret->bits = text[0] == 't';
		return NULL;
	}
	if (text[0] == '-') {
		ERR_TRY(parse_s64(text, &number));
		*ret = (struct typed_number){(uint64_t)number, number < 0};
		return NULL;
	}
	if (ends_in_unit(text))
		return parse_duration(text, &ret->bits);
	if (isdigit((unsigned char)text[0]))
		return parse_u64(text, &ret->bits);
	if (!isalpha((unsigned char)text[0]) && text[0] != '_')
		return err_new(ERR_USAGE, "'%s' is no value of %s", text, a->name);
	if (a->type && types_kind(t, a->type) == TYPE_ENUM)
		err = types_enum_value(t, a->type, text, &number);
	else
		err = types_enumerator(t, text, &number);
	if (err)
		return err_wrap(err, "value of %s", a->name);
	*ret = (struct typed_number){(uint64_t)number, number < 0};
	return NULL;
}

static bool is_signed_enum(const struct types *t, const struct access *a)
{
	return a->is_signed || (a->type && types_kind(t, a->type) == TYPE_ENUM);
}

static struct err *check_range(const struct types *t, const struct access *a, const char *text,
			       const struct typed_number *n)
{
	uint64_t max = a->is_bool ? 1 : mask_of(a);
	int64_t min = 0;

	if (a->is_signed && !a->is_bool) {
		max >>= 1;
		min = -(int64_t)max - 1;
	}
	/* BTF of older compilers calls every enum unsigned, also one with negative members. */
	if (n->negative && is_signed_enum(t, a))
		min = -(int64_t)(mask_of(a) >> 1) - 1;
	if (n->negative ? (int64_t)n->bits >= min : n->bits <= max)
		return NULL;
	return err_new(ERR_REFUSED, "%s does not fit %s (%" PRId64 "..%" PRIu64 ")", text, a->name,
		       min, max);
}

struct err *access_encode(const struct types *t, const struct access *a, const char *text,
			  const uint8_t *old, uint8_t *ret)
{
	struct typed_number n;
	uint64_t word;

	if (a->kind == ACCESS_WHOLE)
		return err_new(ERR_REFUSED, "%s is written member by member, or as bytes:N",
			       a->name);
	if (a->kind == ACCESS_BYTES)
		return encode_bytes(a, text, ret);
	if (a->kind == ACCESS_TEXT)
		return encode_text(a, text, ret);
	ERR_TRY(parse_number(t, a, text, &n));
	ERR_TRY(check_range(t, a, text, &n));
	word = load(old, a->len);
	if (a->is_or)
		word |= n.bits;
	else
		word = (word & ~(mask_of(a) << a->bit_shift)) | (n.bits & mask_of(a))
									<< a->bit_shift;
	memcpy(ret, &word, a->len);
	return NULL;
}
