/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/disasm.h"

#include "tests/expect.h"

#include <string.h>

static struct disasm *disasm;

/* The one instruction at 0xffffffff81000000 that these bytes begin with. */
static struct instruction decode(const char *bytes, size_t len)
{
	struct instruction i;

	disasm_decode(disasm, (const uint8_t *)bytes, len, 0xffffffff81000000, &i);
	assert_int_equal(i.address, 0xffffffff81000000);
	assert_memory_equal(i.bytes, bytes, i.size);
	return i;
}

static void test_text(void **state)
{
	struct instruction i = decode("\x48\x89\xdf\xc3", 4);

	(void)state;
	assert_int_equal(i.size, 3);
	assert_string_equal(i.text, "movq %rbx, %rdi");
	assert_int_equal(i.target, 0);
}

/* Calls, jumps, and memory by rip; not registers, nor memory elsewhere. */
static void test_targets(void **state)
{
	(void)state;
	assert_int_equal(decode("\xe8\x01\x02\x00\x00", 5).target, 0xffffffff81000206);
	assert_int_equal(decode("\x75\xfe", 2).target, 0xffffffff81000000);
	assert_int_equal(decode("\x48\x8b\x05\xf8\xff\xff\xff", 7).target, 0xffffffff80ffffff);
	assert_int_equal(decode("\xff\xe0", 2).target, 0);
	assert_int_equal(decode("\x48\x8b\x43\x10", 4).target, 0);
	assert_int_equal(decode("\x48\xc7\xc0\x34\x00\xcc\x83", 7).target, 0);
}

static void test_what_is_none(void **state)
{
	struct instruction bad = decode("\x06\x90", 2), cut = decode("\xe8\x01\x02", 3);

	(void)state;
	assert_string_equal(bad.text, "(bad)");
	assert_int_equal(bad.size, 1);
	assert_string_equal(cut.text, "(bad)");
	assert_int_equal(cut.size, 1);
}

static int start(void **state)
{
	(void)state;
	expect_ok(disasm_create(&disasm));
	return 0;
}

static int end(void **state)
{
	(void)state;
	disasm_destroy(disasm);
	disasm_destroy(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, start, end);
}
