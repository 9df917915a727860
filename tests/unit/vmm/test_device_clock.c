/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/expect.h"

#include "vmm/device_clock.h"

#define MS UINT64_C(1000000)
#define NOTHING "\5timeless junk, and \5\14timer/icounting"
/* Ticks, what is not used, the clock. */
#define TIMER "\4\0\0\0\2\5timer\0\0\0\0\0\0\0\2" "\0\0\0\0\0\0\1\0" "unused.." "\0\0\0\0\0\0\0\5"
#define TICKS 19
#define CLOCK (TICKS + 16)
/* Behind it: the bias, the number of instructions. */
#define ICOUNT "\5\14timer/icount\0\0\0\1" "\0\0\0\0\0\0\2\1" "\0\0\0\0\0\0\0\7"
#define BIAS (sizeof(TIMER) - 1 + 18)

static uint64_t word(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, 8);
	return __builtin_bswap64(value);
}

static void the_real_clock_is_ahead(void **state)
{
	uint8_t bytes[] = TIMER ICOUNT NOTHING, before[] = TIMER ICOUNT NOTHING;

	expect_ok(device_clock_advance(bytes, sizeof(bytes), false, 1000 * MS));
	assert_int_equal(word(bytes + CLOCK), 5 + 1000 * MS);
	assert_in_range(word(bytes + TICKS) - 256, 100 * MS, 10000 * MS); /* 0.1 to 10 GHz */
	memcpy(bytes + TICKS, before + TICKS, 8);
	memcpy(bytes + CLOCK, before + CLOCK, 8);
	assert_memory_equal(bytes, before, sizeof(bytes));
}

static void the_virtual_clock_is_ahead(void **state)
{
	uint8_t bytes[] = TIMER ICOUNT NOTHING, before[] = TIMER ICOUNT NOTHING;

	expect_ok(device_clock_advance(bytes, sizeof(bytes), true, 2000 * MS + 1));
	assert_int_equal(word(bytes + BIAS), 513 + 2000 * MS + 1);
	memcpy(bytes + BIAS, before + BIAS, 8);
	assert_memory_equal(bytes, before, sizeof(bytes));
}

static void the_hosts_clock_is_forgotten(void **state)
{
	uint8_t bytes[] = TIMER ICOUNT, before[] = TIMER ICOUNT;

	device_clock_forget_host(bytes, sizeof(bytes));
	assert_memory_equal(bytes + TICKS, (uint8_t[24]){0}, 24);
	memcpy(bytes + TICKS, before + TICKS, 24);
	assert_memory_equal(bytes, before, sizeof(bytes));
	/* Cut off in its middle: it stays. */
	device_clock_forget_host(bytes, TICKS + 23);
	assert_memory_equal(bytes, before, sizeof(bytes));
}

static void what_is_not_there_once_is_refused(void **state)
{
	static const struct {
		const char *bytes, *why;
		size_t size;
		bool icount;
	} rows[] = {
#define ROW(text, cut, icount, why) {text, "the saved device state " why, sizeof(text) - 1 - cut, icount}
		ROW(NOTHING, 0, false, "has no timer section"),
		ROW(TIMER TIMER, 0, false, "has more than one timer section"),
		ROW(NOTHING TIMER, 1, false, "ends in its timer section"),
		ROW(TIMER NOTHING, 0, true, "has no count of instructions"),
		ROW(TIMER ICOUNT ICOUNT, 0, true, "has more than one count of instructions"),
		ROW(TIMER ICOUNT, 1, true, "ends in its count of instructions"),
		ROW("", 0, true, "has no count of instructions"),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t bytes[256];

		memcpy(bytes, rows[i].bytes, rows[i].size);
		expect_err(device_clock_advance(bytes, rows[i].size, rows[i].icount, MS), ERR_BAD_DATA,
			   rows[i].why);
		assert_memory_equal(bytes, rows[i].bytes, rows[i].size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_real_clock_is_ahead),
		cmocka_unit_test(the_virtual_clock_is_ahead),
		cmocka_unit_test(the_hosts_clock_is_forgotten),
		cmocka_unit_test(what_is_not_there_once_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
