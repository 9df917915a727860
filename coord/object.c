/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/object.h"

#include <string.h>

#define PAGE 4096u
#define LINE 64u /* of a cache */

static bool find_one(const struct types *types, uint32_t id, const char *path, struct field *ret)
{
	struct member member;
	struct err *err = types_member(types, id, path, &member);

	if (err) {
		err_free(err);
		return false;
	}
	*ret = (struct field){
		.present = true,
		.is_signed = types_signed(types, member.type),
		.offset = (uint32_t)(member.bit_offset / 8),
		.size = (uint32_t)types_size(types, member.type),
		.type = member.type,
	};
	if (member.bit_size) {
		ret->bit_shift = (uint8_t)(member.bit_offset % 8);
		ret->bit_size = (uint8_t)member.bit_size;
	}
	return true;
}

void field_find(const struct types *types, const char *struct_name, const char *paths,
		struct field *ret)
{
	uint32_t id;
	struct err *err;

	*ret = (struct field){0};
	err = types_parse(types, struct_name, &id);
	if (err) {
		err_free(err);
		return;
	}
	while (*paths) {
		size_t len = strcspn(paths, "|");
		char path[128];

		if (len < sizeof(path)) {
			memcpy(path, paths, len);
			path[len] = '\0';
			if (find_one(types, id, path, ret))
				return;
		}
		paths += len + (paths[len] == '|');
	}
}

void object_init(struct object *o, struct kernel *kernel, uint64_t base)
{
	*o = (struct object){.kernel = kernel, .base = base};
}

/* Host address of [va, va + len) inside one page, NULL when it crosses pages or is not mapped. */
static const uint8_t *object_host(struct object *o, uint64_t va, uint32_t len)
{
	uint64_t slot = va / PAGE - o->base / PAGE;
	const uint8_t *page;

	if (va % PAGE + len > PAGE || va < o->base)
		return NULL;
	if (slot >= OBJECT_PAGES)
		return kernel_at(o->kernel, va, len);
	page = o->pages[slot];
	if (!page) {
		page = kernel_at(o->kernel, va - va % PAGE, PAGE);
		if (!page)
			return NULL;
		o->pages[slot] = page;
	}
	return page + va % PAGE;
}

void cache_lines_add(struct cache_lines *lines, const struct field *f)
{
	uint32_t offset = f->offset & ~(LINE - 1);

	if (!f->present || lines->count == CACHE_LINES_MAX)
		return;
	for (unsigned int i = 0; i < lines->count; i++)
		if (lines->offsets[i] == offset)
			return;
	lines->offsets[lines->count++] = offset;
}

void object_prefetch(struct object *o, const struct cache_lines *lines)
{
	for (unsigned int i = 0; i < lines->count; i++) {
		const uint8_t *host = object_host(o, o->base + lines->offsets[i], 1);

		if (host)
			__builtin_prefetch(host);
	}
}

static void object_copy(struct object *o, uint64_t va, void *buffer, uint32_t len)
{
	const uint8_t *host = object_host(o, va, len);
	struct err *err;

	if (host) {
		memcpy(buffer, host, len);
		return;
	}
	err = kernel_read(o->kernel, va, buffer, len);
	if (!err)
		return;
	memset(buffer, 0, len);
	if (!o->faulted) {
		o->faulted = true;
		o->fault = err_address(err);
	}
	err_free(err);
}

static uint64_t extend(uint64_t value, unsigned int bits, bool is_signed)
{
	if (bits >= 64)
		return value;
	value &= (1ull << bits) - 1;
	if (is_signed && value >> (bits - 1))
		value |= ~0ull << bits;
	return value;
}

uint64_t object_read_at(struct object *o, const struct field *f, uint64_t delta)
{
	uint32_t len = f->size > 8 ? 8 : f->size;
	uint64_t value = 0;

	if (!f->present)
		return 0;
	if (f->bit_size) {
		/* A bit-field reaches into at most one byte more than its bits fill. */
		len = ((uint32_t)f->bit_shift + f->bit_size + 7) / 8;
		object_copy(o, o->base + f->offset + delta, &value, len > 8 ? 8 : len);
		return extend(value >> f->bit_shift, f->bit_size, f->is_signed);
	}
	object_copy(o, o->base + f->offset + delta, &value, len);
	return extend(value, len * 8, f->is_signed);
}

uint64_t object_read(struct object *o, const struct field *f)
{
	return object_read_at(o, f, 0);
}

void object_bytes(struct object *o, const struct field *f, void *buffer, uint32_t len)
{
	if (f->present)
		object_copy(o, o->base + f->offset, buffer, len);
	else
		memset(buffer, 0, len);
}
