/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbol tables of any content: look-ups stay inside them. */
#include "tests/fuzz/fuzz.h"

#include "coord/kallsyms.h"

/* The input is cut into tables of exact size, so that a read past one is seen. */
struct input {
	const uint8_t *at;
	size_t left;
};

static void *take(struct input *in, size_t len)
{
	uint8_t *copy = calloc(1, len ? len : 1);
	size_t have = len < in->left ? len : in->left;

	if (!copy)
		abort();
	if (have)
		memcpy(copy, in->at, have);
	in->at += have;
	in->left -= have;
	return copy;
}

static void use(const struct kallsyms *ks)
{
	char name[KALLSYMS_NAME], kind;
	unsigned int found;

	for (unsigned int i = 0; i < kallsyms_count(ks); i++) {
		size_t len = kallsyms_name(ks, i, name, &kind);

		if (strlen(name) > len || len >= sizeof(name))
			abort();
		kallsyms_find(ks, name, &found);
		if (!kallsyms_find_address(ks, kallsyms_address(ks, i), &found) || found > i)
			abort(); /* the first symbol at this address, which is at or before this one
				  */
		kallsyms_span(ks, i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct kallsyms_tables t = {.anchor = "_stext",
				    .anchor_address = 0xffffffff81000000ull,
				    .offsets_address = 0xffffffff82000000ull,
				    .relative_base = 0xffffffff81000000ull};
	uint8_t *head = take(&in, 4);
	uint16_t *index = take(&in, 512);
	struct kallsyms *ks;
	struct err *err;

	t.count = head[0];
	t.has_relative_base = head[1] & 1;
	t.names_len = head[2] * 8u;
	t.tokens_len = head[3] * 4u;
	/* Most inputs would fail at the tokens: half of them get tokens of one character each. */
	if (head[1] & 2) {
		t.tokens_len = 512;
		for (unsigned int i = 0; i < 256; i++)
			index[i] = (uint16_t)(2 * i);
	}
	t.token_index = index;
	t.names = take(&in, t.names_len);
	t.offsets = take(&in, 4u * t.count);
	t.tokens = take(&in, t.tokens_len);
	for (unsigned int i = 0; head[1] & 2 && i < 512; i++)
		((char *)t.tokens)[i] = i % 2 ? '\0' : (char)(i / 2);
	err = kallsyms_create(&t, &ks);
	if (!err) {
		use(ks);
		kallsyms_destroy(ks);
	}
	err_free(err);
	free(head);
	free(index);
	free((void *)t.names);
	free((void *)t.offsets);
	free((void *)t.tokens);
	return 0;
}
