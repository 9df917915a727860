/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include "tests/expect.h"

#include <stdio.h>

static void assert_duration(const char *text, uint64_t expected)
{
	uint64_t ns = 1;

	expect_ok(parse_duration(text, &ns));
	assert_int_equal(ns, expected);
}

static void test_durations(void **state)
{
	assert_duration("250ms", 250000000);
	assert_duration("2s", 2000000000);
	assert_duration("10us", 10000);
	assert_duration("5ns", 5);
	assert_duration("1.5", 1500000000);
	assert_duration("0", 0);
	assert_duration("0.000000001", 1);
	assert_duration("18446744073.709551615", UINT64_MAX);
}

static void test_durations_refused(void **state)
{
	static const char *const bad[] = {"", "s", "-1s", "1 s", "1m", "1.", ".5", "1.5ns", "1e3", "0x10",
					  "18446744073.709551616", "99999999999999999999", "1ss", " 1",
					  "0.0000000001"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128];
		uint64_t ns = 77;

		snprintf(text, sizeof(text), "'%s' is not a duration: want e.g. 250ms, 2s, 10us or 1.5",
			 bad[i]);
		expect_err(parse_duration(bad[i], &ns), ERR_USAGE, text);
		assert_int_equal(ns, 77);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{"512M", 512ull << 20}, {"4K", 4096}, {"2G", 2ull << 30}, {"0x1000", 4096},
		{"4096", 4096},         {"1.5G", 3ull << 29}, {"0", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bytes = 1;

		expect_ok(parse_size(rows[i].text, &bytes));
		assert_int_equal(bytes, rows[i].bytes);
	}
}

static void test_sizes_refused(void **state)
{
	uint64_t bytes;

	expect_err(parse_size("12Q", &bytes), ERR_USAGE,
		   "'12Q' is not a size: want e.g. 512M, 2G, 4096 or 0x1000");
	expect_err_with(parse_size("17179869184G", &bytes), ERR_USAGE, "is not a size");
	expect_err_with(parse_size("1.5", &bytes), ERR_USAGE, "is not a size");
	expect_err_with(parse_size("", &bytes), ERR_USAGE, "is not a size");
	expect_err(parse_size("0x10G", &bytes), ERR_USAGE, "'0x10G' is not a number");
}

static void test_numbers(void **state)
{
	uint64_t u = 0;
	int64_t s = 0;

	expect_ok(parse_u64("18446744073709551615", &u));
	assert_int_equal(u, UINT64_MAX);
	expect_ok(parse_u64("0xffffffffffffffff", &u));
	assert_int_equal(u, UINT64_MAX);
	expect_ok(parse_u64("010", &u));
	assert_int_equal(u, 10);
	expect_ok(parse_s64("-9223372036854775808", &s));
	assert_true(s == INT64_MIN);
	expect_ok(parse_s64("9223372036854775807", &s));
	assert_true(s == INT64_MAX);
	expect_ok(parse_s64("-0x10", &s));
	assert_true(s == -16);
}

static void test_numbers_refused(void **state)
{
	uint64_t u = 5;
	int64_t s = 5;

	expect_err(parse_u64("", &u), ERR_USAGE, "'' is not a number");
	expect_err(parse_u64("-1", &u), ERR_USAGE, "'-1' is not a number");
	expect_err(parse_u64("+1", &u), ERR_USAGE, "'+1' is not a number");
	expect_err(parse_u64(" 1", &u), ERR_USAGE, "' 1' is not a number");
	expect_err(parse_u64("1x", &u), ERR_USAGE, "'1x' is not a number");
	expect_err(parse_u64("0x", &u), ERR_USAGE, "'0x' is not a number");
	expect_err(parse_u64("18446744073709551616", &u), ERR_USAGE,
		   "'18446744073709551616' does not fit in 64 bits");
	assert_int_equal(u, 5);
	expect_err(parse_s64("9223372036854775808", &s), ERR_USAGE,
		   "'9223372036854775808' does not fit in 64 bits with a sign");
	expect_err(parse_s64("-9223372036854775809", &s), ERR_USAGE,
		   "'-9223372036854775809' does not fit in 64 bits with a sign");
	expect_err_with(parse_s64("--1", &s), ERR_USAGE, "is not a number");
	assert_true(s == 5);
}

static void test_lists(void **state)
{
	uint64_t mask[2];

	expect_ok(parse_list("0-3,7", 128, mask));
	assert_int_equal(mask[0], 0x8f);
	assert_int_equal(mask[1], 0);
	expect_ok(parse_list("63-64,127", 128, mask));
	assert_int_equal(mask[0], 1ull << 63);
	assert_int_equal(mask[1], 1ull << 63 | 1);
}

static void test_lists_refused(void **state)
{
	static const char *const bad[] = {"", ",", "1,", "1-", "-1", "3-1", "4", "0-4", "a", "1,,2", "1-2-3",
					  "18446744073709551617"};
	uint64_t mask[1];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128];

		snprintf(text, sizeof(text), "'%s' is not a list of numbers below 4: want e.g. 0-2,5",
			 bad[i]);
		expect_err(parse_list(bad[i], 4, mask), ERR_USAGE, text);
	}
}

static void test_formats(void **state)
{
	char buffer[DURATION_TEXT];

	assert_string_equal(format_seconds(500000000, buffer), "0.500000000");
	assert_string_equal(format_seconds(UINT64_MAX, buffer), "18446744073.709551615");
	assert_string_equal(format_duration(999, buffer), "999ns");
	assert_string_equal(format_duration(12300, buffer), "12.3us");
	assert_string_equal(format_duration(250000000, buffer), "250ms");
	assert_string_equal(format_duration(2500000000, buffer), "2.500s");
	assert_string_equal(format_size(512, buffer), "512B");
	assert_string_equal(format_size(512ull << 20, buffer), "512M");
	assert_string_equal(format_size(3ull << 29, buffer), "1.5G");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),      cmocka_unit_test(test_durations_refused),
		cmocka_unit_test(test_sizes),          cmocka_unit_test(test_sizes_refused),
		cmocka_unit_test(test_numbers),        cmocka_unit_test(test_numbers_refused),
		cmocka_unit_test(test_lists),          cmocka_unit_test(test_lists_refused),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
