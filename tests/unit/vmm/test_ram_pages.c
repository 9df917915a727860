/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of which some are there: copied when they are looked at, or put. */
#include "tests/expect.h"

#include "vmm/ram.h"
#include "vmm/ram_pages.h"

#include <string.h>

#define SIZE (16u * RAM_PAGE)

static struct ram of;

static struct ram picture(const struct ram *from)
{
	struct ram ram = {.fd = -1, .size = SIZE, .segments = {{.phys = 0, .len = SIZE}}, .segment_count = 1};

	expect_ok(ram_pages_create(&ram, from));
	return ram;
}

static void a_page_is_of_when_it_was_looked_at(void **state)
{
	struct ram ram = picture(&of);

	(void)state;
	memset(of.base, 1, SIZE);
	assert_int_equal(*(char *)ram_at(&ram, RAM_PAGE, 1), 1);
	memset(of.base, 2, SIZE);
	assert_int_equal(*(char *)ram_at(&ram, RAM_PAGE, 1), 1);
	assert_int_equal(*(char *)ram_at(&ram, 3 * RAM_PAGE, 1), 2);
	ram_pages_refresh(ram.pages);
	assert_int_equal(*(char *)ram_at(&ram, RAM_PAGE, 1), 2);
	ram_pages_begin_late(ram.pages);
	assert_non_null(ram_at(&ram, 5 * RAM_PAGE - 1, 2)); /* two pages */
	assert_int_equal(ram_pages_count(ram.pages), 4);
	assert_int_equal(ram_pages_late(ram.pages), 2);
	ram_pages_close(ram.pages);
	assert_null(ram_at(&ram, 7 * RAM_PAGE, 1));
	assert_non_null(ram_at(&ram, RAM_PAGE, 1));
	ram_deinit(&ram);
}

static void runs_of_pages_are_listed(void **state)
{
	struct ram ram = picture(NULL);
	char page[RAM_PAGE] = "x";
	uint64_t start, end;

	(void)state;
	assert_int_equal(ram_next_data(&ram, 0, &start, &end), 0);
	expect_ok(ram_pages_put(ram.pages, 2, page));
	expect_ok(ram_pages_put(ram.pages, 3, page));
	expect_ok(ram_pages_put(ram.pages, 15, page));
	assert_int_equal(ram_next_data(&ram, 0, &start, &end), 1);
	assert_int_equal(start, 2 * RAM_PAGE);
	assert_int_equal(end, 4 * RAM_PAGE);
	assert_int_equal(ram_next_data(&ram, end, &start, &end), 1);
	assert_int_equal(start, 15 * RAM_PAGE);
	assert_int_equal(ram_next_data(&ram, end, &start, &end), 0);
	assert_null(ram_at(&ram, 4 * RAM_PAGE - 1, 2));
	assert_int_equal(ram_pread(&ram, page, 1, 2 * RAM_PAGE), 1);
	expect_err(ram_pages_put(ram.pages, 16, page), ERR_BAD_DATA, "page 16 lies beyond guest memory");
	ram_deinit(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_of_when_it_was_looked_at),
		cmocka_unit_test(runs_of_pages_are_listed),
	};
	int failed;

	expect_ok(ram_create(SIZE, &of));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	ram_deinit(&of);
	return failed;
}
