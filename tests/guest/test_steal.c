/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steal under the real clock on an overcommitted host: the guest's account against the host's
 * schedstat of the same window, the runstates, and what the two kinds of freeze look like from
 * inside. Nothing here depends on how busy the host is.
 */
#include "tests/guest/boot.h"

#include "base/file.h"
#include "commands/start.h"
#include "coord/agent.h"
#include "coord/kernel.h"
#include "coord/steal_book.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define CPUS 2

struct picture {
	uint64_t guest[CPUS]; /* the kernel's steal */
	uint64_t delay[CPUS]; /* of the host's threads */
	struct vcpu_runstate runstate[CPUS];
	uint64_t jiffies, time, wall;
};

static uint64_t read_jiffies(void)
{
	struct kernel *k;
	uint64_t address;
	const uint64_t *at;

	expect_ok(coord_kernel(coord, &k));
	expect_ok(kernel_symbol(k, "jiffies", &address));
	at = kernel_at(k, address, 8);
	assert_non_null(at);
	return *at;
}

/* Everything at one moment: the guest is held. */
static void take(struct picture *p)
{
	struct machine *m = coord_machine(coord);
	const struct vcpu_runstate *vcpus;
	struct steal_book *steal;
	unsigned int count;
	int tids[CPUS];

	expect_ok(coord_enter(coord));
	expect_ok(coord_steal_book(coord, &steal));
	assert_int_equal(machine_vcpu_threads(m, tids, CPUS), CPUS);
	expect_ok(machine_runstates(m, &vcpus, &count));
	p->wall = host_now();
	assert_int_equal(count, CPUS);
	for (unsigned int i = 0; i < CPUS; i++) {
		struct schedstat now;

		p->guest[i] = steal_book_guest(steal, i);
		expect_ok(schedstat_read(machine_info(m)->pid, tids[i], &now));
		p->delay[i] = now.delay;
		p->runstate[i] = vcpus[i];
	}
	p->jiffies = read_jiffies();
	p->time = coord_time(coord);
	expect_ok(coord_leave(coord));
}

/* To 5 % and a tick. */
static void expect_near(uint64_t guest, uint64_t host)
{
	uint64_t slack = host / 20 + 10 * MS;

	assert_in_range(guest, host > slack ? host - slack : 0, host + slack);
}

static void let_pass(uint64_t ns)
{
	expect_ok(coord_enter(coord));
	expect_ok(coord_run_until(coord, coord_time(coord) + ns));
	expect_ok(coord_leave(coord));
}

static void test_budget(void **state)
{
	struct machine *m = coord_machine(coord);
	const struct budget *budget;
	struct budget_place place;

	expect_ok(machine_budget(m, &budget));
	assert_non_null(budget);
	assert_int_equal(CPU_COUNT(&budget->mask), 1);
	for (unsigned int i = 0; i < CPUS; i++) {
		machine_vcpu_place(m, i, &place);
		assert_true(CPU_EQUAL(&place.mask, &budget->mask));
	}
	expect_err_with(machine_set_budget(m, 1000, false), ERR_USAGE,
			"a CPU budget of 1000, but only ");
}

/* Two vCPUs want one host CPU. */
static void test_against_schedstat(void **state)
{
	struct picture a, b;

	guest_spawn(coord, "@runner", "workers=4 work=spin");
	let_pass(200 * MS);
	take(&a);
	let_pass(2 * SECOND);
	take(&b);
	for (unsigned int i = 0; i < CPUS; i++) {
		uint64_t guest = b.guest[i] - a.guest[i], host = b.delay[i] - a.delay[i];

		assert_true(host > 100 * MS);
		expect_near(guest, host);
		expect_near(b.runstate[i].time[RUNSTATE_RUNNABLE] -
				    a.runstate[i].time[RUNSTATE_RUNNABLE],
			    host);
	}
}

/* The four states are the wall time, to 1 %. */
static void test_runstates_sum(void **state)
{
	struct picture a, b;
	uint64_t wall;

	take(&a);
	let_pass(2 * SECOND);
	take(&b);
	wall = b.wall - a.wall;
	for (unsigned int i = 0; i < CPUS; i++) {
		uint64_t sum = 0;

		for (enum runstate s = 0; s < RUNSTATE_COUNT; s++) {
			assert_true(b.runstate[i].time[s] >= a.runstate[i].time[s]);
			sum += b.runstate[i].time[s] - a.runstate[i].time[s];
		}
		print_message("cpu %u: states sum up to %" PRIu64 " of %" PRIu64 " us\n", i,
			      sum / 1000, wall / 1000);
		assert_in_range(sum, wall - wall / 100 - 10 * MS, wall + wall / 100 + 10 * MS);
	}
}

static void sleep_frozen(struct err *(*freeze)(struct coord *c))
{
	expect_ok(coord_enter(coord));
	expect_ok(freeze(coord));
	expect_ok(coord_leave(coord));
	usleep(700000);
	expect_ok(coord_enter(coord));
	expect_ok(coord_thaw(coord));
	expect_ok(coord_leave(coord));
	let_pass(20 * MS);
}

static void test_freeze_hides(void **state)
{
	struct picture a, b;

	take(&a);
	sleep_frozen(coord_freeze);
	take(&b);
	for (unsigned int i = 0; i < CPUS; i++) {
		expect_near(b.guest[i] - a.guest[i], b.delay[i] - a.delay[i]);
		assert_true(b.runstate[i].time[RUNSTATE_OFFLINE] -
				    a.runstate[i].time[RUNSTATE_OFFLINE] >=
			    700 * MS);
	}
}

static void test_freeze_as_steal(void **state)
{
	struct picture a, b;
	uint64_t start = host_now(), most;

	take(&a);
	sleep_frozen(coord_freeze_as_steal);
	take(&b);
	most = host_now() - start;
	for (unsigned int i = 0; i < CPUS; i++) {
		uint64_t guest = b.guest[i] - a.guest[i], host = b.delay[i] - a.delay[i];

		assert_in_range(guest, 700 * MS, most + host);
		assert_true(b.runstate[i].time[RUNSTATE_RUNNABLE] -
				    a.runstate[i].time[RUNSTATE_RUNNABLE] >=
			    700 * MS);
		assert_true(b.runstate[i].time[RUNSTATE_OFFLINE] -
				    a.runstate[i].time[RUNSTATE_OFFLINE] <
			    most - 700 * MS);
	}
	assert_true(b.time - a.time >= 700 * MS);
	/* The guest's own clock went on: Debian's kernels have 250 jiffies a second. */
	assert_true(b.jiffies - a.jiffies >= 70);
}

/* Confined to fewer, to more, and let go. */
static void test_change_budget(void **state)
{
	struct machine *m = coord_machine(coord);
	const struct budget *budget;
	cpu_set_t allowed;

	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	expect_ok(machine_set_budget(m, 0, false));
	expect_ok(machine_budget(m, &budget));
	assert_null(budget);
	if (CPU_COUNT(&allowed) < 2)
		return;
	expect_ok(machine_set_budget(m, 2, true));
	expect_ok(machine_budget(m, &budget));
	assert_true(budget->pinned);
	assert_int_equal(CPU_COUNT(&budget->mask), 2);
}

static int end(void **state)
{
	coord_destroy(coord);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget),		cmocka_unit_test(test_against_schedstat),
		cmocka_unit_test(test_runstates_sum),	cmocka_unit_test(test_freeze_hides),
		cmocka_unit_test(test_freeze_as_steal), cmocka_unit_test(test_change_budget),
	};

	coord = guest_boot_confined(1, "1n1l2c1t");
	return cmocka_run_group_tests(tests, NULL, end);
}
