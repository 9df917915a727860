/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creation, look-up by name, and what a type is. */
#include "coord/btf_check.h"
#include "coord/types_private.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct btf_type *types_raw(const struct types *t, uint32_t id)
{
	return id && id < btf__type_cnt(t->btf) ? btf__type_by_id(t->btf, id) : NULL;
}

const char *types_text(const struct types *t, uint32_t name_off)
{
	const char *text = name_off ? btf__name_by_offset(t->btf, name_off) : NULL;

	return text ? text : "";
}

uint32_t types_hash(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	return hash ^ hash >> 15;
}

static bool is_indexed(const struct btf_type *type)
{
	const uint32_t kinds = KINDS_NAMED | KIND(VAR) | KIND(FUNC);

	return type->name_off && kinds >> btf_kind(type) & 1;
}

static struct err *build_index(struct types *t)
{
	uint32_t buckets = 1024;

	while (buckets < t->base_count / 2)
		buckets *= 2;
	t->hash_mask = buckets - 1;
	t->heads = calloc(buckets, sizeof(*t->heads));
	t->next = calloc(t->base_count, sizeof(*t->next));
	t->enums = malloc(t->base_count * sizeof(*t->enums));
	t->cache = calloc(TYPES_CACHE, sizeof(*t->cache));
	if (!t->heads || !t->next || !t->enums || !t->cache)
		return err_nomem();
	for (uint32_t id = t->base_count; --id > 0;) { /* backwards, so that chains are in order */
		const struct btf_type *type = btf__type_by_id(t->base, id);
		uint32_t *head;

		if (!is_indexed(type))
			continue;
		head = &t->heads[types_hash(types_text(t, type->name_off)) & t->hash_mask];
		t->next[id] = *head;
		*head = id;
	}
	for (uint32_t id = 1; id < t->base_count; id++)
		if (btf_is_any_enum(btf__type_by_id(t->base, id)))
			t->enums[t->enum_count++] = id;
	return NULL;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

static struct err *load(struct types *t, const void *btf, size_t len)
{
	ERR_TRY(btf_check(btf, len));
	/* libbpf would print its opinion on standard error. */
	libbpf_set_print(quiet);
	t->base = btf__new(btf, (uint32_t)len);
	if (!t->base)
		return errno == ENOMEM ? err_nomem()
				       : err_new(ERR_BAD_DATA, "BTF: libbpf: %s", strerror(errno));
	t->btf = btf__new_empty_split(t->base);
	if (!t->btf)
		return err_nomem();
	t->base_count = btf__type_cnt(t->base);
	return build_index(t);
}

struct err *types_create(const void *btf, size_t len, struct types **ret)
{
	struct types *t;
	struct err *err;

	if (len > UINT32_MAX)
		return err_new(ERR_BAD_DATA, "BTF: %zu bytes", len);
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_nomem();
	err = load(t, btf, len);
	if (err) {
		types_destroy(t);
		return err;
	}
	*ret = t;
	return NULL;
}

void types_destroy(struct types *t)
{
	if (!t)
		return;
	btf__free(t->btf);
	btf__free(t->base);
	free(t->heads);
	free(t->next);
	free(t->enums);
	free(t->cache);
	free(t);
}

/* Few if any of those that were added have a name: types_import(). */
static uint32_t find_added(const struct types *t, const char *name, uint32_t kinds)
{
	for (uint32_t id = t->base_count; id < btf__type_cnt(t->btf); id++) {
		const struct btf_type *type = btf__type_by_id(t->btf, id);

		if (kinds >> btf_kind(type) & 1 && strcmp(types_text(t, type->name_off), name) == 0)
			return id;
	}
	return 0;
}

uint32_t types_find(const struct types *t, const char *name, uint32_t kinds)
{
	uint32_t id = t->heads[types_hash(name) & t->hash_mask];

	for (; id; id = t->next[id]) {
		const struct btf_type *type = btf__type_by_id(t->base, id);

		if (kinds >> btf_kind(type) & 1 && strcmp(types_text(t, type->name_off), name) == 0)
			return id;
	}
	return find_added(t, name, kinds);
}

struct err *types_pointer_to(const struct types *t, uint32_t target, uint32_t *ret)
{
	uint32_t count = btf__type_cnt(t->btf);
	int id;

	for (uint32_t i = t->base_count; i < count; i++) {
		const struct btf_type *type = btf__type_by_id(t->btf, i);

		if (btf_is_ptr(type) && type->type == target) {
			*ret = i;
			return NULL;
		}
	}
	if (count - t->base_count >= TYPES_DERIVED_MAX)
		return err_new(ERR_REFUSED, "too many derived types");
	id = btf__add_ptr(t->btf, (int)target);
	if (id < 0)
		return err_nomem();
	*ret = (uint32_t)id;
	return NULL;
}

struct err *types_array_of(const struct types *t, uint32_t element, uint32_t elements,
			   uint32_t *ret)
{
	uint32_t count = btf__type_cnt(t->btf);
	int id;

	for (uint32_t i = t->base_count; i < count; i++) {
		const struct btf_type *type = btf__type_by_id(t->btf, i);

		if (btf_is_array(type) && btf_array(type)->type == element &&
		    btf_array(type)->nelems == elements) {
			*ret = i;
			return NULL;
		}
	}
	if (count - t->base_count >= TYPES_DERIVED_MAX)
		return err_new(ERR_REFUSED, "too many derived types");
	id = btf__add_array(t->btf, (int)element, (int)element, elements);
	if (id < 0)
		return err_nomem();
	*ret = (uint32_t)id;
	return NULL;
}

/* A declared struct's definition, when BTF has one elsewhere. */
static uint32_t resolve_forward(const struct types *t, uint32_t id, const struct btf_type *type)
{
	uint32_t kinds = btf_kflag(type) ? KIND(UNION) : KIND(STRUCT);
	uint32_t full = types_find(t, types_text(t, type->name_off), kinds);

	return full ? full : id;
}

uint32_t types_resolve(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, id);

	/* btf_check() has seen that chains end. */
	while (type && (btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type))) {
		id = type->type;
		type = types_raw(t, id);
	}
	if (type && btf_is_fwd(type))
		return resolve_forward(t, id, type);
	return type ? id : 0;
}

static enum type_kind int_kind(const struct types *t, const struct btf_type *type)
{
	uint8_t encoding = btf_int_encoding(type);

	if (encoding & BTF_INT_BOOL)
		return TYPE_BOOL;
	if (encoding & BTF_INT_CHAR)
		return TYPE_CHAR;
	/* pahole does not mark char; unsigned char is u8, a number. */
	return type->size == 1 && strcmp(types_text(t, type->name_off), "char") == 0 ? TYPE_CHAR
										     : TYPE_INT;
}

enum type_kind types_kind(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, types_resolve(t, id));

	if (!type)
		return TYPE_VOID;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return int_kind(t, type);
	case BTF_KIND_FLOAT:
		return TYPE_FLOAT;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return TYPE_ENUM;
	case BTF_KIND_PTR:
		return TYPE_POINTER;
	case BTF_KIND_ARRAY:
		return TYPE_ARRAY;
	case BTF_KIND_STRUCT:
		return TYPE_STRUCT;
	case BTF_KIND_UNION:
		return TYPE_UNION;
	case BTF_KIND_FWD:
		return btf_kflag(type) ? TYPE_UNION : TYPE_STRUCT;
	case BTF_KIND_FUNC:
	case BTF_KIND_FUNC_PROTO:
		return TYPE_FUNCTION;
	default:
		return TYPE_VOID;
	}
}

bool types_is_scalar(const struct types *t, uint32_t id)
{
	switch (types_kind(t, id)) {
	case TYPE_INT:
	case TYPE_BOOL:
	case TYPE_CHAR:
	case TYPE_ENUM:
	case TYPE_POINTER:
		return true;
	default:
		return false;
	}
}

uint64_t types_size(const struct types *t, uint32_t id)
{
	uint64_t count = 1;

	for (unsigned int i = 0; i < TYPES_CHAIN; i++) {
		const struct btf_type *type = types_raw(t, types_resolve(t, id));

		if (!type)
			return 0;
		switch (btf_kind(type)) {
		case BTF_KIND_ARRAY:
			/* A product that overflows is no size at all. */
			if (__builtin_mul_overflow(count, btf_array(type)->nelems, &count))
				return 0;
			id = btf_array(type)->type;
			continue;
		case BTF_KIND_PTR:
			return __builtin_mul_overflow(count, 8, &count) ? 0 : count;
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return __builtin_mul_overflow(count, type->size, &count) ? 0 : count;
		default:
			return 0;
		}
	}
	return 0;
}

bool types_signed(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, types_resolve(t, id));

	if (!type)
		return false;
	if (btf_is_int(type)) /* char is signed on x86, though BTF does not say so */
		return (btf_int_encoding(type) & BTF_INT_SIGNED) || int_kind(t, type) == TYPE_CHAR;
	return btf_is_any_enum(type) && btf_kflag(type);
}

uint32_t types_target(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, types_resolve(t, id));

	if (type && btf_is_ptr(type))
		return type->type;
	return type && btf_is_array(type) ? btf_array(type)->type : 0;
}

uint32_t types_count(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, types_resolve(t, id));

	return type && btf_is_array(type) ? btf_array(type)->nelems : 0;
}

struct err *types_variable(const struct types *t, const char *name, uint32_t *ret)
{
	uint32_t id = types_find(t, name, KIND(VAR));

	if (!id)
		id = types_find(t, name, KIND(FUNC));
	if (!id)
		return err_new(ERR_ABSENT, "BTF does not know the type of %s", name);
	*ret = types_raw(t, id)->type;
	return NULL;
}

bool types_parameter_at(const struct types *t, uint32_t id, unsigned int i, const char **name,
			uint32_t *type)
{
	const struct btf_type *prototype = types_raw(t, id);
	const struct btf_param *p;

	if (!prototype || !btf_is_func_proto(prototype) || i >= btf_vlen(prototype))
		return false;
	p = &btf_params(prototype)[i];
	*name = types_text(t, p->name_off);
	*type = p->type;
	return p->type;
}
