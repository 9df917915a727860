/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of one guest object as a tree that opens and closes: structs, arrays and pointers to
 * structs have children, anonymous members are shown in place. Nodes come from types alone; values
 * are read for the rows that are looked at, inside a window.
 *
 * Lifetime: the types must live as long as the tree. Threads: one.
 */
#ifndef TUI_TREE_H
#define TUI_TREE_H

#include "base/err.h"
#include "base/str.h"
#include "coord/kernel.h"
#include "coord/types.h"

#include <stdbool.h>
#include <stdint.h>

#define TREE_ARRAY_MAX 256  /* elements shown of one array */
#define TREE_NODES_MAX 50000

struct tree_node {
	char *name;            /* "scx", "[3]" */
	char *text;            /* value as last read; NULL: not read yet */
	uint32_t type;
	uint64_t offset;       /* bytes from the parent's base */
	uint32_t bit_offset, bit_size;
	uint64_t base;         /* of an open node: where its children are counted from */
	int parent;            /* index, -1: the object itself */
	int depth;
	bool open, parental;   /* parental: it has children to show */
	bool changed;          /* differently from the reading before */
	bool scalar;           /* one number: it can be written */
};

struct tree {
	const struct types *types;
	struct tree_node *nodes; /* those that can be seen, in their order */
	int count, size;
};

/* All members of `type`. */
struct err *tree_create(const struct types *types, uint32_t type, struct tree *ret)
	__attribute__((warn_unused_result));
void tree_deinit(struct tree *t); /* of all zeros, too */

struct err *tree_open(struct tree *t, int at) __attribute__((warn_unused_result));
void tree_close(struct tree *t, int at);
/* "scx.dsq_vtime", "cpus_ptr->bits[0]": as `write task` takes it. */
void tree_path(const struct tree *t, int at, struct str *s);
/* Read the values of the rows [from, to) of the object at `address`; in a window. */
struct err *tree_read(struct tree *t, struct kernel *k, uint64_t address, int from, int to)
	__attribute__((warn_unused_result));
/* The next row after `from`, around the end, whose name contains `wanted`, as things are open now.
 * -1: none. */
int tree_find_open(const struct tree *t, const char *wanted, int from);
/* The next field after `from` whose name contains `wanted`, around the end; closed structs are
 * searched and opened, pointers are not followed. -1: none. */
struct err *tree_find(struct tree *t, const char *wanted, int from, int *ret)
	__attribute__((warn_unused_result));

#endif
