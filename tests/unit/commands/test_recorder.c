/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorder without a guest: what is kept, what is on disk when, and what a bad disk does. */
#include "commands/recorder.h"

#include "base/file.h"
#include "commands/recording.h"
#include "tests/expect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static int setup(void **state)
{
	int fd;

	strcpy(path, "/tmp/ktdbg-recorder-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	expect_ok(recorder_create((struct recorder **)state));
	return 0;
}

static int teardown(void **state)
{
	recorder_destroy(*state);
	unlink(path);
	return 0;
}

static void assert_file(const char *wanted)
{
	size_t len;
	char *text;

	expect_ok(read_whole_file(path, 1 << 20, &text, &len));
	assert_string_equal(text, wanted);
	free(text);
}

static void test_history_without_a_file(void **state)
{
	struct recorder *r = *state;
	struct err *error = err_new(ERR_REFUSED, "L4: on_rq is 1");

	assert_null(recorder_path(r));
	expect_ok(recorder_command(r, 500000000, "freeze"));
	expect_ok(recorder_output(r, "frozen at 0.5\n\nends in (re)\n", 28));
	expect_ok(recorder_command(r, 500000000, "batch\nread task 1 pid\nend"));
	expect_ok(recorder_error(r, error));
	err_free(error);
	assert_int_equal(recorder_lines(r), 8);
	assert_string_equal(recorder_line(r, 0), "[0.500000000] freeze");
	assert_string_equal(recorder_line(r, 1), "  | frozen at 0.5");
	assert_string_equal(recorder_line(r, 2), "  |");
	assert_string_equal(recorder_line(r, 3), "  | ends in (re) (glob)");
	assert_string_equal(recorder_line(r, 4), "[0.500000000] batch");
	assert_string_equal(recorder_line(r, 5), "read task 1 pid");
	assert_string_equal(recorder_line(r, 6), "end");
	assert_string_equal(recorder_line(r, 7), "  | error: L4: on_rq is 1");
}

static void test_a_file_without_a_guest_is_a_recording(void **state)
{
	struct recorder *r = *state;
	struct recording *recording;

	expect_ok(recorder_start(r, path));
	assert_string_equal(recorder_path(r), path);
	expect_err_with(recorder_start(r, path), ERR_REFUSED, "is being recorded already; `record stop` ends it");
	expect_ok(recorder_stop(r));
	assert_null(recorder_path(r));
	assert_file("ktdbg recording 1\n\n");
	expect_ok(recording_read(path, &recording));
	recording_destroy(recording);
	expect_err(recorder_stop(r), ERR_USAGE, "nothing is being recorded");
}

static void test_other_files_are_not_overwritten(void **state)
{
	struct recorder *r = *state;
	char message[128];

	expect_ok(replace_file(path, "precious\n", 9));
	snprintf(message, sizeof(message), "%s exists and is no recording", path);
	expect_err(recorder_start(r, path), ERR_REFUSED, message);
	assert_null(recorder_path(r));
	assert_file("precious\n");
	expect_ok(replace_file(path, "ktdbg recording 1\n\nfreeze\n", 26));
	expect_ok(recorder_start(r, path));
	expect_ok(recorder_stop(r));
	assert_file("ktdbg recording 1\n\n");
}

static void test_a_folder_that_is_not_there(void **state)
{
	struct recorder *r = *state;

	expect_err(recorder_start(r, "/nonexistent/x.t"), ERR_OS,
		   "/nonexistent/x.t: No such file or directory");
	assert_null(recorder_path(r));
}

/* The problem is told once, and the history goes on. */
static void test_a_full_disk(void **state)
{
	struct recorder *r = *state;
	char *problem;

	assert_null(recorder_problem(r));
	expect_ok(recorder_start(r, "/dev/full"));
	expect_ok(recorder_stop(r));
	problem = recorder_problem(r);
	assert_string_equal(problem, "the recording ends here: its last line may be cut off: cannot write: "
				     "No space left on device (/dev/full)");
	assert_true(recorder_was_cut(r));
	free(problem);
	assert_null(recorder_problem(r));
	expect_ok(recorder_command(r, 0, "freeze"));
	assert_int_equal(recorder_lines(r), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_history_without_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_without_a_guest_is_a_recording, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_files_are_not_overwritten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_folder_that_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
