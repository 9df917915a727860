/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thresholds on samples made by hand: four CPUs, a sample each 100 ms. */
#include "tests/expect.h"

#include "coord/thresholds.h"

#define CPUS 4
#define STEP 100000000ull
#define FALLBACK 0
#define KEEP_LAST 1

struct bench {
	struct thresholds limits;
	struct threshold_state state;
	struct sample *old, *now;
};

/* A sample in which nothing is wrong: one task and a moving clock on each CPU. */
static void healthy(struct sample *s, const struct sample *old)
{
	s->time = old->time + STEP;
	s->instance = 0x1000;
	s->present = (1u << COUNTER_VCPU_TIME) - 1;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		cpu_set_add(&s->online, cpu);
		sample_set(s, cpu, COUNTER_NR_RUNNING, 1);
		sample_set(s, cpu, COUNTER_CLOCK, s->time + cpu);
		sample_set(s, cpu, COUNTER_LOCAL_DSQ, 0);
		sample_set(s, cpu, COUNTER_VCPU_TIME,
			   sample_value(old, cpu, COUNTER_VCPU_TIME) + STEP);
	}
	memcpy(sample_events(s), &old->values[CPUS * COUNTER_COUNT], 2 * sizeof(int64_t));
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	thresholds_default(&b->limits);
	threshold_state_init(&b->state);
	b->old = sample_create(CPUS, 2);
	b->now = sample_create(CPUS, 2);
	assert_non_null(b->old);
	assert_non_null(b->now);
	healthy(b->now, b->old);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	free(b->old);
	free(b->now);
	free(b);
	return 0;
}

/* The next sample, healthy until the test bends it. */
static struct sample *next(struct bench *b)
{
	struct sample *spare = b->old;

	b->old = b->now;
	b->now = spare;
	healthy(b->now, b->old);
	return b->now;
}

static void judge(struct bench *b)
{
	const struct threshold_events events = {FALLBACK, KEEP_LAST};

	threshold_judge(&b->state, &b->limits, &events, b->old, b->now);
}

static void expect_finding(struct bench *b, enum threshold which, const char *text)
{
	struct str s = {0};

	threshold_describe(&b->state, &b->limits, which, &s);
	assert_string_equal(str_text(&s), text);
	str_deinit(&s);
}

static void expect_nothing(struct bench *b)
{
	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++)
		expect_finding(b, i, "");
}

static void test_defaults(void **state)
{
	static const char *const texts[] = {"4.0", "50", "5 samples", "200/s", "100/s"};
	struct bench *b = *state;

	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++) {
		struct str s = {0};

		thresholds_limit_text(&b->limits, i, &s);
		assert_string_equal(str_text(&s), texts[i]);
		str_deinit(&s);
	}
	for (int i = 0; i < 50; i++) {
		next(b);
		judge(b);
	}
	expect_nothing(b);
	assert_int_equal(b->state.judged, 50);
}

static void test_settings(void **state)
{
	struct bench *b = *state;
	struct str s = {0};

	expect_ok(thresholds_set(&b->limits, "imbalance=2.5"));
	expect_ok(thresholds_set(&b->limits, "stuck=off"));
	expect_ok(thresholds_set(&b->limits, "samples=9"));
	expect_ok(thresholds_set(&b->limits, "fallback=off"));
	thresholds_limit_text(&b->limits, THRESHOLD_STUCK, &s);
	assert_string_equal(str_text(&s), "off");
	str_clear(&s);
	expect_ok(thresholds_set(&b->limits, "stuck=on"));
	thresholds_limit_text(&b->limits, THRESHOLD_STUCK, &s);
	thresholds_limit_text(&b->limits, THRESHOLD_IMBALANCE, &s);
	assert_string_equal(str_text(&s), "9 samples2.5");
	str_deinit(&s);
	expect_err(thresholds_set(&b->limits, "fast=1"), ERR_USAGE,
		   "fast=1: no threshold; there are imbalance, local_dsq, stuck, fallback, "
		   "keep_last, and samples");
	expect_err(thresholds_set(&b->limits, "imbalance"), ERR_USAGE,
		   "imbalance: KEY=VALUE is wanted");
	expect_err(thresholds_set(&b->limits, "imbalance=big"), ERR_USAGE,
		   "imbalance=big: a number, on or off");
	expect_err(thresholds_set(&b->limits, "imbalance=-1"), ERR_USAGE,
		   "imbalance=-1: a number, on or off");
	expect_err(thresholds_set(&b->limits, "keep_last=nan"), ERR_USAGE,
		   "keep_last=nan: a number, on or off");
	expect_err(thresholds_set(&b->limits, "stuck=5"), ERR_USAGE, "stuck=5: on or off");
	expect_err(thresholds_set(&b->limits, "samples=0"), ERR_USAGE, "samples=0: 1 to 6000");
}

/* `count` samples with `running` tasks on CPU 2, `others` on each other. */
static void run_imbalance(struct bench *b, unsigned int count, uint64_t running, uint64_t others)
{
	while (count--) {
		struct sample *s = next(b);

		for (unsigned int cpu = 0; cpu < CPUS; cpu++)
			sample_set(s, cpu, COUNTER_NR_RUNNING, cpu == 2 ? running : others);
		judge(b);
	}
}

static void test_imbalance_has_to_last(void **state)
{
	struct bench *b = *state;

	/* 4.0 is the limit and not above it; an empty queue counts as 1. */
	run_imbalance(b, 20, 4, 0);
	run_imbalance(b, 4, 9, 1);
	run_imbalance(b, 1, 1, 1);
	run_imbalance(b, 4, 9, 2);
	expect_nothing(b);
	run_imbalance(b, 1, 9, 2);
	expect_finding(b, THRESHOLD_IMBALANCE,
		       "imbalance: 9.0, 5 samples in a row (limit 4.0), first at 3.100000000");
	/* The first time stays; the length grows. */
	run_imbalance(b, 3, 9, 2);
	expect_finding(b, THRESHOLD_IMBALANCE,
		       "imbalance: 9.0, 8 samples in a row (limit 4.0), first at 3.100000000");
}

static void test_offline_cpus_do_not_count(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 10; i++) {
		struct sample *s = next(b);

		memset(&s->online, 0, sizeof(s->online));
		for (unsigned int cpu = 0; cpu < 3; cpu++) {
			cpu_set_add(&s->online, cpu);
			sample_set(s, cpu, COUNTER_NR_RUNNING, 6);
		}
		sample_set(s, 3, COUNTER_NR_RUNNING, 0);
		judge(b);
	}
	expect_nothing(b);
}

static void test_local_queue(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 5; i++) {
		struct sample *s = next(b);

		sample_set(s, 1, COUNTER_LOCAL_DSQ, 51);
		sample_set(s, 3, COUNTER_LOCAL_DSQ, 60 + (uint64_t)i);
		judge(b);
	}
	expect_finding(b, THRESHOLD_LOCAL_DSQ,
		       "local_dsq: 64 on cpu 3, 5 samples in a row (limit 50), first at "
		       "0.600000000");
	expect_finding(b, THRESHOLD_IMBALANCE, "");
}

static void test_nonsense_is_left_out(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 10; i++) {
		sample_set(next(b), 1, COUNTER_LOCAL_DSQ, 10001);
		judge(b);
	}
	for (int i = 0; i < 10; i++) {
		struct sample *s = next(b);

		for (unsigned int cpu = 0; cpu < CPUS; cpu++)
			sample_set(s, cpu, COUNTER_CLOCK, 0);
		judge(b);
	}
	expect_nothing(b);
	assert_int_equal(b->state.judged, 0);
}

/* CPU 1's clock stands at 77 for `count` samples. */
static void run_stuck(struct bench *b, unsigned int count, uint64_t running, bool host_runs_it)
{
	while (count--) {
		struct sample *s = next(b);

		sample_set(s, 1, COUNTER_CLOCK, 77);
		sample_set(s, 1, COUNTER_NR_RUNNING, running);
		s->present |= 1u << COUNTER_VCPU_TIME;
		if (!host_runs_it)
			sample_set(s, 1, COUNTER_VCPU_TIME,
				   sample_value(b->old, 1, COUNTER_VCPU_TIME) + 9999999);
		judge(b);
	}
}

static void test_stuck_clock(void **state)
{
	struct bench *b = *state;

	/* The first of these is where it still moved. */
	run_stuck(b, 5, 1, true);
	expect_nothing(b);
	run_stuck(b, 1, 1, true);
	expect_finding(b, THRESHOLD_STUCK,
		       "stuck: the run-queue clock of cpu 1 stood still, 5 samples in a row "
		       "(limit 5 samples), first at 0.700000000");
}

static void test_clocks_that_may_stand(void **state)
{
	struct bench *b = *state;

	/* An idle CPU has no tick, and a vCPU that the host does not run counts nothing. */
	run_stuck(b, 20, 0, true);
	run_stuck(b, 20, 1, false);
	expect_nothing(b);
	/* A task that waits where none was before is no idle CPU any more. */
	run_stuck(b, 5, 1, true);
	expect_finding(b, THRESHOLD_STUCK,
		       "stuck: the run-queue clock of cpu 1 stood still, 5 samples in a row "
		       "(limit 5 samples), first at 4.600000000");
}

/* `each` more events a sample. */
static void run_events(struct bench *b, unsigned int count, unsigned int event, int64_t each)
{
	while (count--) {
		sample_events(next(b))[event] += each;
		judge(b);
	}
}

static void test_event_rates(void **state)
{
	struct bench *b = *state;

	run_events(b, 20, FALLBACK, 20);
	run_events(b, 20, KEEP_LAST, 10);
	run_events(b, 4, FALLBACK, 21);
	expect_nothing(b);
	run_events(b, 5, FALLBACK, 45);
	run_events(b, 5, KEEP_LAST, 11);
	expect_finding(b, THRESHOLD_FALLBACK,
		       "fallback: 450/s, 9 samples in a row (limit 200/s), first at 4.600000000");
	expect_finding(b, THRESHOLD_KEEP_LAST,
		       "keep_last: 110/s, 5 samples in a row (limit 100/s), first at 5.500000000");
}

static void test_another_scheduler_begins_anew(void **state)
{
	struct bench *b = *state;

	run_events(b, 4, FALLBACK, 100);
	next(b)->instance = 0x2000;
	sample_events(b->now)[FALLBACK] += 100;
	judge(b);
	expect_nothing(b);
}

static void test_a_pause_breaks_the_row(void **state)
{
	struct bench *b = *state;

	run_imbalance(b, 4, 9, 1);
	next(b)->time += 5000000000ull;
	sample_set(b->now, 2, COUNTER_NR_RUNNING, 9);
	judge(b);
	expect_nothing(b);
	run_imbalance(b, 3, 9, 1);
	expect_nothing(b);
	run_imbalance(b, 1, 9, 1);
	assert_true(b->state.findings[THRESHOLD_IMBALANCE].violated);
}

static void test_what_is_off_is_not_judged(void **state)
{
	struct bench *b = *state;

	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++)
		b->limits.off[i] = true;
	run_imbalance(b, 10, 50, 0);
	run_stuck(b, 10, 1, true);
	run_events(b, 10, FALLBACK, 100);
	expect_nothing(b);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(test_defaults),
		ON_BENCH(test_settings),
		ON_BENCH(test_imbalance_has_to_last),
		ON_BENCH(test_offline_cpus_do_not_count),
		ON_BENCH(test_local_queue),
		ON_BENCH(test_nonsense_is_left_out),
		ON_BENCH(test_stuck_clock),
		ON_BENCH(test_clocks_that_may_stand),
		ON_BENCH(test_event_rates),
		ON_BENCH(test_another_scheduler_begins_anew),
		ON_BENCH(test_a_pause_breaks_the_row),
		ON_BENCH(test_what_is_off_is_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
