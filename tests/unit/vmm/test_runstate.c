/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/vmm/threads.h"

#include "base/file.h"
#include "vmm/bridge.h"
#include "vmm/runstate.h"

#include <sched.h>

/* All threads on one CPU: each is ready for longer than it runs. */
static void crowd_one_cpu(struct crowd *c, unsigned int count)
{
	cpu_set_t one;

	crowd_start(c, count);
	CPU_ZERO(&one);
	CPU_SET((unsigned int)sched_getcpu(), &one);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(sched_setaffinity(c->tids[i], sizeof(one), &one), 0);
}

static uint64_t sum_of(const struct vcpu_runstate *v)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < RUNSTATE_COUNT; i++)
		sum += v->time[i];
	return sum;
}

static void test_only_grow(void **state)
{
	struct vcpu_runstate before = {0};
	struct runstates r = {0};
	struct crowd c;

	crowd_one_cpu(&c, 3);
	expect_ok(runstates_begin(&r, c.pid, c.tids, c.count, 0, NULL));
	for (unsigned int n = 0; n < 40; n++) {
		usleep(5000);
		runstates_sample(&r, c.pid, c.tids, host_now() - r.start, false);
		for (unsigned int i = 0; i < RUNSTATE_COUNT; i++)
			assert_true(r.vcpus[1].time[i] >= before.time[i]);
		before = r.vcpus[1];
	}
	assert_true(before.time[RUNSTATE_RUNNABLE] > 0);
	assert_int_equal(before.time[RUNSTATE_BLOCKED], 0);
	assert_int_equal(before.time[RUNSTATE_OFFLINE] / 1000000, 0);
	runstates_deinit(&r);
	crowd_end(&c);
}

/* Held: what the guest did not run for is offline, and the sum is the wall time. */
static void test_sum(void **state)
{
	uint64_t ran, before, after;
	struct runstates r = {0};
	struct crowd c;
	int main_thread;

	crowd_start(&c, 1);
	main_thread = c.pid; /* it waits */
	expect_ok(runstates_begin(&r, c.pid, &main_thread, 1, 0, NULL));
	usleep(60000);
	ran = host_now() - r.start;
	usleep(40000);
	before = host_now() - r.start;
	runstates_sample(&r, c.pid, &main_thread, ran, true);
	after = host_now() - r.start;
	assert_true(sum_of(&r.vcpus[0]) >= before && sum_of(&r.vcpus[0]) <= after);
	assert_true(r.vcpus[0].time[RUNSTATE_OFFLINE] >= 40000000);
	assert_true(r.vcpus[0].time[RUNSTATE_BLOCKED] >= ran - ran / 10);
	assert_int_equal(r.vcpus[0].state, RUNSTATE_OFFLINE);
	runstates_sample(&r, c.pid, &main_thread, ran, false);
	assert_int_equal(r.vcpus[0].state, RUNSTATE_BLOCKED);
	assert_true(r.vcpus[0].entry_time >= after);
	runstates_deinit(&r);
	crowd_end(&c);
}

static void test_gone(void **state)
{
	struct schedstat now;
	struct crowd c;

	crowd_start(&c, 1);
	crowd_end(&c);
	expect_err_with(schedstat_read(c.pid, c.tids[0], &now), ERR_OS, "schedstat");
}

/* The words grow by what the host has booked, no more and no less. */
static void test_bridge(void **state)
{
	uint64_t words[3] = {1000, 0, 0}, *const at[3] = {&words[0], &words[1], &words[2]};
	struct schedstat first[3], last[3];
	struct bridge *bridge;
	struct crowd c;

	crowd_one_cpu(&c, 3);
	for (unsigned int i = 0; i < 3; i++)
		expect_ok(schedstat_read(c.pid, c.tids[i], &first[i]));
	expect_ok(bridge_start(c.pid, c.tids, at, 3, &bridge));
	usleep(300000);
	for (unsigned int i = 0; i < 3; i++)
		expect_ok(schedstat_read(c.pid, c.tids[i], &last[i]));
	bridge_flush(bridge);
	bridge_add(&words[2], 5);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t start = i == 0 ? 1000 : i == 2 ? 5 : 0;
		struct schedstat now;

		expect_ok(schedstat_read(c.pid, c.tids[i], &now));
		assert_true(now.delay > first[i].delay);
		assert_true(words[i] - start <= now.delay - first[i].delay);
		/* What had passed between the two looks before the bridge stood is not its own. */
		assert_true(words[i] - start + 50000000 >= last[i].delay - first[i].delay);
	}
	bridge_stop(bridge);
	crowd_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_grow),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_bridge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
