/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers that find their entries by number or hash: xarray, idr, rhashtable. */
#include "coord/walk.h"
#include "coord/walk_private.h"

/*
 * xarray entries (include/linux/xarray.h): the lowest two bits 10 mark internal ones. Those above
 * 4096 are nodes; the small ones stand for siblings (0 to 62), retry (256) and zero (257).
 */
#define INTERNAL_MASK 3u
#define INTERNAL 2u
#define NODE_MIN 4096u
#define SLOTS_MAX 64u
#define SHIFT_MAX 60u

struct xarray_layout {
	int64_t head, shift, slots;
	uint32_t slot_count;
};

static bool find_xarray(struct kernel *k, struct xarray_layout *l)
{
	const struct types *t = kernel_types(k);
	struct member slots;
	uint32_t node;
	struct err *err = types_parse(t, "struct xa_node", &node);

	l->head = types_offset(t, "struct xarray", "xa_head");
	l->shift = types_offset(t, "struct xa_node", "shift");
	l->slots = types_offset(t, "struct xa_node", "slots");
	l->slot_count = !err && types_find_member(t, node, "slots", &slots)
				? types_count(t, slots.type)
				: 0;
	err_free(err);
	return l->head >= 0 && l->shift >= 0 && l->slots >= 0 && l->slot_count > 0 &&
	       l->slot_count <= SLOTS_MAX && (l->slot_count & (l->slot_count - 1)) == 0;
}

struct xarray_walk {
	struct kernel *kernel;
	struct xarray_layout layout;
	struct walk w;
	unsigned int limit, nodes;
	uint64_t base; /* added to each index */
	walk_index_fn visit;
	void *context;
};

static bool stop(struct xarray_walk *x, enum walk_end end, uint64_t address)
{
	x->w = walk_ended(&x->w, end, address);
	return false;
}

static bool visit_entry(struct xarray_walk *x, uint64_t index, uint64_t entry)
{
	if (x->w.count == x->limit)
		return stop(x, WALK_LIMIT, entry);
	x->w.count++;
	if (!x->visit(x->context, x->base + index, entry))
		return stop(x, WALK_STOPPED, entry);
	return true;
}

static bool is_node(uint64_t entry)
{
	return (entry & INTERNAL_MASK) == INTERNAL && entry > NODE_MIN;
}

/*
 * The entries of the node that `entry` stands for, whose first index is `index`. Nodes below a node
 * have a smaller shift, so that the recursion ends even where links go round.
 */
static bool visit_node(struct xarray_walk *x, uint64_t entry, uint64_t index, unsigned int above)
{
	uint64_t node = entry - INTERNAL;
	uint8_t shift;
	struct err *err = kernel_read(x->kernel, node + (uint64_t)x->layout.shift, &shift, 1);

	err_free(err);
	if (err)
		return stop(x, WALK_FAULT, node);
	/* Sparse nodes hold no entries, so they have a bound of their own. */
	if (shift >= above || ++x->nodes > x->limit + SLOTS_MAX)
		return stop(x, shift >= above ? WALK_BROKEN : WALK_LIMIT, node);
	for (uint32_t i = 0; i < x->layout.slot_count; i++) {
		uint64_t slot, at = node + (uint64_t)x->layout.slots + 8ull * i;
		uint64_t first = index + ((uint64_t)i << shift);

		if (!walk_load(x->kernel, at, &slot))
			return stop(x, WALK_FAULT, at);
		if (is_node(slot)) {
			if (!visit_node(x, slot, first, shift))
				return false;
		} else if (slot && (slot & INTERNAL_MASK) != INTERNAL) {
			if (!visit_entry(x, first, slot))
				return false;
		}
	}
	return true;
}

static struct walk walk_from(struct kernel *k, uint64_t xarray, uint64_t base, unsigned int limit,
			     walk_index_fn visit, void *context)
{
	struct xarray_walk x = {
		.kernel = k, .limit = limit, .base = base, .visit = visit, .context = context};
	uint64_t head;

	if (!find_xarray(k, &x.layout))
		return walk_ended(&x.w, WALK_UNKNOWN, 0);
	if (!walk_load(k, xarray + (uint64_t)x.layout.head, &head))
		return walk_ended(&x.w, WALK_FAULT, xarray);
	if (is_node(head))
		visit_node(&x, head, 0, SHIFT_MAX + 1);
	else if (head && (head & INTERNAL_MASK) != INTERNAL)
		visit_entry(&x, 0, head); /* a single entry at index 0 needs no node */
	return x.w;
}

struct walk walk_xarray(struct kernel *k, uint64_t xarray, unsigned int limit, walk_index_fn visit,
			void *context)
{
	return walk_from(k, xarray, 0, limit, visit, context);
}

struct walk walk_idr(struct kernel *k, uint64_t idr, unsigned int limit, walk_index_fn visit,
		     void *context)
{
	const struct types *t = kernel_types(k);
	int64_t root = types_offset(t, "struct idr", "idr_rt");
	int64_t base_at = types_offset(t, "struct idr", "idr_base");
	struct walk w = {WALK_DONE, 0, 0};
	uint32_t base = 0;

	if (root < 0)
		return walk_ended(&w, WALK_UNKNOWN, 0);
	if (base_at >= 0) {
		struct err *err = kernel_read_u32(k, idr + (uint64_t)base_at, &base);

		err_free(err);
		if (err)
			return walk_ended(&w, WALK_FAULT, idr);
	}
	return walk_from(k, idr + (uint64_t)root, base, limit, visit, context);
}

struct hash_layout {
	int64_t table, size, nested, future, buckets;
};

static bool find_hash(struct kernel *k, struct hash_layout *l)
{
	const struct types *t = kernel_types(k);

	l->table = types_offset(t, "struct rhashtable", "tbl");
	l->size = types_offset(t, "struct bucket_table", "size");
	l->nested = types_offset(t, "struct bucket_table", "nest");
	l->future = types_offset(t, "struct bucket_table", "future_tbl");
	l->buckets = types_offset(t, "struct bucket_table", "buckets");
	return l->table >= 0 && l->size >= 0 && l->nested >= 0 && l->future >= 0 && l->buckets >= 0;
}

struct hash_walk {
	struct kernel *kernel;
	struct hash_layout layout;
	struct walk w;
	uint64_t offset;
	unsigned int limit;
	walk_fn visit;
	void *context;
};

static bool hash_stop(struct hash_walk *h, enum walk_end end, uint64_t address)
{
	h->w = walk_ended(&h->w, end, address);
	return false;
}

/* Bit 0 of the first link is the bucket's lock; a link with bit 0 set elsewhere ends the chain. */
static bool visit_bucket(struct hash_walk *h, uint64_t bucket)
{
	struct loop_detector detector = {0};
	uint64_t node;

	if (!walk_load(h->kernel, bucket, &node))
		return hash_stop(h, WALK_FAULT, bucket);
	node &= ~1ull;
	while (node && !(node & 1)) {
		uint64_t next;

		if (loop_detector_step(&detector, node))
			return hash_stop(h, WALK_LOOP, node);
		if (h->w.count == h->limit)
			return hash_stop(h, WALK_LIMIT, node);
		if (!walk_load(h->kernel, node, &next))
			return hash_stop(h, WALK_FAULT, node);
		h->w.count++;
		if (!h->visit(h->context, node - h->offset))
			return hash_stop(h, WALK_STOPPED, node);
		node = next;
	}
	return true;
}

static bool visit_table(struct hash_walk *h, uint64_t table)
{
	const struct hash_layout *l = &h->layout;
	uint32_t size, nested;

	if (!walk_load_u32(h->kernel, table + (uint64_t)l->size, &size) ||
	    !walk_load_u32(h->kernel, table + (uint64_t)l->nested, &nested))
		return hash_stop(h, WALK_FAULT, table);
	/* Nested tables are a stopgap for when memory is short; sizes are powers of two. */
	if (nested || !size || (size & (size - 1)) || size > 1u << 26)
		return hash_stop(h, WALK_BROKEN, table);
	for (uint32_t i = 0; i < size; i++)
		if (!visit_bucket(h, table + (uint64_t)l->buckets + 8ull * i))
			return false;
	return true;
}

struct walk walk_rhashtable(struct kernel *k, uint64_t table, uint64_t offset, unsigned int limit,
			    walk_fn visit, void *context)
{
	struct hash_walk h = {
		.kernel = k, .offset = offset, .limit = limit, .visit = visit, .context = context};
	uint64_t at;

	if (!find_hash(k, &h.layout))
		return walk_ended(&h.w, WALK_UNKNOWN, 0);
	if (!walk_load(k, table + (uint64_t)h.layout.table, &at))
		return walk_ended(&h.w, WALK_FAULT, table);
	/* A table being resized leads to its successor; two steps are one more than there are. */
	for (unsigned int i = 0; at && i < 3; i++) {
		uint64_t next;

		if (!visit_table(&h, at))
			return h.w;
		if (!walk_load(k, at + (uint64_t)h.layout.future, &next))
			return walk_ended(&h.w, WALK_FAULT, at);
		at = next;
	}
	return h.w;
}
