/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/vmcoreinfo.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

#define RAM_SIZE (8u << 20)
#define TEXT                                                                                       \
	"OSRELEASE=6.19.14\nSYMBOL(_stext)=ffffffff81000000\nNUMBER(phys_base)=-192937984\n"       \
	"NUMBER(VMALLOC_START)=0xff24416b40000000\nOFFSET(uts_namespace.name)=4\nKERNELOFFSET="    \
	"1da00000\n"

static void put_note(struct ram *ram, uint64_t phys, const char *text, uint32_t len)
{
	uint32_t head[3] = {11, len, 0};
	char *at = ram_at(ram, phys, 24 + strlen(text));

	assert_non_null(at);
	memcpy(at, head, sizeof(head));
	memcpy(at + 12, "VMCOREINFO\0", 12);
	memcpy(at + 24, text, strlen(text));
}

struct found {
	unsigned int count, stop_after;
	uint64_t phys[16];
};

static bool note_found(void *context, const struct vmcoreinfo *info)
{
	struct found *f = context;

	f->phys[f->count++ % 16] = info->phys;
	return f->count != f->stop_after;
}

static void test_finds_notes_at_page_starts(void **state)
{
	struct found f = {0};
	struct ram ram;

	/* In pieces, as a machine with NUMA nodes has it. */
	expect_ok(ram_create_pieces(RAM_SIZE, 4, &ram));
	put_note(&ram, 0x3000, TEXT, strlen(TEXT));
	put_note(&ram, 0x5010, TEXT, strlen(TEXT)); /* not at the start of a page */
	put_note(&ram, 3u << 20, TEXT, strlen(TEXT));
	put_note(&ram, RAM_SIZE - 4096, TEXT, strlen(TEXT));
	expect_ok(vmcoreinfo_each(&ram, note_found, &f));
	assert_int_equal(f.count, 3);
	assert_int_equal(f.phys[0], 0x3000);
	assert_int_equal(f.phys[1], 3u << 20);
	assert_int_equal(f.phys[2], RAM_SIZE - 4096);
	f = (struct found){.stop_after = 2};
	expect_ok(vmcoreinfo_each(&ram, note_found, &f));
	assert_int_equal(f.count, 2);
	ram_deinit(&ram);
}

/* Above the PCI hole, where the place in the file is not the address. */
static void test_memory_above_four_gigabytes(void **state)
{
	struct found f = {0};
	struct ram ram;

	expect_ok(ram_create(3ull << 30, &ram));
	assert_int_equal(ram.segment_count, 2);
	put_note(&ram, (4ull << 30) + 0x5000, TEXT, strlen(TEXT));
	expect_ok(vmcoreinfo_each(&ram, note_found, &f));
	assert_int_equal(f.count, 1);
	assert_int_equal(f.phys[0], (4ull << 30) + 0x5000);
	ram_deinit(&ram);
}

static void test_incomplete_notes_do_not_count(void **state)
{
	struct found f = {0};
	struct ram ram;

	expect_ok(ram_create(RAM_SIZE, &ram));
	put_note(&ram, 0x1000, TEXT, strlen(TEXT) + 1); /* a NUL inside */
	put_note(&ram, 0x2000, TEXT, strlen(TEXT) - 1); /* cut inside a line */
	put_note(&ram, 0x3000, TEXT, VMCOREINFO_MAX + 1);
	put_note(&ram, 0x8000, TEXT, 0);
	put_note(&ram, 0x9000, "OSRELEASE=%s\n", 13);
	put_note(&ram, 0xa000, "SYMBOL(x)=12\n", 13);
	put_note(&ram, RAM_SIZE - 4096, TEXT, 5000); /* runs past the end of RAM */
	expect_ok(vmcoreinfo_each(&ram, note_found, &f));
	assert_int_equal(f.count,
			 1); /* the format string is well formed: its page tables will not be */
	assert_int_equal(f.phys[0], 0x9000);
	ram_deinit(&ram);
}

static void test_values(void **state)
{
	struct vmcoreinfo *info = malloc(sizeof(*info));
	char text[16];
	struct ram ram;
	uint64_t u;
	int64_t n;

	assert_non_null(info);
	expect_ok(ram_create(RAM_SIZE, &ram));
	put_note(&ram, 0x1000, TEXT, strlen(TEXT));
	assert_false(vmcoreinfo_read(&ram, 0x2000, info));
	assert_false(vmcoreinfo_read(&ram, 1ull << 40, info));
	assert_true(vmcoreinfo_read(&ram, 0x1000, info));
	assert_true(vmcoreinfo_string(info, "OSRELEASE", text, sizeof(text)));
	assert_string_equal(text, "6.19.14");
	assert_false(vmcoreinfo_string(info, "OSRELEASE", text, 7)); /* does not fit */
	assert_false(vmcoreinfo_string(info, "RELEASE", text, sizeof(text)));
	assert_true(vmcoreinfo_symbol(info, "_stext", &u));
	assert_int_equal(u, 0xffffffff81000000ull);
	assert_false(vmcoreinfo_symbol(info, "stext", &u));
	assert_true(vmcoreinfo_number(info, "phys_base", &n));
	assert_int_equal(n, -192937984);
	assert_true(vmcoreinfo_number(info, "VMALLOC_START", &n));
	assert_int_equal((uint64_t)n, 0xff24416b40000000ull);
	assert_true(vmcoreinfo_offset(info, "uts_namespace.name", &u));
	assert_int_equal(u, 4);
	free(info);
	ram_deinit(&ram);
}

static void test_malformed_numbers(void **state)
{
	static const char text[] = "OSRELEASE=6.19.14\nSYMBOL(a)=12x\nSYMBOL(b)=\nSYMBOL(c)= 12\n"
				   "SYMBOL(d)=fffffffffffffffff\nSYMBOL(e)=10\n";
	struct vmcoreinfo *info = malloc(sizeof(*info));
	struct ram ram;
	uint64_t u;

	assert_non_null(info);
	expect_ok(ram_create(RAM_SIZE, &ram));
	put_note(&ram, 0x1000, text, sizeof(text) - 1);
	assert_true(vmcoreinfo_read(&ram, 0x1000, info));
	assert_false(vmcoreinfo_symbol(info, "a", &u));
	assert_false(vmcoreinfo_symbol(info, "b", &u));
	assert_false(vmcoreinfo_symbol(info, "c", &u));
	assert_false(vmcoreinfo_symbol(info, "d", &u));
	assert_true(vmcoreinfo_symbol(info, "e", &u));
	assert_int_equal(u, 0x10);
	free(info);
	ram_deinit(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_notes_at_page_starts),
		cmocka_unit_test(test_memory_above_four_gigabytes),
		cmocka_unit_test(test_incomplete_notes_do_not_count),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_malformed_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
