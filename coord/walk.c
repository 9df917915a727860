/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists and trees. */
#include "coord/walk.h"
#include "coord/walk_private.h"

#include <inttypes.h>

/* struct rb_node */
#define RB_RIGHT 8
#define RB_LEFT 16
/* A red-black tree of n nodes is at most 2 log2(n + 1) deep. */
#define RB_DEPTH_MAX 96

void walk_describe(const struct walk *w, struct str *s)
{
	switch (w->end) {
	case WALK_DONE:
	case WALK_STOPPED:
		return;
	case WALK_LIMIT:
		str_addf(s, ": cut off after %u entries", w->count);
		return;
	case WALK_LOOP:
		str_addf(s, ": %u entries, then a loop at 0x%" PRIx64, w->count, w->address);
		return;
	case WALK_FAULT:
		str_addf(s, ": %u entries, then a bad address 0x%" PRIx64, w->count, w->address);
		return;
	case WALK_BROKEN:
		str_addf(s, ": %u entries, then something impossible at 0x%" PRIx64, w->count,
			 w->address);
		return;
	case WALK_UNKNOWN:
		str_add(s, ": this kernel's types do not describe it");
		return;
	}
}

/* The end of a hlist_nulls: any odd word, which says in which list the walk has come out. */
#define ODD 1

static bool is_end(uint64_t node, uint64_t end)
{
	return end == ODD ? node & 1 : node == end;
}

/* A chain of words, from the one at `link` until `end` is found in one. */
static struct walk walk_chain(struct kernel *k, uint64_t link, uint64_t end, uint64_t offset,
			      unsigned int limit, walk_fn visit, void *context)
{
	struct loop_detector detector = {0};
	struct walk w = {WALK_DONE, 0, 0};
	uint64_t node, next;

	if (!walk_load(k, link, &node))
		return walk_ended(&w, WALK_FAULT, link);
	while (!is_end(node, end)) {
		/* Before the visit: what is not mapped is no entry. */
		if (!walk_load(k, node, &next))
			return walk_ended(&w, WALK_FAULT, node);
		if (loop_detector_step(&detector, node))
			return walk_ended(&w, WALK_LOOP, node);
		if (w.count == limit)
			return walk_ended(&w, WALK_LIMIT, node);
		w.count++;
		/* On its way while this one is visited. */
		__builtin_prefetch(kernel_at(k, next, 1));
		if (!visit(context, node - offset))
			return walk_ended(&w, WALK_STOPPED, node);
		node = next;
	}
	return w;
}

struct walk walk_list(struct kernel *k, uint64_t head, uint64_t offset, unsigned int limit,
		      walk_fn visit, void *context)
{
	return walk_chain(k, head, head, offset, limit, visit, context);
}

struct walk walk_hlist(struct kernel *k, uint64_t head, uint64_t offset, unsigned int limit,
		       walk_fn visit, void *context)
{
	return walk_chain(k, head, 0, offset, limit, visit, context);
}

struct walk walk_hlist_nulls(struct kernel *k, uint64_t head, uint64_t offset, unsigned int limit,
			     walk_fn visit, void *context)
{
	return walk_chain(k, head, ODD, offset, limit, visit, context);
}

/* The nodes whose left side is being walked. */
struct rb_stack {
	uint64_t nodes[RB_DEPTH_MAX];
	unsigned int depth;
};

/* Push `node` and its left descendants; false with the place and reason in *w. */
static bool push_left(struct kernel *k, struct rb_stack *stack, uint64_t node, struct walk *w)
{
	while (node) {
		if (stack->depth == RB_DEPTH_MAX) {
			*w = walk_ended(w, WALK_BROKEN, node);
			return false;
		}
		stack->nodes[stack->depth++] = node;
		if (!walk_load(k, node + RB_LEFT, &node)) {
			*w = walk_ended(w, WALK_FAULT, stack->nodes[stack->depth - 1]);
			return false;
		}
	}
	return true;
}

struct walk walk_rbtree(struct kernel *k, uint64_t root, uint64_t offset, unsigned int limit,
			walk_fn visit, void *context)
{
	struct loop_detector detector = {0};
	struct rb_stack stack = {.depth = 0};
	struct walk w = {WALK_DONE, 0, 0};
	uint64_t node;

	if (!walk_load(k, root, &node))
		return walk_ended(&w, WALK_FAULT, root);
	if (!push_left(k, &stack, node, &w))
		return w;
	while (stack.depth > 0) {
		node = stack.nodes[--stack.depth];
		/* In a tree no node comes twice; with a loop in it they come round and round. */
		if (loop_detector_step(&detector, node))
			return walk_ended(&w, WALK_LOOP, node);
		if (w.count == limit)
			return walk_ended(&w, WALK_LIMIT, node);
		w.count++;
		if (!visit(context, node - offset))
			return walk_ended(&w, WALK_STOPPED, node);
		if (!walk_load(k, node + RB_RIGHT, &node))
			return walk_ended(&w, WALK_FAULT, node);
		if (!push_left(k, &stack, node, &w))
			return w;
	}
	return w;
}
