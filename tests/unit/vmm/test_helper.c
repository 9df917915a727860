/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/helper.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "tests/expect.h"

#include <signal.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static struct err *shell(const char *script, struct str *output, uint64_t timeout)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return helper_run(argv, "/", timeout, output);
}

static void test_collects_output(void **state)
{
	struct str s = {0};

	expect_ok(shell("echo one; pwd; echo $LC_ALL; cat; echo not this >&2", &s, 10 * SECOND));
	assert_string_equal(str_text(&s), "one\n/\nC\n");
	str_deinit(&s);
}

static void test_failure_has_the_last_words(void **state)
{
	expect_err(shell("echo E: first >&2; printf 'E: \\033[1mlast\\n' >&2; exit 100", NULL, 10 * SECOND),
		   ERR_OS, "sh ended with status 100: E: first E: \\x1b[1mlast");
	expect_err(shell("kill -9 $$", NULL, 10 * SECOND), ERR_OS, "sh was killed by signal 9: ");
}

static void test_long_output_is_cut_not_waited_for(void **state)
{
	struct str s = {0};

	expect_ok(shell("head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2", &s, 60 * SECOND));
	assert_true(s.len <= HELPER_OUTPUT_MAX);
	assert_true(s.len > HELPER_OUTPUT_MAX / 2);
	str_deinit(&s);
}

static void test_no_such_program(void **state)
{
	static const char *const argv[] = {"ktdbg-no-such-program", NULL};

	expect_err(helper_run(argv, NULL, SECOND, NULL), ERR_NOT_FOUND,
		   "no program ktdbg-no-such-program on this machine");
}

static void test_deadline_kills_the_whole_group(void **state)
{
	uint64_t start = host_now();

	expect_err(shell("sleep 100 & sleep 100", NULL, SECOND), ERR_TIMEOUT, "sh did not end within 1 s");
	assert_true(host_now() - start < 10 * SECOND);
}

static void raise_interrupt(int signal_number)
{
	interrupt_raise();
}

static void test_interrupt_ends_it(void **state)
{
	uint64_t start = host_now();

	signal(SIGALRM, raise_interrupt);
	alarm(1);
	expect_err(shell("sleep 100", NULL, 60 * SECOND), ERR_INTERRUPTED, "sh: interrupted");
	interrupt_clear();
	assert_true(host_now() - start < 10 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collects_output),
		cmocka_unit_test(test_failure_has_the_last_words),
		cmocka_unit_test(test_long_output_is_cut_not_waited_for),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_deadline_kills_the_whole_group),
		cmocka_unit_test(test_interrupt_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
