/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel objects by name: dispatch queues by id, cgroups by path. Both walk guest memory, which may
 * hold anything: every step is checked and bounded.
 */
#include "commands/expr_internal.h"

#include "coord/cgroup_find.h"

#include <string.h>

/* ---- dispatch queues ---- */

#define BUILTIN (1ULL << 63)
#define LOCAL_ON (1ULL << 62)
#define MAX_BUCKETS (1U << 20)
#define MAX_CHAIN 4096

/* Where this kernel keeps the parts of a resizable hash table of dispatch queues. */
struct dsq_layout {
	int64_t table;	 /* rhashtable.tbl */
	int64_t size;	 /* bucket_table.size */
	int64_t buckets; /* bucket_table.buckets */
	int64_t future;	 /* bucket_table.future_tbl: while it is being resized */
	int64_t node;	 /* scx_dispatch_q.hash_node */
	int64_t id;	 /* scx_dispatch_q.id */
};

static bool find_layout(const struct types *types, struct dsq_layout *l)
{
	*l = (struct dsq_layout){
		.table = types_offset(types, "rhashtable", "tbl"),
		.size = types_offset(types, "bucket_table", "size"),
		.buckets = types_offset(types, "bucket_table", "buckets"),
		.future = types_offset(types, "bucket_table", "future_tbl"),
		.node = types_offset(types, "scx_dispatch_q", "hash_node"),
		.id = types_offset(types, "scx_dispatch_q", "id"),
	};
	return l->table >= 0 && l->size >= 0 && l->buckets >= 0 && l->node >= 0 && l->id >= 0;
}

/* Address of the hash table: in the instance since 6.16, a static variable before. 0: none. */
static struct err *find_hash(struct kernel *k, uint64_t *ret)
{
	int64_t offset = types_offset(kernel_types(k), "scx_sched", "dsq_hash");
	uint64_t symbol, root;
	struct err *err = kernel_symbol(k, offset >= 0 ? "scx_root" : "dsq_hash", &symbol);

	*ret = 0;
	if (err) {
		err_free(err);
		return NULL;
	}
	if (offset < 0) {
		*ret = symbol;
		return NULL;
	}
	ERR_TRY(kernel_read_u64(k, symbol, &root));
	*ret = root ? root + (uint64_t)offset : 0;
	return NULL;
}

/*
 * One bucket's chain. Its head has a lock bit, its end is a "nulls" pointer, which has the lowest
 * bit set; a locked and an empty bucket both become 0 once that bit is taken away.
 */
static struct err *search_chain(struct kernel *k, const struct dsq_layout *l, uint64_t head,
				uint64_t id, bool *found, uint64_t *ret)
{
	uint64_t node = head & ~1ULL;

	for (unsigned int i = 0; node && !(node & 1); i++) {
		uint64_t dsq = node - (uint64_t)l->node, value;

		if (i == MAX_CHAIN)
			return err_new(ERR_BAD_DATA, "a chain of dispatch queues has no end");
		ERR_TRY(kernel_read_u64(k, dsq + (uint64_t)l->id, &value));
		if (value == id) {
			*found = true;
			*ret = dsq;
			return NULL;
		}
		ERR_TRY(kernel_read_u64(k, node, &node));
	}
	return NULL;
}

static struct err *search_table(struct kernel *k, const struct dsq_layout *l, uint64_t table,
				uint64_t id, bool *found, uint64_t *ret)
{
	uint32_t size;

	ERR_TRY(kernel_read_u32(k, table + (uint64_t)l->size, &size));
	if (size > MAX_BUCKETS)
		return err_new(ERR_BAD_DATA, "a table of dispatch queues with %u buckets", size);
	for (uint32_t i = 0; i < size && !*found; i++) {
		uint64_t head;

		ERR_TRY(kernel_read_u64(k, table + (uint64_t)l->buckets + i * 8ULL, &head));
		ERR_TRY(search_chain(k, l, head, id, found, ret));
	}
	return NULL;
}

static struct err *find_user_dsq(struct kernel *k, uint64_t id, bool *found, uint64_t *ret)
{
	uint64_t hash, table;
	struct dsq_layout l;

	if (!find_layout(kernel_types(k), &l))
		return NULL;
	ERR_TRY(find_hash(k, &hash));
	if (!hash)
		return NULL;
	ERR_TRY(kernel_read_u64(k, hash + (uint64_t)l.table, &table));
	/* While the table is being resized there are two. */
	for (unsigned int i = 0; i < 2 && table && !*found; i++) {
		ERR_TRY(search_table(k, &l, table, id, found, ret));
		if (l.future < 0)
			break;
		ERR_TRY(kernel_read_u64(k, table + (uint64_t)l.future, &table));
	}
	return NULL;
}

static struct err *find_local_dsq(struct kernel *k, unsigned int cpu, bool *found, uint64_t *ret)
{
	int64_t offset = types_offset(kernel_types(k), "rq", "scx.local_dsq");
	uint64_t symbol, rq;

	if (offset < 0 || cpu >= kernel_cpus(k))
		return NULL;
	ERR_TRY(kernel_symbol(k, "runqueues", &symbol));
	ERR_TRY(kernel_percpu(k, symbol, cpu, &rq));
	*found = true;
	*ret = rq + (uint64_t)offset;
	return NULL;
}

/* Follows `count` pointers from `at`, adding the offset of each before it is read; 0 ends the way.
 */
static struct err *follow(struct kernel *k, uint64_t at, const int64_t *offsets, unsigned int count,
			  uint64_t *ret)
{
	for (unsigned int i = 0; i < count && at; i++)
		ERR_TRY(kernel_read_u64(k, at + (uint64_t)offsets[i], &at));
	*ret = at;
	return NULL;
}

/*
 * SCX_DSQ_GLOBAL of node 0: `global_dsqs`, an array of pointers, was a static variable at first,
 * then a member of the instance; now each node's part of the instance holds its queue.
 */
static struct err *find_global_dsq(struct kernel *k, bool *found, uint64_t *ret)
{
	const struct types *types = kernel_types(k);
	int64_t queues = types_offset(types, "scx_sched", "global_dsqs");
	int64_t nodes = types_offset(types, "scx_sched", "pnode");
	int64_t in_node = types_offset(types, "scx_sched_pnode", "global_dsq");
	const int64_t way[] = {0, queues >= 0 ? queues : nodes, 0};
	bool is_static = queues < 0 && nodes < 0;
	uint64_t symbol;
	struct err *err = kernel_symbol(k, is_static ? "global_dsqs" : "scx_root", &symbol);

	if (err) {
		err_free(err);
		return NULL;
	}
	ERR_TRY(follow(k, symbol, is_static ? (const int64_t[]){0, 0} : way, is_static ? 2 : 3,
		       ret));
	*found = *ret != 0;
	if (*found && queues < 0 && nodes >= 0)
		*ret += (uint64_t)in_node;
	return NULL;
}

struct err *expr_find_dsq(struct kernel *k, uint64_t id, bool *found, uint64_t *ret)
{
	*found = false;
	if (!(id & BUILTIN))
		return find_user_dsq(k, id, found, ret);
	if (id & LOCAL_ON)
		return find_local_dsq(k, (unsigned int)id, found, ret);
	if (id == (BUILTIN | 1))
		return find_global_dsq(k, found, ret);
	return NULL;
}

struct err *expr_find_cgroup(struct kernel *k, const char *path, bool *found, uint64_t *ret)
{
	return cgroup_find(k, path, found, ret);
}
