/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/changes.h"

#include <stdlib.h>
#include <string.h>

/* The bytes to put back, for writes of the present epoch only. */
struct undo_entry {
	uint64_t address;
	uint32_t len;
	uint64_t group;
	uint64_t sequence; /* of its change, counted since boot */
	uint8_t old[COLD_BYTES_MAX];
};

struct changes {
	struct cold_change *log;
	unsigned int log_count, log_size;
	uint64_t log_first;	 /* sequence number of log[0] */
	struct undo_entry *undo; /* kept groups, then the open one */
	unsigned int undo_count, undo_size;
	unsigned int kept; /* how many of `undo` belong to kept groups */
	uint64_t group;	   /* number of the open group */
	uint64_t epoch;	   /* that all kept groups were made in */
};

struct err *changes_create(struct changes **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? NULL : err_nomem();
}

void changes_destroy(struct changes *c)
{
	if (!c)
		return;
	free(c->log);
	free(c->undo);
	free(c);
}

/* Room for one more element of `element` bytes. */
static void *grow(void *array, unsigned int count, unsigned int *size, size_t element)
{
	unsigned int wanted = *size ? *size * 2 : 16;
	void *grown;

	if (count < *size)
		return array;
	grown = realloc(array, wanted * element);
	if (grown)
		*size = wanted;
	return grown;
}

/* Half at a time, so that a long session does not move the whole log at every write. */
static void shorten_log(struct changes *c)
{
	unsigned int half = CHANGES_MAX / 2;

	if (c->log_count < CHANGES_MAX)
		return;
	memmove(c->log, c->log + half, (c->log_count - half) * sizeof(*c->log));
	c->log_count -= half;
	c->log_first += half;
}

struct err *changes_add(struct changes *c, const struct written *w)
{
	struct cold_change *log;
	struct undo_entry *undo;

	shorten_log(c);
	log = grow(c->log, c->log_count, &c->log_size, sizeof(*log));
	if (!log)
		return err_nomem();
	c->log = log;
	undo = grow(c->undo, c->undo_count, &c->undo_size, sizeof(*undo));
	if (!undo)
		return err_nomem();
	c->undo = undo;
	undo += c->undo_count++;
	undo->address = w->address;
	undo->len = w->len;
	undo->group = c->group;
	undo->sequence = c->log_first + c->log_count;
	memcpy(undo->old, w->old, w->len);
	c->log[c->log_count++] = w->change;
	return NULL;
}

void changes_keep(struct changes *c, uint64_t epoch)
{
	/* Older groups cannot be taken back any more: the guest has run on their values. */
	if (epoch != c->epoch && c->kept) {
		memmove(c->undo, c->undo + c->kept, (c->undo_count - c->kept) * sizeof(*c->undo));
		c->undo_count -= c->kept;
	}
	c->epoch = epoch;
	c->kept = c->undo_count;
	c->group++;
}

static struct err *put_back(struct kernel *k, const struct undo_entry *u)
{
	return kernel_write(k, u->address, u->old, u->len);
}

struct err *changes_roll_back(struct changes *c, struct kernel *k)
{
	struct err *first = NULL;

	while (c->undo_count > c->kept) {
		struct err *err = put_back(k, &c->undo[--c->undo_count]);

		c->log_count--;
		if (first)
			err_free(err);
		else
			first = err;
	}
	return first;
}

struct err *changes_undo(struct changes *c, struct kernel *k, uint64_t epoch, unsigned int *ret)
{
	unsigned int count = 0;
	uint64_t group;

	if (c->kept == 0)
		return err_new(ERR_NOT_FOUND, "nothing to undo");
	if (c->epoch != epoch)
		return err_new(ERR_REFUSED, "the guest has run since the last write");
	group = c->undo[c->kept - 1].group;
	while (c->kept && c->undo[c->kept - 1].group == group) {
		struct undo_entry *u = &c->undo[c->kept - 1];

		ERR_TRY(put_back(k, u));
		if (u->sequence >= c->log_first)
			c->log[u->sequence - c->log_first].undone = true;
		c->kept--;
		count++;
	}
	c->undo_count = c->kept;
	*ret = count;
	return NULL;
}

const struct cold_change *changes_list(const struct changes *c, unsigned int *ret_count)
{
	*ret_count = c->log_count;
	return c->log;
}
