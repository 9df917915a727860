/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/expect.h"

#include "vmm/device_clock.h"

#include <sys/mman.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static const uint8_t section[] = {0x04, 0, 0, 0, 2, 5, 't', 'i', 'm', 'e', 'r', 0, 0, 0, 0, 0, 0, 0, 2,
				  /* ticks */ 0, 0, 0, 0, 0, 0, 1, 0, /* unused */ 9, 9, 9, 9, 9, 9, 9, 9,
				  /* clock */ 0, 0, 0, 0, 0, 0, 0, 5};

/* A state of `times` sections with junk around, cut to `size` bytes (0: whole). */
static void make(struct saved *s, unsigned int times, size_t size)
{
	static const char junk[64] = "\5timeless junk";

	saved_init(s);
	s->state_fd = memfd_create("state", MFD_CLOEXEC);
	for (unsigned int i = 0; i < times; i++) {
		assert_int_equal(write(s->state_fd, junk, sizeof(junk)), sizeof(junk));
		assert_int_equal(write(s->state_fd, section, sizeof(section)), sizeof(section));
	}
	if (!times)
		assert_int_equal(write(s->state_fd, junk, sizeof(junk)), sizeof(junk));
	if (size)
		assert_int_equal(ftruncate(s->state_fd, (off_t)size), 0);
	expect_ok(saved_measure_state(s, false));
}

static uint64_t word(const struct saved *s, off_t at)
{
	uint64_t value;

	assert_int_equal(pread(s->state_fd, &value, 8, at), 8);
	return __builtin_bswap64(value);
}

static void test_advance(void **state)
{
	char hash[SHA256_TEXT];
	struct saved s;
	uint64_t ticks;

	make(&s, 1, 0);
	memcpy(hash, s.state_hash, sizeof(hash));
	expect_ok(device_clock_advance(&s, 1000 * MS));
	assert_int_equal(word(&s, 64 + 19 + 16), 5 + 1000 * MS);
	assert_int_equal(word(&s, 64 + 19 + 8), UINT64_C(0x0909090909090909));
	ticks = word(&s, 64 + 19) - 256;
	assert_in_range(ticks, 100 * MS, 10000 * MS); /* 0.1 to 10 GHz */
	assert_string_not_equal(hash, s.state_hash);
	saved_deinit(&s);
}

static void test_bad(void **state)
{
	struct saved s;

	make(&s, 0, 0);
	expect_err(device_clock_advance(&s, MS), ERR_BAD_DATA, "the saved device state has no timer section");
	saved_deinit(&s);
	make(&s, 2, 0);
	expect_err(device_clock_advance(&s, MS), ERR_BAD_DATA, "the saved device state has two timer sections");
	saved_deinit(&s);
	make(&s, 1, 64 + sizeof(section) - 1);
	expect_err(device_clock_advance(&s, MS), ERR_BAD_DATA,
		   "the saved device state ends in its timer section");
	saved_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_advance), cmocka_unit_test(test_bad)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
