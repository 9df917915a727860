/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/path.h"

#include "coord/types.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct path_walk {
	struct kernel *kernel;
	const struct types *types;
	const char *path; /* the whole, for messages */
	const char *at;	  /* what is left of it */
	struct place *place;
};

static struct err *malformed(const struct path_walk *w, const char *wanted)
{
	return err_new(ERR_USAGE, "field path '%s': %s at '%s'", w->path, wanted, w->at);
}

/* The path up to where the walk stands, for messages. */
static int walked(const struct path_walk *w)
{
	return (int)(w->at - w->path);
}

/* When the place is a pointer, go where it points to. */
static struct err *follow(struct path_walk *w)
{
	struct place *p = w->place;
	uint64_t target;
	struct err *err;

	if (types_kind(w->types, p->type) != TYPE_POINTER)
		return NULL;
	err = kernel_read_u64(w->kernel, p->address, &target);
	if (!err && !target)
		err = err_fault(0);
	if (err)
		return err_wrap(err, "%.*s", walked(w), w->path);
	p->address = target;
	p->type = types_target(w->types, p->type);
	return NULL;
}

static struct err *take_name(struct path_walk *w, char *name, size_t size)
{
	size_t len = 0;

	if (!isalpha((unsigned char)w->at[0]) && w->at[0] != '_')
		return malformed(w, "a member name is expected");
	while (isalnum((unsigned char)w->at[len]) || w->at[len] == '_')
		len++;
	if (len >= size)
		return malformed(w, "the name is too long");
	memcpy(name, w->at, len);
	name[len] = '\0';
	w->at += len;
	return NULL;
}

static bool is_composite(const struct types *t, uint32_t type)
{
	enum type_kind kind = types_kind(t, type);

	return kind == TYPE_STRUCT || kind == TYPE_UNION;
}

static struct err *not_composite(const struct path_walk *w, const char *name)
{
	struct str type = {0};
	struct err *err;

	types_name(w->types, w->place->type, &type);
	err = err_new(ERR_USAGE, "field path '%s': %s has no members, so no %s", w->path,
		      w->place->type ? str_text(&type) : "void", name);
	str_deinit(&type);
	return err;
}

static struct err *step_member(struct path_walk *w)
{
	struct place *p = w->place;
	struct path_step *step = &p->steps[p->step_count];
	struct member member;
	char name[64];

	ERR_TRY(follow(w));
	ERR_TRY(take_name(w, name, sizeof(name)));
	if (!is_composite(w->types, p->type))
		return not_composite(w, name);
	if (p->bit_size || p->step_count == PATH_STEPS)
		return malformed(w, "the path is too long");
	ERR_TRY(types_member(w->types, p->type, name, &member));
	*step = (struct path_step){
		.parent = p->type, .parent_address = p->address, .type = member.type};
	strcpy(step->name, name);
	p->step_count++;
	p->address += member.bit_offset / 8;
	p->bit_offset = member.bit_size ? (uint32_t)(member.bit_offset % 8) : 0;
	p->bit_size = member.bit_size;
	p->type = member.type;
	return NULL;
}

static struct err *take_index(struct path_walk *w, uint64_t *ret)
{
	char *end;

	w->at++;
	if (!isdigit((unsigned char)w->at[0]))
		return malformed(w, "an index is expected");
	errno = 0;
	*ret = strtoull(w->at, &end, w->at[0] == '0' && (w->at[1] | 32) == 'x' ? 16 : 10);
	if (errno || *end != ']')
		return malformed(w, "an index and ']' are expected");
	w->at = end + 1;
	return NULL;
}

static struct err *step_index(struct path_walk *w)
{
	struct place *p = w->place;
	const char *start = w->at;
	uint64_t index = 0, count, size;
	bool is_array = types_kind(w->types, p->type) == TYPE_ARRAY;

	if (!is_array && types_kind(w->types, p->type) != TYPE_POINTER)
		return malformed(w, "neither an array nor a pointer to index");
	count = is_array ? types_count(w->types, p->type) : 0;
	if (!is_array)
		ERR_TRY(follow(w));
	else
		p->type = types_target(w->types, p->type);
	ERR_TRY(take_index(w, &index));
	/* A length of 0 is a flexible array: its end is not known. */
	if (is_array && count && index >= count)
		return err_new(ERR_NOT_FOUND,
			       "field path '%s': index %llu of '%.*s' is past its %llu elements",
			       w->path, (unsigned long long)index, (int)(start - w->path), w->path,
			       (unsigned long long)count);
	size = types_size(w->types, p->type);
	if (!size || index > UINT32_MAX)
		return malformed(w, "elements without a size");
	p->address += index * size;
	return NULL;
}

struct err *path_resolve(struct kernel *k, uint32_t type, uint64_t address, const char *path,
			 struct place *ret)
{
	struct path_walk w = {
		.kernel = k, .types = kernel_types(k), .path = path, .at = path, .place = ret};

	*ret = (struct place){.address = address, .type = type};
	if (!path[0])
		return NULL;
	if (path[0] != '[') {
		w.at += path[0] == '.';
		ERR_TRY(step_member(&w));
	}
	while (w.at[0]) {
		if (w.at[0] == '[') {
			ERR_TRY(step_index(&w));
			continue;
		}
		if (w.at[0] == '.')
			w.at++;
		else if (w.at[0] == '-' && w.at[1] == '>')
			w.at += 2;
		else
			return malformed(&w, "'.', '->' or '[' is expected");
		ERR_TRY(step_member(&w));
	}
	return NULL;
}
