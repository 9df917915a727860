/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/btf_check.h"
#include "coord/types_private.h"

#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

struct check {
	const uint8_t *types, *types_end;
	const char *strings;
	uint32_t strings_len;
	const struct btf_type **list; /* by id; [0] is void */
	uint32_t count;
};

static struct err *bad(uint32_t id, const char *what)
{
	return err_new(ERR_BAD_DATA, "BTF type %u: %s", id, what);
}

static struct err *check_header(const void *data, size_t len, struct check *c)
{
	struct btf_header h;
	uint64_t types_end, strings_end;

	if (len < sizeof(h))
		return err_new(ERR_BAD_DATA, "BTF: %zu bytes are no header", len);
	memcpy(&h, data, sizeof(h));
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION)
		return err_new(ERR_BAD_DATA, "BTF: magic 0x%x, version %u instead of 0x%x, %u",
			       h.magic, h.version, BTF_MAGIC, BTF_VERSION);
	types_end = (uint64_t)h.hdr_len + h.type_off + h.type_len;
	strings_end = (uint64_t)h.hdr_len + h.str_off + h.str_len;
	if (h.hdr_len < sizeof(h) || types_end > len || strings_end > len || h.type_off % 4 ||
	    h.hdr_len % 4 || h.str_off < (uint64_t)h.type_off + h.type_len)
		return err_new(ERR_BAD_DATA, "BTF: its sections do not fit in %zu bytes", len);
	c->types = (const uint8_t *)data + h.hdr_len + h.type_off;
	c->types_end = c->types + h.type_len;
	c->strings = (const char *)data + h.hdr_len + h.str_off;
	c->strings_len = h.str_len;
	if (!h.str_len || c->strings[0] || c->strings[h.str_len - 1])
		return err_new(ERR_BAD_DATA, "BTF: the strings do not start and end with a NUL");
	return NULL;
}

/* Bytes that follow a type's record; false for a kind that is not known. */
static bool extra_size(const struct btf_type *t, size_t *ret)
{
	size_t n = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		*ret = sizeof(uint32_t);
		return true;
	case BTF_KIND_ARRAY:
		*ret = sizeof(struct btf_array);
		return true;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		*ret = n * sizeof(struct btf_member);
		return true;
	case BTF_KIND_ENUM:
		*ret = n * sizeof(struct btf_enum);
		return true;
	case BTF_KIND_ENUM64:
		*ret = n * sizeof(struct btf_enum64);
		return true;
	case BTF_KIND_FUNC_PROTO:
		*ret = n * sizeof(struct btf_param);
		return true;
	case BTF_KIND_VAR:
		*ret = sizeof(struct btf_var);
		return true;
	case BTF_KIND_DATASEC:
		*ret = n * sizeof(struct btf_var_secinfo);
		return true;
	case BTF_KIND_DECL_TAG:
		*ret = sizeof(struct btf_decl_tag);
		return true;
	default:
		*ret = 0;
		return btf_kind(t) != BTF_KIND_UNKN && btf_kind(t) <= BTF_KIND_ENUM64;
	}
}

static struct err *list_types(struct check *c)
{
	const uint8_t *at = c->types;
	uint32_t id = 1;
	size_t extra;

	for (; at < c->types_end; id++) {
		const struct btf_type *t = (const void *)at;

		if ((size_t)(c->types_end - at) < sizeof(*t))
			return bad(id, "cut off");
		if (!extra_size(t, &extra))
			return bad(id, "its kind is not known");
		if ((size_t)(c->types_end - at) - sizeof(*t) < extra)
			return bad(id, "cut off");
		c->list[id] = t;
		at += sizeof(*t) + extra;
	}
	c->count = id;
	return NULL;
}

/* Kinds whose `type` field names another type; 0 where it is a size. */
static uint32_t target_of(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FUNC_PROTO:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_TYPE_TAG:
		return t->type;
	case BTF_KIND_ARRAY:
		return btf_array(t)->type;
	default:
		return 0;
	}
}

/* What a value of this type is made of without a pointer between; 0 ends the chain. */
static uint32_t chain_next(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_ARRAY:
		return target_of(t);
	default:
		return 0;
	}
}

static bool is_name(const struct check *c, uint32_t name_off)
{
	return name_off < c->strings_len;
}

static struct err *check_members(const struct check *c, uint32_t id)
{
	const struct btf_type *t = c->list[id];
	bool ok = true;

	for (uint32_t i = 0; i < btf_vlen(t) && ok; i++) {
		switch (btf_kind(t)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			ok = btf_members(t)[i].type < c->count &&
			     is_name(c, btf_members(t)[i].name_off);
			break;
		case BTF_KIND_ENUM:
			ok = is_name(c, btf_enum(t)[i].name_off);
			break;
		case BTF_KIND_ENUM64:
			ok = is_name(c, btf_enum64(t)[i].name_off);
			break;
		case BTF_KIND_FUNC_PROTO:
			ok = btf_params(t)[i].type < c->count &&
			     is_name(c, btf_params(t)[i].name_off);
			break;
		case BTF_KIND_DATASEC:
			ok = btf_var_secinfos(t)[i].type < c->count;
			break;
		}
	}
	return ok ? NULL : bad(id, "a member's name or type is out of range");
}

static struct err *check_type(const struct check *c, uint32_t id)
{
	const struct btf_type *t = c->list[id];
	unsigned int steps = 0;

	if (!is_name(c, t->name_off))
		return bad(id, "its name is out of range");
	if (target_of(t) >= c->count ||
	    (btf_kind(t) == BTF_KIND_ARRAY && btf_array(t)->index_type >= c->count))
		return bad(id, "it refers to a type that does not exist");
	for (uint32_t next = id; next; next = chain_next(c->list[next])) {
		if (++steps > TYPES_CHAIN)
			return bad(id, "it refers to itself, or is nested too deep");
		if (chain_next(c->list[next]) >= c->count)
			return bad(next, "it refers to a type that does not exist");
	}
	return check_members(c, id);
}

struct err *btf_check(const void *data, size_t len)
{
	struct check c = {0};
	struct err *err;

	ERR_TRY(check_header(data, len, &c));
	/* No record is smaller than its head, so there are at most this many. */
	c.list = malloc(((size_t)(c.types_end - c.types) / sizeof(struct btf_type) + 2) *
			sizeof(*c.list));
	if (!c.list)
		return err_nomem();
	err = list_types(&c);
	for (uint32_t id = 1; id < c.count && !err; id++)
		err = check_type(&c, id);
	free(c.list);
	return err;
}
