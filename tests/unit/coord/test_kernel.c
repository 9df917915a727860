/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access to an adopted kernel: memory, symbols, per-CPU variables. */
#include "coord/kernel.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

#define STACK 0xffffc90000000000ull /* two pages next to each other here, far apart in RAM */

static struct kernel *adopt(struct image *g, enum image_encoding encoding)
{
	struct kernel *k;

	image_init(g, 4, encoding);
	image_symbol(g, "schedule", image_alloc(g, 256, 16), 'T');
	image_symbol(g, "schedule_user", image_alloc(g, 256, 16), 't');
	image_map(g, STACK, 0x900000, 0);
	image_map(g, STACK + 4096, 0xa00000, 0);
	image_finish(g);
	expect_ok(kernel_adopt(&g->ram, 0, &k));
	return k;
}

static void release(struct image *g, struct kernel *k)
{
	kernel_destroy(k);
	image_deinit(g);
}

static void test_reads_and_writes_cross_pages(void **state)
{
	struct image g;
	struct kernel *k = adopt(&g, IMAGE_PLACE);
	const char text[] = "across the boundary";
	char back[sizeof(text)];
	uint64_t u64;
	uint32_t u32;

	expect_ok(kernel_write(k, STACK + 4090, text, sizeof(text)));
	assert_memory_equal(ram_at(&g.ram, 0x900000 + 4090, 6), "across", 6);
	assert_memory_equal(ram_at(&g.ram, 0xa00000, 13), " the boundary", 13);
	expect_ok(kernel_read(k, STACK + 4090, back, sizeof(back)));
	assert_string_equal(back, text);
	expect_ok(kernel_read_string(k, STACK + 4090, back, sizeof(back)));
	assert_string_equal(back, text);
	expect_ok(kernel_read_string(k, STACK + 4090, back, 7));
	assert_string_equal(back, "across");
	assert_null(kernel_at(k, STACK + 4090, 7));
	assert_ptr_equal(kernel_at(k, STACK + 4090, 6), ram_at(&g.ram, 0x900000 + 4090, 6));
	expect_ok(kernel_read_u64(k, STACK + 4090, &u64));
	assert_memory_equal(&u64, "across t", 8);
	expect_ok(kernel_read_u32(k, STACK + 4090, &u32));
	assert_memory_equal(&u32, "acro", 4);
	release(&g, k);
}

static void test_bad_addresses(void **state)
{
	struct image g;
	struct kernel *k = adopt(&g, IMAGE_PLACE);
	char buffer[64] = "unchanged";
	uint64_t u64 = 7, phys = 9;
	struct err *err;

	expect_err(kernel_read_u64(k, 0x10, &u64), ERR_FAULT, "bad address 0x10");
	err = kernel_read(k, STACK + 8160, buffer, sizeof(buffer));
	assert_int_equal(err_address(err), STACK + 8192); /* the first byte that is missing */
	err_free(err);
	expect_err(kernel_read_string(k, 0xdead000000000100, buffer, sizeof(buffer)), ERR_FAULT,
		   "bad address 0xdead000000000100");
	expect_err(kernel_translate(k, 0x1000, &phys), ERR_FAULT, "bad address 0x1000");
	assert_int_equal(phys, 9);
	/* A write is all or nothing. */
	memset(buffer, 'x', sizeof(buffer));
	expect_err(kernel_write(k, STACK + 8160, buffer, sizeof(buffer)), ERR_FAULT,
		   "bad address 0xffffc90000002000");
	assert_int_equal(*(char *)ram_at(&g.ram, 0xa00000 + 4095, 1), 0);
	/* Sums that wrap around end at the top of the address space. */
	expect_err(kernel_read(k, UINT64_MAX - 3, buffer, 8), ERR_FAULT,
		   "bad address 0xfffffffffffffffc");
	assert_null(kernel_at(k, 0x10, 8));
	release(&g, k);
}

static void test_symbols(void **state)
{
	struct image g;
	struct kernel *k = adopt(&g, IMAGE_PLACE);
	uint64_t address, offset;
	char name[16];

	expect_ok(kernel_symbol(k, "schedule", &address));
	expect_ok(kernel_symbol_at(k, address + 0x12, name, sizeof(name), &offset));
	assert_string_equal(name, "schedule");
	assert_int_equal(offset, 0x12);
	expect_ok(kernel_symbol_at(k, address + 256, name, 5, &offset));
	assert_string_equal(name, "sche");
	expect_err(kernel_symbol(k, "shedule", &address), ERR_NOT_FOUND,
		   "no symbol 'shedule'; near: schedule");
	expect_err(kernel_symbol(k, "zzzzzzzzz", &address), ERR_NOT_FOUND, "no symbol 'zzzzzzzzz'");
	expect_err(kernel_symbol_at(k, 0x1000, name, sizeof(name), &offset), ERR_NOT_FOUND,
		   "0x1000 is outside the kernel's image");
	assert_true(kernel_in_image(k, IMAGE_START));
	assert_false(kernel_in_image(k, IMAGE_START + IMAGE_SIZE));
	release(&g, k);
}

struct seen {
	char names[256];
	unsigned int stop_after;
};

static bool see(void *context, const char *name, uint64_t address, char kind)
{
	struct seen *s = context;
	size_t len = strlen(s->names);

	snprintf(s->names + len, sizeof(s->names) - len, "%s:%c ", name, kind);
	return --s->stop_after > 0;
}

static void test_symbols_by_prefix(void **state)
{
	struct image g;
	struct kernel *k = adopt(&g, IMAGE_PLACE);
	struct seen seen = {.stop_after = 100};

	kernel_symbols_each(k, "s", see, &seen);
	assert_string_equal(seen.names, "schedule:T schedule_user:t ");
	seen = (struct seen){.stop_after = 1};
	kernel_symbols_each(k, "init_", see, &seen);
	assert_string_equal(seen.names, "init_task:D ");
	seen = (struct seen){.stop_after = 1};
	kernel_symbols_each(k, "zz", see, &seen);
	assert_string_equal(seen.names, "");
	release(&g, k);
}

static void test_per_cpu(void **state)
{
	for (int e = IMAGE_BASE; e <= IMAGE_PERCPU; e++) {
		struct image g;
		struct kernel *k = adopt(&g, (enum image_encoding)e);
		uint64_t symbol, address;

		assert_int_equal(kernel_cpus(k), 2);
		assert_true(kernel_cpu_online(k, 0));
		assert_false(kernel_cpu_online(k, 1));
		assert_false(kernel_cpu_online(k, 2));
		expect_ok(kernel_symbol(k, "percpu_task", &symbol));
		expect_ok(kernel_percpu(k, symbol, 1, &address));
		assert_int_equal(address, symbol + 0x2000);
		expect_err(kernel_percpu(k, symbol, 2, &address), ERR_NOT_FOUND,
			   "no CPU 2: the guest has 0 to 1");
		release(&g, k);
	}
}

static void test_windows(void **state)
{
	struct image g;
	struct kernel *k = adopt(&g, IMAGE_PLACE);
	char byte = 'a';

	expect_ok(kernel_write(k, STACK, &byte, 1));
	image_unmap(&g, STACK);
	expect_ok(kernel_read(k, STACK, &byte, 1)); /* the window's translations last */
	kernel_window_begin(k);
	expect_err(kernel_read(k, STACK, &byte, 1), ERR_FAULT, "bad address 0xffffc90000000000");
	kernel_drop_pages(k);
	assert_int_equal(*(char *)ram_at(&g.ram, 0x900000, 1), 'a'); /* dropped, not lost */
	release(&g, k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_writes_cross_pages),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_symbols_by_prefix),
		cmocka_unit_test(test_per_cpu),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
