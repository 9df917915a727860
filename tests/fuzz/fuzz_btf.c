/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF of any content: refused, or every question about every type has an answer in bounded time. */
#include "tests/fuzz/fuzz.h"

#include "coord/types.h"

#include <linux/btf.h>

#define STRINGS "\0int\0x\0struct_name\0member\0"

static void use_type(const struct types *t, uint32_t id)
{
	struct str s = {0};
	struct member m;
	const char *name;
	int64_t value;

	types_size(t, id);
	types_signed(t, id);
	types_count(t, id);
	types_resolve(t, types_target(t, id));
	types_name(t, id, &s);
	err_free(types_print(t, id, &s));
	err_free(types_member(t, id, "member.x[3].member", &m));
	types_find_member(t, id, "x", &m);
	for (unsigned int i = 0; types_member_at(t, id, i, &name, &m); i++)
		types_find_member(t, id, name, &m);
	types_enum_name(t, id, 1);
	err_free(types_enum_value(t, id, "x", &value));
	str_deinit(&s);
}

static void use(const struct types *t)
{
	static const char *const names[] = {"int", "struct struct_name", "x *", "member [3]",
					    "unsigned"};
	int64_t value;
	uint32_t id;

	for (uint32_t i = 0; i < 64; i++)
		use_type(t, i);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		err_free(types_parse(t, names[i], &id));
	err_free(types_enumerator(t, "x", &value));
	err_free(types_variable(t, "x", &id));
}

/* As a header and strings around the input, which then is types; else most inputs fail at the
 * magic. */
static size_t wrap(const uint8_t *data, size_t size, uint8_t *ret)
{
	struct btf_header h = {.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h)};

	size -= size % 4;
	h.type_len = (uint32_t)size;
	h.str_off = (uint32_t)size;
	h.str_len = sizeof(STRINGS);
	memcpy(ret, &h, sizeof(h));
	if (size)
		memcpy(ret + sizeof(h), data, size);
	memcpy(ret + sizeof(h) + size, STRINGS, sizeof(STRINGS));
	return sizeof(h) + size + sizeof(STRINGS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	struct types *t;
	struct err *err;
	bool bare;

	if (size == 0 || size > 65536)
		return 0;
	bare = data[0] & 1;
	copy = malloc(size + sizeof(struct btf_header) + sizeof(STRINGS));
	if (!copy)
		abort();
	if (bare)
		memcpy(copy, data + 1, size - 1);
	err = types_create(copy, bare ? size - 1 : wrap(data + 1, size - 1, copy), &t);
	free(copy);
	if (!err) {
		use(t);
		types_destroy(t);
	}
	err_free(err);
	return 0;
}
