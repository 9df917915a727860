/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/expect.h"

#include "coord/sched_spec.h"

#include <string.h>

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(sched_find("vtime")->name, "vtime");
	assert_null(sched_find("vtim"));
	assert_null(sched_find(""));
	expect_ok(sched_check_bundled("fifo", 0, NULL));
	expect_err(sched_check_bundled("nosuch", 0, NULL), ERR_USAGE,
		   "no scheduler nosuch; there is fifo, vtime, percpu, llc, central, broken, or the PATH of "
		   "a program");
}

static void test_arguments(void **state)
{
	char mode[] = "strand", wrong[] = "strnd", *words[] = {mode, wrong, NULL};
	const struct wire_sched *broken = sched_find("broken");

	(void)state;
	expect_err(sched_check_bundled("vtime", 1, words), ERR_USAGE, "vtime takes no arguments");
	expect_ok(sched_check_arguments(broken, 1, words));
	expect_err(sched_check_arguments(broken, 2, words), ERR_USAGE,
		   "broken takes one mode, not 2 words");
	expect_err(sched_check_arguments(broken, 0, words), ERR_USAGE,
		   "broken needs a mode: strand, affinity, no-kick, starve, wrong-cpu, init-task, loop, "
		   "keep-last, race");
	expect_err(sched_check_arguments(broken, 1, words + 1), ERR_USAGE,
		   "broken has no mode strnd; it has strand, affinity, no-kick, starve, wrong-cpu, "
		   "init-task, loop, keep-last, race");
}

/* The place of a mode in the table is its number. */
static void test_numbers(void **state)
{
	const struct wire_sched_mode *modes = sched_find("broken")->modes;

	(void)state;
	assert_string_equal(modes[BROKEN_STRAND - 1].name, "strand");
	assert_string_equal(modes[BROKEN_STARVE - 1].name, "starve");
	assert_string_equal(modes[BROKEN_LOOP - 1].name, "loop");
	assert_string_equal(modes[BROKEN_RACE - 1].name, "race");
	assert_null(modes[BROKEN_RACE].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
