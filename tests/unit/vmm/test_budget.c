/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/vmm/threads.h"

#include "vmm/budget.h"

#include <stdio.h>

static cpu_set_t allowed;

static unsigned int first_cpu(const cpu_set_t *set)
{
	unsigned int cpu = 0;

	while (!CPU_ISSET(cpu, set))
		cpu++;
	return cpu;
}

static int mask_count(int tid)
{
	cpu_set_t got;

	assert_int_equal(sched_getaffinity(tid, sizeof(got), &got), 0);
	return CPU_COUNT(&got);
}

static void test_too_many(void **state)
{
	char text[128];

	snprintf(text, sizeof(text), "a CPU budget of 1000, but only %d CPUs are allowed here",
		 CPU_COUNT(&allowed));
	expect_err(budget_allowed(1000), ERR_USAGE, text);
	expect_ok(budget_allowed((unsigned int)CPU_COUNT(&allowed)));
}

static void test_every_thread(void **state)
{
	struct budget b = {.cpus = 1};
	struct budget_place place;
	struct str s = {0};
	struct crowd c;

	crowd_start(&c, 3);
	expect_ok(budget_apply(&b, &(struct budget_threads){c.pid, c.tids, c.count}));
	assert_int_equal(mask_count(c.pid), 1);
	for (unsigned int i = 0; i < c.count; i++) {
		budget_place(&(struct budget_threads){c.pid, c.tids, c.count}, i, &place);
		assert_true(CPU_EQUAL(&place.mask, &b.mask));
	}
	usleep(100000);
	budget_place(&(struct budget_threads){c.pid, c.tids, c.count}, 0, &place);
	assert_int_equal(place.last, first_cpu(&allowed));
	budget_add_mask(&s, &b.mask);
	assert_int_equal(atoi(str_text(&s)), first_cpu(&allowed));
	assert_string_equal(b.note, "");
	str_deinit(&s);
	crowd_end(&c);
}

/* Who moved away, or came up elsewhere, is put back. */
static void test_strays(void **state)
{
	struct budget b = {.cpus = 1};
	struct crowd c;
	bool changed = true;

	if (CPU_COUNT(&allowed) < 2)
		skip();
	crowd_start(&c, 2);
	expect_ok(budget_apply(&b, &(struct budget_threads){c.pid, c.tids, c.count}));
	expect_ok(budget_check(&b, &(struct budget_threads){c.pid, c.tids, c.count}, &changed));
	assert_false(changed);
	assert_int_equal(sched_setaffinity(c.tids[1], sizeof(allowed), &allowed), 0);
	assert_true(mask_count(c.tids[1]) > 1);
	expect_ok(budget_check(&b, &(struct budget_threads){c.pid, c.tids, c.count}, &changed));
	assert_true(changed);
	assert_int_equal(mask_count(c.tids[1]), 1);
	crowd_end(&c);
}

/* As if the host had lost all CPUs but one. */
static void test_lost_cpu(void **state)
{
	struct budget b = {.cpus = 2};
	struct crowd c;
	cpu_set_t one;
	bool changed;

	if (CPU_COUNT(&allowed) < 2)
		skip();
	crowd_start(&c, 2);
	expect_ok(budget_apply(&b, &(struct budget_threads){c.pid, c.tids, c.count}));
	CPU_ZERO(&one);
	CPU_SET(first_cpu(&allowed), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	expect_ok(budget_check(&b, &(struct budget_threads){c.pid, c.tids, c.count}, &changed));
	assert_true(changed);
	assert_string_equal(b.note, "only 1 of 2 host CPUs are left");
	assert_int_equal(mask_count(c.tids[0]), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(allowed), &allowed), 0);
	expect_ok(budget_check(&b, &(struct budget_threads){c.pid, c.tids, c.count}, &changed));
	assert_true(changed);
	assert_string_equal(b.note, "");
	assert_int_equal(mask_count(c.tids[0]), 2);
	crowd_end(&c);
}

static void test_pin(void **state)
{
	struct budget b = {.cpus = 2, .pin = true};
	struct crowd c;

	if (CPU_COUNT(&allowed) < 2)
		skip();
	crowd_start(&c, 3);
	expect_ok(budget_apply(&b, &(struct budget_threads){c.pid, c.tids, 2}));
	assert_true(b.pinned);
	assert_int_equal(mask_count(c.tids[0]), 1);
	assert_int_equal(mask_count(c.tids[1]), 1);
	assert_int_equal(mask_count(c.tids[2]), 2);
	expect_ok(budget_apply(&b, &(struct budget_threads){c.pid, c.tids, 3}));
	assert_false(b.pinned);
	assert_string_equal(b.note, "3 vCPUs on 2 host CPUs cannot be pinned");
	assert_int_equal(mask_count(c.tids[0]), 2);
	crowd_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_every_thread),
		cmocka_unit_test(test_strays),	 cmocka_unit_test(test_lost_cpu),
		cmocka_unit_test(test_pin),
	};

	sched_getaffinity(0, sizeof(allowed), &allowed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
