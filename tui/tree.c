/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/tree.h"

#include "coord/value.h"

#include <stdlib.h>
#include <string.h>

#define FIND_DEPTH 6

/* ---- nodes ---- */

static bool is_record(const struct types *t, uint32_t type)
{
	enum type_kind kind = types_kind(t, type);

	return kind == TYPE_STRUCT || kind == TYPE_UNION;
}

static bool has_children(const struct types *t, uint32_t type)
{
	const char *name;
	struct member m;

	switch (types_kind(t, type)) {
	case TYPE_STRUCT:
	case TYPE_UNION:
		return types_member_at(t, type, 0, &name, &m);
	case TYPE_ARRAY:
		/* A name is read as one. */
		return types_count(t, type) > 0 &&
		       types_kind(t, types_target(t, type)) != TYPE_CHAR;
	case TYPE_POINTER:
		return is_record(t, types_target(t, type)) && types_size(t, types_target(t, type));
	default:
		return false;
	}
}

/* What is about to be put into the tree below one node. */
struct batch {
	const struct types *types;
	struct tree_node *nodes;
	int count, size, depth;
	bool failed;
};

static void add_node(struct batch *b, char *name, const struct member *m, uint64_t outer_bits)
{
	uint64_t bits = outer_bits + m->bit_offset;

	if (b->count == b->size) {
		int size = b->size ? 2 * b->size : 64;
		struct tree_node *grown = reallocarray(b->nodes, (size_t)size, sizeof(*grown));

		if (grown) {
			b->nodes = grown;
			b->size = size;
		}
	}
	if (!name || b->count == b->size) {
		free(name);
		b->failed = true;
		return;
	}
	b->nodes[b->count++] = (struct tree_node){
		.name = name,
		.type = m->type,
		.offset = bits / 8,
		.bit_offset = m->bit_size ? bits % 8 : 0,
		.bit_size = m->bit_size,
		.depth = b->depth,
		.parental = has_children(b->types, m->type),
		.scalar = types_is_scalar(b->types, m->type),
	};
}

/* Anonymous members stand for their own. */
static void add_members(struct batch *b, uint32_t type, uint64_t outer_bits, int nesting)
{
	const char *name;
	struct member m;

	for (unsigned int i = 0; types_member_at(b->types, type, i, &name, &m); i++) {
		if (b->count >= TREE_NODES_MAX)
			return;
		if (name[0])
			add_node(b, strdup(name), &m, outer_bits);
		else if (is_record(b->types, m.type) && nesting < FIND_DEPTH)
			add_members(b, m.type, outer_bits + m.bit_offset, nesting + 1);
	}
}

static void add_elements(struct batch *b, uint32_t type)
{
	uint32_t element = types_target(b->types, type), count = types_count(b->types, type);
	uint64_t size = types_size(b->types, element);

	for (uint32_t i = 0; i < count && i < TREE_ARRAY_MAX; i++) {
		struct member m = {.type = element, .bit_offset = i * size * 8};

		add_node(b, str_format("[%u]", i), &m, 0);
	}
}

static void add_children(struct batch *b, uint32_t type)
{
	switch (types_kind(b->types, type)) {
	case TYPE_ARRAY:
		add_elements(b, type);
		break;
	case TYPE_POINTER:
		add_members(b, types_target(b->types, type), 0, 0);
		break;
	default:
		add_members(b, type, 0, 0);
		break;
	}
}

static void free_nodes(struct tree_node *nodes, int count)
{
	for (int i = 0; i < count; i++) {
		free(nodes[i].name);
		free(nodes[i].text);
	}
}

static struct err *reserve(struct tree *t, int more)
{
	struct tree_node *grown;

	if (t->count + more > TREE_NODES_MAX)
		return err_new(ERR_REFUSED, "more than %d fields are open; close some",
			       TREE_NODES_MAX);
	if (t->count + more <= t->size)
		return NULL;
	grown = reallocarray(t->nodes, (size_t)(t->count + more) * 2, sizeof(*grown));
	if (!grown)
		return err_nomem();
	t->nodes = grown;
	t->size = (t->count + more) * 2;
	return NULL;
}

/* Parents are indexes: those behind `at` move with their nodes. */
static void shift_parents(struct tree *t, int at, int by)
{
	for (int i = 0; i < t->count; i++)
		if (t->nodes[i].parent > at)
			t->nodes[i].parent += by;
}

/* Put a batch behind node `at` (-1: at the front). */
static struct err *insert(struct tree *t, int at, const struct batch *b)
{
	ERR_TRY(reserve(t, b->count));
	if (!b->count)
		return NULL;
	shift_parents(t, at, b->count);
	memmove(&t->nodes[at + 1 + b->count], &t->nodes[at + 1],
		(size_t)(t->count - at - 1) * sizeof(*t->nodes));
	memcpy(&t->nodes[at + 1], b->nodes, (size_t)b->count * sizeof(*t->nodes));
	for (int i = 0; i < b->count; i++)
		t->nodes[at + 1 + i].parent = at;
	t->count += b->count;
	return NULL;
}

static struct err *insert_children(struct tree *t, int at, uint32_t type)
{
	struct batch b = {.types = t->types, .depth = at < 0 ? 0 : t->nodes[at].depth + 1};
	struct err *err;

	add_children(&b, type);
	err = b.failed ? err_nomem() : insert(t, at, &b);
	if (err)
		free_nodes(b.nodes, b.count);
	free(b.nodes);
	return err;
}

struct err *tree_create(const struct types *types, uint32_t type, struct tree *ret)
{
	struct tree t = {.types = types};
	struct err *err = insert_children(&t, -1, type);

	if (err) {
		tree_deinit(&t);
		return err;
	}
	*ret = t;
	return NULL;
}

void tree_deinit(struct tree *t)
{
	free_nodes(t->nodes, t->count);
	free(t->nodes);
	*t = (struct tree){0};
}

struct err *tree_open(struct tree *t, int at)
{
	if (!t->nodes[at].parental || t->nodes[at].open)
		return NULL;
	ERR_TRY(insert_children(t, at, t->nodes[at].type));
	t->nodes[at].open = true;
	return NULL;
}

void tree_close(struct tree *t, int at)
{
	int end = at + 1;

	if (!t->nodes[at].open)
		return;
	while (end < t->count && t->nodes[end].depth > t->nodes[at].depth)
		end++;
	free_nodes(&t->nodes[at + 1], end - at - 1);
	memmove(&t->nodes[at + 1], &t->nodes[end], (size_t)(t->count - end) * sizeof(*t->nodes));
	t->count -= end - at - 1;
	shift_parents(t, at, at + 1 - end);
	t->nodes[at].open = false;
}

void tree_path(const struct tree *t, int at, struct str *s)
{
	const struct tree_node *n = &t->nodes[at];

	if (n->parent >= 0) {
		tree_path(t, n->parent, s);
		if (n->name[0] != '[')
			str_add(s, types_kind(t->types, t->nodes[n->parent].type) == TYPE_POINTER
					   ? "->"
					   : ".");
	}
	str_add(s, n->name);
}

/* ---- values ---- */

static struct value node_value(const struct tree *t, const struct tree_node *n, uint64_t address)
{
	uint64_t base = n->parent < 0 ? address : t->nodes[n->parent].base;
	struct value v = value_object(n->type, base + n->offset);

	v.bit_offset = n->bit_offset;
	v.bit_size = n->bit_size;
	return v;
}

/* Where the children of an open node are counted from. */
static struct err *read_base(struct tree *t, struct kernel *k, struct tree_node *n,
			     uint64_t address)
{
	struct value v = node_value(t, n, address), loaded;

	n->base = v.address;
	if (types_kind(t->types, n->type) != TYPE_POINTER)
		return NULL;
	ERR_TRY(value_load(k, &v, &loaded));
	/* A pointer that cannot be read leads nowhere: its children show a fault. */
	n->base = loaded.kind == VALUE_NUMBER ? loaded.number : 0;
	return NULL;
}

static struct err *read_text(struct tree *t, struct kernel *k, struct tree_node *n,
			     uint64_t address)
{
	struct value v = node_value(t, n, address);
	struct str s = {0};
	char *text;

	value_format(k, &v, 0, &s);
	text = str_take(&s);
	if (!text)
		return err_nomem();
	n->changed = n->text && strcmp(n->text, text) != 0;
	free(n->text);
	n->text = text;
	return NULL;
}

struct err *tree_read(struct tree *t, struct kernel *k, uint64_t address, int from, int to)
{
	for (int i = 0; i < t->count; i++) {
		struct tree_node *n = &t->nodes[i];

		if (n->open)
			ERR_TRY(read_base(t, k, n, address));
		if (i >= from && i < to)
			ERR_TRY(read_text(t, k, n, address));
	}
	return NULL;
}

/* ---- search ---- */

struct trail {
	const char *names[FIND_DEPTH]; /* from the outermost member to the one that was found */
	int count;
};

/* The first member of `type`, or of a struct inside it, whose name contains `wanted`; `trail` has
 * the way. */
static bool find_in_type(const struct types *t, uint32_t type, const char *wanted, int nesting,
			 struct trail *trail)
{
	int before = trail->count;
	const char *name;
	struct member m;

	if (!is_record(t, type) || nesting == FIND_DEPTH)
		return false;
	for (unsigned int i = 0; types_member_at(t, type, i, &name, &m); i++) {
		trail->count = before;
		if (name[0])
			trail->names[trail->count++] = name;
		if ((name[0] && strstr(name, wanted)) ||
		    find_in_type(t, m.type, wanted, nesting + 1, trail))
			return true;
	}
	trail->count = before;
	return false;
}

static int child_named(const struct tree *t, int parent, const char *name)
{
	for (int i = parent + 1; i < t->count && t->nodes[i].depth > t->nodes[parent].depth; i++)
		if (t->nodes[i].parent == parent && strcmp(t->nodes[i].name, name) == 0)
			return i;
	return -1;
}

static struct err *follow_trail(struct tree *t, int at, const struct trail *trail, int *ret)
{
	for (int i = 0; i < trail->count; i++) {
		int child;

		ERR_TRY(tree_open(t, at));
		child = child_named(t, at, trail->names[i]);
		if (child < 0)
			return NULL;
		at = child;
	}
	*ret = at;
	return NULL;
}

int tree_find_open(const struct tree *t, const char *wanted, int from)
{
	for (int tried = 0; tried < t->count; tried++) {
		int at = (from + 1 + tried) % t->count;

		if (strstr(t->nodes[at].name, wanted))
			return at;
	}
	return -1;
}

struct err *tree_find(struct tree *t, const char *wanted, int from, int *ret)
{
	*ret = -1;
	for (int tried = 0; tried < t->count; tried++) {
		int at = (from + 1 + tried) % t->count;
		const struct tree_node *n = &t->nodes[at];
		struct trail trail = {.count = 0};

		if (strstr(n->name, wanted)) {
			*ret = at;
			return NULL;
		}
		if (!n->open && find_in_type(t->types, n->type, wanted, 0, &trail))
			return follow_trail(t, at, &trail, ret);
	}
	return NULL;
}
