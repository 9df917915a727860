/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters against what the guest says of itself. The guest needs time to answer, so each answer is
 * put between two samples: a counter that only grows must lie between them, and one that did not
 * move must be equal.
 */
#include "tests/guest/boot.h"

#include "base/file.h"
#include "coord/agent.h"
#include "coord/counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define MS 1000000ull
#define SECOND 1000000000ull

static bool is_exact(void)
{
	return machine_info(coord_machine(coord))->clock == CLOCK_VIRTUAL;
}

static struct sample *now(void)
{
	struct kernel *k = NULL;
	struct sample *s = NULL;

	expect_ok(coord_kernel(coord, &k));
	expect_ok(counters_now(coord_counters(coord), k, coord_machine(coord), &s));
	return s;
}

/* A file of the guest between two samples. */
struct answer {
	struct sample *before, *after;
	struct str text;
};

static void ask(const char *path, struct answer *a)
{
	*a = (struct answer){.before = now()};
	expect_ok(agent_cat(coord_agent(coord), path, &a->text));
	a->after = now();
}

static void answer_deinit(struct answer *a)
{
	free(a->before);
	free(a->after);
	str_deinit(&a->text);
}

/* How many of the comparisons were of a counter that stood still. */
static unsigned int exact, compared;

static void expect_between(const struct answer *a, unsigned int cpu, enum counter c, uint64_t said)
{
	uint64_t before = sample_value(a->before, cpu, c), after = sample_value(a->after, cpu, c);

	assert_true(sample_has(a->before, c));
	if (said < before || said > after)
		fail_msg("%s of cpu %u: %" PRIu64 " and %" PRIu64 ", the guest says %" PRIu64,
			 counter_table[c].name, cpu, before, after, said);
	compared++;
	exact += before == after;
}

static void compare_schedstat(const struct answer *a, unsigned int cpu)
{
	uint64_t yields, none, schedules, goidle, wakeups, local, run_time, delay, runs;
	char name[16];
	const char *at;

	snprintf(name, sizeof(name), "\ncpu%u ", cpu);
	at = strstr(a->text.data, name);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(name),
				"%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
				" %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
				&yields, &none, &schedules, &goidle, &wakeups, &local, &run_time,
				&delay, &runs),
			 9);
	expect_between(a, cpu, COUNTER_YIELDS, yields);
	expect_between(a, cpu, COUNTER_SCHEDULES, schedules);
	expect_between(a, cpu, COUNTER_GOIDLE, goidle);
	expect_between(a, cpu, COUNTER_WAKEUPS, wakeups);
	expect_between(a, cpu, COUNTER_WAKEUPS_LOCAL, local);
	expect_between(a, cpu, COUNTER_RUN_DELAY, delay);
	expect_between(a, cpu, COUNTER_RUNS, runs);
}

static void test_schedstat(void **state)
{
	(void)state;
	exact = compared = 0;
	guest_spawn(coord, "@runner", "workers=5 work=spin comm=spin");
	for (int i = 0; i < 10; i++) {
		struct answer a;

		expect_ok(coord_run_until(coord, coord_time(coord) + 37 * MS));
		ask("/proc/schedstat", &a);
		for (unsigned int cpu = 0; cpu < a.before->cpus; cpu++)
			compare_schedstat(&a, cpu);
		answer_deinit(&a);
	}
	print_message("%u of %u counters stood still while the guest answered\n", exact, compared);
	assert_true(exact > 50 || !is_exact());
	/* They are not all 0: guests are booted with schedstats. */
	assert_true(counters_schedstats(coord_counters(coord)));
	expect_ok(agent_cgroup_stop(coord_agent(coord), "@runner"));
}

/* The first number behind `key` in a text of lines. */
static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	uint64_t value;

	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(key), "%" SCNu64, &value), 1);
	return value;
}

static uint64_t sum(const struct sample *s, enum counter c)
{
	uint64_t total = 0;

	for (unsigned int cpu = 0; cpu < s->cpus; cpu++)
		total += sample_value(s, cpu, c);
	return total;
}

static void test_switches_and_steal(void **state)
{
	struct answer a;
	uint64_t said;

	(void)state;
	ask("/proc/stat", &a);
	said = number_after(a.text.data, "\nctxt ");
	assert_in_range(said, sum(a.before, COUNTER_SWITCHES), sum(a.after, COUNTER_SWITCHES));
	assert_true(said > 100);
	/* "cpu0 user nice system idle iowait irq softirq steal", in ticks of 10 ms. */
	assert_int_equal(sscanf(strstr(a.text.data, "\ncpu0 "),
				"\ncpu0 %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &said),
			 1);
	assert_in_range(said, sample_value(a.before, 0, COUNTER_STEAL) / (10 * MS),
			sample_value(a.after, 0, COUNTER_STEAL) / (10 * MS));
	answer_deinit(&a);
}

static void test_queue_lengths(void **state)
{
	struct sample *s;

	(void)state;
	guest_spawn(coord, "@runner", "workers=6 work=spin comm=pinned affinity=2");
	guest_spawn(coord, "@runner", "workers=1 work=spin comm=urgent affinity=1 policy=fifo:5");
	expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
	s = now();
	assert_true(sample_value(s, 2, COUNTER_NR_RUNNING) >= 6);
	assert_true(sample_value(s, 2, COUNTER_NR_FAIR) >= 6);
	assert_true(sample_value(s, 1, COUNTER_NR_RT) >= 1);
	assert_true(sample_value(s, 2, COUNTER_CLOCK) > SECOND);
	assert_true(cpu_set_has(&s->online, 3));
	free(s);
	expect_ok(agent_cgroup_stop(coord_agent(coord), "@runner"));
}

static bool has_sched_ext(void)
{
	struct kernel *k = NULL;

	expect_ok(coord_kernel(coord, &k));
	return kernel_info(k)->sched_ext;
}

static void compare_events(const struct answer *a)
{
	unsigned int i = 0;
	const char *name;

	for (; (name = counters_event(coord_counters(coord), i)); i++) {
		int64_t before = sample_event(a->before, i), after = sample_event(a->after, i);
		int64_t said = (int64_t)number_after(a->text.data, name);

		if (said < before || said > after)
			fail_msg("%s: %" PRId64 " and %" PRId64 ", the guest says %" PRId64, name,
				 before, after, said);
	}
	assert_true(i > 5);
	assert_true(i == a->before->events);
}

static void test_sched_ext_events(void **state)
{
	struct answer a;
	struct sample *s;

	(void)state;
	if (!has_sched_ext())
		skip();
	s = now();
	assert_true(s->instance == 0);
	free(s);
	expect_ok(agent_sched_attach(coord_agent(coord), "vtime", 0, NULL));
	guest_spawn(coord, "@runner", "workers=6 work=spin comm=extspin");
	expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
	ask("/sys/kernel/sched_ext/root/events", &a);
	assert_true(a.before->instance != 0);
	assert_true(a.before->instance == a.after->instance);
	compare_events(&a);
	answer_deinit(&a);
	/* Another instance of the same scheduler counts anew, elsewhere. */
	expect_ok(agent_sched_detach(coord_agent(coord)));
	expect_ok(agent_sched_attach(coord_agent(coord), "vtime", 0, NULL));
	ask("/sys/kernel/sched_ext/root/events", &a);
	compare_events(&a);
	answer_deinit(&a);
	expect_ok(agent_sched_detach(coord_agent(coord)));
	expect_ok(agent_cgroup_stop(coord_agent(coord), "@runner"));
	s = now();
	assert_true(s->instance == 0);
	free(s);
}

/* In lockstep: nothing before it is asked for, then exactly at the multiples. */
static void test_lockstep_samples(void **state)
{
	struct counters *c = coord_counters(coord);
	const struct samples *samples = counters_samples(c);
	uint64_t start, grid = machine_grid(coord_machine(coord));

	(void)state;
	if (!is_exact())
		skip();
	expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
	assert_int_equal(samples->count, 0);
	counters_start(c);
	start = coord_time(coord) / COUNTERS_PERIOD;
	expect_ok(coord_run_until(coord, coord_time(coord) + SECOND));
	/* An agent's call is a run that ends at a word. */
	expect_ok(agent_ping(coord_agent(coord)));
	expect_ok(coord_run_until(coord, coord_time(coord) + SECOND));
	assert_in_range(samples->count, 20, 21);
	for (unsigned int i = 0; i < samples->count; i++) {
		const struct sample *s = samples_back(samples, samples->count - 1 - i);

		assert_true(s->time - (start + 1 + i) * COUNTERS_PERIOD < grid);
		for (unsigned int cpu = 0; cpu < s->cpus; cpu++)
			assert_false(cpu_set_has(&s->torn, cpu));
	}
	counters_stop(c);
	expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
	assert_in_range(samples->count, 20, 21);
}

static void test_imbalance_is_found(void **state)
{
	struct counters *c = coord_counters(coord);
	struct str s = {0};

	(void)state;
	if (!is_exact())
		skip();
	counters_start(c);
	expect_ok(coord_run_until(coord, coord_time(coord) + SECOND));
	assert_false(counters_findings(c)->findings[THRESHOLD_IMBALANCE].violated);
	guest_spawn(coord, "@runner", "workers=8 work=spin comm=pinned affinity=2");
	expect_ok(coord_run_until(coord, coord_time(coord) + SECOND));
	assert_true(counters_findings(c)->findings[THRESHOLD_IMBALANCE].violated);
	assert_false(counters_findings(c)->findings[THRESHOLD_STUCK].violated);
	threshold_describe(counters_findings(c), counters_thresholds(c), THRESHOLD_IMBALANCE, &s);
	assert_non_null(strstr(s.data, "imbalance: "));
	assert_non_null(strstr(s.data, "samples in a row (limit 4.0), first at "));
	str_deinit(&s);
	counters_stop(c);
	expect_ok(agent_cgroup_stop(coord_agent(coord), "@runner"));
}

/* A guest that runs: nobody holds it, samples come all the same, and what only grows only grows. */
static void test_samples_of_a_running_guest(void **state)
{
	struct counters *c = coord_counters(coord);
	const struct samples *samples = counters_samples(c);
	const struct timespec tick = {.tv_nsec = 10 * MS};
	enum coord_pacing pacing = coord_pacing(coord);
	uint64_t epoch, start;
	unsigned int torn = 0;

	(void)state;
	guest_spawn(coord, "@runner", "workers=6 work=spin comm=spin");
	expect_ok(coord_leave(coord));
	coord_set_pacing(coord, COORD_FREE);
	counters_start(c);
	expect_ok(coord_idle(coord));
	epoch = coord_epoch(coord);
	start = host_now();
	while (samples->count < 15 && host_now() - start < 60 * SECOND) {
		nanosleep(&tick, NULL);
		expect_ok(coord_idle(coord));
	}
	assert_true(coord_epoch(coord) == epoch);
	assert_false(coord_held(coord));
	assert_int_equal(samples->count, 15);
	for (unsigned int i = 0; i + 1 < samples->count; i++) {
		const struct sample *s = samples_back(samples, i),
				    *old = samples_back(samples, i + 1);

		assert_true(s->time > old->time);
		assert_true(s->time / COUNTERS_PERIOD > old->time / COUNTERS_PERIOD);
		for (unsigned int cpu = 0; cpu < s->cpus; cpu++) {
			assert_true(sample_value(s, cpu, COUNTER_SWITCHES) >=
				    sample_value(old, cpu, COUNTER_SWITCHES));
			assert_true(sample_value(s, cpu, COUNTER_CLOCK) >=
				    sample_value(old, cpu, COUNTER_CLOCK));
			torn += cpu_set_has(&s->torn, cpu);
		}
	}
	assert_true(torn < 15);
	print_message("the newest sample took %" PRIu64 " us, %u of 60 torn\n",
		      counters_cost(c) / 1000, torn);
	assert_true(counters_cost(c) < 5 * MS);
	counters_stop(c);
	coord_set_pacing(coord, pacing);
	expect_ok(coord_enter(coord));
	expect_ok(agent_cgroup_stop(coord_agent(coord), "@runner"));
}

/* Two guests with one history: in one it is sampled, in the other not. */
static void test_sampling_leaves_no_trace(void **state)
{
	struct sample *ends[2];

	(void)state;
	if (!is_exact())
		skip();
	coord_destroy(coord);
	for (int i = 0; i < 2; i++) {
		if (i)
			coord_destroy(coord);
		coord = guest_boot();
		expect_ok(coord_enter(coord));
		if (i)
			counters_start(coord_counters(coord));
		guest_spawn(coord, "@runner", "workers=6 work=spin comm=spin");
		guest_spawn(coord, "@runner", "workers=3 work=sleep comm=sleeper");
		expect_ok(coord_run_until(coord, 2500 * MS));
		ends[i] = now();
		assert_int_equal(counters_samples(coord_counters(coord))->count > 10, i);
		expect_ok(coord_leave(coord));
	}
	assert_true(ends[0]->time == ends[1]->time);
	assert_memory_equal(ends[0]->values, ends[1]->values,
			    ends[0]->cpus * COUNTER_COUNT * sizeof(uint64_t));
	free(ends[0]);
	free(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WINDOW(test_schedstat),
		IN_WINDOW(test_switches_and_steal),
		IN_WINDOW(test_queue_lengths),
		IN_WINDOW(test_sched_ext_events),
		IN_WINDOW(test_lockstep_samples),
		IN_WINDOW(test_imbalance_is_found),
		IN_WINDOW(test_samples_of_a_running_guest),
		cmocka_unit_test(test_sampling_leaves_no_trace),
	};
	int failed;

	coord = guest_boot();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	coord_destroy(coord);
	return failed;
}
