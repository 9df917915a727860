/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adoption of a hand-made kernel, and of what is not one. */
#include "coord/kernel.h"
#include "coord/types.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

static void adopt_and_check(unsigned int levels, enum image_encoding encoding)
{
	const struct kernel_info *info;
	struct kernel *k;
	struct image g;
	uint64_t address, phys;

	image_init(&g, levels, encoding);
	image_finish(&g);
	expect_ok(kernel_adopt(&g.ram, 0, &k));
	info = kernel_info(k);
	assert_string_equal(info->release, IMAGE_RELEASE);
	assert_string_equal(info->build_id, "0123456789abcdef0123456789abcdef01234567");
	assert_int_equal(info->kaslr_offset, IMAGE_KASLR);
	assert_int_equal(info->five_levels, levels == 5);
	assert_int_equal(info->vmcoreinfo, IMAGE_NOTE);
	assert_int_equal(info->symbols, g.symbol_count);
	assert_false(info->sched_ext);
	for (unsigned int i = 0; i < g.symbol_count; i++) {
		expect_ok(kernel_symbol(k, g.symbols[i].name, &address));
		assert_int_equal(address, g.symbols[i].address);
	}
	expect_ok(kernel_translate(k, kernel_direct_map(k, 0x123456), &phys));
	assert_int_equal(phys, 0x123456);
	kernel_destroy(k);
	image_deinit(&g);
}

static void test_levels_and_encodings(void **state)
{
	for (unsigned int levels = 4; levels <= 5; levels++)
		for (int e = IMAGE_PLACE; e <= IMAGE_PERCPU; e++)
			adopt_and_check(levels, (enum image_encoding)e);
}

static void test_empty_ram(void **state)
{
	struct kernel *k;
	struct ram ram;

	expect_ok(ram_create(1 << 20, &ram));
	expect_err(kernel_adopt(&ram, 0, &k), ERR_NOT_FOUND,
		   "no Linux kernel in guest memory (yet): no vmcoreinfo, which needs "
		   "CONFIG_VMCORE_INFO and "
		   "a kernel past its early boot");
	ram_deinit(&ram);
}

static void test_without_kallsyms(void **state)
{
	struct kernel *k;
	struct image g;

	image_init(&g, 4, IMAGE_PLACE);
	g.no_kallsyms = true;
	image_finish(&g);
	expect_err(kernel_adopt(&g.ram, 0, &k), ERR_ABSENT,
		   "kernel 7.0.0-test does not say where its symbols are: needs CONFIG_KALLSYMS "
		   "and Linux "
		   "6.0 or newer");
	image_deinit(&g);
}

static void test_without_btf(void **state)
{
	struct kernel *k;
	struct image g;

	image_init(&g, 4, IMAGE_PLACE);
	g.no_btf = true;
	image_finish(&g);
	expect_err(kernel_adopt(&g.ram, 0, &k), ERR_ABSENT,
		   "kernel 7.0.0-test has no __start_BTF: needs CONFIG_DEBUG_INFO_BTF");
	image_deinit(&g);
}

/* The note of a kernel that ran before, whose page tables are gone, lies lower in RAM. */
static void test_stale_note_is_passed_over(void **state)
{
	struct kernel *k;
	struct image g;
	char *stale;

	image_init(&g, 4, IMAGE_PLACE);
	image_finish(&g);
	stale = ram_at(&g.ram, 0x10000, 8192);
	memcpy(stale, ram_at(&g.ram, IMAGE_NOTE, 8192), 8192);
	memcpy(strstr(stale + 24, "swapper_pg_dir)=") + 16, "ffffffff87900000", 16);
	expect_ok(kernel_adopt(&g.ram, 0, &k));
	assert_int_equal(kernel_info(k)->vmcoreinfo, IMAGE_NOTE);
	kernel_destroy(k);
	/* Alone it is no kernel. */
	memset(ram_at(&g.ram, IMAGE_NOTE, 4096), 0, 4096);
	expect_err(kernel_adopt(&g.ram, 0, &k), ERR_NOT_FOUND,
		   "no Linux kernel in guest memory: vmcoreinfo was found 1 times, but its page "
		   "tables lead "
		   "nowhere");
	image_deinit(&g);
}

static void test_release_must_match_memory(void **state)
{
	struct kernel *k;
	struct image g;

	image_init(&g, 4, IMAGE_PLACE);
	image_finish(&g);
	memcpy((char *)ram_at(&g.ram, IMAGE_NOTE, 4096) + 24 + strlen("OSRELEASE="), "7.1", 3);
	expect_err_with(kernel_adopt(&g.ram, 0, &k), ERR_NOT_FOUND, "its page tables lead nowhere");
	image_deinit(&g);
}

static void test_hint_is_used_and_checked(void **state)
{
	struct kernel *k;
	struct image g;

	image_init(&g, 4, IMAGE_PLACE);
	image_finish(&g);
	/* A second copy, further up: only the hint leads there. */
	image_write_note(&g, IMAGE_NOTE + 0x10000);
	expect_ok(kernel_adopt(&g.ram, IMAGE_NOTE + 0x10000, &k));
	assert_int_equal(kernel_info(k)->vmcoreinfo, IMAGE_NOTE + 0x10000);
	kernel_destroy(k);
	expect_ok(kernel_adopt(&g.ram, 0x3000, &k));
	assert_int_equal(kernel_info(k)->vmcoreinfo, IMAGE_NOTE);
	kernel_destroy(k);
	image_deinit(&g);
}

static void test_damaged_tables(void **state)
{
	struct kernel *k;
	struct image g;
	uint32_t many = 0xffffffff, cpus = 9999;
	uint64_t address;

	image_init(&g, 4, IMAGE_PLACE);
	image_finish(&g);
	expect_ok(kernel_adopt(&g.ram, 0, &k));
	expect_ok(kernel_symbol(k, "nr_cpu_ids", &address));
	kernel_destroy(k);
	memcpy(image_at(&g, address), &cpus, 4);
	expect_err(kernel_adopt(&g.ram, 0, &k), ERR_BAD_DATA, "nr_cpu_ids is 9999");
	address = strtoull(strstr(g.note, "kallsyms_num_syms)=") + 19, NULL, 16);
	memcpy(image_at(&g, address), &many, 4);
	expect_err(kernel_adopt(&g.ram, 0, &k), ERR_BAD_DATA, "kallsyms: 4294967295 symbols");
	image_deinit(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels_and_encodings),
		cmocka_unit_test(test_empty_ram),
		cmocka_unit_test(test_without_kallsyms),
		cmocka_unit_test(test_without_btf),
		cmocka_unit_test(test_stale_note_is_passed_over),
		cmocka_unit_test(test_release_must_match_memory),
		cmocka_unit_test(test_hint_is_used_and_checked),
		cmocka_unit_test(test_damaged_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
