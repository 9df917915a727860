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

/* Tokens of one character each. */
static void plain_tokens(struct kallsyms_tables *t, uint16_t *index, char *tokens)
{
	t->tokens_len = 512;
	for (unsigned int i = 0; i < 256; i++) {
		index[i] = (uint16_t)(2 * i);
		tokens[2 * i] = (char)i;
		tokens[2 * i + 1] = '\0';
	}
}

/* A first symbol that is the anchor, and addresses that ascend from it. */
static void plain_addresses(struct kallsyms_tables *t, uint8_t *names, int32_t *offsets)
{
	static const char anchor[] = "\7T_stext";

	if (t->names_len < sizeof(anchor) - 1 || t->count == 0)
		return;
	memcpy(names, anchor, sizeof(anchor) - 1);
	t->has_relative_base = true;
	offsets[0] = 0;
	for (uint32_t i = 1; i < t->count; i++)
		offsets[i] = offsets[i - 1] + (offsets[i] & 0xff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct kallsyms_tables t = {.anchor = "_stext",
				    .anchor_address = 0xffffffff81000000ull,
				    .offsets_address = 0xffffffff82000000ull,
				    .relative_base = 0xffffffff81000000ull};
	uint8_t *head = take(&in, 4), *names;
	int32_t *offsets;
	char *tokens;
	uint16_t *index;
	struct kallsyms *ks;
	struct err *err;

	t.count = head[0];
	t.has_relative_base = head[1] & 1;
	t.names_len = head[2] * 8u;
	t.tokens_len = head[3] * 4u;
	names = take(&in, t.names_len);
	offsets = take(&in, 4u * t.count);
	index = take(&in, 512);
	tokens = take(&in, head[1] & 2 ? 512 : t.tokens_len);
	/* Most inputs would fail at the tokens or at the addresses: some get good ones. */
	if (head[1] & 2)
		plain_tokens(&t, index, tokens);
	if (head[1] & 4)
		plain_addresses(&t, names, offsets);
	t.names = names;
	t.offsets = offsets;
	t.token_index = index;
	t.tokens = tokens;
	err = kallsyms_create(&t, &ks);
	if (!err) {
		use(ks);
		kallsyms_destroy(ks);
	}
	err_free(err);
	free(head);
	free(names);
	free(offsets);
	free(index);
	free(tokens);
	return 0;
}
