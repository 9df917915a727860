/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/kallsyms.h"
#include "tests/expect.h"

#include <stdio.h>

#define BASE 0xffffffff81000000ull
#define OFFSETS_AT (BASE + 0x100000)

/* Tables written by hand: every byte is a token of its own, but 1 is "per_cpu_" and 2 is "Tsys_".
 */
struct fixture {
	struct kallsyms_tables t;
	uint8_t names[4096];
	char tokens[1024];
	uint16_t index[256];
	int32_t offsets[64];
};

static void add_token(struct fixture *f, unsigned int i, const char *text)
{
	f->index[i] = (uint16_t)f->t.tokens_len;
	strcpy(f->tokens + f->t.tokens_len, text);
	f->t.tokens_len += strlen(text) + 1;
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	for (unsigned int i = 0; i < 256; i++) {
		char text[2] = {i >= 32 && i < 127 ? (char)i : '\0', '\0'};

		add_token(f, i, i == 1 ? "per_cpu_" : i == 2 ? "Tsys_" : text);
	}
	f->t.names = f->names;
	f->t.tokens = f->tokens;
	f->t.token_index = f->index;
	f->t.offsets = f->offsets;
	f->t.offsets_address = OFFSETS_AT;
	f->t.anchor = "_stext";
	f->t.anchor_address = BASE;
}

/* `tokens` are the bytes of the compressed name, its kind first. */
static void add(struct fixture *f, const char *tokens, int32_t offset)
{
	size_t len = strlen(tokens);

	if (len >= 0x80) {
		f->names[f->t.names_len++] = (uint8_t)(len & 0x7f) | 0x80;
		f->names[f->t.names_len++] = (uint8_t)(len >> 7);
	} else {
		f->names[f->t.names_len++] = (uint8_t)len;
	}
	memcpy(f->names + f->t.names_len, tokens, len);
	f->t.names_len += len;
	f->offsets[f->t.count++] = offset;
}

static int32_t place(const struct fixture *f, uint64_t address)
{
	return (int32_t)(address - (OFFSETS_AT + 4 * f->t.count));
}

static uint64_t address_of(const struct kallsyms *ks, const char *name)
{
	unsigned int i;

	return kallsyms_find(ks, name, &i) ? kallsyms_address(ks, i) : 0;
}

static void test_relative_to_place(void **state)
{
	struct kallsyms *ks;
	struct fixture f;

	setup(&f);
	add(&f, "T_stext", place(&f, BASE));
	add(&f, "\2read", place(&f, BASE + 0x40));
	add(&f, "d\1x", place(&f, BASE + 0x80));
	add(&f, "B_end", place(&f, BASE + 0x200000));
	expect_ok(kallsyms_create(&f.t, &ks));
	assert_int_equal(kallsyms_count(ks), 4);
	assert_int_equal(address_of(ks, "_stext"), BASE);
	assert_int_equal(address_of(ks, "sys_read"), BASE + 0x40);
	assert_int_equal(address_of(ks, "per_cpu_x"), BASE + 0x80);
	assert_int_equal(address_of(ks, "_end"), BASE + 0x200000);
	assert_int_equal(address_of(ks, "Tsys_read"), 0);
	assert_int_equal(address_of(ks, ""), 0);
	kallsyms_destroy(ks);
}

static void test_relative_to_base(void **state)
{
	struct kallsyms *ks;
	struct fixture f;

	setup(&f);
	f.t.has_relative_base = true;
	f.t.relative_base = BASE - 0x80000000ull; /* the numbers are unsigned */
	add(&f, "Tnear", 0x7fffffff);
	add(&f, "T_stext", INT32_MIN);
	expect_ok(kallsyms_create(&f.t, &ks));
	assert_int_equal(address_of(ks, "near"), BASE - 1);
	kallsyms_destroy(ks);
}

static void test_absolute_percpu(void **state)
{
	struct kallsyms *ks;
	struct fixture f;

	setup(&f);
	f.t.has_relative_base = true;
	f.t.relative_base = BASE;
	add(&f, "Arunqueues", 0x35e80);
	add(&f, "T_stext", -1);
	add(&f, "Tschedule", -1 - 0x500);
	expect_ok(kallsyms_create(&f.t, &ks));
	assert_int_equal(address_of(ks, "runqueues"), 0x35e80);
	assert_int_equal(address_of(ks, "schedule"), BASE + 0x500);
	kallsyms_destroy(ks);
}

static void test_names_and_kinds(void **state)
{
	char name[KALLSYMS_NAME], kind, tokens[300];
	struct kallsyms *ks;
	struct fixture f;

	setup(&f);
	add(&f, "T_stext", place(&f, BASE));
	memset(tokens, 'a', 200); /* a length of two bytes */
	tokens[0] = 'r';
	tokens[200] = '\0';
	add(&f, tokens, place(&f, BASE + 1));
	memset(tokens, 1, 200); /* 200 tokens of 8 characters: longer than names may be */
	tokens[0] = 't';
	add(&f, tokens, place(&f, BASE + 2));
	expect_ok(kallsyms_create(&f.t, &ks));
	assert_int_equal(kallsyms_name(ks, 0, name, &kind), 6);
	assert_string_equal(name, "_stext");
	assert_int_equal(kind, 'T');
	assert_int_equal(kallsyms_name(ks, 1, name, &kind), 199);
	assert_int_equal(kind, 'r');
	assert_int_equal(address_of(ks, name), BASE + 1);
	assert_int_equal(kallsyms_name(ks, 2, name, NULL), KALLSYMS_NAME - 1);
	kallsyms_destroy(ks);
}

static void test_of_several_the_global_one_counts(void **state)
{
	struct kallsyms *ks;
	struct fixture f;

	setup(&f);
	add(&f, "T_stext", place(&f, BASE));
	add(&f, "tname", place(&f, BASE + 0x10));
	add(&f, "Tname", place(&f, BASE + 0x20));
	add(&f, "dlocal", place(&f, BASE + 0x30));
	add(&f, "dlocal", place(&f, BASE + 0x40));
	expect_ok(kallsyms_create(&f.t, &ks));
	assert_int_equal(address_of(ks, "name"), BASE + 0x20);
	assert_int_equal(address_of(ks, "local"), BASE + 0x30);
	kallsyms_destroy(ks);
}

static void test_by_address(void **state)
{
	struct kallsyms *ks;
	struct fixture f;
	unsigned int i;

	setup(&f);
	add(&f, "T_stext", place(&f, BASE));
	add(&f, "Tfirst", place(&f, BASE + 0x10));
	add(&f, "Talias", place(&f, BASE + 0x10));
	add(&f, "Tlast", place(&f, BASE + 0x40));
	expect_ok(kallsyms_create(&f.t, &ks));
	assert_false(kallsyms_find_address(ks, BASE - 1, &i));
	assert_true(kallsyms_find_address(ks, BASE, &i));
	assert_int_equal(i, 0);
	assert_true(kallsyms_find_address(ks, BASE + 0x3f, &i));
	assert_int_equal(i, 1);
	assert_int_equal(kallsyms_span(ks, 1), 0x30);
	assert_int_equal(kallsyms_span(ks, 2), 0x30);
	assert_true(kallsyms_find_address(ks, UINT64_MAX, &i));
	assert_int_equal(i, 3);
	assert_int_equal(kallsyms_span(ks, 3), 0);
	kallsyms_destroy(ks);
}

static void test_damage(void **state)
{
	struct kallsyms *ks;
	struct fixture f;

	setup(&f);
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA, "kallsyms: 0 symbols");
	f.t.count = KALLSYMS_MAX + 1;
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA, "kallsyms: 4000001 symbols");
	setup(&f);
	add(&f, "Tother", place(&f, BASE));
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA, "kallsyms: no symbol _stext among 1");
	add(&f, "T_stext", place(&f, BASE + 8));
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA,
		   "kallsyms: the addresses make no sense (_stext is not at 0xffffffff81000000)");
	f.t.names_len -= 2;
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA, "kallsyms: name 1 of 2 is cut off");
	f.names[0] = 0;
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA, "kallsyms: name 0 of 2 is cut off");
	f.index[7] = (uint16_t)f.t.tokens_len;
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA,
		   "kallsyms: token 7 lies outside the token table");
	f.index[7] = (uint16_t)(f.t.tokens_len - 2);
	f.tokens[f.t.tokens_len - 1] = 'x';
	f.tokens[f.t.tokens_len - 2] = 'x';
	expect_err(kallsyms_create(&f.t, &ks), ERR_BAD_DATA, "kallsyms: token 7 has no end");
}

static void test_addresses_must_ascend(void **state)
{
	struct kallsyms *ks;
	struct fixture f;

	setup(&f);
	add(&f, "T_stext", place(&f, BASE));
	add(&f, "Tsecond", place(&f, BASE + 0x20));
	add(&f, "Tthird", place(&f, BASE + 0x10));
	expect_err_with(kallsyms_create(&f.t, &ks), ERR_BAD_DATA, "the addresses make no sense");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relative_to_place),
		cmocka_unit_test(test_relative_to_base),
		cmocka_unit_test(test_absolute_percpu),
		cmocka_unit_test(test_names_and_kinds),
		cmocka_unit_test(test_of_several_the_global_one_counts),
		cmocka_unit_test(test_by_address),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_addresses_must_ascend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
