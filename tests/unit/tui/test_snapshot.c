/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures and rates: copies outlive the model, and rates are of guest time. */
#include "tui/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ull

static struct model_task tasks[3];
static struct model_cpu cpus[2];

/* A guest in which task 7 runs all the time and CPU 1 switches once a millisecond. */
static struct model model_at(uint64_t time)
{
	memset(tasks, 0, sizeof(tasks));
	memset(cpus, 0, sizeof(cpus));
	tasks[0] = (struct model_task){.pid = 30, .start_time = 1};
	tasks[1] = (struct model_task){
		.pid = 7, .start_time = 5, .runtime = time, .switches = time / MS};
	tasks[2] = (struct model_task){.pid = 0};
	cpus[0].cpu = 0;
	cpus[1] = (struct model_cpu){.cpu = 1, .switches = time / MS};
	return (struct model){.time = time,
			      .cpus = cpus,
			      .cpu_count = 2,
			      .tasks = tasks,
			      .task_count = 2,
			      .idle_count = 1};
}

static void add(struct sampler *s, uint64_t time, bool stepped)
{
	struct model m = model_at(time);

	assert_null(sampler_add(s, &m, stepped));
}

static void test_nothing_at_first(void **state)
{
	struct sampler s = {0};

	assert_null(sampler_model(&s));
	assert_int_equal(sampler_find(&s, 7), -1);
	assert_int_equal(sampler_interval(&s), 0);
	assert_null(sampler_old_cpu(&s, 0));
}

static void test_the_copy_is_our_own(void **state)
{
	struct sampler s = {0};
	const struct model *m;

	add(&s, 5 * MS, false);
	memset(tasks, 0xff, sizeof(tasks));
	m = sampler_model(&s);
	assert_int_equal(m->tasks[1].pid, 7);
	assert_int_equal(m->tasks[2].pid, 0);
	assert_int_equal(sampler_find(&s, 7), 1);
	assert_int_equal(sampler_find(&s, 30), 0);
	assert_int_equal(sampler_find(&s, 8), -1);
	/* The idle task is in the picture but has no pid of its own. */
	assert_int_equal(sampler_find(&s, 0), -1);
	assert_null(m->index);
	sampler_deinit(&s);
}

static void test_rates_while_running(void **state)
{
	struct sampler s = {0};
	const struct model_task *task;

	for (uint64_t time = 0; time <= 10000; time += 250)
		add(&s, time * MS, false);
	assert_true(sampler_interval(&s) >= 1000 * MS);
	assert_true(sampler_interval(&s) <= 2250 * MS);
	task = &sampler_model(&s)->tasks[1];
	assert_int_equal(
		(int)(sampler_rate(&s, task->runtime, sampler_old_task(&s, task)->runtime) / 1e7 +
		      0.5),
		100);
	assert_int_equal((int)(sampler_rate(&s, sampler_model(&s)->cpus[1].switches,
					    sampler_old_cpu(&s, 1)->switches) +
			       0.5),
			 1000);
	sampler_deinit(&s);
}

static void test_a_step_is_compared_with_what_was_before_it(void **state)
{
	struct sampler s = {0};

	add(&s, 1000 * MS, true);
	add(&s, 1003 * MS, true);
	assert_int_equal(sampler_interval(&s), 3 * MS);
	/* The same instant again (after a write): still the same step. */
	add(&s, 1003 * MS, true);
	assert_int_equal(sampler_interval(&s), 3 * MS);
	add(&s, 1004 * MS, true);
	assert_int_equal(sampler_interval(&s), 1 * MS);
	sampler_deinit(&s);
}

static void test_time_that_goes_back_is_another_history(void **state)
{
	struct sampler s = {0};

	add(&s, 1000 * MS, false);
	add(&s, 2000 * MS, false);
	add(&s, 10 * MS, false);
	assert_int_equal(sampler_interval(&s), 0);
	assert_int_equal(sampler_model(&s)->time, 10 * MS);
	sampler_deinit(&s);
}

static void test_a_pid_that_is_used_again_is_another_task(void **state)
{
	struct sampler s = {0};
	struct model_task other = {.pid = 7, .start_time = 6};

	add(&s, 0, false);
	add(&s, 1000 * MS, false);
	assert_non_null(sampler_old_task(&s, &sampler_model(&s)->tasks[1]));
	assert_null(sampler_old_task(&s, &other));
	assert_true(sampler_rate(&s, 5, 9) == 0);
	sampler_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_at_first),
		cmocka_unit_test(test_the_copy_is_our_own),
		cmocka_unit_test(test_rates_while_running),
		cmocka_unit_test(test_a_step_is_compared_with_what_was_before_it),
		cmocka_unit_test(test_time_that_goes_back_is_another_history),
		cmocka_unit_test(test_a_pid_that_is_used_again_is_another_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
