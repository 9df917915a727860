/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs that stand while others run: exact to the nanosecond, seen in what the tasks on them got and in
 * the guest's own /proc/stat. Under the virtual clock, the only one that has it.
 */
#include "tests/guest/typed.h"

#include "coord/agent.h"
#include "coord/steal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

static struct coord *guest(void)
{
	return session_coord(session);
}

static uint64_t now(void)
{
	return coord_time(guest());
}

static struct agent_worker worker(unsigned int index)
{
	struct agent_worker w;

	expect_ok(agent_worker(coord_agent(guest()), "@runner", index, &w));
	return w;
}

/* A spinning worker on each CPU that has been at it for a while. */
static int start_spinners(void **state)
{
	(void)state;
	free(output("spawn @runner workers=4 work=spin affinity=each"));
	runs("run 50ms");
	runs("thaw");
	return 0;
}

static int stop_spinners(void **state)
{
	(void)state;
	runs("thaw");
	runs("cgroup stop @runner");
	return 0;
}

static void test_one_stands_and_the_others_run(void **state)
{
	uint64_t before[4], begin = now();

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		before[i] = worker(i).iterations;
	runs("stall cpu:1 60ms");
	assert_int_equal(now(), begin); /* the command itself takes no time */
	runs("run 50ms");
	for (unsigned int i = 0; i < 4; i++)
		if (i == 1)
			assert_int_equal(worker(i).iterations, before[i]);
		else
			assert_true(worker(i).iterations > before[i]);
	runs("run 100ms");
	assert_true(worker(1).iterations > before[1]);
	/* Its gap begins with the iteration before and ends with the one after. */
	assert_in_range(worker(1).max_gap, 60 * MS, 62 * MS);
}

/* "cpuN user nice system idle iowait irq softirq steal": the last, in ticks of 10 ms. */
static uint64_t stolen_ticks(unsigned int cpu)
{
	struct str stat = {0};
	char key[16], *line, *at;
	uint64_t value = 0;

	snprintf(key, sizeof(key), "\ncpu%u ", cpu);
	expect_ok(agent_cat(coord_agent(guest()), "/proc/stat", &stat));
	line = strstr(str_text(&stat), key);
	assert_non_null(line);
	at = line + strlen(key);
	for (unsigned int i = 0; i < 8; i++)
		value = strtoull(at, &at, 10);
	str_deinit(&stat);
	return value;
}

static void test_steal_is_what_was_injected(void **state)
{
	uint64_t before = stolen_ticks(2), begin, iterations, steal, after;

	(void)state;
	expect_ok(steal_read(guest(), 2, &steal));
	begin = now();
	iterations = worker(2).iterations;
	prints_with("steal inject cpu:2 40ms", "40ms");
	assert_int_equal(now(), begin + 40 * MS);
	assert_int_equal(worker(2).iterations, iterations);
	expect_ok(steal_read(guest(), 2, &after));
	assert_int_equal(after, steal + 40 * MS);
	assert_int_equal(stolen_ticks(2), before + 4);
}

static void test_steal_of_the_whole_machine(void **state)
{
	uint64_t begin = now(), iterations = worker(0).iterations + worker(3).iterations;

	(void)state;
	free(output("steal inject cpu:all 30ms"));
	assert_int_equal(now(), begin + 30 * MS);
	assert_int_equal(worker(0).iterations + worker(3).iterations, iterations);
	for (unsigned int cpu = 0; cpu < 4; cpu++)
		assert_true(stolen_ticks(cpu) >= 3);
	runs("run 20ms");
	assert_true(worker(0).iterations + worker(3).iterations > iterations);
}

/* The quantum is 100 us: what is not on its grid is rounded up, and the account says so. */
static void test_off_the_grid(void **state)
{
	uint64_t before, after, begin = now();

	(void)state;
	expect_ok(steal_read(guest(), 1, &before));
	prints_with("steal inject cpu:1 130us", "200us");
	expect_ok(steal_read(guest(), 1, &after));
	assert_int_equal(after, before + 200000);
	assert_int_equal(now(), begin + 200000);
}

static void test_idle_machine(void **state)
{
	uint64_t begin = now();

	(void)state;
	free(output("steal inject cpu:all 2s"));
	assert_int_equal(now(), begin + 2000 * MS);
	runs("run 100ms");
	runs("thaw");
	expect_ok(agent_ping(coord_agent(guest())));
}

static void test_nmi(void **state)
{
	(void)state;
	prints("nmi", "NMI to all CPUs\n");
	runs("run 10ms");
	prints_with("dmesg 6", "NMI received for unknown reason");
	runs("thaw");
}

static void test_refusals(void **state)
{
	(void)state;
	fails("stall cpu:4 1ms", ERR_NOT_FOUND, "no CPU 4: this guest has CPUs 0 to 3");
	fails("stall 1 1ms", ERR_USAGE, "1: cpu:N or cpu:all");
	fails("stall cpu:1 0", ERR_USAGE, "0: a time above 0 is wanted");
	fails("steal cpu:1 1ms", ERR_USAGE, "inject cpu:N|cpu:all DURATION");
	runs("freeze");
	fails("steal inject cpu:1 1ms", ERR_REFUSED, "thaw it first");
	runs("thaw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_stands_and_the_others_run, start_spinners,
						stop_spinners),
		cmocka_unit_test_setup_teardown(test_steal_is_what_was_injected, start_spinners,
						stop_spinners),
		cmocka_unit_test_setup_teardown(test_steal_of_the_whole_machine, start_spinners,
						stop_spinners),
		cmocka_unit_test(test_off_the_grid),
		cmocka_unit_test(test_idle_machine),
		cmocka_unit_test(test_nmi),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, typed_start, typed_end);
}
