/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dispatch queues: the kernel's own, and those that a sched_ext scheduler made, from the hash
 * table they are found in. */
#include "coord/model_impl.h"
#include "coord/walk.h"

#include <stdlib.h>

#define MAX_DSQS 65536u
#define MAX_NODES 1024u

struct dsq_walk {
	struct kernel *kernel;
	const struct model_layout *l;
	struct model_dsq *dsqs;
	unsigned int count, size;
	bool failed; /* memory ran out */
};

static bool add_dsq(struct dsq_walk *w, uint64_t address, enum dsq_kind kind, int cpu, int node)
{
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
	w->dsqs[w->count] = (struct model_dsq){
		.address = address,
		.kind = kind,
		.cpu = cpu,
		.node = node,
		.id = object_read(&dsq, &w->l->dsq_id),
		.nr = (unsigned int)object_read(&dsq, &w->l->dsq_nr),
	};
	w->count += !dsq.faulted;
	return true;
}

static bool visit_dsq(void *context, uint64_t address)
{
	return add_dsq(context, address, DSQ_USER, -1, -1);
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

static void add_user(struct dsq_walk *w, const struct model *m, struct str *damage)
{
	uint64_t table = table_address(m);
	unsigned int first = w->count;
	struct str s = {0};
	struct walk walk;

	if (!table || !w->l->dsq_hash_node.present)
		return;
	walk = walk_rhashtable(w->kernel, table, w->l->dsq_hash_node.offset, MAX_DSQS, visit_dsq,
			       w);
	walk_describe(&walk, &s);
	if (s.len)
		str_addf(damage, "table of dispatch queues%s", str_text(&s));
	str_deinit(&s);
	if (w->count > first)
		qsort(w->dsqs + first, w->count - first, sizeof(*w->dsqs), by_id);
}

static bool add_local(struct dsq_walk *w, const struct model *m)
{
	const struct field *local = &w->l->rq_local_dsq;

	for (unsigned int i = 0; i < m->cpu_count && local->present; i++)
		if (m->cpus[i].rq &&
		    !add_dsq(w, m->cpus[i].rq + local->offset, DSQ_LOCAL, (int)i, -1))
			return false;
	return true;
}

static unsigned int node_count(struct kernel *k, const struct model_layout *l)
{
	uint32_t count = 1;

	if (l->nr_node_ids)
		err_free(kernel_read_u32(k, l->nr_node_ids, &count));
	return count < MAX_NODES ? count : MAX_NODES;
}

/* An array of pointers by node: to queues, or since 7.1 to what an instance keeps for a node. */
static bool add_global(struct dsq_walk *w, const struct model *m)
{
	const struct model_layout *l = w->l;
	uint64_t array = 0, offset = 0;
	struct object root;

	object_init(&root, w->kernel, m->scx.root);
	if (m->scx.root && l->scx_pnode.present) {
		array = object_read(&root, &l->scx_pnode);
		offset = l->pnode_global.offset;
	} else if (m->scx.root) {
		array = object_read(&root, &l->scx_global_dsqs);
	}
	if (!array && l->scx_old_global_dsqs)
		err_free(kernel_read_u64(w->kernel, l->scx_old_global_dsqs, &array));
	for (unsigned int node = 0; array && node < node_count(w->kernel, l); node++) {
		uint64_t address = 0;

		err_free(kernel_read_u64(w->kernel, array + node * 8ull, &address));
		if (address && !add_dsq(w, address + offset, DSQ_GLOBAL, -1, (int)node))
			return false;
	}
	return true;
}

/* A queue of the bypass for each CPU: in the run queue, or since 7.1 with the instance. */
static bool add_bypass(struct dsq_walk *w, const struct model *m)
{
	const struct model_layout *l = w->l;
	struct object root;
	uint64_t pcpu;

	object_init(&root, w->kernel, m->scx.root);
	pcpu = m->scx.root ? object_read(&root, &l->scx_pcpu) : 0;
	for (unsigned int i = 0; i < m->cpu_count; i++) {
		uint64_t address = 0;

		if (l->rq_bypass_dsq.present && m->cpus[i].rq)
			address = m->cpus[i].rq + l->rq_bypass_dsq.offset;
		else if (l->pcpu_bypass_dsq.present && pcpu)
			err_free(kernel_percpu(w->kernel, pcpu + l->pcpu_bypass_dsq.offset, i,
					       &address));
		if (address && !add_dsq(w, address, DSQ_BYPASS, (int)i, -1))
			return false;
	}
	return true;
}

static struct err *finish(struct dsq_walk *w, struct model_dsq **ret, unsigned int *ret_count)
{
	if (w->failed) {
		free(w->dsqs);
		return err_nomem();
	}
	*ret = w->dsqs;
	*ret_count = w->count;
	return NULL;
}

struct err *model_dsqs(struct kernel *k, const struct model *m, struct model_dsq **ret,
		       unsigned int *ret_count, struct str *damage)
{
	struct dsq_walk w = {.kernel = k, .l = m->layout};

	add_user(&w, m, damage);
	return finish(&w, ret, ret_count);
}

struct err *model_all_dsqs(struct kernel *k, const struct model *m, struct model_dsq **ret,
			   unsigned int *ret_count, struct str *damage)
{
	struct dsq_walk w = {.kernel = k, .l = m->layout};

	if (add_local(&w, m) && add_global(&w, m) && add_bypass(&w, m))
		add_user(&w, m, damage);
	return finish(&w, ret, ret_count);
}
