/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/pagetable.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

static struct pagetable *tables(struct image *g, unsigned int levels)
{
	struct pagetable *pt = malloc(sizeof(*pt));

	image_check(pt, "memory");
	image_init(g, levels, IMAGE_PLACE);
	pagetable_init(pt, &g->ram, g->root, levels);
	return pt;
}

static void release(struct image *g, struct pagetable *pt)
{
	free(pt);
	image_deinit(g);
}

static void test_page_sizes(void **state)
{
	for (unsigned int levels = 4; levels <= 5; levels++) {
		struct image g;
		struct pagetable *pt = tables(&g, levels);
		uint64_t phys;

		image_map(&g, 0xffffc90000001000ull, 0x7000, 0);
		image_map(&g, 0xffffc90000200000ull, 0x600000, 1);
		image_map(&g, 0xffffc90040000000ull, 0x40000000, 2);
		assert_true(pagetable_walk(pt, 0xffffc90000001abcull, &phys));
		assert_int_equal(phys, 0x7abc);
		assert_true(pagetable_walk(pt, 0xffffc90000312345ull, &phys));
		assert_int_equal(phys, 0x712345);
		assert_true(pagetable_walk(pt, 0xffffc90052345678ull, &phys));
		assert_int_equal(phys, 0x52345678);
		release(&g, pt);
	}
}

static void test_what_is_not_mapped(void **state)
{
	struct image g;
	struct pagetable *pt = tables(&g, 4);
	uint64_t phys;

	assert_false(pagetable_walk(pt, 0, &phys));
	assert_false(pagetable_walk(pt, 0xffffc90000000000ull, &phys));
	/* Bits 63 to 47 must be equal. */
	assert_false(pagetable_walk(pt, 0x0000800000000000ull, &phys));
	assert_false(pagetable_walk(pt, 0xff11000000000000ull, &phys));
	assert_false(pagetable_walk(pt, 0xffff7fffffffffffull, &phys));
	assert_null(pagetable_at(pt, 0xffffc90000000000ull));
	release(&g, pt);
}

static void test_tables_outside_memory(void **state)
{
	struct image g;
	struct pagetable *pt = tables(&g, 4);
	uint64_t va = 0xffffc90000000000ull, phys;

	*image_entry(&g, g.root, va, 3) = 0x000ffffffffff000ull | 1;
	assert_false(pagetable_walk(pt, va, &phys));
	*image_entry(&g, g.root, va, 3) = IMAGE_RAM | 1;
	assert_false(pagetable_walk(pt, va, &phys));
	/* The size bit is reserved in the top level. */
	*image_entry(&g, g.root, va, 3) = 0x200000 | 0x81;
	assert_false(pagetable_walk(pt, va, &phys));
	pagetable_init(pt, &g.ram, IMAGE_RAM, 4);
	assert_false(pagetable_walk(pt, IMAGE_START, &phys));
	release(&g, pt);
}

static void test_a_table_that_is_its_own_entry(void **state)
{
	struct image g;
	struct pagetable *pt = tables(&g, 5);
	uint64_t va = 0xff00000000000000ull, phys;

	for (unsigned int i = 0; i < 512; i++)
		((uint64_t *)ram_at(&g.ram, g.root, 4096))[i] = g.root | 1;
	assert_true(pagetable_walk(pt, va, &phys));
	assert_int_equal(phys, g.root);
	release(&g, pt);
}

static void test_device_memory_has_an_address_but_no_host_pointer(void **state)
{
	struct image g;
	struct pagetable *pt = tables(&g, 4);
	uint64_t phys;

	image_map(&g, 0xffffc90000000000ull, 0xfee00000, 0);
	assert_true(pagetable_walk(pt, 0xffffc90000000010ull, &phys));
	assert_int_equal(phys, 0xfee00010);
	assert_null(pagetable_at(pt, 0xffffc90000000010ull));
	release(&g, pt);
}

static void test_cache_lasts_until_flushed(void **state)
{
	struct image g;
	struct pagetable *pt = tables(&g, 4);
	uint64_t va = 0xffffc90000000000ull;

	image_map(&g, va, 0x7000, 0);
	for (unsigned int i = 0; i < 10000; i++) { /* more often than windows have numbers */
		image_map(&g, va, 0x7000, 0);
		pagetable_flush(pt);
		assert_ptr_equal(pagetable_at(pt, va + 5), g.ram.base + 0x7005);
		image_unmap(&g, va);
		assert_ptr_equal(pagetable_at(pt, va + 6), g.ram.base + 0x7006);
		pagetable_flush(pt);
		assert_null(pagetable_at(pt, va));
	}
	release(&g, pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_sizes),
		cmocka_unit_test(test_what_is_not_mapped),
		cmocka_unit_test(test_tables_outside_memory),
		cmocka_unit_test(test_a_table_that_is_its_own_entry),
		cmocka_unit_test(test_device_memory_has_an_address_but_no_host_pointer),
		cmocka_unit_test(test_cache_lasts_until_flushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
