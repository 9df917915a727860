/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values for people. */
#include "coord/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Elements of an array, characters of a text, and bytes in all that one value shows. */
#define ELEMENTS_MAX 16
#define TEXT_MAX 256
#define SHOW_MAX (256u << 10)

struct show {
	struct kernel *kernel;
	const struct types *types;
	struct str *s;
	size_t limit; /* s->len at which to stop */
};

static void show_value(struct show *w, const struct value *v, unsigned int depth,
		       unsigned int indent);

static bool is_full(const struct show *w)
{
	return w->s->failed || w->s->len > w->limit;
}

static void newline(struct show *w, unsigned int indent)
{
	str_add_c(w->s, '\n');
	while (indent-- > 0)
		str_add_c(w->s, '\t');
}

static void show_text(struct show *w, const struct value *v)
{
	char buffer[TEXT_MAX + 1];
	struct err *err = value_text(w->kernel, v, buffer, sizeof(buffer));

	if (err) {
		if (err_kind(err) == ERR_FAULT)
			str_addf(w->s, "<fault 0x%" PRIx64 ">", err_address(err));
		err_free(err);
		return;
	}
	str_add_c(w->s, '"');
	str_add_clean(w->s, buffer, sizeof(buffer));
	str_add_c(w->s, '"');
	if (strlen(buffer) == TEXT_MAX)
		str_add(w->s, "...");
}

/* "0xffffffff9ea11100 <init_task+0x10>", and the text that a char pointer leads to. */
static void show_pointer(struct show *w, const struct value *v)
{
	char name[128];
	uint64_t offset;
	struct err *err;

	if (!v->number) {
		str_add(w->s, "NULL");
		return;
	}
	str_addf(w->s, "0x%" PRIx64, v->number);
	if (value_is_text(w->kernel, v)) {
		str_add_c(w->s, ' ');
		show_text(w, v);
		return;
	}
	if (!kernel_in_image(w->kernel, v->number))
		return;
	err = kernel_symbol_at(w->kernel, v->number, name, sizeof(name), &offset);
	if (!err) {
		str_add(w->s, " <");
		str_add_clean(w->s, name, sizeof(name));
		str_addf(w->s, offset ? "+0x%" PRIx64 ">" : ">", offset);
	}
	err_free(err);
}

static void show_char(struct show *w, uint64_t number)
{
	unsigned char c = (unsigned char)number;

	if (c >= 0x20 && c < 0x7f)
		str_addf(w->s, "'%c'", c);
	else
		str_addf(w->s, "%d", (int)(signed char)c);
}

static void show_number(struct show *w, const struct value *v)
{
	const char *name;

	switch (v->type ? types_kind(w->types, v->type) : TYPE_INT) {
	case TYPE_POINTER:
		show_pointer(w, v);
		return;
	case TYPE_ENUM:
		name = types_enum_name(w->types, v->type, (int64_t)v->number);
		if (name) {
			str_add_clean(w->s, name, TEXT_MAX);
			return;
		}
		break;
	case TYPE_BOOL:
		if (v->number <= 1) {
			str_add(w->s, v->number ? "true" : "false");
			return;
		}
		break;
	case TYPE_CHAR:
		show_char(w, v->number);
		return;
	default:
		break;
	}
	if (v->type ? types_signed(w->types, v->type) : !v->is_unsigned)
		str_addf(w->s, "%" PRId64, (int64_t)v->number);
	else
		str_addf(w->s, "%" PRIu64, v->number);
}

/* Types that no number holds (__int128, floating point): their bytes, highest first. */
static void show_raw(struct show *w, const struct value *v)
{
	uint8_t bytes[16] = {0};
	uint64_t size = types_size(w->types, v->type);
	struct err *err;

	if (!size || size > sizeof(bytes)) {
		str_add(w->s, "{...}");
		return;
	}
	err = kernel_read(w->kernel, v->address, bytes, size);
	if (err) {
		str_addf(w->s, "<fault 0x%" PRIx64 ">", err_address(err));
		err_free(err);
		return;
	}
	str_add(w->s, "0x");
	while (size-- > 0)
		str_addf(w->s, "%02x", bytes[size]);
}

static void show_members(struct show *w, const struct value *v, unsigned int depth,
			 unsigned int indent)
{
	struct member m;
	const char *name;

	for (unsigned int i = 0; types_member_at(w->types, v->type, i, &name, &m); i++) {
		struct value member = value_object(m.type, v->address + m.bit_offset / 8);

		if (is_full(w)) {
			newline(w, indent);
			str_add(w->s, "...");
			return;
		}
		member.bit_size = m.bit_size;
		member.bit_offset = m.bit_size ? m.bit_offset % 8 : 0;
		/* Members of an anonymous struct are the outer one's, so they cost no depth. */
		newline(w, indent);
		if (*name) {
			str_add_c(w->s, '.');
			str_add_clean(w->s, name, TEXT_MAX);
			str_add(w->s, " = ");
		}
		show_value(w, &member, depth - 1 + (!*name && indent < 16), indent);
		str_add_c(w->s, ',');
	}
}

static void show_struct(struct show *w, const struct value *v, unsigned int depth,
			unsigned int indent)
{
	if (depth == 0) {
		str_add(w->s, "{...}");
		return;
	}
	str_add_c(w->s, '{');
	show_members(w, v, depth, indent + 1);
	newline(w, indent);
	str_add_c(w->s, '}');
}

static void show_array(struct show *w, const struct value *v, unsigned int depth,
		       unsigned int indent)
{
	uint32_t element = types_target(w->types, v->type), count = types_count(w->types, v->type);
	uint64_t size = types_size(w->types, element);
	bool compound = types_kind(w->types, element) == TYPE_STRUCT ||
			types_kind(w->types, element) == TYPE_UNION;
	uint32_t shown = count < ELEMENTS_MAX ? count : ELEMENTS_MAX;

	if (depth == 0 && compound) {
		str_add(w->s, "{...}");
		return;
	}
	str_add_c(w->s, '{');
	for (uint32_t i = 0; i < shown && size; i++) {
		struct value e = value_object(element, v->address + i * size);

		if (i)
			str_add(w->s, ", ");
		if (is_full(w))
			break;
		show_value(w, &e, compound ? depth - 1 : depth, indent);
	}
	if (shown < count)
		str_add(w->s, ", ...");
	str_add_c(w->s, '}');
}

static void show_object(struct show *w, const struct value *v, unsigned int depth,
			unsigned int indent)
{
	struct value number;
	struct err *err;

	switch (types_kind(w->types, v->type)) {
	case TYPE_STRUCT:
	case TYPE_UNION:
		show_struct(w, v, depth, indent);
		return;
	case TYPE_ARRAY:
		if (value_is_text(w->kernel, v))
			show_text(w, v);
		else
			show_array(w, v, depth, indent);
		return;
	case TYPE_FUNCTION:
	case TYPE_VOID:
		number = value_typed(v->type, v->address);
		show_pointer(w, &number);
		return;
	default:
		break;
	}
	if (types_kind(w->types, v->type) == TYPE_FLOAT || types_size(w->types, v->type) > 8) {
		show_raw(w, v);
		return;
	}
	err = value_load(w->kernel, v, &number);
	if (err)
		str_add(w->s, err_detail(err));
	else
		show_value(w, &number, depth, indent);
	err_free(err);
}

static void show_value(struct show *w, const struct value *v, unsigned int depth,
		       unsigned int indent)
{
	switch (v->kind) {
	case VALUE_OBJECT:
		show_object(w, v, depth, indent);
		return;
	case VALUE_NUMBER:
		show_number(w, v);
		return;
	case VALUE_STRING:
		show_text(w, v);
		return;
	case VALUE_ABSENT:
		str_add(w->s, "<absent>");
		return;
	case VALUE_FAULT:
		str_addf(w->s, "<fault 0x%" PRIx64 ">", v->address);
		return;
	}
}

void value_format(struct kernel *k, const struct value *v, unsigned int depth, struct str *s)
{
	struct show w = {k, kernel_types(k), s, s->len + SHOW_MAX};

	show_value(&w, v, depth, 0);
}

static struct out_value number_out(const struct types *t, const struct value *v, char buffer[256])
{
	const char *name;

	switch (v->type ? types_kind(t, v->type) : TYPE_INT) {
	case TYPE_POINTER:
		return out_hex(v->number);
	case TYPE_BOOL:
		return out_bool(v->number != 0);
	case TYPE_ENUM:
		name = types_enum_name(t, v->type, (int64_t)v->number);
		if (name) {
			snprintf(buffer, 256, "%s", name);
			return out_string(buffer);
		}
		break;
	default:
		break;
	}
	if (v->type ? types_signed(t, v->type) : !v->is_unsigned)
		return out_s64((int64_t)v->number);
	return out_u64(v->number);
}

static struct out_value text_out(struct kernel *k, const struct value *v, char buffer[256])
{
	struct err *err = value_text(k, v, buffer, 256);
	struct out_value out = out_string(buffer);

	if (err)
		out = err_kind(err) == ERR_FAULT ? out_fault(err_address(err)) : out_absent();
	err_free(err);
	return out;
}

/* What is no scalar is cut to one line. */
static struct out_value line_out(struct kernel *k, const struct value *v, char buffer[256])
{
	struct str s = {0};

	value_format(k, v, 0, &s);
	snprintf(buffer, 256, "%s", str_text(&s));
	str_deinit(&s);
	return out_string(buffer);
}

struct out_value value_out(struct kernel *k, const struct value *v, char buffer[256])
{
	const struct types *t = kernel_types(k);
	enum type_kind kind = v->kind == VALUE_OBJECT ? types_kind(t, v->type) : TYPE_VOID;
	struct value number;
	struct err *err;

	switch (v->kind) {
	case VALUE_ABSENT:
		return out_absent();
	case VALUE_FAULT:
		return out_fault(v->address);
	case VALUE_NUMBER:
		return number_out(t, v, buffer);
	case VALUE_STRING:
		return text_out(k, v, buffer);
	case VALUE_OBJECT:
		break;
	}
	if (kind == TYPE_ARRAY && value_is_text(k, v))
		return text_out(k, v, buffer);
	err = value_load(k, v, &number);
	if (!err)
		return number.kind == VALUE_FAULT ? out_fault(number.address)
						  : number_out(t, &number, buffer);
	err_free(err);
	return line_out(k, v, buffer);
}
