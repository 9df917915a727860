/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of structs and unions, by name, by path and by number; enumerators. */
#include "coord/types_private.h"

#include <stdlib.h>
#include <string.h>

/* Members looked at in one search, so that structs nested by a hostile BTF cannot multiply. */
#define SEARCH_MAX 100000u

static void member_place(const struct btf_type *type, uint32_t i, uint64_t base, struct member *ret)
{
	ret->type = btf_members(type)[i].type;
	ret->bit_offset = base + btf_member_bit_offset(type, i);
	ret->bit_size = btf_member_bitfield_size(type, i);
}

static const struct btf_type *composite(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, types_resolve(t, id));

	return type && btf_is_composite(type) ? type : NULL;
}

struct search {
	const struct types *types;
	const char *name;
	size_t len;
	unsigned int left; /* members that may still be looked at */
	struct nearest *near;
	const char *found; /* the name that matched, in the BTF's strings */
};

/* Search `id` and its anonymous members, which count from `base` bits. */
static bool find_member(struct search *s, uint32_t id, uint64_t base, unsigned int depth,
			struct member *ret)
{
	const struct btf_type *type = composite(s->types, id);

	for (uint32_t i = 0; type && i < btf_vlen(type); i++) {
		const char *name = types_text(s->types, btf_members(type)[i].name_off);
		struct member place;

		if (s->left == 0)
			return false;
		s->left--;
		member_place(type, i, base, &place);
		if (!*name && depth < TYPES_NESTING &&
		    find_member(s, place.type, place.bit_offset, depth + 1, ret))
			return true;
		if (strncmp(name, s->name, s->len) == 0 && !name[s->len]) {
			*ret = place;
			s->found = name;
			return true;
		}
		if (s->near && *name)
			nearest_offer(s->near, name);
	}
	return false;
}

bool types_find_member(const struct types *t, uint32_t id, const char *name, struct member *ret)
{
	struct types_cache *cache = &t->cache[(types_hash(name) ^ id * 31) % TYPES_CACHE];
	struct search s = {t, name, strlen(name), SEARCH_MAX, NULL, NULL};

	if (cache->id == id && id && strcmp(cache->name, name) == 0) {
		*ret = cache->member;
		return true;
	}
	if (!s.len || !find_member(&s, id, 0, 0, ret))
		return false;
	*cache = (struct types_cache){id, s.found, *ret};
	return true;
}

static struct err *no_member(const struct types *t, uint32_t id, const char *name)
{
	struct nearest near;
	struct search s = {t, name, strlen(name), SEARCH_MAX, &near, NULL};
	struct str type = {0}, text = {0};
	struct member unused;
	struct err *err;

	nearest_init(&near, name);
	find_member(&s, id, 0, 0, &unused);
	nearest_add(&near, &text);
	types_name(t, id, &type);
	err = err_new(ERR_ABSENT, "%s has no member '%s'%s", str_text(&type), name,
		      str_text(&text));
	str_deinit(&type);
	str_deinit(&text);
	return err;
}

/* One name of a path: [at, at + len). */
static struct err *step_name(const struct types *t, const char *at, size_t len, struct member *m)
{
	struct search s = {t, at, len, SEARCH_MAX, NULL, NULL};
	char name[128];

	if (len && find_member(&s, m->type, m->bit_offset, 0, m))
		return NULL;
	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	memcpy(name, at, len);
	name[len] = '\0';
	if (!len)
		return err_new(ERR_USAGE, "a member's name is missing");
	return no_member(t, m->type, name);
}

/* "[3]" at `at`; moves behind it. */
static struct err *step_index(const struct types *t, const char **at, struct member *m)
{
	uint32_t element = types_target(t, m->type), count = types_count(t, m->type);
	uint64_t index, bits;
	char *end;

	index = strtoull(*at + 1, &end, 0);
	if (end == *at + 1 || *end != ']')
		return err_new(ERR_USAGE, "'%s': expected an index such as [0]", *at);
	if (types_kind(t, m->type) != TYPE_ARRAY || m->bit_size)
		return err_new(ERR_USAGE, "'%.*s': not an array", (int)(end + 1 - *at), *at);
	if (index >= count && count) /* 0: a flexible array, whose length nobody knows */
		return err_new(ERR_USAGE, "index %llu is past the end of an array of %u",
			       (unsigned long long)index, count);
	if (__builtin_mul_overflow(index, 8 * types_size(t, element), &bits))
		return err_new(ERR_USAGE, "index %llu is too large", (unsigned long long)index);
	m->type = element;
	m->bit_offset += bits;
	*at = end + 1;
	return NULL;
}

struct err *types_member(const struct types *t, uint32_t id, const char *path, struct member *ret)
{
	struct member m = {.type = id};
	const char *at = path;
	bool first = true;

	while (*at || first) {
		if (*at == '[') {
			ERR_TRY(step_index(t, &at, &m));
		} else {
			size_t len;

			if (*at == '.' && !first)
				at++;
			len = strcspn(at, ".[");
			ERR_TRY(step_name(t, at, len, &m));
			at += len;
		}
		first = false;
	}
	*ret = m;
	return NULL;
}

bool types_member_at(const struct types *t, uint32_t id, unsigned int i, const char **name,
		     struct member *ret)
{
	const struct btf_type *type = composite(t, id);

	if (!type || i >= btf_vlen(type))
		return false;
	*name = types_text(t, btf_members(type)[i].name_off);
	member_place(type, i, 0, ret);
	return true;
}

bool types_is_section(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, id);

	return type && btf_is_datasec(type);
}

bool types_section_at(const struct types *t, uint32_t id, unsigned int i,
		      struct section_variable *ret)
{
	const struct btf_type *type = types_raw(t, id), *variable;

	if (!type || !btf_is_datasec(type) || i >= btf_vlen(type))
		return false;
	*ret = (struct section_variable){.name = "", .offset = btf_var_secinfos(type)[i].offset};
	variable = types_raw(t, btf_var_secinfos(type)[i].type);
	/* Anything else than a variable has neither name nor value here. */
	if (variable && btf_is_var(variable)) {
		ret->name = types_text(t, variable->name_off);
		ret->type = variable->type;
	}
	return true;
}

int64_t types_offset(const struct types *t, const char *struct_name, const char *path)
{
	struct member m;
	uint32_t id;
	struct err *err = types_parse(t, struct_name, &id);

	if (!err)
		err = types_member(t, id, path, &m);
	if (err) {
		err_free(err);
		return -1;
	}
	return (int64_t)(m.bit_offset / 8);
}

static int64_t enumerator(const struct types *t, const struct btf_type *type, uint32_t i,
			  const char **name)
{
	if (btf_is_enum64(type)) {
		*name = types_text(t, btf_enum64(type)[i].name_off);
		return (int64_t)btf_enum64_value(&btf_enum64(type)[i]);
	}
	*name = types_text(t, btf_enum(type)[i].name_off);
	return btf_kflag(type) ? btf_enum(type)[i].val : (int64_t)(uint32_t)btf_enum(type)[i].val;
}

static bool find_enumerator(const struct types *t, const struct btf_type *type, const char *wanted,
			    int64_t *ret)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *name;
		int64_t value = enumerator(t, type, i, &name);

		if (strcmp(name, wanted) != 0)
			continue;
		*ret = value;
		return true;
	}
	return false;
}

struct err *types_constant(const struct types *t, const char *name, int64_t *ret,
			   bool *ret_unsigned)
{
	for (uint32_t i = 0; *name && i < t->enum_count; i++) {
		const struct btf_type *type = types_raw(t, t->enums[i]);

		if (!find_enumerator(t, type, name, ret))
			continue;
		/* As the compiler types them: what int can hold is int. */
		*ret_unsigned = btf_is_enum64(type) && !btf_kflag(type);
		return NULL;
	}
	return err_new(ERR_NOT_FOUND, "no enumerator '%s'", name);
}

struct err *types_enumerator(const struct types *t, const char *name, int64_t *ret)
{
	bool is_unsigned;

	return types_constant(t, name, ret, &is_unsigned);
}

static const struct btf_type *enumeration(const struct types *t, uint32_t id)
{
	const struct btf_type *type = types_raw(t, types_resolve(t, id));

	return type && btf_is_any_enum(type) ? type : NULL;
}

const char *types_enum_name(const struct types *t, uint32_t id, int64_t value)
{
	const struct btf_type *type = enumeration(t, id);

	for (uint32_t i = 0; type && i < btf_vlen(type); i++) {
		const char *name;

		if (enumerator(t, type, i, &name) == value)
			return name;
	}
	return NULL;
}

struct err *types_enum_value(const struct types *t, uint32_t id, const char *name, int64_t *ret)
{
	const struct btf_type *type = enumeration(t, id);
	struct str text = {0}, type_name = {0};
	struct nearest near;
	struct err *err;

	if (type && find_enumerator(t, type, name, ret))
		return NULL;
	nearest_init(&near, name);
	for (uint32_t i = 0; type && i < btf_vlen(type); i++) {
		const char *candidate;

		enumerator(t, type, i, &candidate);
		nearest_offer(&near, candidate);
	}
	nearest_add(&near, &text);
	types_name(t, id, &type_name);
	err = err_new(ERR_NOT_FOUND, "%s has no enumerator '%s'%s", str_text(&type_name), name,
		      str_text(&text));
	str_deinit(&text);
	str_deinit(&type_name);
	return err;
}
