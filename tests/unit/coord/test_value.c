/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/value.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

/* A kernel with one task whose every member has a value. */
struct fixture {
	struct image g;
	struct kernel *kernel;
	uint64_t task, name;
	struct value object;
};

static void set(struct fixture *f, unsigned int offset, const void *data, size_t len)
{
	memcpy((char *)image_at(&f->g, f->task) + offset, data, len);
}

static void set_u64(struct fixture *f, unsigned int offset, uint64_t value)
{
	set(f, offset, &value, sizeof(value));
}

static void fill_task(struct fixture *f)
{
	uint32_t state = 1, bits = 1 | 5 << 1 | 0xd << 4,
		 policy = 7; /* flag 1, small 5, negative -3 */
	int32_t pid = -5;
	int16_t deep = -2;

	set(f, 0, &state, 4);
	set(f, 4, &pid, 4);
	set(f, 8, "wor\x1bker", 7);
	set_u64(f, 24, f->task + 24);
	set_u64(f, 32, 0xdead000000000122);
	set_u64(f, 40, f->task);
	set(f, 48, &bits, 4);
	set(f, 52, &policy, 4);
	set_u64(f, 56, f->name);
	set_u64(f, 64, UINT64_MAX);
	set_u64(f, 72, 2);
	set_u64(f, 80, 3);
	set(f, 88, &deep, 2);
	set(f, 90, "\1", 1);
	set_u64(f, 96, 0x8000000000000002);
	set_u64(f, 104, IMAGE_START + 0x10);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint32_t type;

	image_init(&f->g, 4, IMAGE_PLACE);
	f->name = image_put(&f->g, "a name", 7, 1);
	f->task = image_alloc(&f->g, 256, 64);
	image_symbol(&f->g, "the_task", f->task, 'D');
	fill_task(f);
	image_finish(&f->g);
	expect_ok(kernel_adopt(&f->g.ram, 0, &f->kernel));
	expect_ok(types_parse(kernel_types(f->kernel), "task_struct", &type));
	f->object = value_object(type, f->task);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kernel_destroy(f->kernel);
	image_deinit(&f->g);
	free(f);
	return 0;
}

static struct value member(struct fixture *f, const char *name)
{
	struct value v;

	expect_ok(value_member(f->kernel, &f->object, name, &v));
	return v;
}

static int64_t number(struct fixture *f, const struct value *v)
{
	struct value loaded;

	expect_ok(value_load(f->kernel, v, &loaded));
	assert_int_equal(loaded.kind, VALUE_NUMBER);
	return (int64_t)loaded.number;
}

static int64_t field(struct fixture *f, const char *name)
{
	struct value v = member(f, name);

	return number(f, &v);
}

static void test_loads(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(field(f, "__state"), 1);
	assert_int_equal(field(f, "pid"), -5);
	assert_int_equal(field(f, "number"), 0xfffffffb);
	assert_int_equal(field(f, "flag"), 1);
	assert_int_equal(field(f, "small"), 5);
	assert_int_equal(field(f, "negative"), -3);
	assert_int_equal(field(f, "policy"), 7);
	assert_int_equal(field(f, "deep"), -2);
	assert_int_equal(field(f, "on"), 1);
	assert_true((uint64_t)field(f, "big") == 0x8000000000000002);
	assert_true((uint64_t)field(f, "parent") == f->task);
}

static void test_paths(void **state)
{
	struct fixture *f = *state;
	struct value v = member(f, "parent"), w;

	expect_ok(value_member(f->kernel, &v, "parent", &w)); /* pointers are followed */
	expect_ok(value_member(f->kernel, &w, "pid", &v));
	assert_int_equal(number(f, &v), -5);
	v = member(f, "times");
	expect_ok(value_index(f->kernel, &v, 1, &w));
	assert_int_equal(number(f, &w), 2);
	v = member(f, "name");
	expect_ok(value_index(f->kernel, &v, 2, &w));
	assert_int_equal(number(f, &w), 'n');
	expect_ok(value_deref(f->kernel, &v, &w));
	assert_int_equal(number(f, &w), 'a');
	v = member(f, "parent");
	expect_ok(value_load(f->kernel, &v, &w)); /* a pointer as a number is still a pointer */
	expect_ok(value_member(f->kernel, &w, "policy", &v));
	assert_int_equal(number(f, &v), 7);
}

static void test_what_is_missing_is_a_value(void **state)
{
	struct fixture *f = *state;
	struct value v = member(f, "tasks"), w, x;
	struct str s = {0};

	expect_ok(value_member(f->kernel, &f->object, "pidd", &w));
	assert_int_equal(w.kind, VALUE_ABSENT);
	assert_string_equal(w.string, "pidd");
	value_absent_text(f->kernel, &w, &s);
	assert_string_equal(str_text(&s), "struct task_struct has no member 'pidd'; near: pid");
	expect_ok(value_member(f->kernel, &w, "more", &x));
	assert_int_equal(x.kind, VALUE_ABSENT);
	expect_ok(value_member(f->kernel, &v, "prev", &w)); /* poison */
	expect_ok(value_member(f->kernel, &w, "next", &x));
	expect_ok(value_load(f->kernel, &x, &w));
	assert_int_equal(w.kind, VALUE_FAULT);
	assert_true(w.address == 0xdead000000000122);
	expect_ok(value_index(f->kernel, &w, 3, &x));
	assert_int_equal(x.kind, VALUE_FAULT);
	str_deinit(&s);
}

static void test_wrong_uses(void **state)
{
	struct fixture *f = *state;
	struct value v = member(f, "pid"), w, text = value_string("x"), plain = value_number(3);

	expect_err(value_member(f->kernel, &v, "x", &w), ERR_USAGE, "int is no struct");
	expect_err(value_member(f->kernel, &text, "x", &w), ERR_USAGE, "a text is no struct");
	expect_err(value_member(f->kernel, &plain, "x", &w), ERR_USAGE,
		   "a plain number is no struct");
	expect_err(value_deref(f->kernel, &v, &w), ERR_USAGE, "int is no pointer");
	expect_err(value_index(f->kernel, &v, 0, &w), ERR_USAGE, "int is no array");
	expect_err(value_load(f->kernel, &f->object, &w), ERR_USAGE,
		   "struct task_struct is no number");
	v = member(f, "comm");
	expect_err(value_index(f->kernel, &v, 16, &w), ERR_USAGE,
		   "index 16 is past the end of an array of 16");
	expect_err(value_index(f->kernel, &v, -1, &w), ERR_USAGE,
		   "index -1 is past the end of an array of 16");
	v = member(f, "forward");
	expect_err(value_index(f->kernel, &v, 1, &w), ERR_USAGE,
		   "struct unknown * is no pointer to something of known size");
}

static void test_casts(void **state)
{
	struct fixture *f = *state;
	const struct types *t = kernel_types(f->kernel);
	struct value v = value_number(0x1ff), w;
	uint32_t type;

	expect_ok(types_parse(t, "unsigned char", &type));
	expect_ok(value_cast(f->kernel, &v, type, &w));
	assert_int_equal(w.number, 0xff);
	expect_ok(types_parse(t, "short", &type));
	v = value_number(0xffff);
	expect_ok(value_cast(f->kernel, &v, type, &w));
	assert_int_equal((int64_t)w.number, -1);
	expect_ok(types_parse(t, "bool", &type));
	v = value_number(256);
	expect_ok(value_cast(f->kernel, &v, type, &w));
	assert_int_equal(w.number, 1);
	expect_ok(types_parse(t, "task_struct *", &type));
	v = value_unsigned(f->task);
	expect_ok(value_cast(f->kernel, &v, type, &w));
	expect_ok(value_member(f->kernel, &w, "pid", &v));
	assert_int_equal(number(f, &v), -5);
	v = member(f, "comm");
	expect_ok(value_cast(f->kernel, &v, type, &w));
	assert_true(w.number == f->task + 8);
	expect_err(value_cast(f->kernel, &w, f->object.type, &v), ERR_USAGE,
		   "struct task_struct is no type to cast to");
	expect_err(value_cast(f->kernel, &w, 0, &v), ERR_USAGE, "void is no type to cast to");
	expect_err(value_cast(f->kernel, &f->object, type, &v), ERR_USAGE,
		   "struct task_struct is no number");
}

static void store(struct fixture *f, const char *name, uint64_t value)
{
	struct value v = member(f, name);

	expect_ok(value_store(f->kernel, &v, value, true));
	assert_true((uint64_t)field(f, name) == value);
}

static void refuse(struct fixture *f, const char *name, uint64_t value, bool is_signed,
		   const char *why)
{
	struct value v = member(f, name);
	int64_t before = field(f, name);

	expect_err(value_store(f->kernel, &v, value, is_signed), ERR_REFUSED, why);
	assert_int_equal(field(f, name), before);
}

static void test_stores(void **state)
{
	struct fixture *f = *state;

	store(f, "pid", (uint64_t)INT32_MIN);
	store(f, "__state", 0xffffffff);
	store(f, "small", 7);
	store(f, "negative", (uint64_t)-8);
	store(f, "flag", 0);
	assert_int_equal(field(f, "small"), 7); /* the neighbours stay */
	assert_int_equal(field(f, "negative"), -8);
	assert_int_equal(field(f, "policy"), 7);
	store(f, "deep", (uint64_t)-32768);
	store(f, "on", 0);
	store(f, "policy", 3);
}

static void test_stores_that_do_not_fit(void **state)
{
	struct fixture *f = *state;
	struct value v = value_number(1);

	refuse(f, "pid", 1ull << 31, false,
	       "2147483648 does not fit int (-2147483648 to 2147483647)");
	refuse(f, "__state", (uint64_t)-1, true, "-1 does not fit unsigned int (0 to 4294967295)");
	refuse(f, "small", 8, true, "8 does not fit unsigned int : 3 (0 to 7)");
	refuse(f, "negative", (uint64_t)-9, true, "-9 does not fit int : 4 (-8 to 7)");
	refuse(f, "negative", 8, true, "8 does not fit int : 4 (-8 to 7)");
	refuse(f, "on", 2, true, "2 does not fit _Bool (0 or 1)");
	refuse(f, "big", (uint64_t)-1, true,
	       "-1 does not fit enum big (0 to 18446744073709551615)");
	expect_err(value_store(f->kernel, &f->object, 1, true), ERR_USAGE,
		   "struct task_struct is no number and cannot be written as one");
	v = value_number(1);
	expect_err(value_store(f->kernel, &v, 1, true), ERR_USAGE,
		   "only what lies in guest memory can be written");
}

static void test_texts(void **state)
{
	struct fixture *f = *state;
	struct value v = member(f, "comm");
	char text[32];

	assert_true(value_is_text(f->kernel, &v));
	expect_ok(value_text(f->kernel, &v, text, sizeof(text)));
	assert_string_equal(text, "wor\x1bker");
	set(f, 8, "0123456789abcdef", 16); /* no NUL */
	expect_ok(value_text(f->kernel, &v, text, sizeof(text)));
	assert_string_equal(text, "0123456789abcdef");
	v = member(f, "name");
	assert_true(value_is_text(f->kernel, &v));
	expect_ok(value_text(f->kernel, &v, text, sizeof(text)));
	assert_string_equal(text, "a name");
	set_u64(f, 56, 0x10);
	expect_err(value_text(f->kernel, &v, text, sizeof(text)), ERR_FAULT, "bad address 0x10");
	v = member(f, "pid");
	assert_false(value_is_text(f->kernel, &v));
	expect_err(value_text(f->kernel, &v, text, sizeof(text)), ERR_USAGE, "int is no text");
}

static void assert_shown(struct fixture *f, const char *name, const char *expected)
{
	struct value v = member(f, name);
	struct str s = {0};

	value_format(f->kernel, &v, 1, &s);
	assert_string_equal(str_text(&s), expected);
	str_deinit(&s);
}

static void test_shown(void **state)
{
	struct fixture *f = *state;
	char expected[128];

	assert_shown(f, "pid", "-5");
	assert_shown(f, "comm", "\"wor\\x1bker\"");
	assert_shown(f, "policy", "POLICY_EXT");
	assert_shown(f, "on", "true");
	assert_shown(f, "negative", "-3");
	assert_shown(f, "times", "{18446744073709551615, 2, 3}");
	assert_shown(f, "big", "BIG_LOCAL");
	assert_shown(f, "forward", "NULL");
	snprintf(expected, sizeof(expected), "0x%lx \"a name\"", (unsigned long)f->name);
	assert_shown(f, "name", expected);
	snprintf(expected, sizeof(expected), "0x%lx <the_task>", (unsigned long)f->task);
	assert_shown(f, "parent", expected);
	assert_shown(f, "handler", "0xffffffff87000010 <_text+0x10>");
	snprintf(expected, sizeof(expected),
		 "{\n\t.next = 0x%lx <the_task+0x18>,\n\t.prev = 0xdead000000000122,\n}",
		 (unsigned long)f->task + 24);
	assert_shown(f, "tasks", expected);
	assert_shown(f, "missing", "<absent>");
	set_u64(f, 56, 0x20);
	assert_shown(f, "name", "0x20 <fault 0x20>");
	set(f, 52, "\x63", 1);
	assert_shown(f, "policy", "99");
}

static void test_depth(void **state)
{
	struct fixture *f = *state;
	struct str s = {0};

	value_format(f->kernel, &f->object, 0, &s);
	assert_string_equal(str_text(&s), "{...}");
	str_clear(&s);
	value_format(f->kernel, &f->object, 1, &s);
	assert_non_null(strstr(str_text(&s), "\n\t.tasks = {...},"));
	assert_non_null(strstr(str_text(&s), "\n\t.small = 5,"));
	assert_non_null(
		strstr(str_text(&s), "\n\t\t\t.deep = -2,")); /* anonymous structs cost no depth */
	str_clear(&s);
	value_format(f->kernel, &f->object, 2, &s);
	assert_non_null(strstr(str_text(&s), "\n\t\t.prev = 0xdead000000000122,"));
	str_deinit(&s);
}

static void assert_cell(struct fixture *f, const char *name, enum out_kind kind, uint64_t value,
			const char *text)
{
	struct value v = member(f, name);
	char buffer[256];
	struct out_value o = value_out(f->kernel, &v, buffer);

	assert_int_equal(o.kind, kind);
	if (text)
		assert_string_equal(o.string, text);
	else
		assert_true(o.u64 == value);
}

static void test_cells(void **state)
{
	struct fixture *f = *state;

	assert_cell(f, "pid", OUT_S64, (uint64_t)-5, NULL);
	assert_cell(f, "__state", OUT_U64, 1, NULL);
	assert_cell(f, "parent", OUT_HEX, f->task, NULL);
	assert_cell(f, "on", OUT_BOOL, 1, NULL);
	assert_cell(f, "policy", OUT_STRING, 0, "POLICY_EXT");
	assert_cell(f, "comm", OUT_STRING, 0, "wor\x1bker"); /* cleaned on the way out */
	assert_cell(f, "tasks", OUT_STRING, 0, "{...}");
	assert_cell(f, "missing", OUT_ABSENT, 0, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_loads),
		TEST(test_paths),
		TEST(test_what_is_missing_is_a_value),
		TEST(test_wrong_uses),
		TEST(test_casts),
		TEST(test_stores),
		TEST(test_stores_that_do_not_fit),
		TEST(test_texts),
		TEST(test_shown),
		TEST(test_depth),
		TEST(test_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
