/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The field tree over types that were made for this test. */
#include "tui/tree.h"

#include <bpf/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct types *types;
static uint32_t task_type;

/*
 * struct node { struct node *next; unsigned int seq; };
 * struct task { int prio; unsigned int flag : 3; union { long a; struct { int b; }; };
 *               struct node n[2]; char comm[16]; struct node *peer; };
 */
static int setup(void **state)
{
	struct btf *btf = btf__new_empty();
	int u32, s32, s64, chr, node, node_ptr, index, nodes, comm, inner, outer, task;
	const void *data;
	uint32_t size;

	s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	u32 = btf__add_int(btf, "unsigned int", 4, 0);
	s64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED | BTF_INT_CHAR);
	index = u32;
	node_ptr = btf__add_ptr(btf, chr + 2);
	node = btf__add_struct(btf, "node", 16);
	assert_int_equal(node, chr + 2);
	btf__add_field(btf, "next", node_ptr, 0, 0);
	btf__add_field(btf, "seq", u32, 64, 0);
	nodes = btf__add_array(btf, index, node, 2);
	comm = btf__add_array(btf, index, chr, 16);
	inner = btf__add_struct(btf, NULL, 4);
	btf__add_field(btf, "b", s32, 0, 0);
	outer = btf__add_union(btf, NULL, 8);
	btf__add_field(btf, "a", s64, 0, 0);
	btf__add_field(btf, NULL, inner, 0, 0);
	task = btf__add_struct(btf, "task", 72);
	btf__add_field(btf, "prio", s32, 0, 0);
	btf__add_field(btf, "flag", u32, 33, 3);
	btf__add_field(btf, NULL, outer, 64, 0);
	btf__add_field(btf, "n", nodes, 128, 0);
	btf__add_field(btf, "comm", comm, 384, 0);
	btf__add_field(btf, "peer", node_ptr, 512, 0);
	assert_true(task > 0);
	data = btf__raw_data(btf, &size);
	assert_null(types_create(data, size, &types));
	btf__free(btf);
	return 0;
}

static int teardown(void **state)
{
	types_destroy(types);
	return 0;
}

static struct tree make(void)
{
	struct tree t;

	assert_null(types_parse(types, "struct task", &task_type));
	assert_null(tree_create(types, task_type, &t));
	return t;
}

static void assert_path(const struct tree *t, int at, const char *expected)
{
	struct str s = {0};

	tree_path(t, at, &s);
	assert_string_equal(str_text(&s), expected);
	str_deinit(&s);
}

static void test_anonymous_members_stand_in_place(void **state)
{
	static const char *const names[] = {"prio", "flag", "a", "b", "n", "comm", "peer"};
	struct tree t = make();

	assert_int_equal(t.count, 7);
	for (int i = 0; i < 7; i++)
		assert_string_equal(t.nodes[i].name, names[i]);
	assert_int_equal(t.nodes[1].offset, 4);
	assert_int_equal(t.nodes[1].bit_offset, 1);
	assert_int_equal(t.nodes[1].bit_size, 3);
	assert_int_equal(t.nodes[3].offset, 8);
	assert_true(t.nodes[0].scalar && !t.nodes[0].parental);
	assert_true(t.nodes[4].parental && !t.nodes[4].scalar);
	/* Characters are read as a name, not one by one. */
	assert_false(t.nodes[5].parental);
	assert_true(t.nodes[6].parental && t.nodes[6].scalar);
	tree_deinit(&t);
}

static void test_open_and_close(void **state)
{
	struct tree t = make();

	assert_null(tree_open(&t, 4));
	assert_int_equal(t.count, 9);
	assert_string_equal(t.nodes[5].name, "[0]");
	assert_null(tree_open(&t, 6));
	assert_int_equal(t.count, 11);
	assert_path(&t, 8, "n[1].seq");
	assert_int_equal(t.nodes[8].offset, 8);
	assert_int_equal(t.nodes[6].offset, 16);
	/* Opening something further up moves what lies behind it. */
	assert_null(tree_open(&t, 5));
	assert_path(&t, 10, "n[1].seq");
	assert_int_equal(t.nodes[10].parent, 8);
	tree_close(&t, 5);
	assert_path(&t, 8, "n[1].seq");
	tree_close(&t, 4);
	assert_int_equal(t.count, 7);
	assert_path(&t, 6, "peer");
	tree_deinit(&t);
}

static void test_pointers_are_followed_by_arrows(void **state)
{
	struct tree t = make();

	assert_null(tree_open(&t, 6));
	assert_path(&t, 7, "peer->next");
	assert_null(tree_open(&t, 7));
	assert_path(&t, 9, "peer->next->seq");
	/* A leaf opens to nothing. */
	assert_null(tree_open(&t, 9));
	assert_int_equal(t.count, 11);
	tree_deinit(&t);
}

static void test_find_opens_structs_but_follows_no_pointer(void **state)
{
	struct tree t = make();
	int at;

	assert_null(tree_find(&t, "pri", 3, &at));
	assert_int_equal(at, 0);
	assert_null(tree_find(&t, "com", 0, &at));
	assert_int_equal(at, 5);
	/* seq is behind an array and a pointer only. */
	assert_null(tree_find(&t, "seq", 0, &at));
	assert_int_equal(at, -1);
	assert_int_equal(t.count, 7);
	assert_null(tree_open(&t, 4));
	assert_null(tree_find(&t, "seq", 0, &at));
	assert_path(&t, at, "n[0].seq");
	assert_null(tree_find(&t, "seq", at, &at));
	assert_path(&t, at, "n[1].seq");
	assert_null(tree_find(&t, "seq", at, &at));
	assert_path(&t, at, "n[0].seq");
	tree_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anonymous_members_stand_in_place),
		cmocka_unit_test(test_open_and_close),
		cmocka_unit_test(test_pointers_are_followed_by_arrows),
		cmocka_unit_test(test_find_opens_structs_but_follows_no_pointer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
