/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/walk.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

#define NODES 8
#define NODE_SIZE 64

struct fixture {
	struct image g;
	struct kernel *kernel;
	uint64_t head, nodes, xa, xa_node[3];
};

static uint64_t node(const struct fixture *f, unsigned int i)
{
	return f->nodes + i * NODE_SIZE;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	image_init(&f->g, 4, IMAGE_PLACE);
	f->head = image_alloc(&f->g, 64, 64);
	f->nodes = image_alloc(&f->g, NODES * NODE_SIZE, 64);
	f->xa = image_alloc(&f->g, 64, 64);
	for (unsigned int i = 0; i < 3; i++)
		f->xa_node[i] = image_alloc(&f->g, 24 + 64 * 8, 64);
	image_finish(&f->g);
	expect_ok(kernel_adopt(&f->g.ram, 0, &f->kernel));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kernel_destroy(f->kernel);
	image_deinit(&f->g);
	free(f);
	return 0;
}

static void link_to(struct fixture *f, uint64_t at, uint64_t value)
{
	image_put_u64(&f->g, at, value);
}

/* Which nodes were visited, as digits. */
struct seen {
	const struct fixture *f;
	char digits[256];
	unsigned int stop_after;
};

static bool see(void *context, uint64_t object)
{
	struct seen *s = context;
	size_t len = strlen(s->digits);

	if (len + 1 < sizeof(s->digits))
		s->digits[len] = (char)('0' + (object - s->f->nodes) / NODE_SIZE);
	return --s->stop_after > 0;
}

static void assert_walk(struct walk w, enum walk_end end, unsigned int count, uint64_t address)
{
	assert_int_equal(w.end, end);
	assert_int_equal(w.count, count);
	if (end == WALK_FAULT || end == WALK_LOOP || end == WALK_BROKEN)
		assert_true(w.address == address);
}

/* The link lies 8 bytes into each object. */
static void ring(struct fixture *f, unsigned int count)
{
	uint64_t at = f->head;

	for (unsigned int i = 0; i < count; i++) {
		link_to(f, at, node(f, i) + 8);
		at = node(f, i) + 8;
	}
	link_to(f, at, f->head);
}

static void test_list(void **state)
{
	struct fixture *f = *state;
	struct seen s = {.f = f, .stop_after = 100};

	ring(f, 0);
	assert_walk(walk_list(f->kernel, f->head, 8, 10, see, &s), WALK_DONE, 0, 0);
	ring(f, 5);
	assert_walk(walk_list(f->kernel, f->head, 8, 5, see, &s), WALK_DONE, 5, 0);
	assert_string_equal(s.digits, "01234");
	assert_walk(walk_list(f->kernel, f->head, 8, 4, see, &s), WALK_LIMIT, 4, 0);
	s = (struct seen){.f = f, .stop_after = 2};
	assert_walk(walk_list(f->kernel, f->head, 8, 5, see, &s), WALK_STOPPED, 2, 0);
	assert_string_equal(s.digits, "01");
}

static void test_list_that_is_broken(void **state)
{
	struct fixture *f = *state;
	struct seen s = {.f = f, .stop_after = 1000000};
	struct walk w;
	struct str text = {0};

	ring(f, 6);
	link_to(f, node(f, 5) + 8, node(f, 2) + 8); /* never back to the head */
	w = walk_list(f->kernel, f->head, 8, 100000, see, &s);
	assert_int_equal(w.end, WALK_LOOP);
	assert_true(w.count < 30);
	link_to(f, node(f, 5) + 8, node(f, 5) + 8); /* to itself */
	w = walk_list(f->kernel, f->head, 8, 100000, see, &s);
	assert_int_equal(w.end, WALK_LOOP);
	assert_true(w.count < 20);
	link_to(f, node(f, 3) + 8, 0);
	w = walk_list(f->kernel, f->head, 8, 100000, see, &s);
	assert_walk(w, WALK_FAULT, 4, 0);
	walk_describe(&w, &text);
	assert_string_equal(str_text(&text), ": 4 entries, then a bad address 0x0");
	str_deinit(&text);
}

static void test_hlist(void **state)
{
	struct fixture *f = *state;
	struct seen s = {.f = f, .stop_after = 100};

	link_to(f, f->head, 0);
	assert_walk(walk_hlist(f->kernel, f->head, 0, 10, see, &s), WALK_DONE, 0, 0);
	link_to(f, f->head, node(f, 3));
	link_to(f, node(f, 3), node(f, 1));
	link_to(f, node(f, 1), 0);
	assert_walk(walk_hlist(f->kernel, f->head, 0, 10, see, &s), WALK_DONE, 2, 0);
	assert_string_equal(s.digits, "31");
	link_to(f, node(f, 1), node(f, 3));
	assert_int_equal(walk_hlist(f->kernel, f->head, 0, 1000, see, &s).end, WALK_LOOP);
}

static void tree_node(struct fixture *f, unsigned int i, int left, int right)
{
	link_to(f, node(f, i) + 8, right < 0 ? 0 : node(f, (unsigned int)right));
	link_to(f, node(f, i) + 16, left < 0 ? 0 : node(f, (unsigned int)left));
}

/*
 *	      3
 *	  1       5
 *	0   2   4   6
 */
static void tree(struct fixture *f)
{
	link_to(f, f->head, node(f, 3));
	tree_node(f, 3, 1, 5);
	tree_node(f, 1, 0, 2);
	tree_node(f, 5, 4, 6);
	for (unsigned int i = 0; i < 8; i += 2)
		tree_node(f, i, -1, -1);
}

static void test_tree(void **state)
{
	struct fixture *f = *state;
	struct seen s = {.f = f, .stop_after = 100};

	link_to(f, f->head, 0);
	assert_walk(walk_rbtree(f->kernel, f->head, 0, 10, see, &s), WALK_DONE, 0, 0);
	tree(f);
	assert_walk(walk_rbtree(f->kernel, f->head, 0, 10, see, &s), WALK_DONE, 7, 0);
	assert_string_equal(s.digits, "0123456");
	assert_walk(walk_rbtree(f->kernel, f->head, 0, 6, see, &s), WALK_LIMIT, 6, 0);
	s = (struct seen){.f = f, .stop_after = 3};
	assert_walk(walk_rbtree(f->kernel, f->head, 0, 6, see, &s), WALK_STOPPED, 3, 0);
	assert_string_equal(s.digits, "012");
}

static void test_tree_that_is_broken(void **state)
{
	struct fixture *f = *state;
	struct seen s = {.f = f, .stop_after = 1000000};
	struct walk w;

	tree(f);
	tree_node(f, 0, 3, -1); /* left back to the root: deeper and deeper */
	w = walk_rbtree(f->kernel, f->head, 0, 100000, see, &s);
	assert_int_equal(w.end, WALK_BROKEN);
	assert_int_equal(w.count, 0);
	tree(f);
	tree_node(f, 6, -1, 5); /* right back up: round and round */
	w = walk_rbtree(f->kernel, f->head, 0, 100000, see, &s);
	assert_int_equal(w.end, WALK_LOOP);
	assert_true(w.count < 30);
	tree(f);
	link_to(f, node(f, 4) + 16, 0x1230);
	w = walk_rbtree(f->kernel, f->head, 0, 100, see, &s);
	assert_walk(w, WALK_FAULT, 4, 0x1230);
}

struct entries {
	char text[256];
};

static bool note_entry(void *context, uint64_t index, uint64_t entry)
{
	struct entries *e = context;
	size_t len = strlen(e->text);

	snprintf(e->text + len, sizeof(e->text) - len, "%lu:%lx ", (unsigned long)index,
		 (unsigned long)entry);
	return true;
}

static void set_shift(struct fixture *f, unsigned int i, uint8_t shift)
{
	*(uint8_t *)image_at(&f->g, f->xa_node[i]) = shift;
}

static void set_slot(struct fixture *f, unsigned int i, unsigned int slot, uint64_t entry)
{
	link_to(f, f->xa_node[i] + 24 + 8 * slot, entry);
}

static void test_xarray(void **state)
{
	struct fixture *f = *state;
	struct entries e = {""};

	assert_walk(walk_xarray(f->kernel, f->xa, 10, note_entry, &e), WALK_DONE, 0, 0);
	link_to(f, f->xa + 8, 0x5000);
	assert_walk(walk_xarray(f->kernel, f->xa, 10, note_entry, &e), WALK_DONE, 1, 0);
	assert_string_equal(e.text, "0:5000 ");
	link_to(f, f->xa + 8, f->xa_node[0] + 2);
	set_shift(f, 0, 6);
	set_slot(f, 0, 2, f->xa_node[1] + 2);
	set_slot(f, 1, 3, 0xa000);
	set_slot(f, 1, 4, 3 << 2 | 2);	 /* a sibling */
	set_slot(f, 1, 5, 257 << 2 | 2); /* reserved, empty */
	set_slot(f, 1, 63, 7 << 1 | 1);	 /* a value */
	e = (struct entries){""};
	assert_walk(walk_xarray(f->kernel, f->xa, 10, note_entry, &e), WALK_DONE, 2, 0);
	assert_string_equal(e.text, "131:a000 191:f ");
	assert_walk(walk_xarray(f->kernel, f->xa, 1, note_entry, &e), WALK_LIMIT, 1, 0);
}

static void test_xarray_that_is_broken(void **state)
{
	struct fixture *f = *state;
	struct entries e = {""};

	link_to(f, f->xa + 8, f->xa_node[0] + 2);
	set_shift(f, 0, 6);
	set_slot(f, 0, 1, f->xa_node[0] + 2); /* a node in itself */
	assert_walk(walk_xarray(f->kernel, f->xa, 10, note_entry, &e), WALK_BROKEN, 0,
		    f->xa_node[0]);
	set_slot(f, 0, 1, 0x7777000 + 2);
	assert_walk(walk_xarray(f->kernel, f->xa, 10, note_entry, &e), WALK_FAULT, 0, 0x7777000);
	set_shift(f, 0, 200);
	assert_walk(walk_xarray(f->kernel, f->xa, 10, note_entry, &e), WALK_BROKEN, 0,
		    f->xa_node[0]);
}

static void test_idr_has_a_base(void **state)
{
	struct fixture *f = *state;
	struct entries e = {""};
	uint32_t base = 100;

	link_to(f, f->xa + 8, f->xa_node[0] + 2);
	set_slot(f, 0, 5, 0xb000);
	memcpy(image_at(&f->g, f->xa + 16), &base, 4);
	assert_walk(walk_idr(f->kernel, f->xa, 10, note_entry, &e), WALK_DONE, 1, 0);
	assert_string_equal(e.text, "105:b000 ");
}

/* A table of four buckets at xa_node[0], led to by the word at `xa`. */
static void test_rhashtable(void **state)
{
	struct fixture *f = *state;
	struct seen s = {.f = f, .stop_after = 100};
	uint32_t size = 4, odd = 3;
	uint64_t table = f->xa_node[0], bucket = table + 16;

	link_to(f, f->xa, table);
	memcpy(image_at(&f->g, table), &size, 4);
	link_to(f, bucket + 8, node(f, 2) | 1); /* a locked bucket */
	link_to(f, node(f, 2), node(f, 4));
	link_to(f, node(f, 4), 1 | bucket); /* ends are marked by bit 0 */
	link_to(f, bucket + 24, node(f, 6));
	assert_walk(walk_rhashtable(f->kernel, f->xa, 0, 10, see, &s), WALK_DONE, 3, 0);
	assert_string_equal(s.digits, "246");
	link_to(f, node(f, 4), node(f, 2));
	assert_int_equal(walk_rhashtable(f->kernel, f->xa, 0, 10000, see, &s).end, WALK_LOOP);
	memcpy(image_at(&f->g, table), &odd, 4);
	assert_walk(walk_rhashtable(f->kernel, f->xa, 0, 10, see, &s), WALK_BROKEN, 0, table);
	link_to(f, f->xa, 0x1000);
	assert_walk(walk_rhashtable(f->kernel, f->xa, 0, 10, see, &s), WALK_FAULT, 0, 0x1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_list_that_is_broken),
		TEST(test_hlist),
		TEST(test_tree),
		TEST(test_tree_that_is_broken),
		TEST(test_xarray),
		TEST(test_xarray_that_is_broken),
		TEST(test_idr_has_a_base),
		TEST(test_rhashtable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
