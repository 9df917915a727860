/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/replies.h"

#include <stdlib.h>
#include <string.h>

/* A value without its long string. */
struct packed_value {
	enum value_kind kind;
	uint32_t type, bit_offset, bit_size;
	uint64_t address, number;
	bool is_unsigned;
};

/* The strings follow in `texts`, each with its NUL: tag, type, note, text, old text, and the
 * strings of value and old. */
#define TEXTS 7
struct packed {
	bool is_write, hot, queued, dry_run;
	struct packed_value value, old;
	char texts[];
};

struct replies {
	struct packed **ring;
	unsigned int capacity;
	/* Sequence numbers: kept are [first, end), drained those below `drained`. */
	uint64_t first, drained, end;
	uint64_t lost;
};

struct err *replies_create(unsigned int capacity, struct replies **ret)
{
	struct replies *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem();
	r->capacity = capacity;
	r->ring = calloc(capacity, sizeof(struct packed *));
	if (!r->ring) {
		free(r);
		return err_nomem();
	}
	*ret = r;
	return NULL;
}

static struct packed **slot(const struct replies *r, uint64_t sequence)
{
	return &r->ring[sequence % r->capacity];
}

void replies_destroy(struct replies *r)
{
	if (!r)
		return;
	for (uint64_t i = r->first; i < r->end; i++)
		free(*slot(r, i));
	free(r->ring);
	free(r);
}

static struct packed_value pack_value(const struct value *v)
{
	return (struct packed_value){
		.kind = v->kind,
		.type = v->type,
		.bit_offset = v->bit_offset,
		.bit_size = v->bit_size,
		.address = v->address,
		.number = v->number,
		.is_unsigned = v->is_unsigned,
	};
}

static void unpack_value(const struct packed_value *p, struct value *ret)
{
	*ret = (struct value){
		.kind = p->kind,
		.type = p->type,
		.bit_offset = p->bit_offset,
		.bit_size = p->bit_size,
		.address = p->address,
		.number = p->number,
		.is_unsigned = p->is_unsigned,
	};
}

static struct packed *pack(const struct cold_reply *reply)
{
	const char *texts[TEXTS] = {reply->tag,	      reply->type,     reply->note,
				    reply->text,      reply->old_text, reply->value.string,
				    reply->old.string};
	size_t size = sizeof(struct packed);
	struct packed *p;
	char *at;

	for (int i = 0; i < TEXTS; i++)
		size += strlen(texts[i]) + 1;
	p = malloc(size);
	if (!p)
		return NULL;
	p->is_write = reply->is_write;
	p->hot = reply->hot;
	p->queued = reply->queued;
	p->dry_run = reply->dry_run;
	p->value = pack_value(&reply->value);
	p->old = pack_value(&reply->old);
	at = p->texts;
	for (int i = 0; i < TEXTS; i++)
		at = stpcpy(at, texts[i]) + 1;
	return p;
}

static void unpack(const struct packed *p, struct cold_reply *ret)
{
	char *texts[TEXTS] = {ret->tag,	     ret->type,		ret->note,	ret->text,
			      ret->old_text, ret->value.string, ret->old.string};
	const char *at = p->texts;

	ret->is_write = p->is_write;
	ret->hot = p->hot;
	ret->queued = p->queued;
	ret->dry_run = p->dry_run;
	unpack_value(&p->value, &ret->value);
	unpack_value(&p->old, &ret->old);
	for (int i = 0; i < TEXTS; i++) {
		strcpy(texts[i], at);
		at += strlen(at) + 1;
	}
}

static void drop_oldest(struct replies *r)
{
	free(*slot(r, r->first));
	if (r->drained == r->first) {
		r->drained++;
		r->lost++;
	}
	r->first++;
}

struct err *replies_add(struct replies *r, const struct cold_reply *reply)
{
	struct packed *p = pack(reply);

	if (!p)
		return err_nomem();
	if (r->end - r->first == r->capacity)
		drop_oldest(r);
	*slot(r, r->end++) = p;
	return NULL;
}

bool replies_next(struct replies *r, struct cold_reply *ret)
{
	if (r->drained == r->end)
		return false;
	unpack(*slot(r, r->drained++), ret);
	return true;
}

bool replies_find(const struct replies *r, const char *tag, struct cold_reply *ret)
{
	for (uint64_t i = r->end; i > r->first; i--) {
		const struct packed *p = *slot(r, i - 1);

		/* The tag is the first text. */
		if (p->texts[0] && strcmp(p->texts, tag) == 0) {
			unpack(p, ret);
			return true;
		}
	}
	return false;
}

uint64_t replies_lost(const struct replies *r)
{
	return r->lost;
}
