/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/kallsyms.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * What the 32-bit numbers mean:
 *   PLACE     relative to the number's own place (Linux 7.0)
 *   BASE      unsigned, above kallsyms_relative_base
 *   PERCPU    as BASE but negative, below base - 1; numbers from 0 on are absolute, per-CPU offsets
 *             (x86 until Linux 6.14, CONFIG_KALLSYMS_ABSOLUTE_PERCPU)
 */
enum encoding { ENCODING_PLACE, ENCODING_BASE, ENCODING_PERCPU, ENCODING_COUNT };

#define NONE UINT32_MAX

/*
 * Names are hashed as polynomials in HASH_BASE, because the hash of a text then follows from those
 * of its pieces: all names are hashed without being spelled out.
 */
#define HASH_BASE 0x100000001b3ull

struct piece {
	uint64_t hash;
	uint64_t power; /* HASH_BASE to the piece's length */
};

struct kallsyms {
	uint32_t count;
	enum encoding encoding;
	uint64_t offsets_address, relative_base;
	int32_t *offsets;
	uint8_t *names;
	uint32_t *name_at; /* where each symbol's name starts in `names` */
	char *tokens;
	uint16_t token_at[256], token_len[256];
	struct piece pieces[256], tails[256]; /* tokens, and tokens without their first character */
	uint32_t *heads; /* by hash of the name: first symbol, then by `next`; NONE ends */
	uint32_t *next;
	uint32_t hash_mask;
};

uint64_t kallsyms_address(const struct kallsyms *ks, unsigned int i)
{
	int32_t number = ks->offsets[i];

	switch (ks->encoding) {
	case ENCODING_PLACE:
		return ks->offsets_address + 4ull * i + (uint64_t)(int64_t)number;
	case ENCODING_PERCPU:
		if (number >= 0)
			return (uint64_t)number;
		return ks->relative_base - 1 - (uint64_t)(int64_t)number;
	default:
		return ks->relative_base + (uint32_t)number;
	}
}

unsigned int kallsyms_count(const struct kallsyms *ks)
{
	return ks->count;
}

/* The length field of a name, one byte or two (ULEB128); false past `end`. */
static bool name_header(const uint8_t **at, const uint8_t *end, size_t *ret_len)
{
	const uint8_t *p = *at;

	if (p >= end)
		return false;
	*ret_len = *p++;
	if (*ret_len & 0x80) {
		if (p >= end)
			return false;
		*ret_len = (*ret_len & 0x7f) | (size_t)*p++ << 7;
	}
	*at = p;
	return (size_t)(end - p) >= *ret_len;
}

size_t kallsyms_name(const struct kallsyms *ks, unsigned int i, char name[KALLSYMS_NAME],
		     char *kind)
{
	const uint8_t *at = ks->names + ks->name_at[i];
	size_t left = 0, len = 0;
	bool first = true;

	/* Checked when created; the same header cannot run past the end now. */
	if (!name_header(&at, at + 2 + UINT16_MAX, &left))
		left = 0;
	for (; left > 0; left--, at++) {
		const char *token = ks->tokens + ks->token_at[*at];
		size_t token_len = ks->token_len[*at];

		if (token_len && first) { /* the first character of all is the kind */
			if (kind)
				*kind = *token;
			token++;
			token_len--;
			first = false;
		}
		if (token_len > KALLSYMS_NAME - 1 - len)
			token_len = KALLSYMS_NAME - 1 - len;
		memcpy(name + len, token, token_len);
		len += token_len;
	}
	if (first && kind)
		*kind = '?';
	name[len] = '\0';
	return len;
}

static struct piece hash_piece(const char *text)
{
	struct piece p = {0, 1};

	for (; *text; text++) {
		p.hash = p.hash * HASH_BASE + (uint8_t)*text;
		p.power *= HASH_BASE;
	}
	return p;
}

static uint32_t bucket_of(const struct kallsyms *ks, uint64_t hash)
{
	return (uint32_t)((hash * 0x9e3779b97f4a7c15ull) >> 40) & ks->hash_mask;
}

/* The hash of symbol `i`'s name, that is without the kind in front of it. */
static uint64_t hash_name(const struct kallsyms *ks, uint32_t i)
{
	const uint8_t *at = ks->names + ks->name_at[i];
	bool first = true;
	uint64_t hash = 0;
	size_t left = 0;

	name_header(&at, at + 2 + UINT16_MAX, &left);
	for (; left > 0; left--, at++) {
		const struct piece *p = first ? &ks->tails[*at] : &ks->pieces[*at];

		first = first && ks->token_len[*at] == 0;
		hash = hash * p->power + p->hash;
	}
	return hash;
}

static struct err *copy_tokens(struct kallsyms *ks, const struct kallsyms_tables *t)
{
	ks->tokens = malloc(t->tokens_len + 1);
	if (!ks->tokens)
		return err_nomem();
	memcpy(ks->tokens, t->tokens, t->tokens_len);
	ks->tokens[t->tokens_len] = '\0';
	for (unsigned int i = 0; i < 256; i++) {
		size_t at = t->token_index[i], len;

		if (at >= t->tokens_len)
			return err_new(ERR_BAD_DATA,
				       "kallsyms: token %u lies outside the token table", i);
		len = strlen(ks->tokens + at);
		if (at + len >= t->tokens_len || len >= KALLSYMS_NAME)
			return err_new(ERR_BAD_DATA, "kallsyms: token %u has no end", i);
		ks->token_at[i] = (uint16_t)at;
		ks->token_len[i] = (uint16_t)len;
		ks->pieces[i] = hash_piece(ks->tokens + at);
		ks->tails[i] = hash_piece(ks->tokens + at + (len > 0));
	}
	return NULL;
}

static struct err *copy_names(struct kallsyms *ks, const struct kallsyms_tables *t)
{
	const uint8_t *at = t->names, *end = t->names + t->names_len;
	size_t used, len;

	ks->name_at = malloc(sizeof(*ks->name_at) * ks->count);
	if (!ks->name_at)
		return err_nomem();
	for (uint32_t i = 0; i < ks->count; i++) {
		ks->name_at[i] = (uint32_t)(at - t->names);
		if (!name_header(&at, end, &len) || len == 0)
			return err_new(ERR_BAD_DATA, "kallsyms: name %u of %u is cut off", i,
				       ks->count);
		at += len;
	}
	used = (size_t)(at - t->names);
	ks->names = malloc(used);
	if (!ks->names)
		return err_nomem();
	memcpy(ks->names, t->names, used);
	return NULL;
}

static struct err *build_index(struct kallsyms *ks)
{
	uint32_t buckets = 1024;

	while (buckets < ks->count / 2)
		buckets *= 2;
	ks->hash_mask = buckets - 1;
	ks->heads = malloc(sizeof(*ks->heads) * buckets);
	ks->next = malloc(sizeof(*ks->next) * ks->count);
	if (!ks->heads || !ks->next)
		return err_nomem();
	memset(ks->heads, 0xff, sizeof(*ks->heads) * buckets);
	for (uint32_t i = ks->count; i-- > 0;) { /* backwards, so that chains are in order */
		uint32_t *head = &ks->heads[bucket_of(ks, hash_name(ks, i))];

		ks->next[i] = *head;
		*head = i;
	}
	return NULL;
}

static bool is_anchored(const struct kallsyms *ks, unsigned int anchor, uint64_t address)
{
	if (kallsyms_address(ks, anchor) != address)
		return false;
	for (uint32_t i = 1; i < ks->count; i++)
		if (kallsyms_address(ks, i) < kallsyms_address(ks, i - 1))
			return false;
	return true;
}

/* The encoding under which the anchor is where it must be, and addresses ascend. */
static struct err *find_encoding(struct kallsyms *ks, const struct kallsyms_tables *t)
{
	unsigned int anchor;

	if (!kallsyms_find(ks, t->anchor, &anchor))
		return err_new(ERR_BAD_DATA, "kallsyms: no symbol %s among %u", t->anchor,
			       ks->count);
	for (int e = ENCODING_PLACE; e < ENCODING_COUNT; e++) {
		if (e != ENCODING_PLACE && !t->has_relative_base)
			continue;
		ks->encoding = (enum encoding)e;
		if (is_anchored(ks, anchor, t->anchor_address))
			return NULL;
	}
	return err_new(ERR_BAD_DATA, "kallsyms: the addresses make no sense (%s is not at 0x%llx)",
		       t->anchor, (unsigned long long)t->anchor_address);
}

static struct err *fill(struct kallsyms *ks, const struct kallsyms_tables *t)
{
	ks->count = t->count;
	ks->offsets_address = t->offsets_address;
	ks->relative_base = t->relative_base;
	ks->offsets = malloc(sizeof(*ks->offsets) * ks->count);
	if (!ks->offsets)
		return err_nomem();
	memcpy(ks->offsets, t->offsets, sizeof(*ks->offsets) * ks->count);
	ERR_TRY(copy_tokens(ks, t));
	ERR_TRY(copy_names(ks, t));
	ERR_TRY(build_index(ks));
	return find_encoding(ks, t);
}

struct err *kallsyms_create(const struct kallsyms_tables *tables, struct kallsyms **ret)
{
	struct kallsyms *ks;
	struct err *err;

	if (tables->count == 0 || tables->count > KALLSYMS_MAX)
		return err_new(ERR_BAD_DATA, "kallsyms: %u symbols", tables->count);
	ks = calloc(1, sizeof(*ks));
	if (!ks)
		return err_nomem();
	err = fill(ks, tables);
	if (err) {
		kallsyms_destroy(ks);
		return err;
	}
	*ret = ks;
	return NULL;
}

void kallsyms_destroy(struct kallsyms *ks)
{
	if (!ks)
		return;
	free(ks->offsets);
	free(ks->names);
	free(ks->name_at);
	free(ks->tokens);
	free(ks->heads);
	free(ks->next);
	free(ks);
}

bool kallsyms_find(const struct kallsyms *ks, const char *name, unsigned int *ret)
{
	char candidate[KALLSYMS_NAME], kind;
	uint32_t found = NONE;

	for (uint32_t i = ks->heads[bucket_of(ks, hash_piece(name).hash)]; i != NONE;
	     i = ks->next[i]) {
		kallsyms_name(ks, i, candidate, &kind);
		if (strcmp(candidate, name) != 0)
			continue;
		if (found == NONE || isupper((unsigned char)kind))
			found = i;
		if (isupper((unsigned char)kind))
			break;
	}
	if (found == NONE)
		return false;
	*ret = found;
	return true;
}

bool kallsyms_find_address(const struct kallsyms *ks, uint64_t address, unsigned int *ret)
{
	uint32_t low = 0, high = ks->count; /* the answer + 1 is in (low, high] */

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (kallsyms_address(ks, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	low--;
	while (low > 0 && kallsyms_address(ks, low - 1) == kallsyms_address(ks, low))
		low--;
	*ret = low;
	return true;
}

uint64_t kallsyms_span(const struct kallsyms *ks, unsigned int i)
{
	uint64_t address = kallsyms_address(ks, i);

	for (i++; i < ks->count; i++)
		if (kallsyms_address(ks, i) != address)
			return kallsyms_address(ks, i) - address;
	return 0;
}
