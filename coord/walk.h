/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded walks over the kernel's containers: list, hlist (llist, hlist_nulls), red-black tree in
 * order, xarray (and radix tree, idr), rhashtable.
 *
 * The guest's links are hostile input, and a guest frozen in the middle of an operation has torn
 * ones: every walk ends, visits at most its limit, notices a loop, and says how it ended. What was
 * visited before that is as good as the guest's memory. A walk calls back; it keeps nothing.
 *
 * The places of links in list_head, hlist_node and rb_node have never changed and are constants;
 * those of xarrays and hash tables come from the types. Threads: one at a time, in one window.
 */
#ifndef COORD_WALK_H
#define COORD_WALK_H

#include "coord/kernel.h"
#include "coord/types.h"

enum walk_end {
	WALK_DONE,    /* all of it was visited */
	WALK_STOPPED, /* the visitor said so */
	WALK_LIMIT,   /* there is more than the limit */
	WALK_LOOP,    /* a link leads back to where the walk has been */
	WALK_FAULT,   /* a link leads to a bad address */
	WALK_BROKEN,  /* something else is impossible (a tree deeper than trees get, a bad node) */
	WALK_UNKNOWN, /* this kernel's types do not describe the container */
};

struct walk {
	enum walk_end end;
	unsigned int count; /* entries visited */
	uint64_t address;   /* FAULT, LOOP, BROKEN: where */
};

/* Appends ": 12 entries, then a bad address 0x..." to `s`, or nothing when the walk was complete or
 * stopped by its visitor. For the notes beside a result. */
void walk_describe(const struct walk *w, struct str *s);

/* One entry: the address of the link's struct minus `offset`, the object that holds it. False
 * stops. */
typedef bool (*walk_fn)(void *context, uint64_t object);

/* struct list_head at `head`; `offset` of the link in its object, in bytes. `limit` entries. */
struct walk walk_list(struct kernel *k, uint64_t head, uint64_t offset, unsigned int limit,
		      walk_fn visit, void *context);
/* struct hlist_head, llist_head, or any word that leads to the first of a NULL-terminated chain
 * whose links come first in their struct. */
struct walk walk_hlist(struct kernel *k, uint64_t head, uint64_t offset, unsigned int limit,
		       walk_fn visit, void *context);
/* struct hlist_nulls_head: the same, but the chain ends at an odd word. */
struct walk walk_hlist_nulls(struct kernel *k, uint64_t head, uint64_t offset, unsigned int limit,
			     walk_fn visit, void *context);
/* struct rb_root or rb_root_cached (whose rb_root comes first), in order; augmented trees alike. */
struct walk walk_rbtree(struct kernel *k, uint64_t root, uint64_t offset, unsigned int limit,
			walk_fn visit, void *context);

/* One entry of an indexed container: the stored pointer, or a value entry as stored (bit 0 set). */
typedef bool (*walk_index_fn)(void *context, uint64_t index, uint64_t entry);

/* struct xarray, or a radix tree root, which is one. */
struct walk walk_xarray(struct kernel *k, uint64_t xarray, unsigned int limit, walk_index_fn visit,
			void *context);
/* struct idr: the ids. */
struct walk walk_idr(struct kernel *k, uint64_t idr, unsigned int limit, walk_index_fn visit,
		     void *context);
/* struct rhashtable: every entry, in no order; `offset` of its struct rhash_head. A table that is
 * growing is walked together with its successor. */
struct walk walk_rhashtable(struct kernel *k, uint64_t table, uint64_t offset, unsigned int limit,
			    walk_fn visit, void *context);

#endif
