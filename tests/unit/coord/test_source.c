/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source lines, of this program itself: it has DWARF and a build-id as a vmlinux has. */
#include "coord/source.h"
#include "tests/expect.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_no_such_symbol),
		cmocka_unit_test(test_wrong_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
