/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files below TEST_DIR, which the runner makes for each test program. */
#include "base/file.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "base/str.h"
#include "tests/expect.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[512];

static int setup(void **state)
{
	const char *given = getenv("TEST_DIR");

	snprintf(root, sizeof(root), "%s/ktdbg-file-XXXXXX", given ? given : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

/* root/NAME, valid until the next call but three. */
static const char *in_root(const char *name)
{
	static char paths[4][600];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static void test_xdg_places(void **state)
{
	struct stat st;
	char *path;

	setenv("XDG_CACHE_HOME", in_root("cache"), 1);
	expect_ok(cache_path("kernels", &path));
	assert_string_equal(path, in_root("cache/ktdbg/kernels"));
	assert_int_equal(stat(in_root("cache/ktdbg"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	free(path);

	unsetenv("XDG_STATE_HOME");
	setenv("HOME", in_root("home"), 1);
	expect_ok(state_path("", &path));
	assert_string_equal(path, in_root("home/.local/state/ktdbg"));
	free(path);

	setenv("XDG_CONFIG_HOME", "relative/is/ignored", 1);
	expect_ok(config_path("config", &path));
	assert_string_equal(path, in_root("home/.config/ktdbg/config"));
	free(path);

	unsetenv("HOME");
	expect_err(config_path("config", &path), ERR_ENVIRONMENT,
		   "neither XDG_CONFIG_HOME nor HOME is set to an absolute path");
}

static void test_data_is_looked_for_where_it_is_told(void **state)
{
	char text[700];
	char *path;

	setenv("KTDBG_DATA", root, 1);
	expect_ok(replace_file(in_root("guest.cpio"), "x", 1));
	expect_ok(data_path("guest.cpio", &path));
	assert_string_equal(path, in_root("guest.cpio"));
	free(path);
	snprintf(text, sizeof(text), "missing.so is not beside the program, nor in %s", root);
	expect_err(data_path("missing.so", &path), ERR_ENVIRONMENT, text);
	unsetenv("KTDBG_DATA");
}

static void test_directories(void **state)
{
	struct stat st;

	expect_ok(make_directories(in_root("a/b/c"), 0700));
	expect_ok(make_directories(in_root("a/b/c"), 0700));
	assert_int_equal(stat(in_root("a/b/c"), &st), 0);
	expect_ok(replace_file(in_root("plain"), "", 0));
	expect_err_with(make_directories(in_root("plain/below"), 0700), ERR_OS, "Not a directory");
}

static void test_whole_file(void **state)
{
	char *text;
	size_t len;

	expect_ok(replace_file(in_root("f"), "a\0b", 3));
	expect_ok(read_whole_file(in_root("f"), 3, &text, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 4);
	free(text);
	expect_err_with(read_whole_file(in_root("f"), 2, &text, &len), ERR_REFUSED,
			"is larger than 2 bytes");
	expect_err_with(read_whole_file(in_root("none"), 2, &text, &len), ERR_OS,
			"No such file or directory");
	expect_err_with(read_whole_file(root, 2, &text, &len), ERR_OS, "Is a directory");
}

static void test_an_empty_file_is_an_empty_text(void **state)
{
	size_t len = 9;
	char *text;

	expect_ok(replace_file(in_root("empty"), "", 0));
	expect_ok(read_whole_file(in_root("empty"), 0, &text, &len));
	assert_int_equal(len, 0);
	assert_string_equal(text, "");
	free(text);
}

static unsigned int files_in(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void test_replacing_is_all_or_nothing(void **state)
{
	char *text;

	expect_ok(make_directories(in_root("r"), 0700));
	expect_ok(replace_file(in_root("r/f"), "first", 5));
	expect_ok(replace_file(in_root("r/f"), "second", 6));
	expect_ok(read_whole_file(in_root("r/f"), 100, &text, NULL));
	assert_string_equal(text, "second");
	free(text);
	expect_ok(make_directories(in_root("r/folder"), 0700));
	expect_err_with(replace_file(in_root("r/folder"), "x", 1), ERR_OS, "cannot rename to it");
	assert_int_equal(files_in(in_root("r")), 2);
	expect_err_with(replace_file(in_root("none/f"), "x", 1), ERR_OS, "No such file or directory");
}

static void test_a_full_disk_is_reported(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	expect_err(write_all(fd, "x", 1), ERR_OS, "cannot write: No space left on device");
	close_fd(&fd);
	assert_int_equal(fd, -1);
	close_fd(&fd);
}

static void test_sha256(void **state)
{
	/* FIPS 180-4's example. */
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	char text[SHA256_TEXT];

	sha256_bytes("abc", 3, text);
	assert_string_equal(text, abc);
	expect_ok(replace_file(in_root("abc"), "abc", 3));
	memset(text, 0, sizeof(text));
	expect_ok(sha256_file(in_root("abc"), text));
	assert_string_equal(text, abc);
	expect_err_with(sha256_file(in_root("none"), text), ERR_OS, "No such file");
}

static void test_host_clock_does_not_go_back(void **state)
{
	uint64_t before = host_now();

	assert_true(before > 0);
	assert_true(host_now() >= before);
}

static void test_interrupt(void **state)
{
	interrupt_install();
	assert_false(interrupted());
	raise(SIGINT);
	assert_true(interrupted());
	interrupt_clear();
	assert_false(interrupted());
	interrupt_raise();
	assert_true(interrupted());
	interrupt_clear();
}

static void test_log_writes_whole_lines_up_to_its_level(void **state)
{
	int fd = open(in_root("log"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char long_line[3000];
	char *text;
	size_t len;

	memset(long_line, 'x', sizeof(long_line) - 1);
	long_line[sizeof(long_line) - 1] = '\0';
	log_setup(LOG_INFO, fd);
	log_debug("not this");
	log_info("%d", 42);
	log_info("%s", long_line);
	log_setup(LOG_QUIET, -1);
	log_info("nor this");
	expect_ok(read_whole_file(in_root("log"), 10000, &text, &len));
	assert_memory_equal(text, "42\nxxx", 6);
	assert_true(len > 1000 && len <= 1100);
	assert_int_equal(text[len - 1], '\n');
	free(text);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xdg_places),
		cmocka_unit_test(test_data_is_looked_for_where_it_is_told),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_whole_file),
		cmocka_unit_test(test_an_empty_file_is_an_empty_text),
		cmocka_unit_test(test_replacing_is_all_or_nothing),
		cmocka_unit_test(test_a_full_disk_is_reported),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_host_clock_does_not_go_back),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_log_writes_whole_lines_up_to_its_level),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
