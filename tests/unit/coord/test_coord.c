/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who lets guest time pass: windows, freeze, pacing, waits; on a machine whose memory holds no
 * kernel. */
#include "tests/expect.h"

#include "base/interrupt.h"
#include "coord/cold.h"
#include "coord/coord.h"
#include "tests/unit/coord/fake_machine.h"

#define SECOND 1000000000ull

struct fixture {
	struct machine machine;
	struct coord *coord;
};

static void start(struct fixture *f, enum coord_pacing pacing)
{
	*f = (struct fixture){.machine = {.state = MACHINE_HELD}};
	expect_ok(ram_create(4 << 20, &f->machine.ram));
	expect_ok(coord_create(&f->machine, pacing, &f->coord));
}

static void stop(struct fixture *f)
{
	coord_destroy(f->coord);
	ram_deinit(&f->machine.ram);
}

static void test_free_runs_between_windows(void **state)
{
	struct fixture f;
	uint64_t epoch;

	(void)state;
	start(&f, COORD_FREE);
	assert_true(coord_held(f.coord));
	assert_true(f.machine.paced);
	expect_ok(coord_idle(f.coord));
	assert_false(coord_held(f.coord));
	expect_ok(coord_enter(f.coord));
	expect_ok(coord_enter(f.coord));
	epoch = coord_epoch(f.coord);
	assert_true(coord_held(f.coord));
	assert_int_equal(f.machine.holds, 1);
	expect_ok(coord_leave(f.coord));
	assert_true(coord_held(f.coord));
	assert_int_equal(coord_epoch(f.coord), epoch);
	expect_ok(coord_leave(f.coord));
	assert_false(coord_held(f.coord));
	assert_int_not_equal(coord_epoch(f.coord), epoch);
	stop(&f);
}

static void test_lockstep_stands_between_commands(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, COORD_LOCKSTEP);
	assert_false(f.machine.paced);
	expect_ok(coord_enter(f.coord));
	expect_ok(coord_leave(f.coord));
	expect_ok(coord_idle(f.coord));
	assert_true(coord_held(f.coord));
	assert_int_equal(f.machine.runs, 0);
	expect_ok(coord_run_until(f.coord, SECOND));
	assert_int_equal(coord_time(f.coord), SECOND);
	assert_true(coord_held(f.coord));
	/* The past has been. */
	expect_ok(coord_run_until(f.coord, SECOND / 2));
	assert_int_equal(f.machine.runs, 1);
	stop(&f);
}

static void test_freeze_outlasts_windows_and_runs(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, COORD_FREE);
	expect_ok(coord_freeze(f.coord));
	expect_ok(coord_freeze(f.coord));
	assert_true(coord_frozen(f.coord));
	expect_ok(coord_enter(f.coord));
	expect_ok(coord_leave(f.coord));
	expect_ok(coord_idle(f.coord));
	assert_true(coord_held(f.coord));
	/* `run` lets time pass and leaves the guest frozen. */
	expect_ok(coord_run_until(f.coord, 3 * SECOND));
	assert_int_equal(coord_time(f.coord), 3 * SECOND);
	assert_true(coord_held(f.coord));
	expect_ok(coord_thaw(f.coord));
	assert_false(coord_held(f.coord));
	stop(&f);
}

/* The guest answers after 10 ms. */
static void answer(struct machine *m)
{
	uint32_t *word = ram_at(&m->ram, 0x1000, 4);

	if (m->time >= 10000000)
		*word = 7;
}

static void test_run_until_word(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, COORD_LOCKSTEP);
	expect_err(coord_run_until_word(f.coord, 0x1000, 7, 5000000), ERR_TIMEOUT,
		   "no answer within 5ms of guest time");
	assert_true(coord_held(f.coord));
	assert_int_equal(coord_time(f.coord), 5000000);
	f.machine.work = answer;
	expect_ok(coord_run_until_word(f.coord, 0x1000, 7, SECOND));
	assert_in_range(coord_time(f.coord), 10000000, 11000000);
	expect_ok(coord_freeze(f.coord));
	expect_err(coord_run_until_word(f.coord, 0x1000, 8, SECOND), ERR_REFUSED,
		   "the guest is frozen: thaw it first");
	stop(&f);
}

struct countdown {
	struct fixture *f;
	unsigned int left, asked;
};

static struct err *count_down(void *context, bool *ret)
{
	struct countdown *c = context;

	assert_true(coord_held(c->f->coord));
	c->asked++;
	*ret = c->left-- == 0;
	return NULL;
}

static void test_run_until_test(void **state)
{
	struct fixture f;
	struct countdown c = {.f = &f, .left = 3};

	(void)state;
	start(&f, COORD_FREE);
	expect_ok(coord_run_until_test(f.coord, count_down, &c, 2000000, SECOND));
	assert_int_equal(coord_time(f.coord), 6000000);
	assert_int_equal(c.asked, 4);
	c = (struct countdown){.f = &f, .left = 1000};
	expect_ok(coord_freeze(f.coord));
	expect_err(coord_run_until_test(f.coord, count_down, &c, 3000000, 10000000), ERR_TIMEOUT,
		   "not within 10ms of guest time");
	/* 0, 3, 6, 9 and, the last step being shorter, 10 ms. */
	assert_int_equal(c.asked, 5);
	stop(&f);
}

/* The fake machine's steps end at once, as those of an idle guest do. */
static void test_a_run_that_never_waits_is_interrupted(void **state)
{
	struct fixture f;
	struct countdown c = {.f = &f, .left = 1000};

	(void)state;
	start(&f, COORD_LOCKSTEP);
	interrupt_raise();
	expect_err(coord_run_until_test(f.coord, count_down, &c, 1000000, 100 * SECOND),
		   ERR_INTERRUPTED, "interrupted");
	assert_int_equal(c.asked, 1);
	expect_err(coord_run_until(f.coord, SECOND), ERR_INTERRUPTED, "interrupted");
	assert_int_equal(coord_time(f.coord), 0);
	interrupt_clear();
	stop(&f);
}

static void test_trouble(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, COORD_FREE);
	expect_ok(coord_idle(f.coord));
	f.machine.hold_fails = true;
	expect_err(coord_enter(f.coord), ERR_TIMEOUT, "3 of 4 vCPUs stopped");
	f.machine.hold_fails = false;
	expect_ok(coord_enter(f.coord));
	f.machine.interrupted = true;
	expect_err(coord_run_until(f.coord, 20 * SECOND), ERR_INTERRUPTED, "interrupted");
	assert_true(coord_held(f.coord));
	expect_ok(coord_leave(f.coord));
	f.machine.state = MACHINE_DEAD;
	expect_err(coord_idle(f.coord), ERR_GUEST_DIED,
		   "the guest is gone: qemu was killed by signal 9");
	expect_err(coord_enter(f.coord), ERR_GUEST_DIED,
		   "the guest is gone: qemu was killed by signal 9");
	expect_err(coord_run_until(f.coord, 30 * SECOND), ERR_GUEST_DIED,
		   "the guest is gone: qemu was killed by signal 9");
	stop(&f);
}

static void test_cold_waits_for_adoption(void **state)
{
	struct cold_op op = {.target = {.kind = TARGET_SYMBOL, .name = "jiffies_64"}};
	struct cold_reply reply;
	struct fixture f;

	(void)state;
	start(&f, COORD_LOCKSTEP);
	expect_err_with(cold_run(coord_cold(f.coord), &op, &reply), ERR_TIMEOUT,
			"waiting for the kernel to be adopted: not within 60");
	assert_int_equal(coord_time(f.coord), 60 * SECOND);
	expect_ok(coord_freeze(f.coord));
	expect_err_with(cold_run(coord_cold(f.coord), &op, &reply), ERR_NOT_FOUND,
			"the kernel is not adopted yet, and the guest is frozen: ");
	assert_int_equal(coord_time(f.coord), 60 * SECOND);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_runs_between_windows),
		cmocka_unit_test(test_lockstep_stands_between_commands),
		cmocka_unit_test(test_freeze_outlasts_windows_and_runs),
		cmocka_unit_test(test_run_until_word),
		cmocka_unit_test(test_run_until_test),
		cmocka_unit_test(test_a_run_that_never_waits_is_interrupted),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_cold_waits_for_adoption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
