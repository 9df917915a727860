/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/expect.h"

#include "vmm/layout.h"

#include <stdio.h>
#include <string.h>

static bool is_ram0(void *context, const char *block)
{
	return !strcmp(block, "ram0");
}

static struct err *parse(const char *text, struct layout *ret)
{
	return layout_parse(text, is_ram0, NULL, ret);
}

#define BEFORE                                                                                     \
	"FlatView #0\r\n AS \"cpu-smm-0\", root: memory\r\n"                                       \
	"  0000000000000000-00000000ffffffff (prio 0, ram): ram0\r\n\r\n"                          \
	"FlatView #1\r\n AS \"memory\", root: system\r\n Root memory region: system\r\n"

/* As QEMU 7.2 says it: shadowed parts are passed over, devices' memory is none, the view ends. */
static void a_split_machine_is_read(void **state)
{
	static const char text[] = BEFORE
		"  0000000000000000-000000000009ffff (prio 0, ram): /objects/ram0 KVM\r\n"
		"  00000000000a0000-00000000000bffff (prio 1, ram): vga.vram\r\n"
		"  00000000000c0000-00000000000c3fff (prio 0, rom): ram0 @00000000000c0000\r\n"
		"  0000000000100000-000000007fffffff (prio 0, ram): ram0 @0000000000100000\r\n"
		"  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r\n"
		"  0000000100000000-000000013fffffff (prio 0, ram): ram0 @0000000080000000 KVM\r\n"
		"\r\n"
		"FlatView #2\r\n AS \"I/O\", root: io\r\n"
		"  0000000200000000-000000023fffffff (prio 0, ram): ram0 @00000000c0000000\r\n";
	struct layout l;

	expect_ok(parse(text, &l));
	assert_int_equal(l.count, 2);
	assert_string_equal(l.runs[0].block, "ram0");
	assert_int_equal(l.runs[0].phys, 0);
	assert_int_equal(l.runs[0].len, 0x80000000);
	assert_int_equal(l.runs[1].phys, 0x100000000);
	assert_int_equal(l.runs[1].offset, 0x80000000);
	assert_int_equal(l.runs[1].len, 0x40000000);
}

static void what_is_no_map_is_refused(void **state)
{
	struct layout l;
	char text[2000] = BEFORE;

	expect_err(parse("", &l), ERR_BAD_DATA, "qemu's memory map shows no memory of the guest");
	expect_err(parse(BEFORE "\r\n", &l), ERR_BAD_DATA,
		   "qemu's memory map shows no memory of the guest");
	expect_err(parse(BEFORE "  0000000000001000-0000000000001fff (prio 0, ram): ram0\r\n"
				"  0000000000000000-0000000000000fff (prio 0, ram): ram0\r\n",
			 &l),
		   ERR_BAD_DATA, "qemu's memory map is out of order");
	for (unsigned int i = 0; i <= RAM_SEGMENTS_MAX; i++)
		sprintf(text + strlen(text), "  %016x-%016x (prio 0, ram): ram0\r\n", i * 0x2000,
			i * 0x2000 + 0xfff);
	expect_err(parse(text, &l), ERR_BAD_DATA, "the guest's memory lies in more than 8 places");
}

/* Neither odd sizes nor ranges that end before they begin. */
static void damaged_lines_are_no_memory(void **state)
{
	struct layout l;

	expect_err(parse(BEFORE "  0000000000002000-0000000000001fff (prio 0, ram): ram0\r\n"
				"  0000000000000000-ffffffffffffffff (prio 0, ram): ram0\r\n"
				"  0000000000000000-0000000000000ffe (prio 0, ram): ram0\r\n"
				"  zz-0000000000000fff (prio 0, ram): ram0\r\n",
			 &l),
		   ERR_BAD_DATA, "qemu's memory map shows no memory of the guest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_split_machine_is_read),
		cmocka_unit_test(what_is_no_map_is_refused),
		cmocka_unit_test(damaged_lines_are_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
