/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/shard.h"

#include "tests/expect.h"

#include <string.h>

static const char *const *environment; /* name, value, ..., NULL */

static const char *variable(const char *name)
{
	for (const char *const *at = environment; *at; at += 2)
		if (strcmp(at[0], name) == 0)
			return at[1];
	return NULL;
}

#define CHOOSE(index, count, ret, ...)                                                             \
	(environment = (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL},                     \
	 shard_choose(index, count, variable, ret))

static void is(const struct shard *s, unsigned int index, unsigned int count, const char *source)
{
	assert_int_equal(s->index, index);
	assert_int_equal(s->count, count);
	if (source)
		assert_string_equal(s->source, source);
	else
		assert_null(s->source);
}

static void test_the_option(void **state)
{
	unsigned int index = 7, count = 7;

	expect_ok(shard_parse("2/4", &index, &count));
	assert_int_equal(index, 2);
	assert_int_equal(count, 4);
	expect_ok(shard_parse("4", &index, &count));
	assert_int_equal(index, 0);
	assert_int_equal(count, 4);
	expect_err(shard_parse("5/4", &index, &count), ERR_USAGE, "5: 1 to 4");
	expect_err(shard_parse("0/4", &index, &count), ERR_USAGE, "0: 1 to 4");
	expect_err(shard_parse("0", &index, &count), ERR_USAGE, "0: 1 to 100000");
	assert_int_equal(index, 0);
	assert_int_equal(count, 4);
}

static void test_the_option_wins(void **state)
{
	struct shard s;

	expect_ok(CHOOSE(2, 4, &s, "SLURM_ARRAY_TASK_ID", "3", "SLURM_ARRAY_TASK_COUNT", "9",
			 "PARALLEL_SEQ", "1"));
	is(&s, 2, 4, NULL);
	expect_ok(CHOOSE(0, 0, &s));
	is(&s, 0, 0, NULL);
}

static void test_slurm(void **state)
{
	struct shard s;

	expect_ok(CHOOSE(0, 0, &s, "SLURM_ARRAY_TASK_ID", "0", "SLURM_ARRAY_TASK_COUNT", "4",
			 "SLURM_ARRAY_TASK_MIN", "0"));
	is(&s, 1, 4, "SLURM_ARRAY_TASK_ID");
	expect_ok(CHOOSE(0, 0, &s, "SLURM_ARRAY_TASK_ID", "7", "SLURM_ARRAY_TASK_COUNT", "4",
			 "SLURM_ARRAY_TASK_MIN", "1", "SLURM_ARRAY_TASK_STEP", "2"));
	is(&s, 4, 4, "SLURM_ARRAY_TASK_ID");
	/* A list like 1,5,6 tells nobody which one of them 5 is. */
	expect_err(CHOOSE(0, 0, &s, "SLURM_ARRAY_TASK_ID", "5", "SLURM_ARRAY_TASK_COUNT", "3",
			  "SLURM_ARRAY_TASK_MIN", "1"),
		   ERR_USAGE, "SLURM_ARRAY_TASK_ID=5 is part 5 of 3: there is no such part");
	expect_err(CHOOSE(0, 0, &s, "SLURM_ARRAY_TASK_ID", "4", "SLURM_ARRAY_TASK_COUNT", "3",
			  "SLURM_ARRAY_TASK_MIN", "1", "SLURM_ARRAY_TASK_STEP", "2"),
		   ERR_USAGE,
		   "SLURM_ARRAY_TASK_ID: 4 is not in an even row from 1: say which part with "
		   "--shard I/N");
	/* Outside of an array nothing is divided. */
	expect_ok(CHOOSE(0, 0, &s, "SLURM_JOB_ID", "5"));
	is(&s, 0, 0, NULL);
}

static void test_a_count_alone(void **state)
{
	struct shard s;

	expect_ok(CHOOSE(0, 4, &s, "JOB_COMPLETION_INDEX", "0"));
	is(&s, 1, 4, "JOB_COMPLETION_INDEX");
	expect_ok(CHOOSE(0, 4, &s, "PARALLEL_SEQ", "4", "PARALLEL_JOBSLOT", "1"));
	is(&s, 4, 4, "PARALLEL_SEQ");
	/* A job array's member that starts parallel: the inner one divides. */
	expect_ok(CHOOSE(0, 4, &s, "PARALLEL_SEQ", "4", "SLURM_ARRAY_TASK_ID", "2"));
	is(&s, 4, 4, "PARALLEL_SEQ");
	expect_err(CHOOSE(0, 4, &s, "JOB_COMPLETION_INDEX", "4"), ERR_USAGE,
		   "JOB_COMPLETION_INDEX=4 is part 5 of 4: there is no such part");
	expect_err(CHOOSE(0, 4, &s, "PARALLEL_SEQ", "x"), ERR_USAGE,
		   "PARALLEL_SEQ: 'x' is not a number");
	expect_err(CHOOSE(0, 4, &s), ERR_USAGE,
		   "--shard 4: which part? It is I/N, or N where PARALLEL_SEQ, "
		   "SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX is set");
	/* These do not tell how many there are: alone they divide nothing. */
	expect_ok(CHOOSE(0, 0, &s, "JOB_COMPLETION_INDEX", "1", "PARALLEL_SEQ", "2"));
	is(&s, 0, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_option),
		cmocka_unit_test(test_the_option_wins),
		cmocka_unit_test(test_slurm),
		cmocka_unit_test(test_a_count_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
