/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where counters are found in a kernel, and what they are. */
#include "tests/unit/coord/fake_kernel.h"

#include "coord/counters_layout.h"

#define RQ (KERNEL_BASE + 0x20000)
#define STEP 0x1000u

static int setup(void **state)
{
	struct kernel *k = fake_kernel();

	fake_symbol(k, "runqueues", RQ);
	fake_put(k, RQ + RQ_NR, 3, 4);
	fake_put(k, RQ + STEP + RQ_NR, 70000, 4);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	fake_kernel_free(*state);
	return 0;
}

static struct sample *read_sample(struct counters_layout *l)
{
	struct sample *s = sample_create(counters_layout_cpus(l), counters_layout_events(l));

	assert_non_null(s);
	counters_layout_read(l, s);
	return s;
}

static void test_what_is_there(void **state)
{
	struct counters_layout *l;
	struct sample *s;

	expect_ok(counters_layout_create(*state, &l));
	assert_int_equal(counters_layout_cpus(l), 2);
	assert_int_equal(counters_layout_events(l), 0);
	s = read_sample(l);
	assert_true(sample_has(s, COUNTER_NR_RUNNING));
	assert_true(sample_value(s, 0, COUNTER_NR_RUNNING) == 3);
	assert_true(sample_value(s, 1, COUNTER_NR_RUNNING) == 70000);
	/* This kernel's struct rq has no more; absent is not 0. */
	assert_false(sample_has(s, COUNTER_SWITCHES));
	assert_false(sample_has(s, COUNTER_LOCAL_DSQ));
	assert_false(sample_has(s, COUNTER_STEAL));
	assert_true(s->instance == 0);
	assert_true(cpu_set_has(&s->online, 1));
	assert_false(cpu_set_has(&s->torn, 0));
	free(s);
	counters_layout_destroy(l);
}

static void test_what_is_not_mapped(void **state)
{
	struct kernel *k = *state;
	struct counters_layout *l;
	struct sample *s;

	/* The second CPU's run queue lies in the hole. */
	k->percpu_step = HOLE - 0x20000;
	expect_ok(counters_layout_create(k, &l));
	s = read_sample(l);
	assert_false(sample_has(s, COUNTER_NR_RUNNING));
	free(s);
	counters_layout_destroy(l);
	k->symbol_count = 0;
	expect_err(counters_layout_create(k, &l), ERR_NOT_FOUND, "no symbol 'runqueues'");
}

#define ON_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_KERNEL(test_what_is_there),
		ON_KERNEL(test_what_is_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
