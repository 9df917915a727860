/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operators on types and on what lies in guest memory. */
#include "commands/expr_internal.h"

#include "coord/source.h"

#include <string.h>

/* ---- types ---- */

/* The integer types that need no kernel. */
static const struct builtin_type {
	const char *name;
	unsigned int bits;
	bool is_unsigned;
} builtin_types[] = {
	{"u8", 8, true},
	{"u16", 16, true},
	{"u32", 32, true},
	{"u64", 64, true},
	{"s8", 8, false},
	{"s16", 16, false},
	{"s32", 32, false},
	{"s64", 64, false},
	{"int", 32, false},
	{"unsigned", 32, true},
	{"unsigned int", 32, true},
	{"long", 64, false},
	{"unsigned long", 64, true},
	{"char", 8, false},
	{"unsigned char", 8, true},
	{"signed char", 8, false},
	{"short", 16, false},
	{"unsigned short", 16, true},
	{"long long", 64, false},
	{"unsigned long long", 64, true},
};

static const struct builtin_type *find_builtin(const char *name)
{
	for (size_t i = 0; i < sizeof(builtin_types) / sizeof(builtin_types[0]); i++)
		if (strcmp(builtin_types[i].name, name) == 0)
			return &builtin_types[i];
	return NULL;
}

static struct value cast_builtin(const struct builtin_type *type, uint64_t number)
{
	unsigned int drop = 64 - type->bits;

	if (type->is_unsigned)
		return eval_plain(number << drop >> drop, type->bits == 64);
	return value_number((int64_t)(number << drop) >> drop);
}

static struct err *find_type(struct eval *ev, const struct node *n, const char *name, uint32_t *ret)
{
	ERR_TRY(eval_need_kernel(ev, n));
	return eval_at_node(ev, n, source_parse_type(eval_source(ev), ev->types, name, ret));
}

struct err *eval_cast(struct eval *ev, struct node *n, struct operand *ret)
{
	const struct builtin_type *builtin = find_builtin(n->text);
	struct value v, result;
	uint32_t type;

	ERR_TRY(eval_number(ev, n->child[0], &v));
	if (value_is_missing(&v)) {
		operand_set(ret, v);
		return NULL;
	}
	if (builtin) {
		operand_set(ret, cast_builtin(builtin, v.number));
		return NULL;
	}
	ERR_TRY(find_type(ev, n, n->text, &type));
	ERR_TRY(eval_at_node(ev, n, value_cast(ev->kernel, &v, type, &result)));
	operand_set(ret, result);
	return NULL;
}

struct err *eval_sizeof_type(struct eval *ev, struct node *n, const char *name, struct operand *ret)
{
	const struct builtin_type *builtin = find_builtin(name);
	uint32_t type;

	if (builtin) {
		operand_set(ret, value_unsigned(builtin->bits / 8));
		return NULL;
	}
	ERR_TRY(find_type(ev, n, name, &type));
	operand_set(ret, value_unsigned(types_size(ev->types, type)));
	return NULL;
}

static struct err *sizeof_value(struct eval *ev, struct node *n, const struct operand *o,
				struct operand *ret)
{
	if (value_is_missing(&o->value)) {
		operand_set(ret, o->value);
		return NULL;
	}
	if (o->record != RECORD_NONE)
		return eval_error(ev, ERR_USAGE, n, "a record has no size");
	if (o->value.kind == VALUE_STRING)
		operand_set(ret, value_unsigned(strlen(o->value.string) + 1));
	else if (o->value.type && ev->types)
		operand_set(ret, value_unsigned(types_size(ev->types, o->value.type)));
	else
		operand_set(ret, value_unsigned(8));
	return NULL;
}

/* `sizeof task_struct`: a name that is no value may be a type. */
struct err *eval_sizeof(struct eval *ev, struct node *n, struct operand *ret)
{
	struct node *child = n->child[0];
	struct operand o;
	struct err *err;
	uint32_t type;

	if (child->kind == NODE_NAME && ev->types) {
		err = types_parse(ev->types, child->text, &type);
		if (!err) {
			operand_set(ret, value_unsigned(types_size(ev->types, type)));
			return NULL;
		}
		err_free(err);
	}
	ERR_TRY(eval_node(ev, child, &o));
	return sizeof_value(ev, child, &o, ret);
}

/* ---- memory ---- */

/* A pointer of type `type *` to the object; untyped when BTF cannot name such a type. */
struct err *eval_address_of(struct eval *ev, const struct value *object, uint32_t type,
			    struct value *ret)
{
	struct str name = {0};
	uint32_t pointer = 0;
	struct err *err;

	types_name(ev->types, type, &name);
	str_add(&name, " *");
	err = str_error(&name);
	if (!err)
		err = types_parse(ev->types, str_text(&name), &pointer);
	str_deinit(&name);
	if (err && err_kind(err) == ERR_NOMEM)
		return err;
	*ret = err ? value_unsigned(object->address) : value_typed(pointer, object->address);
	err_free(err);
	return NULL;
}

struct err *eval_address(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;
	struct value pointer;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	if (value_is_missing(&o.value)) {
		operand_set(ret, o.value);
		return NULL;
	}
	if (o.record != RECORD_NONE || o.value.kind != VALUE_OBJECT)
		return eval_error(ev, ERR_USAGE, n,
				  "only what lies in guest memory has an address");
	if (o.value.bit_size)
		return eval_error(ev, ERR_USAGE, n, "a bit-field has no address");
	ERR_TRY(eval_address_of(ev, &o.value, o.value.type, &pointer));
	operand_set(ret, pointer);
	return NULL;
}

static struct err *element(struct eval *ev, struct node *n, const struct operand *o, int64_t index,
			   struct operand *ret)
{
	struct value v, result;
	uint32_t target;

	if (o->value.kind == VALUE_OBJECT && types_kind(ev->types, o->value.type) == TYPE_ARRAY) {
		ERR_TRY(eval_at_node(ev, n, value_index(ev->kernel, &o->value, index, &result)));
		operand_set(ret, result);
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n->child[0], o, &v));
	if (value_is_missing(&v)) {
		operand_set(ret, v);
		return NULL;
	}
	target = eval_pointee(ev, &v);
	if (!target || types_size(ev->types, target) == 0)
		return eval_error(
			ev, ERR_USAGE, n,
			"this is no pointer to something of known size: cast it, (u64 *)x");
	operand_set(ret, value_object(target,
				      v.number + (uint64_t)index * types_size(ev->types, target)));
	return NULL;
}

struct err *eval_deref(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	if (value_is_missing(&o.value)) {
		operand_set(ret, o.value);
		return NULL;
	}
	return element(ev, n, &o, 0, ret);
}

struct err *eval_index(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;
	struct value index;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	ERR_TRY(eval_number(ev, n->child[1], &index));
	if (value_is_missing(&o.value) || value_is_missing(&index)) {
		operand_set(ret, value_is_missing(&o.value) ? o.value : index);
		return NULL;
	}
	return element(ev, n, &o, (int64_t)index.number, ret);
}

static bool has_no_members(const struct eval *ev, const struct value *v)
{
	if (v->kind == VALUE_STRING || v->type == 0)
		return true;
	return types_kind(ev->types, v->type) == TYPE_POINTER && !types_target(ev->types, v->type);
}

struct err *eval_member(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;
	struct value member;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	if (o.record != RECORD_NONE)
		return eval_record_member(ev, n, &o, ret);
	if (value_is_missing(&o.value)) {
		operand_set(ret, o.value);
		return NULL;
	}
	if (has_no_members(ev, &o.value))
		return eval_error(ev, ERR_USAGE, n, "`%.*s` is no struct and has no member `%s`",
				  (int)(n->child[0]->end - n->child[0]->start),
				  ev->expr->text + n->child[0]->start, n->text);
	ERR_TRY(eval_at_node(ev, n, value_member(ev->kernel, &o.value, n->text, &member)));
	operand_set(ret, member);
	return NULL;
}
