/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory: segments, bounds, pieces and holes. */
#include "tests/expect.h"

#include "vmm/ram.h"

#include <sys/mman.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static void one_segment(void **state)
{
	struct ram ram;

	expect_ok(ram_create(64 * MIB, &ram));
	assert_int_equal(ram.segment_count, 1);
	assert_int_equal(ram.segments[0].len, 64 * MIB);
	assert_ptr_equal(ram_at(&ram, 4096, 8), ram.base + 4096);
	assert_non_null(ram_at(&ram, 64 * MIB - 8, 8));
	assert_null(ram_at(&ram, 64 * MIB - 7, 8));
	assert_null(ram_at(&ram, 64 * MIB, 1));
	assert_null(ram_at(&ram, UINT64_MAX, 8));
	assert_null(ram_at(&ram, 8, SIZE_MAX));
	ram_deinit(&ram);
}

/* QEMU's split: 0xb0000000 bytes and more leave 2 GiB below the hole. */
static void two_segments(void **state)
{
	struct ram ram;

	expect_ok(ram_create(0xb0000000 - MIB, &ram));
	assert_int_equal(ram.segment_count, 1);
	ram_deinit(&ram);
	expect_ok(ram_create(3 * GIB, &ram));
	assert_int_equal(ram.segment_count, 2);
	assert_ptr_equal(ram_at(&ram, 2 * GIB - 4, 4), ram.base + 2 * GIB - 4);
	assert_null(ram_at(&ram, 2 * GIB - 4, 8)); /* across the hole */
	assert_null(ram_at(&ram, 3 * GIB, 1));
	assert_ptr_equal(ram_at(&ram, 4 * GIB, 4), ram.base + 2 * GIB);
	assert_null(ram_at(&ram, 5 * GIB, 1));
	ram_deinit(&ram);
}

static void pieces_are_one_mapping(void **state)
{
	struct ram ram;
	uint64_t offset = 0;
	uint32_t word = 0;

	expect_ok(ram_create_pieces(100 * MIB, 3, &ram));
	assert_int_equal(ram.piece_count, 3);
	assert_int_equal(ram.pieces[0].len, 33 * MIB);
	assert_int_equal(ram.pieces[2].len, 34 * MIB);
	assert_int_equal(ram.size, 100 * MIB);
	*(uint32_t *)ram_at(&ram, 66 * MIB + 8, 4) = 0x12345678;
	assert_int_equal(ram_locate(&ram, 66 * MIB + 8, &offset), 2);
	assert_int_equal(offset, 8);
	assert_int_equal(pread(ram.pieces[2].fd, &word, 4, 8), 4);
	assert_int_equal(word, 0x12345678);
	assert_int_equal(ram_locate(&ram, 100 * MIB, &offset), -1);
	ram_deinit(&ram);
}

static void holes_are_passed_over(void **state)
{
	struct ram ram;
	uint64_t start = 0, end = 0;

	expect_ok(ram_create_pieces(64 * MIB, 2, &ram));
	assert_int_equal(ram_next_data(&ram, 0, &start, &end), 0);
	ram.base[5 * MIB] = 1;
	ram.base[40 * MIB] = 1;
	assert_int_equal(ram_next_data(&ram, 0, &start, &end), 1);
	assert_true(start <= 5 * MIB && end > 5 * MIB && end < 32 * MIB);
	assert_int_equal(ram_next_data(&ram, end, &start, &end), 1);
	assert_true(start > 31 * MIB && start <= 40 * MIB && end > 40 * MIB);
	assert_int_equal(ram_next_data(&ram, end, &start, &end), 0);
	assert_int_equal(ram_next_data(&ram, 64 * MIB, &start, &end), 0);
	ram_deinit(&ram);
}

static void images_are_opened(void **state)
{
	struct ram ram;
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(pwrite(fd, "abc", 3, 4096), 3);
	expect_ok(ram_open(fd, &ram));
	assert_memory_equal(ram_at(&ram, 4096, 3), "abc", 3);
	ram_deinit(&ram);
	expect_err(ram_open(memfd_create("empty", MFD_CLOEXEC), &ram), ERR_BAD_DATA,
		   "memory image is empty");
	expect_err(ram_create_pieces(64 * MIB, 9, &ram), ERR_USAGE,
		   "67108864 bytes of memory cannot be shared by 9 nodes");
	expect_err(ram_create_pieces(MIB, 2, &ram), ERR_USAGE,
		   "1048576 bytes of memory cannot be shared by 2 nodes");
}

static void a_sum_is_of_what_memory_holds(void **state)
{
	uint64_t empty, one, moved, again;
	struct ram ram;

	expect_ok(ram_create(4 * MIB, &ram));
	assert_int_equal(ram_sum(&ram, &empty), 0);
	assert_true(empty == 0);
	ram.base[MIB] = 1;
	assert_int_equal(ram_sum(&ram, &one), 0);
	assert_true(one != empty);
	/* A page that was touched and is zero again counts no more than a hole. */
	ram.base[2 * MIB] = 1;
	ram.base[2 * MIB] = 0;
	assert_int_equal(ram_sum(&ram, &again), 0);
	assert_true(again == one);
	ram.base[MIB] = 0;
	ram.base[2 * MIB] = 1;
	assert_int_equal(ram_sum(&ram, &moved), 0);
	assert_true(moved != one && moved != empty);
	ram_deinit(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_segment),
		cmocka_unit_test(two_segments),
		cmocka_unit_test(pieces_are_one_mapping),
		cmocka_unit_test(holes_are_passed_over),
		cmocka_unit_test(images_are_opened),
		cmocka_unit_test(a_sum_is_of_what_memory_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
