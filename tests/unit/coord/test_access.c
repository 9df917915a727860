/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Widths, and the way from bytes to values and back. */
#include "tests/unit/coord/fake_kernel.h"

#include "coord/access.h"

static struct kernel *kernel;

static struct width width_of(const char *text)
{
	struct width w = {WIDTH_BTF, 0};

	if (text[0])
		expect_ok(width_parse(text, &w));
	return w;
}

/* The plan for member `path` of the task at KERNEL_BASE. */
static struct err *plan(const char *path, const char *width, struct access *ret)
{
	struct width w = width_of(width);
	struct place place;
	uint32_t task;

	ERR_TRY(types_parse(kernel->types, "struct task_struct", &task));
	ERR_TRY(path_resolve(kernel, task, KERNEL_BASE, path, &place));
	return access_plan(kernel->types, &place, &w, ret);
}

static void test_width_parse(void **state)
{
	struct width w;

	(void)state;
	expect_ok(width_parse("u16", &w));
	assert_int_equal(w.kind, WIDTH_UNSIGNED);
	assert_int_equal(w.bytes, 2);
	expect_ok(width_parse("s64", &w));
	assert_int_equal(w.kind, WIDTH_SIGNED);
	assert_int_equal(w.bytes, 8);
	expect_ok(width_parse("or-u32", &w));
	assert_int_equal(w.kind, WIDTH_OR_U32);
	expect_ok(width_parse("bytes:240", &w));
	assert_int_equal(w.bytes, 240);
	expect_err(width_parse("u24", &w), ERR_USAGE,
		   "type 'u24': one of u8 u16 u32 u64 s8 s16 s32 s64 bytes:N or-u32");
	expect_err(width_parse("bytes:0", &w), ERR_USAGE, "type 'bytes:0': from 1 to 240 bytes");
	expect_err(width_parse("bytes:241", &w), ERR_USAGE,
		   "type 'bytes:241': from 1 to 240 bytes");
	expect_err_with(width_parse("bytes:x", &w), ERR_USAGE, "x");
}

static void test_widths_must_fit(void **state)
{
	struct access a;

	(void)state;
	expect_ok(plan("se.vruntime", "", &a));
	assert_int_equal(a.len, 8);
	assert_string_equal(a.name, "u64");
	expect_ok(plan("on_cpu", "u32", &a));
	assert_string_equal(a.name, "u32");
	expect_ok(plan("comm", "bytes:4", &a));
	expect_err(plan("comm", "bytes:17", &a), ERR_REFUSED,
		   "bytes:17 does not fit: the field is char [16], 16 bytes");
	expect_err(plan("se.vruntime", "u32", &a), ERR_REFUSED,
		   "u32 does not fit: the field is u64, 8 bytes");
	expect_err(plan("on_rq", "or-u32", &a), ERR_REFUSED,
		   "or-u32 does not fit: the field is u8, 1 bytes");
	expect_err(plan("frozen", "u32", &a), ERR_REFUSED,
		   "u32 does not fit: the field is a bit-field, unsigned int:1");
	expect_ok(plan("se", "", &a));
	assert_int_equal(a.kind, ACCESS_WHOLE);
}

static void test_addresses_without_type(void **state)
{
	struct place place = {.address = KERNEL_BASE + 1};
	struct width none = width_of(""), u64 = width_of("u64"), bytes = width_of("bytes:3");
	struct access a;

	(void)state;
	expect_err(access_plan(kernel->types, &place, &none, &a), ERR_USAGE,
		   "0xffff888000000001 has no known type: say one, as in :u64");
	expect_err(access_plan(kernel->types, &place, &u64, &a), ERR_REFUSED,
		   "0xffff888000000001 is not aligned to the 8 bytes of u64");
	expect_ok(access_plan(kernel->types, &place, &bytes, &a));
}

/* Writes `text` over `old` and says what the bytes then mean. */
static struct err *round_trip(const char *path, const char *width, const char *text, uint64_t old,
			      uint64_t *ret_bytes, struct value *ret)
{
	uint8_t before[COLD_BYTES_MAX] = {0}, after[COLD_BYTES_MAX] = {0};
	struct access a;

	memcpy(before, &old, sizeof(old));
	ERR_TRY(plan(path, width, &a));
	ERR_TRY(access_encode(kernel->types, &a, text, before, after));
	access_decode(&a, after, ret);
	memcpy(ret_bytes, after, sizeof(*ret_bytes));
	return NULL;
}

static void test_numbers(void **state)
{
	struct value v;
	uint64_t bytes;

	(void)state;
	expect_ok(round_trip("on_cpu", "", "-2", 0, &bytes, &v));
	assert_int_equal(bytes, 0xfffffffe);
	assert_int_equal((int64_t)v.number, -2);
	expect_ok(round_trip("on_cpu", "u32", "0xffffffff", 0, &bytes, &v));
	assert_int_equal(v.number, 0xffffffff);
	assert_true(v.is_unsigned);
	expect_ok(round_trip("se.vruntime", "", "18446744073709551615", 0, &bytes, &v));
	assert_true(v.number == UINT64_MAX);
	expect_ok(round_trip("se.vruntime", "", "20ms", 0, &bytes, &v));
	assert_int_equal(v.number, 20000000);
	expect_ok(round_trip("policy", "", "ANGRY", 0, &bytes, &v));
	assert_int_equal(v.number, 3);
	expect_err(round_trip("on_rq", "", "256", 0, &bytes, &v), ERR_REFUSED,
		   "256 does not fit u8 (0..255)");
	expect_err(round_trip("on_cpu", "", "2147483648", 0, &bytes, &v), ERR_REFUSED,
		   "2147483648 does not fit int (-2147483648..2147483647)");
	expect_err(round_trip("policy", "", "-1", 0, &bytes, &v), ERR_REFUSED,
		   "-1 does not fit unsigned int (0..4294967295)");
	expect_err(round_trip("policy", "", "", 0, &bytes, &v), ERR_USAGE,
		   "'' is no value of unsigned int");
	expect_err_with(round_trip("policy", "", "12x", 0, &bytes, &v), ERR_USAGE, "12x");
	expect_err_with(round_trip("policy", "", "HAPPY", 0, &bytes, &v), ERR_NOT_FOUND,
			"value of unsigned int: no enumerator 'HAPPY'");
	expect_err(round_trip("se", "", "1", 0, &bytes, &v), ERR_REFUSED,
		   "struct sched_entity is written member by member, or as bytes:N");
}

static void test_or_keeps_other_bits(void **state)
{
	struct value v;
	uint64_t bytes;

	(void)state;
	expect_ok(round_trip("policy", "or-u32", "0x10", 0x81, &bytes, &v));
	assert_int_equal(v.number, 0x91);
}

static void test_bitfields_keep_their_neighbours(void **state)
{
	struct value v;
	uint64_t bytes;

	(void)state;
	/* `level`: 5 bits from bit 6, signed; it reaches into the second byte. */
	expect_ok(round_trip("level", "", "-3", 0xffff, &bytes, &v));
	assert_int_equal((int64_t)v.number, -3);
	assert_int_equal(bytes, 0xff7f);
	expect_ok(round_trip("level", "", "0", 0xffff, &bytes, &v));
	assert_int_equal(bytes, 0xf83f);
	expect_ok(round_trip("frozen", "", "1", 0, &bytes, &v));
	assert_int_equal(bytes, 0x08);
	expect_err(round_trip("level", "", "16", 0, &bytes, &v), ERR_REFUSED,
		   "16 does not fit int:5 (-16..15)");
	expect_err(round_trip("frozen", "", "2", 0, &bytes, &v), ERR_REFUSED,
		   "2 does not fit unsigned int:1 (0..1)");
}

static void test_text_and_bytes(void **state)
{
	struct value v;
	uint64_t bytes;

	(void)state;
	expect_ok(round_trip("comm", "", "abc", UINT64_MAX, &bytes, &v));
	assert_string_equal(v.string, "abc");
	assert_int_equal(bytes, 0x636261);
	expect_err(round_trip("comm", "", "0123456789abcdef", 0, &bytes, &v), ERR_REFUSED,
		   "'0123456789abcdef' is 16 bytes: char [16] has room for 15 and the NUL");
	expect_ok(round_trip("comm", "bytes:2", "0xBEef", 0, &bytes, &v));
	assert_string_equal(v.string, "beef");
	expect_err(round_trip("comm", "bytes:2", "bee", 0, &bytes, &v), ERR_USAGE,
		   "'bee': pairs of hexadecimal digits are expected");
	expect_err(round_trip("comm", "bytes:2", "beef00", 0, &bytes, &v), ERR_REFUSED,
		   "'beef00' is longer than bytes:2");
	expect_err(round_trip("comm", "bytes:2", "be", 0, &bytes, &v), ERR_REFUSED,
		   "'be' is 1 bytes, not the 2 of bytes:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width_parse),
		cmocka_unit_test(test_widths_must_fit),
		cmocka_unit_test(test_addresses_without_type),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_or_keeps_other_bits),
		cmocka_unit_test(test_bitfields_keep_their_neighbours),
		cmocka_unit_test(test_text_and_bytes),
	};
	int failed;

	kernel = fake_kernel();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fake_kernel_free(kernel);
	return failed;
}
