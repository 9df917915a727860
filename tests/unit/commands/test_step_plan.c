/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a step holds, by its words. */
#include "commands/step_plan.h"

#include "commands/words.h"
#include "tests/expect.h"

#define S 1000000000ULL
#define DURATION (4 * S)

static struct err *parse(const char *text, struct hold *ret)
{
	struct words w;
	struct err *err;

	expect_ok(words_split(text, &w));
	err = hold_parse(w.count, w.words, DURATION, ret);
	words_deinit(&w);
	return err;
}

static void holds(const char *text, uint64_t time, uint64_t every)
{
	struct hold hold;

	expect_ok(parse(text, &hold));
	assert_int_equal(hold.time, time);
	assert_int_equal(hold.every, every);
}

static void refused(const char *text, const char *part)
{
	struct hold hold;

	expect_err_with(parse(text, &hold), ERR_USAGE, part);
}

static void test_times(void **state)
{
	holds("hold=2s", 2 * S, 0);
	holds("hold=250ms", S / 4, 0);
	holds("hold=1.5", 3 * S / 2, 0);
	holds("hold=0", 0, 0);
	holds("hold=full", DURATION, 0);
	holds("loop=100ms for=1s", S, S / 10);
	holds("for=full loop=1s", DURATION, S);
	holds("loop=frac:0.125 for=frac:0.5", DURATION / 2, DURATION / 8);
}

static void test_fractions(void **state)
{
	holds("hold=frac:0.5", DURATION / 2, 0);
	holds("hold=frac:1", DURATION, 0);
	holds("hold=frac:1.000", DURATION, 0);
	holds("hold=frac:0.000000001", 4, 0);
	refused("hold=frac:0", "hold: frac:0: a fraction above 0 and up to 1, as in frac:0.5");
	refused("hold=frac:", "frac:: a fraction");
	refused("hold=frac:-0.5", "frac:-0.5: a fraction");
	refused("hold=frac:1.000000001", "frac:1.000000001: a fraction");
	refused("hold=frac:500ms", "frac:500ms: a fraction");
	refused("hold=frac:inf", "frac:inf: a fraction");
	refused("hold=frac:99999999999999999999", "a fraction");
	refused("hold=frac:0.1.2", "a fraction");
}

static void test_what_is_no_step(void **state)
{
	refused("", "a step has one of hold=T|frac:F|full and loop=T for=T");
	refused("hold=1s loop=1s", "a step has one of");
	refused("for=1s", "a step has one of");
	refused("hold=1s for=1s", "loop=T and for=T go together");
	refused("loop=1s", "loop=T and for=T go together");
	refused("loop=0 for=1s", "a loop step takes time");
	refused("loop=1s for=0", "a loop step takes time");
	refused("hold=1s hold=1s", "hold is given twice");
	refused("hold=", "hold: ");
	refused("hold=soon", "hold: ");
	refused("wait=1s", "wait=1s: a step has hold=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_what_is_no_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
