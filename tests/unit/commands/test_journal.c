/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording's file: entries whole or not at all, and nothing shown that it does not hold. */
#include "commands/journal.h"

#include "base/file.h"
#include "tests/expect.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[80];

static int setup(void **state)
{
	strcpy(folder, "/tmp/ktdbg-journal-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/j", folder);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static struct journal *opened(const char *at)
{
	struct journal *j;

	expect_ok(journal_open(at, "start", &j));
	return j;
}

static void assert_file(const char *wanted)
{
	size_t len;
	char *text;

	expect_ok(read_whole_file(path, 1 << 24, &text, &len));
	assert_string_equal(text, wanted);
	free(text);
}

static void test_entries_are_there_at_once(void **state)
{
	struct journal *j = opened(path);

	assert_string_equal(journal_path(j), path);
	expect_ok(journal_add(j, "start 1\n", 8));
	assert_file("start 1\n");
	expect_ok(journal_add(j, "2\n", 2));
	expect_ok(journal_cut(j, 8));
	expect_ok(journal_add(j, "3\n", 2));
	assert_file("start 1\n3\n");
	expect_ok(journal_sync(j));
	journal_close(j);
	/* Its own kind is begun anew, others are left alone. */
	journal_close(opened(path));
	assert_file("");
	expect_ok(replace_file(path, "star", 4));
	expect_err_with(journal_open(path, "start", &j), ERR_REFUSED, "exists and is no recording");
	assert_file("star");
	journal_close(NULL);
}

static void test_files_that_cannot_be_had(void **state)
{
	struct journal *j;

	expect_err(journal_open("/nonexistent/j", "start", &j), ERR_OS,
		   "/nonexistent/j: No such file or directory");
	expect_err_with(journal_open(folder, "start", &j), ERR_OS, ": Is a directory");
}

static void test_a_full_disk(void **state)
{
	struct journal *j = opened("/dev/full");

	expect_err(journal_add(j, "start\n", 6), ERR_OS,
		   "its last line may be cut off: cannot write: No space left on device");
	expect_err(journal_cut(j, 0), ERR_OS, "it cannot be shortened: Invalid argument");
	journal_close(j);
}

/* In a process of its own: the limit cannot be taken back. */
static void test_a_file_that_may_not_grow(void **state)
{
	const struct rlimit limit = {20, 20};
	struct journal *j = opened(path);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct err *err;

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		err = journal_add(j, "start\n", 6);
		if (!err)
			err = journal_add(j, "an entry that goes beyond it\n", 29);
		_exit(!err || strcmp(err_detail(err), "cannot write: File too large") != 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_file("start\n");
	journal_close(j);
}

/* More than may wait at once, in pieces of all sizes; all of it is there after a sync. */
static void test_what_is_shown_keeps_its_order(void **state)
{
	struct journal *j = opened(path);
	char *shown = NULL, text[32];
	size_t shown_len = 0, len = 0;
	FILE *to = open_memstream(&shown, &shown_len);
	unsigned int last = 0, number;

	for (unsigned int i = 1; i <= 100000; i++) {
		int n = snprintf(text, sizeof(text), "%u\n", i);

		if (i % 10 == 0)
			expect_ok(journal_add(j, text, (size_t)n));
		journal_show(j, text, (size_t)n, to);
		len += (size_t)n;
	}
	expect_ok(journal_sync(j));
	assert_int_equal(shown_len, len);
	journal_close(j);
	fclose(to);
	for (char *at = shown; (number = (unsigned int)strtoul(at, &at, 10)); last = number)
		assert_int_equal(number, last + 1);
	assert_int_equal(last, 100000);
	free(shown);
}

/* Killed at any moment: whatever somebody saw is in the file. */
static void write_until_killed(int fd)
{
	struct journal *j = opened(path);
	FILE *to = fdopen(fd, "w");
	char text[32];

	for (unsigned int i = 1;; i++) {
		int n = snprintf(text, sizeof(text), "%u\n", i);

		expect_ok(journal_add(j, text, (size_t)n));
		journal_show(j, text, (size_t)n, to);
	}
}

static void test_nothing_is_shown_too_early(void **state)
{
	char line[64] = "", seen[64] = "0\n", held[64];
	int ends[2];
	pid_t pid;
	FILE *from;
	size_t len;
	char *text;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		write_until_killed(ends[1]);
	}
	close(ends[1]);
	from = fdopen(ends[0], "r");
	for (unsigned int i = 0; i < 20000; i++)
		assert_non_null(fgets(line, sizeof(line), from));
	kill(pid, SIGKILL);
	while (fgets(line, sizeof(line), from) && strchr(line, '\n'))
		strcpy(seen, line);
	waitpid(pid, NULL, 0);
	fclose(from);
	expect_ok(read_whole_file(path, 1 << 28, &text, &len));
	snprintf(held, sizeof(held), "\n%s", seen);
	assert_non_null(strstr(text, held));
	assert_int_equal(text[len - 1], '\n');
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_entries_are_there_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_that_cannot_be_had, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_may_not_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_shown_keeps_its_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_shown_too_early, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
