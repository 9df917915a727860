/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dispatch queues that a sched_ext scheduler made, from the hash table they are found in. */
#include "coord/model_impl.h"
#include "coord/walk.h"

#include <stdlib.h>

#define MAX_DSQS 65536u

struct dsq_walk {
	struct kernel *kernel;
	const struct model_layout *l;
	struct model_dsq *dsqs;
	unsigned int count, size;
	bool failed; /* memory ran out */
};

static bool visit_dsq(void *context, uint64_t address)
{
	struct dsq_walk *w = context;
	struct object dsq;

	if (w->count == w->size) {
		unsigned int size = w->size ? w->size * 2 : 16;
		struct model_dsq *dsqs = realloc(w->dsqs, size * sizeof(*dsqs));

		if (!dsqs) {
			w->failed = true;
			return false;
		}
		w->dsqs = dsqs;
		w->size = size;
	}
	object_init(&dsq, w->kernel, address);
	w->dsqs[w->count++] = (struct model_dsq){
		.address = address,
		.id = object_read(&dsq, &w->l->dsq_id),
		.nr = (unsigned int)object_read(&dsq, &w->l->dsq_nr),
	};
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct model_dsq *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* 0 when no scheduler is loaded. */
static uint64_t table_address(const struct model *m)
{
	const struct model_layout *l = m->layout;

	if (m->scx.root && l->scx_dsq_hash.present)
		return m->scx.root + l->scx_dsq_hash.offset;
	return m->scx.ops[0] ? l->scx_old_dsq_hash : 0;
}

struct err *model_dsqs(struct kernel *k, const struct model *m, struct model_dsq **ret,
		       unsigned int *ret_count, struct str *damage)
{
	struct dsq_walk w = {.kernel = k, .l = m->layout};
	uint64_t table = table_address(m);

	if (table && w.l->dsq_hash_node.present) {
		struct walk walk = walk_rhashtable(k, table, w.l->dsq_hash_node.offset, MAX_DSQS,
						   visit_dsq, &w);
		struct str s = {0};

		walk_describe(&walk, &s);
		if (s.len)
			str_addf(damage, "table of dispatch queues%s", str_text(&s));
		str_deinit(&s);
	}
	if (w.failed) {
		free(w.dsqs);
		return err_nomem();
	}
	if (w.count)
		qsort(w.dsqs, w.count, sizeof(*w.dsqs), by_id);
	*ret = w.dsqs;
	*ret_count = w.count;
	return NULL;
}
