/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source lines, of this program itself: it has DWARF and a build-id as a vmlinux has. */
#include "coord/source.h"
#include "tests/expect.h"

#include <bpf/btf.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

#define SELF "/proc/self/exe"
#define OTHER_ID "00112233445566778899aabbccddeeff00112233"

static volatile int a_variable = 5;
static const int a_variable_line = __LINE__ - 1;

static __attribute__((noinline, noclone, used)) int a_function(int x)
{
	return x * a_variable;
}
static const int a_function_line = __LINE__ - 4;

/* Types that no BTF has. */
enum colour { RED = -1, BLUE = 5 };
enum wide { WIDEST = 0xfedcba9876543210ull };
typedef struct chain chain_t;
struct chain {
	char letter;
	unsigned int low : 3, high : 7;
	chain_t *next;
	struct link {
		enum colour colour;
		struct chain *back;
	} link[2][5];
	union {
		long number;
		const volatile char *text;
	};
	int (*call)(struct chain *, int);
	enum wide wide;
};
static struct chain a_chain;
static struct {
	short inner;
} unnamed[3];

static __attribute__((noinline, noclone, used)) int with_a_type_of_its_own(int x)
{
	struct within {
		short s[4];
	};
	volatile struct within w = {{(short)x}};

	return w.s[x & 3] + unnamed[x & 1].inner + a_chain.letter;
}

/* The message of a refusal has both ids. */
static void own_build_id(char id[64])
{
	struct source *s;
	struct err *err = source_open(SELF, OTHER_ID, 0, &s);
	const char *at;

	assert_non_null(err);
	if (err_kind(err) == ERR_ABSENT) {
		err_free(err);
		skip(); /* this compiler's linker writes no build-ids */
	}
	assert_int_equal(err_kind(err), ERR_REFUSED);
	assert_non_null(strstr(err_detail(err), "the guest's is " OTHER_ID));
	at = strstr(err_detail(err), "its build-id is ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "its build-id is %63[0-9a-f]", id), 1);
	err_free(err);
}

/* Where the loader put this program: what KASLR is to a kernel. */
static uint64_t own_offset(void)
{
	Elf64_Ehdr header;
	int fd = open(SELF, O_RDONLY);

	assert_int_equal(read(fd, &header, sizeof(header)), sizeof(header));
	close(fd);
	return getauxval(AT_ENTRY) - header.e_entry;
}

static struct source *open_self(void)
{
	struct source *s;
	char id[64];
	struct err *err;

	own_build_id(id);
	err = source_open(SELF, id, own_offset(), &s);
	if (err && err_kind(err) == ERR_ABSENT) {
		err_free(err);
		skip(); /* built without -g */
	}
	assert_null(err);
	return s;
}

static void test_lines(void **state)
{
	struct source *s = open_self();
	struct source_line line;
	uint64_t function = (uint64_t)(uintptr_t)&a_function;

	expect_ok(source_of_address(s, function, &line));
	assert_string_equal(line.file, "tests/unit/coord/test_source.c");
	assert_in_range(line.line, a_function_line, a_function_line + 3);
	expect_ok(source_of_symbol(s, "a_function", function, &line));
	assert_int_equal(line.line, a_function_line);
	expect_ok(source_of_symbol(s, "a_variable", (uint64_t)(uintptr_t)&a_variable, &line));
	assert_string_equal(line.file, "tests/unit/coord/test_source.c");
	assert_int_equal(line.line, a_variable_line);
	expect_ok(source_of_symbol(s, "a_variable", 0, &line));
	assert_int_equal(line.line, a_variable_line);
	source_close(s);
}

static const int inlined_line = __LINE__ + 3;
static inline __attribute__((always_inline)) int an_inlined_one(volatile int *p)
{
	return *p * 3;
}

static const int call_line = __LINE__ + 3;
static __attribute__((noinline)) int a_caller(volatile int *p)
{
	return an_inlined_one(p) + 1;
}

/* Somewhere in the caller's code is the other one's, and each has a line of its own. */
static void test_inlined(void **state)
{
	struct source *s = open_self();
	struct source_frame frames[4];
	volatile int two = 2;
	unsigned int count = 0;

	assert_int_equal(a_caller(&two), 7);
	for (int i = 0; i < 64 && count < 2; i++)
		count = source_frames(s, (uint64_t)(uintptr_t)&a_caller + i, frames, 4);
	assert_int_equal(count, 2);
	assert_string_equal(frames[0].function, "an_inlined_one");
	assert_string_equal(frames[0].at.file, "tests/unit/coord/test_source.c");
	assert_int_equal(frames[0].at.line, inlined_line);
	assert_string_equal(frames[1].function, "a_caller");
	assert_string_equal(frames[1].at.file, "tests/unit/coord/test_source.c");
	assert_int_equal(frames[1].at.line, call_line);
	assert_int_equal(source_frames(s, own_offset() + 1, frames, 4), 0);
	source_close(s);
}

static void test_what_is_not_there(void **state)
{
	struct source *s = open_self();
	struct source_line line;

	expect_err_with(source_of_address(s, own_offset() + 1, &line), ERR_NOT_FOUND,
			"no source line for 0x");
	source_close(s);
}

static void test_no_such_symbol(void **state)
{
	struct source *s = open_self();
	struct source_line line;

	expect_err(source_of_symbol(s, "no_such_thing", 0, &line), ERR_NOT_FOUND,
		   "no definition of no_such_thing in the vmlinux");
	/* The name alone is not enough: another thing of this name lies elsewhere. */
	expect_err(source_of_symbol(s, "a_variable", 0x1000, &line), ERR_NOT_FOUND,
		   "no definition of a_variable in the vmlinux");
	source_close(s);
}

static void test_wrong_files(void **state)
{
	char path[] = "/tmp/ktdbg-source-XXXXXX", message[256], id[64];
	int fd = mkstemp(path);
	struct source *s;

	assert_true(fd >= 0);
	snprintf(message, sizeof(message), "%s is no ELF file (a vmlinux is wanted, not a bzImage)",
		 path);
	expect_err(source_open(path, OTHER_ID, 0, &s), ERR_BAD_DATA, message);
	assert_int_equal(write(fd,
			       "\x7f"
			       "ELF\2\1\1",
			       7),
			 7); /* cut off */
	expect_err(source_open(path, OTHER_ID, 0, &s), ERR_BAD_DATA, message);
	close(fd);
	unlink(path);
	snprintf(message, sizeof(message), "%s: No such file or directory", path);
	expect_err(source_open(path, OTHER_ID, 0, &s), ERR_OS, message);
	own_build_id(id);
	snprintf(message, sizeof(message),
		 "the guest's kernel does not say its build-id (%s has %s)", SELF, id);
	expect_err(source_open(SELF, "", 0, &s), ERR_REFUSED, message);
}

/* ---- types ---- */

/* A BTF that knows int and nothing else. */
static struct types *small_types(void)
{
	struct btf *b = btf__new_empty();
	struct types *t;
	const void *raw;
	uint32_t size;

	assert_true(btf__add_int(b, "int", 4, BTF_INT_SIGNED) == 1);
	raw = btf__raw_data(b, &size);
	expect_ok(types_create(raw, size, &t));
	btf__free(b);
	return t;
}

static void check_member(const struct types *t, uint32_t id, const char *path, uint64_t bit_offset,
			 uint32_t bit_size, const char *type)
{
	struct member member;
	struct str name = {0};

	expect_ok(types_member(t, id, path, &member));
	assert_int_equal(member.bit_offset, bit_offset);
	assert_int_equal(member.bit_size, bit_size);
	types_name(t, member.type, &name);
	assert_string_equal(str_text(&name), type);
	str_deinit(&name);
}

static void test_types(void **state)
{
	struct source *s = open_self();
	struct types *t = small_types();
	struct member member;
	uint32_t pointer, id;
	int64_t value;

	expect_ok(source_parse_type(s, t, "const struct chain *", &pointer));
	assert_int_equal(types_kind(t, pointer), TYPE_POINTER);
	id = types_target(t, pointer);
	assert_int_equal(types_size(t, id), sizeof(struct chain));
	check_member(t, id, "letter", 0, 0, "char");
	check_member(t, id, "low", 8, 3, "unsigned int");
	check_member(t, id, "high", 11, 7, "unsigned int");
	check_member(t, id, "next", 8 * offsetof(struct chain, next), 0, "chain_t *");
	check_member(t, id, "link[1][3].colour", 8 * offsetof(struct chain, link[1][3].colour), 0,
		     "enum colour");
	check_member(t, id, "text", 8 * offsetof(struct chain, text), 0, "char *");
	expect_ok(types_member(t, id, "next", &member));
	/* Whichever way leads back to it. */
	assert_int_equal(types_resolve(t, types_target(t, member.type)), types_resolve(t, id));
	expect_ok(types_member(t, id, "link[0][0].back", &member));
	assert_int_equal(types_size(t, types_target(t, member.type)), sizeof(struct chain));
	expect_ok(types_member(t, id, "call", &member));
	assert_int_equal(types_kind(t, types_target(t, member.type)), TYPE_FUNCTION);
	expect_ok(source_parse_type(s, t, "enum colour", &id));
	expect_ok(types_enum_value(t, id, "RED", &value));
	assert_int_equal(value, -1);
	assert_string_equal(types_enum_name(t, id, 5), "BLUE");
	expect_ok(source_parse_type(s, t, "enum wide", &id));
	assert_int_equal(types_size(t, id), 8);
	assert_string_equal(types_enum_name(t, id, (int64_t)WIDEST), "WIDEST");
	types_destroy(t);
	source_close(s);
}

static void test_types_within_functions(void **state)
{
	struct source *s = open_self();
	struct types *t = small_types();
	uint32_t id, again;

	expect_ok(source_parse_type(s, t, "struct within [2]", &id));
	assert_int_equal(types_size(t, id), 16);
	expect_ok(source_parse_type(s, t, "within", &id));
	expect_ok(source_parse_type(NULL, t, "struct within", &again));
	assert_int_equal(id, again);
	types_destroy(t);
	source_close(s);
}

static void test_types_of_variables(void **state)
{
	struct source *s = open_self();
	struct types *t = small_types();
	struct str name = {0};
	uint32_t id, again;

	expect_ok(source_global_type(s, t, "a_variable", (uint64_t)(uintptr_t)&a_variable, &id));
	assert_int_equal(id, 1); /* BTF's own int */
	expect_ok(source_global_type(s, t, "a_chain", (uint64_t)(uintptr_t)&a_chain, &id));
	types_name(t, id, &name);
	assert_string_equal(str_text(&name), "struct chain");
	expect_ok(source_global_type(s, t, "a_chain", (uint64_t)(uintptr_t)&a_chain, &again));
	assert_int_equal(id, again);
	expect_ok(source_global_type(s, t, "unnamed", 0, &id));
	assert_int_equal(types_size(t, id), 6);
	check_member(t, types_target(t, id), "inner", 0, 0, "short int");
	str_deinit(&name);
	types_destroy(t);
	source_close(s);
}

static void test_no_such_type(void **state)
{
	struct source *s = open_self();
	struct types *t = small_types();
	uint32_t id = 7;

	for (int round = 0; round < 2; round++) {
		expect_err(source_parse_type(s, t, "struct no_such_thing", &id), ERR_NOT_FOUND,
			   "no type 'struct no_such_thing'");
		expect_err(source_parse_type(s, t, "union chain", &id), ERR_NOT_FOUND,
			   "no type 'union chain'");
		expect_err(source_global_type(s, t, "no_such_thing", 0, &id), ERR_ABSENT,
			   "BTF does not know the type of no_such_thing");
		expect_err(source_global_type(s, t, "a_function", 0, &id), ERR_ABSENT,
			   "BTF does not know the type of a_function");
		expect_err(source_parse_type(NULL, t, "struct chain", &id), ERR_NOT_FOUND,
			   "no type 'struct chain'");
	}
	assert_int_equal(id, 7);
	types_destroy(t);
	source_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_inlined),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_no_such_symbol),
		cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_types_within_functions),
		cmocka_unit_test(test_types_of_variables),
		cmocka_unit_test(test_no_such_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
