/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/expect.h"

#include "vmm/registers.h"

#include <string.h>

/* As QEMU 7.2 to 11 write it. */
static const char text[] =
	"\r\nCPU#0\r\n"
	"RAX=0000000000000001 RBX=0000000000000002 RCX=0000000000000003 RDX=0000000000000004\r\n"
	"RSI=0000000000000005 RDI=0000000000000006 RBP=0000000000000007 RSP=ff1100000401fe10\r\n"
	"R8 =0000000000000009 R9 =000000000000000a R10=000000000000000b R11=000000000000000c\r\n"
	"R12=000000000000000d R13=000000000000000e R14=000000000000000f R15=0000000000000010\r\n"
	"RIP=ffffffff82116eef RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1\r\n"
	"ES =0000 0000000000000000 ffffffff 00c00000\r\n"
	"CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]\r\n"
	"SS =0018 0000000000000000 ffffffff 00cf9300 DPL=0 DS   [-WA]\r\n"
	"DS =0000 0000000000000000 ffffffff 00c00000\r\n"
	"FS =0000 0000000000000000 ffffffff 00c00000\r\n"
	"GS =002b ff1100001f400000 ffffffff 00c00000\r\n";

static void test_every_register(void **state)
{
	struct cpu_registers r;

	(void)state;
	assert_true(registers_parse(text, &r));
	assert_int_equal(r.value[REG_RAX], 1);
	assert_int_equal(r.value[REG_RDI], 6);
	assert_int_equal(r.value[REG_R8], 9);
	assert_int_equal(r.value[REG_R15], 16);
	assert_true(r.value[REG_RSP] == 0xff1100000401fe10);
	assert_true(r.value[REG_RIP] == 0xffffffff82116eef);
	assert_true(r.value[REG_RFLAGS] & RFLAGS_IF);
	assert_int_equal(r.value[REG_CS], 0x10);
	assert_int_equal(r.value[REG_GS], 0x2b);
	assert_false(registers_in_user(&r));
	assert_string_equal(cpu_register_name(REG_R15), "r15");
}

static void test_a_text_that_is_cut_off(void **state)
{
	struct cpu_registers r;
	char cut[sizeof(text)];

	(void)state;
	for (size_t len = 0; len < strlen(text) - 40; len++) {
		memcpy(cut, text, len);
		cut[len] = '\0';
		/* Only GS, the last, may be there in part. */
		assert_false(registers_parse(cut, &r) && !strstr(cut, "GS =0"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_register),
		cmocka_unit_test(test_a_text_that_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
