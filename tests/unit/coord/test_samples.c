/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of samples and the rates between them. */
#include "tests/expect.h"

#include "coord/samples.h"

#define SECOND 1000000000ull

static void fill(struct samples *s, unsigned int from, unsigned int count)
{
	for (unsigned int i = from; i < from + count; i++) {
		struct sample *sample = samples_add(s);

		sample->time = i * SECOND;
		sample->present = 1u << COUNTER_SWITCHES;
		sample_set(sample, 0, COUNTER_SWITCHES, i * 10);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(counter_find("switches"), COUNTER_SWITCHES);
	assert_int_equal(counter_find("vcpu_time"), COUNTER_VCPU_TIME);
	assert_int_equal(counter_find("switch"), -1);
	for (int i = 0; i < COUNTER_COUNT; i++)
		assert_int_equal(counter_find(counter_table[i].name), i);
}

static void test_ring_keeps_the_newest(void **state)
{
	struct samples s;

	(void)state;
	expect_ok(samples_init(&s, 4, 13));
	assert_int_equal(s.capacity, SAMPLES_MAX);
	assert_null(samples_back(&s, 0));
	assert_null(samples_before(&s, SECOND));
	fill(&s, 1, SAMPLES_MAX + 7);
	assert_int_equal(s.count, SAMPLES_MAX);
	assert_true(samples_back(&s, 0)->time == (SAMPLES_MAX + 7) * SECOND);
	assert_true(samples_back(&s, SAMPLES_MAX - 1)->time == 8 * SECOND);
	assert_null(samples_back(&s, SAMPLES_MAX));
	/* What was in a slot before is gone. */
	sample_set(samples_add(&s), 3, COUNTER_STEAL, 5);
	assert_true(sample_value(samples_back(&s, 0), 0, COUNTER_SWITCHES) == 0);
	samples_clear(&s);
	assert_null(samples_back(&s, 0));
	samples_deinit(&s);
}

static void test_memory_is_bounded(void **state)
{
	struct samples s;

	(void)state;
	expect_ok(samples_init(&s, SAMPLES_CPUS, 64));
	assert_true(s.capacity * s.stride <= SAMPLES_MEMORY);
	assert_true(s.capacity > 300);
	fill(&s, 1, s.capacity + 1);
	assert_true(samples_back(&s, s.capacity - 1)->time == 2 * SECOND);
	samples_deinit(&s);
	expect_err(samples_init(&s, SAMPLES_CPUS + 1, 0), ERR_REFUSED,
		   "counters of 257 CPUs: at most 256 can be kept");
}

static void test_before(void **state)
{
	struct samples s;

	(void)state;
	expect_ok(samples_init(&s, 1, 0));
	fill(&s, 10, 5);
	assert_true(samples_before(&s, 3 * SECOND)->time == 10 * SECOND);
	assert_true(samples_before(&s, 10 * SECOND)->time == 10 * SECOND);
	assert_true(samples_before(&s, 12 * SECOND + 1)->time == 12 * SECOND);
	assert_true(samples_before(&s, 99 * SECOND)->time == 14 * SECOND);
	samples_deinit(&s);
}

/* Memory whose first word changes for so many readings. */
struct restless {
	unsigned int readings, changes;
};

static void read_restless(void *context, uint64_t *values)
{
	struct restless *r = context;

	r->readings++;
	values[0] = r->readings < r->changes ? r->readings : r->changes;
	values[COUNTER_COUNT - 1] = 5;
}

static void test_torn_readings(void **state)
{
	uint64_t values[COUNTER_COUNT];

	(void)state;
	for (unsigned int changes = 1; changes < 8; changes++) {
		struct restless r = {.changes = changes};
		bool settles = changes < SAMPLE_TRIES;

		assert_int_equal(sample_read(read_restless, &r, values), settles);
		assert_int_equal(r.readings, settles ? changes + 1 : SAMPLE_TRIES);
		/* The newest reading in any case. */
		assert_true(values[0] == (settles ? changes : SAMPLE_TRIES));
		assert_true(values[COUNTER_COUNT - 1] == 5);
	}
}

static struct sample *one(uint64_t time, enum counter c, uint64_t value)
{
	struct sample *s = sample_create(2, 2);

	assert_non_null(s);
	s->time = time;
	s->present = 1u << c;
	sample_set(s, 1, c, value);
	return s;
}

/* The rate of CPU 1 from `before` to `after` in half a second, -1 for none. */
static double rate(enum counter c, uint64_t before, uint64_t after)
{
	struct sample *old = one(SECOND, c, before), *now = one(SECOND * 3 / 2, c, after);
	double r;

	if (!sample_rate(old, now, 1, c, &r))
		r = -1;
	free(old);
	free(now);
	return r;
}

static void test_rates(void **state)
{
	struct sample *old = one(SECOND, COUNTER_SWITCHES, 1);
	struct sample *now = one(2 * SECOND, COUNTER_STEAL, 1);
	double r;

	(void)state;
	assert_true(rate(COUNTER_SWITCHES, 100, 150) == 100.0);
	assert_true(rate(COUNTER_RUN_DELAY, 0, SECOND / 4) == 5e8);
	/* It went back: another guest's number. */
	assert_true(rate(COUNTER_SWITCHES, 150, 100) == -1);
	/* 32 bits wide in the kernel. */
	assert_true(rate(COUNTER_WAKEUPS, 0xfffffff0, 0x10) == 64.0);
	assert_true(rate(COUNTER_NR_RUNNING, 1, 9) == -1);
	/* No time between them, and a counter that one of them lacks. */
	assert_false(sample_rate(old, old, 1, COUNTER_SWITCHES, &r));
	assert_false(sample_rate(now, old, 1, COUNTER_SWITCHES, &r));
	assert_false(sample_rate(old, now, 1, COUNTER_SWITCHES, &r));
	free(old);
	free(now);
}

static void test_event_rates(void **state)
{
	struct sample *old = one(SECOND, COUNTER_SWITCHES, 0);
	struct sample *now = one(3 * SECOND, COUNTER_SWITCHES, 0);
	double r = 0;

	(void)state;
	old->instance = now->instance = 0x1000;
	sample_events(old)[1] = 7;
	sample_events(now)[1] = 27;
	assert_true(sample_event_rate(old, now, 1, &r));
	assert_true(r == 10.0);
	assert_true(sample_event_rate(old, now, 0, &r));
	assert_true(r == 0.0);
	/* Another scheduler counts from 0, even when its number is the higher one. */
	now->instance = 0x2000;
	assert_false(sample_event_rate(old, now, 1, &r));
	now->instance = old->instance = 0;
	assert_false(sample_event_rate(old, now, 1, &r));
	free(old);
	free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ring_keeps_the_newest),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_torn_readings),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_event_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
