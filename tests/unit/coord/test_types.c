/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/btf_check.h"
#include "coord/types.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

#include <linux/btf.h>

static struct types *types(void)
{
	struct btf *b = btf__new_empty();
	struct types *t;
	const void *raw;
	uint32_t len;

	image_add_types(b);
	raw = btf__raw_data(b, &len);
	expect_ok(types_create(raw, len, &t));
	btf__free(b);
	return t;
}

static uint32_t parse(const struct types *t, const char *name)
{
	uint32_t id;

	expect_ok(types_parse(t, name, &id));
	return id;
}

static void assert_name(const struct types *t, const char *written, const char *shown,
			uint64_t size)
{
	uint32_t id = parse(t, written);
	struct str s = {0};

	types_name(t, id, &s);
	assert_string_equal(str_text(&s), shown);
	assert_int_equal(types_size(t, id), size);
	str_deinit(&s);
}

static void test_names(void **state)
{
	struct types *t = types();

	assert_name(t, "unsigned", "unsigned int", 4);
	assert_name(t, "unsigned long long", "long long unsigned int", 8);
	assert_name(t, "long unsigned int", "long unsigned int", 8);
	assert_name(t, "int long unsigned", "long unsigned int", 8);
	assert_name(t, "const unsigned long *", "long unsigned int *", 8);
	assert_name(t, "short", "short int", 2);
	assert_name(t, "bool", "_Bool", 1);
	assert_name(t, " u64 ", "u64", 8);
	assert_name(t, "char[16]", "char [16]", 16);
	assert_name(t, "u64 [2][0x3]", "u64 [2][3]", 48);
	assert_name(t, "char *[4]", "char *[4]", 32);
	assert_name(t, "struct task_struct", "struct task_struct", 144);
	assert_name(t, "task_struct", "struct task_struct", 144);
	assert_name(t, "task_struct **", "struct task_struct **", 8);
	assert_name(t, "struct list_head * const", "struct list_head *", 8);
	assert_name(t, "enum policy", "enum policy", 4);
	assert_name(t, "policy", "enum policy", 4);
	assert_name(t, "void *", "void *", 8);
	assert_name(t, "void", "void", 0);
	/* Asked twice, the same answer. */
	assert_int_equal(parse(t, "u64 [7]"), parse(t, "u64[7]"));
	assert_int_equal(parse(t, "u64 ***"), parse(t, "u64 ***"));
	types_destroy(t);
}

static void test_names_that_are_wrong(void **state)
{
	struct types *t = types();
	uint32_t id;

	expect_err(types_parse(t, "struct tsk_struct", &id), ERR_NOT_FOUND,
		   "no type 'struct tsk_struct'; near: task_struct");
	expect_err(types_parse(t, "struct", &id), ERR_USAGE,
		   "'struct': a name is missing after 'struct'");
	expect_err(types_parse(t, "struct policy", &id), ERR_NOT_FOUND,
		   "no type 'struct policy'; near: policy");
	expect_err(types_parse(t, "", &id), ERR_USAGE, "'' is no type name");
	expect_err(types_parse(t, "7", &id), ERR_USAGE, "'7' is no type name");
	expect_err(types_parse(t, "long long long", &id), ERR_USAGE,
		   "'long long long' is no C type");
	expect_err(types_parse(t, "long short", &id), ERR_USAGE, "'long short' is no C type");
	expect_err(types_parse(t, "char [", &id), ERR_USAGE,
		   "'char [': expected an array length such as [16]");
	expect_err(types_parse(t, "char [-1]", &id), ERR_USAGE,
		   "'char [-1]': expected an array length such as [16]");
	expect_err(types_parse(t, "void [2]", &id), ERR_USAGE, "'void [2]': an array of nothing");
	expect_err(types_parse(t, "u64 x", &id), ERR_USAGE,
		   "'u64 x': cannot read 'x' in a type name");
	expect_err(types_parse(t, "u64 *********", &id), ERR_USAGE,
		   "'u64 *********': too many pointers");
	types_destroy(t);
}

static void assert_member(const struct types *t, const char *path, uint64_t bits, uint32_t bit_size,
			  enum type_kind kind)
{
	struct member m;

	expect_ok(types_member(t, parse(t, "task_struct"), path, &m));
	assert_int_equal(m.bit_offset, bits);
	assert_int_equal(m.bit_size, bit_size);
	assert_int_equal(types_kind(t, m.type), kind);
}

static void test_members(void **state)
{
	struct types *t = types();
	struct member m;

	assert_member(t, "__state", 0, 0, TYPE_INT);
	assert_member(t, "pid", 32, 0, TYPE_INT);      /* in an anonymous union */
	assert_member(t, "deep", 88 * 8, 0, TYPE_INT); /* in a struct in a struct */
	assert_member(t, "comm", 64, 0, TYPE_ARRAY);
	assert_member(t, "comm[3]", 64 + 24, 0, TYPE_CHAR);
	assert_member(t, "tasks.prev", 32 * 8, 0, TYPE_POINTER);
	assert_member(t, "flag", 48 * 8, 1, TYPE_INT);
	assert_member(t, "negative", 48 * 8 + 4, 4, TYPE_INT);
	assert_member(t, "policy", 52 * 8, 0, TYPE_ENUM);
	assert_member(t, "times[2]", 80 * 8, 0, TYPE_INT);
	assert_member(t, "tail[5]", (144 + 40) * 8, 0,
		      TYPE_INT); /* flexible: nobody knows its end */
	assert_member(t, "on", 90 * 8, 0, TYPE_BOOL);
	assert_member(t, "handler", 104 * 8, 0, TYPE_POINTER);
	assert_int_equal(types_offset(t, "task_struct", "tasks.prev"), 32);
	assert_int_equal(types_offset(t, "struct task_struct", "gone"), -1);
	assert_int_equal(types_offset(t, "gone", "pid"), -1);
	for (int i = 0; i < 2; i++) { /* found, then found in the cache */
		assert_true(types_find_member(t, parse(t, "task_struct"), "number", &m));
		assert_int_equal(m.bit_offset, 32);
		assert_false(types_find_member(t, parse(t, "list_head"), "number", &m));
	}
	types_destroy(t);
}

static void test_members_that_are_wrong(void **state)
{
	struct types *t = types();
	uint32_t task = parse(t, "task_struct");
	struct member m;

	expect_err(types_member(t, task, "pidd", &m), ERR_ABSENT,
		   "struct task_struct has no member 'pidd'; near: pid");
	expect_err(types_member(t, task, "tasks.nxt", &m), ERR_ABSENT,
		   "struct list_head has no member 'nxt'; near: next");
	expect_err(types_member(t, task, "pid.x", &m), ERR_ABSENT, "int has no member 'x'");
	expect_err(types_member(t, task, "parent.pid", &m), ERR_ABSENT,
		   "struct task_struct * has no member 'pid'");
	expect_err(types_member(t, task, "", &m), ERR_USAGE, "a member's name is missing");
	expect_err(types_member(t, task, "tasks.", &m), ERR_USAGE, "a member's name is missing");
	expect_err(types_member(t, task, "comm[16]", &m), ERR_USAGE,
		   "index 16 is past the end of an array of 16");
	expect_err(types_member(t, task, "comm[x]", &m), ERR_USAGE,
		   "'[x]': expected an index such as [0]");
	expect_err(types_member(t, task, "pid[0]", &m), ERR_USAGE, "'[0]': not an array");
	expect_err(types_member(t, task, "tail[0xffffffffffffffff]", &m), ERR_USAGE,
		   "index 18446744073709551615 is too large");
	types_destroy(t);
}

static void test_what_a_type_is(void **state)
{
	struct types *t = types();
	uint32_t id;

	assert_true(types_signed(t, parse(t, "int")));
	assert_true(types_signed(t, parse(t, "char")));
	assert_false(types_signed(t, parse(t, "unsigned char")));
	assert_false(types_signed(t, parse(t, "u64")));
	assert_int_equal(types_kind(t, parse(t, "char")), TYPE_CHAR);
	assert_int_equal(types_kind(t, parse(t, "unsigned char")), TYPE_INT);
	assert_int_equal(types_kind(t, 0), TYPE_VOID);
	assert_int_equal(types_kind(t, 1u << 30), TYPE_VOID);
	assert_int_equal(types_size(t, 1u << 30), 0);
	id = parse(t, "task_struct *");
	assert_int_equal(types_target(t, id), parse(t, "task_struct"));
	id = parse(t, "u64 [7]");
	assert_int_equal(types_count(t, id), 7);
	assert_int_equal(types_resolve(t, types_target(t, id)), parse(t, "unsigned long"));
	expect_ok(types_variable(t, "percpu_task", &id));
	assert_int_equal(types_kind(t, id), TYPE_POINTER);
	expect_ok(types_variable(t, "wake_up", &id));
	assert_int_equal(types_kind(t, id), TYPE_FUNCTION);
	expect_err(types_variable(t, "jiffies", &id), ERR_ABSENT,
		   "BTF does not know the type of jiffies");
	types_destroy(t);
}

static void test_enums(void **state)
{
	struct types *t = types();
	uint32_t policy = parse(t, "enum policy");
	bool is_unsigned;
	int64_t value;

	expect_ok(types_enumerator(t, "POLICY_EXT", &value));
	assert_int_equal(value, 7);
	expect_ok(types_enumerator(t, "BIG_LOCAL", &value));
	assert_true((uint64_t)value == 0x8000000000000002ull);
	expect_err(types_enumerator(t, "POLICY", &value), ERR_NOT_FOUND, "no enumerator 'POLICY'");
	expect_ok(types_constant(t, "BIG_LOCAL", &value, &is_unsigned));
	assert_true(is_unsigned);
	expect_ok(types_constant(t, "POLICY_EXT", &value, &is_unsigned));
	assert_false(is_unsigned);
	assert_string_equal(types_enum_name(t, policy, 0), "POLICY_NORMAL");
	assert_null(types_enum_name(t, policy, 1));
	assert_null(types_enum_name(t, parse(t, "u64"), 0));
	expect_ok(types_enum_value(t, policy, "POLICY_EXT", &value));
	assert_int_equal(value, 7);
	expect_err(types_enum_value(t, policy, "POLICY_EXTT", &value), ERR_NOT_FOUND,
		   "enum policy has no enumerator 'POLICY_EXTT'; near: POLICY_EXT");
	types_destroy(t);
}

static void assert_printed(const struct types *t, const char *name, const char *expected)
{
	struct str s = {0};

	expect_ok(types_print(t, parse(t, name), &s));
	assert_string_equal(str_text(&s), expected);
	str_deinit(&s);
}

static void test_declarations(void **state)
{
	struct types *t = types();

	assert_printed(t, "task_struct",
		       "struct task_struct {\n"
		       "\tunsigned int __state; /* 0, 4 */\n"
		       "\tunion {\n"
		       "\t\tint pid; /* 4, 4 */\n"
		       "\t\tunsigned int number; /* 4, 4 */\n"
		       "\t}; /* 4, 4 */\n"
		       "\tchar comm[16]; /* 8, 16 */\n"
		       "\tstruct list_head tasks; /* 24, 16 */\n"
		       "\tstruct task_struct *parent; /* 40, 8 */\n"
		       "\tunsigned int flag : 1; /* 48:0 */\n"
		       "\tunsigned int small : 3; /* 48:1 */\n"
		       "\tint negative : 4; /* 48:4 */\n"
		       "\tenum policy policy; /* 52, 4 */\n"
		       "\tconst char *name; /* 56, 8 */\n"
		       "\tu64 times[3]; /* 64, 24 */\n"
		       "\tstruct {\n"
		       "\t\tstruct {\n"
		       "\t\t\tshort int deep; /* 88, 2 */\n"
		       "\t\t}; /* 88, 2 */\n"
		       "\t}; /* 88, 2 */\n"
		       "\t_Bool on; /* 90, 1 */\n"
		       "\tenum big big; /* 96, 8 */\n"
		       "\tvoid (*handler)(struct task_struct *task, int sig); /* 104, 8 */\n"
		       "\tstruct rb_node node; /* 112, 24 */\n"
		       "\tstruct unknown *forward; /* 136, 8 */\n"
		       "\tu64 tail[0]; /* 144, 0 */\n"
		       "}; /* size 144 */");
	assert_printed(t, "enum policy",
		       "enum policy {\n\tPOLICY_NORMAL = 0,\n\tPOLICY_EXT = 7,\n}; /* size 4 */");
	assert_printed(t, "enum big",
		       "enum big {\n\tBIG_LOCAL = 9223372036854775810,\n}; /* size 8 */");
	assert_printed(t, "u64", "typedef long unsigned int u64;\nlong unsigned int; /* size 8 */");
	types_destroy(t);
}

static bool count(void *context, const char *name)
{
	return ++*(unsigned int *)context < 3;
}

static void test_names_for_completion(void **state)
{
	struct types *t = types();
	unsigned int n = 0;

	types_names_each(t, "list", count, &n);
	assert_int_equal(n, 1);
	n = 0;
	types_names_each(t, "", count, &n);
	assert_int_equal(n, 3);
	types_destroy(t);
}

/* ---- what libbpf must not see ---- */

/* Raw BTF, made by libbpf, for one test to damage. */
struct raw {
	uint8_t data[8192];
	uint32_t len;
};

static void raw_init(struct raw *r, struct btf *b)
{
	const void *data = btf__raw_data(b, &r->len);

	assert_true(r->len <= sizeof(r->data));
	memcpy(r->data, data, r->len);
	btf__free(b);
}

static struct btf_header *header(struct raw *r)
{
	return (struct btf_header *)r->data;
}

static void reject(struct raw *r, const char *why)
{
	struct types *t;

	expect_err(types_create(r->data, r->len, &t), ERR_BAD_DATA, why);
}

static void test_damaged_headers(void **state)
{
	struct btf *b = btf__new_empty();
	struct raw good, r;

	btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	raw_init(&good, b);
	r = good;
	r.len = 23;
	reject(&r, "BTF: 23 bytes are no header");
	r = good;
	r.data[0] ^= 1;
	reject(&r, "BTF: magic 0xeb9e, version 1 instead of 0xeb9f, 1");
	r = good;
	header(&r)->str_len = 0xffffffff; /* a sum of 32 bits would wrap */
	reject(&r, "BTF: its sections do not fit in 45 bytes");
	r = good;
	header(&r)->type_off = 2;
	reject(&r, "BTF: its sections do not fit in 45 bytes");
	r = good;
	header(&r)->type_len -= 4;
	reject(&r, "BTF type 1: cut off");
	r = good;
	r.data[r.len - 1] = 'x';
	reject(&r, "BTF: the strings do not start and end with a NUL");
}

static void test_damaged_types(void **state)
{
	struct btf *b = btf__new_empty();
	struct btf_type *type;
	struct raw good, r;

	btf__add_struct(b, "s", 8);
	btf__add_field(b, "m", 1, 0, 0);
	raw_init(&good, b);
	r = good;
	type = (struct btf_type *)(r.data + 24);
	type->name_off = 100;
	reject(&r, "BTF type 1: its name is out of range");
	r = good;
	btf_members(type)->type = 2;
	reject(&r, "BTF type 1: a member's name or type is out of range");
	r = good;
	type->info = (uint32_t)BTF_KIND_STRUCT << 24 | 2;
	reject(&r, "BTF type 1: cut off");
	r = good;
	type->info = 31u << 24;
	reject(&r, "BTF type 1: its kind is not known");
	r = good;
	type->info = 0;
	reject(&r, "BTF type 1: its kind is not known");
}

static void test_chains_without_end(void **state)
{
	struct btf *b = btf__new_empty();
	struct raw r;

	btf__add_typedef(b, "a", 2);
	btf__add_const(b, 3);
	btf__add_array(b, 3, 1, 2);
	raw_init(&r, b);
	reject(&r, "BTF type 1: it refers to itself, or is nested too deep");
	b = btf__new_empty();
	btf__add_typedef(b, "a", 9);
	raw_init(&r, b);
	reject(&r, "BTF type 1: it refers to a type that does not exist");
	/* A pointer may lead back. */
	b = btf__new_empty();
	btf__add_typedef(b, "a", 2);
	btf__add_ptr(b, 1);
	raw_init(&r, b);
	expect_ok(btf_check(r.data, r.len));
}

/* Legal for the checks, absurd for C: a struct that holds itself, arrays of all memory. */
static void test_absurd_types_are_bounded(void **state)
{
	struct btf *b = btf__new_empty();
	struct str s = {0};
	struct types *t;
	struct member m;
	struct raw r;
	uint32_t id;

	btf__add_struct(b, "self", 8);
	btf__add_field(b, NULL, 1, 0, 0);
	btf__add_field(b, NULL, 1, 0, 0);
	btf__add_field(b, NULL, 1, 0, 0);
	btf__add_array(b, 1, 1, 0xffffffff);
	btf__add_array(b, 1, 2, 0xffffffff);
	btf__add_array(b, 1, 3, 0xffffffff);
	btf__add_func_proto(b, 6);
	btf__add_func_param(b, "f", 6);
	btf__add_ptr(b, 5);
	raw_init(&r, b);
	expect_ok(types_create(r.data, r.len, &t));
	id = parse(t, "self");
	assert_false(types_find_member(t, id, "x", &m));
	expect_err_with(types_member(t, id, "x", &m), ERR_ABSENT, "struct self has no member 'x'");
	expect_ok(types_print(t, id, &s));
	assert_int_equal(types_size(t, 4), 0);
	types_name(t, 6, &s);
	types_name(t, 4, &s);
	str_deinit(&s);
	types_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_that_are_wrong),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_members_that_are_wrong),
		cmocka_unit_test(test_what_a_type_is),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_declarations),
		cmocka_unit_test(test_names_for_completion),
		cmocka_unit_test(test_damaged_headers),
		cmocka_unit_test(test_damaged_types),
		cmocka_unit_test(test_chains_without_end),
		cmocka_unit_test(test_absurd_types_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
