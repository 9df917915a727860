/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values for programs: a struct is an object, an array a list, everything else a cell. */
#include "coord/value.h"

/* Bytes that one value may fill; what is left out then is "...". */
#define JSON_MAX (1u << 20)

struct json {
	struct kernel *kernel;
	const struct types *types;
	struct str *s;
	size_t limit; /* s->len at which to stop */
	bool first;   /* of the object that is being written */
};

static void json_value(struct json *j, const struct value *v, unsigned int depth);

static bool is_full(const struct json *j)
{
	return j->s->failed || j->s->len > j->limit;
}

static void json_cell(struct json *j, struct out_value cell)
{
	out_json_value(j->s, &cell);
}

static void json_key(struct json *j, const char *name)
{
	if (!j->first)
		str_add(j->s, ", ");
	j->first = false;
	json_cell(j, out_string(name));
	str_add(j->s, ": ");
}

static bool is_struct(const struct json *j, uint32_t type)
{
	enum type_kind kind = types_kind(j->types, type);

	return kind == TYPE_STRUCT || kind == TYPE_UNION;
}

/* Members of an anonymous struct are the outer one's; C nests those no deeper than we look. */
static void json_members(struct json *j, const struct value *v, unsigned int depth,
			 unsigned int anonymous)
{
	struct member m;
	const char *name;

	for (unsigned int i = 0; types_member_at(j->types, v->type, i, &name, &m); i++) {
		struct value member = value_object(m.type, v->address + m.bit_offset / 8);

		if (is_full(j)) {
			json_key(j, "...");
			json_cell(j, out_none());
			return;
		}
		member.bit_size = m.bit_size;
		member.bit_offset = m.bit_size ? m.bit_offset % 8 : 0;
		if (*name) {
			json_key(j, name);
			json_value(j, &member, depth - 1);
			j->first = false;
		} else if (anonymous && is_struct(j, m.type)) {
			json_members(j, &member, depth, anonymous - 1);
		}
	}
}

static void json_array(struct json *j, const struct value *v, unsigned int depth)
{
	uint32_t element = types_target(j->types, v->type), count = types_count(j->types, v->type);
	uint64_t size = types_size(j->types, element);

	str_add_c(j->s, '[');
	for (uint32_t i = 0; i < count && size; i++) {
		struct value e = value_object(element, v->address + i * size);

		if (i)
			str_add(j->s, ", ");
		if (is_full(j)) {
			json_cell(j, out_string("..."));
			break;
		}
		json_value(j, &e, depth - 1);
	}
	str_add_c(j->s, ']');
}

static void json_value(struct json *j, const struct value *v, unsigned int depth)
{
	bool compound = value_is_compound(j->kernel, v);
	char buffer[256];

	if (!compound) {
		json_cell(j, value_out(j->kernel, v, buffer));
	} else if (!depth) {
		json_cell(j, out_string("{...}"));
	} else if (is_struct(j, v->type)) {
		str_add_c(j->s, '{');
		j->first = true;
		json_members(j, v, depth, 16);
		str_add_c(j->s, '}');
	} else {
		json_array(j, v, depth);
	}
}

bool value_is_compound(struct kernel *k, const struct value *v)
{
	enum type_kind kind;

	if (v->kind != VALUE_OBJECT || !v->type)
		return false;
	kind = types_kind(kernel_types(k), v->type);
	return kind == TYPE_STRUCT || kind == TYPE_UNION ||
	       (kind == TYPE_ARRAY && !value_is_text(k, v));
}

void value_json(struct kernel *k, const struct value *v, unsigned int depth, struct str *s)
{
	struct json j = {.kernel = k, .types = kernel_types(k), .s = s, .limit = s->len + JSON_MAX};

	json_value(&j, v, depth);
}
