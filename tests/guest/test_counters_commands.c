/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `counters` and `watch` as an operator types them: what they print, refuse, and leave unrecorded.
 */
#include "tests/guest/typed.h"

#include "commands/recorder.h"

#include <stdio.h>

static void test_refusals(void **state)
{
	(void)state;
	fails("counters nonsense", ERR_USAGE, "usage: counters ");
	fails("counters start now", ERR_USAGE, "usage: counters ");
	fails("counters cpu:9", ERR_NOT_FOUND, "no CPU 9: this guest has CPUs 0 to 3");
	fails("counters check", ERR_REFUSED, "counters check: `counters start` comes first");
	fails("counters rates", ERR_REFUSED, "counters: nothing was sampled; `counters start`");
	fails("counters thresholds stuck=3", ERR_USAGE, "stuck=3: on or off");
	fails("watch 1", ERR_USAGE, "watch: `for T` says how long, where there is no Ctrl-C");
	fails("watch 1 every 0 for 1s", ERR_USAGE, "every: 0 is no time");
	fails("watch 1 + for 1s", ERR_USAGE, "column 4");
	fails("print counter(vcpu_time)", ERR_REFUSED, "vcpu_time is the host's");
}

static void test_absent_is_said(void **state)
{
	(void)state;
	prints_with("counters", "this guest's schedstats are off");
	prints("print counter(wakeups,1)", "<absent>\n");
	prints_with("counters cpu:1", "<absent>");
	prints("cpus where cpu == 1 columns cpu,goidle,wakeups,wakeups_local",
	       "cpu    goidle   wakeups  wakeups_local\n  1  <absent>  <absent>       <absent>\n");
	prints("counters where cpu == 2 columns cpu,nr_running,nr_running + 1",
	       "cpu  nr_running  nr_running + 1\n  2           0               1\n");
	prints("counters cpu:1 sort -cpu columns cpu", "cpu\n  1\n");
	fails("counters where nr_runing > 1", ERR_NOT_FOUND, "columns near it: nr_running");
	fails("counters rates fast", ERR_USAGE, "usage: counters ");
}

static void test_watch_shows_changes(void **state)
{
	(void)state;
	prints("watch ncpus every 100ms for 1s", "0.000000000  4\n");
	prints("watch time >= 1300ms every 100ms for 550ms", "1.000000000  0\n1.300000000  1\n");
	/* The end is exact, whatever the step. */
	prints("watch time > 2s for 451ms every 200ms", "1.550000000  0\n2.001000000  1\n");
	prints("freeze", "frozen at 2.001000000\n");
	fails_after("watch 7 for 1s", "2.001000000  7\n", ERR_REFUSED,
		    "watch: nothing will change: the guest is frozen");
	prints_with("thaw", "thawed");
}

static void test_check(void **state)
{
	(void)state;
	prints("counters start", "");
	fails("counters check", ERR_EXPECT, "nothing to judge: no guest time has passed");
	prints_with("run 1s", "frozen at 3.001000000");
	prints("counters check", "");
	prints_with("counters samples 1 cpu:2", "3.000000000    2  no");
	prints("counters samples 3 cpu:2 where !torn sort -time columns time,cpu",
	       "       time  cpu\n3.000000000    2\n2.900000000    2\n2.800000000    2\n");
	prints("counters rates where cpu > 2 columns cpu,nr_running", "cpu  nr_running\n  3           0\n");
	prints_with("counters rates", "per second, over ");
	prints_with("thaw", "thawed");
	prints_with("spawn @runner workers=8 work=spin comm=pinned affinity=2", "pinned");
	prints_with("run 1s", "frozen");
	fails("counters check", ERR_EXPECT, "samples in a row (limit 4.0), first at 3.5");
	prints_with("counters", "threshold imbalance: 8.0, ");
	prints("counters thresholds imbalance=9", "");
	prints("counters check", "");
	prints("counters thresholds imbalance=4", "");
	fails("counters check", ERR_EXPECT, "imbalance: 8.0, ");
	prints("counters reset", "");
	fails("counters check", ERR_EXPECT, "nothing to judge");
	prints("counters stop", "");
	prints_with("thaw", "thawed");
}

/* Where the host chose the moments, what samples say is shown but not recorded. */
static void test_free_samples_are_not_recorded(void **state)
{
	struct recorder *recorder = session_recorder(session);
	size_t first;

	(void)state;
	session_set_mode(session, MODE_PROMPT);
	prints("counters start", "");
	for (int i = 0; i < 5; i++)
		prints_with("run 150ms", "frozen");
	prints_with("thaw", "thawed");
	first = recorder_lines(recorder);
	prints_with("counters rates", "per second, over ");
	prints_with("counters samples 1", "time");
	for (size_t i = first; i < recorder_lines(recorder); i++)
		if (strstr(recorder_line(recorder, i), "  | "))
			fail_msg("recorded: %s", recorder_line(recorder, i));
	assert_true(recorder_lines(recorder) >= first + 2);
	prints_with("counters cpu:0", "switches");
	assert_non_null(strstr(recorder_line(recorder, recorder_lines(recorder) - 1), "  | "));
}

static int open_session(void **state)
{
	static struct options options;

	(void)state;
	typed_options(&options);
	options.clock = CLOCK_VIRTUAL;
	options.append = "schedstats=disable";
	typed_boot_script(&options);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_watch_shows_changes),
		cmocka_unit_test(test_absent_is_said),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_free_samples_are_not_recorded),
	};

	return cmocka_run_group_tests(tests, open_session, typed_end);
}
