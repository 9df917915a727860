/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cgroup and its workers in one line: the work is judged by what the knobs leave. */
#include "tests/expect.h"

#include "coord/def_spec.h"
#include "coord/places.h"
#include "guest/wire_work.h"

#include <stdio.h>

static struct err *parse(const char *text, struct def_spec *ret)
{
	static const struct places places = {.cpus = 8, .cores = 8, .llcs = 1, .nodes = 2, .memory = 3, .mems = 3,
					     .usable = {0xff}, .cgroup = "@runner"};
	const struct spec_limits above = {8, 2, &places};
	char copy[256], *words[16], *save;
	unsigned int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return def_spec_parse("web", n, words, &above, ret);
}

static void test_both(void **state)
{
	struct def_spec spec;

	(void)state;
	expect_ok(parse("workers=50% cpuset=0-3 work=yield weight=7", &spec));
	assert_true(spec.has_work);
	assert_int_equal(spec.cgroup.wire.knob_count, 2);
	assert_string_equal(spec.cgroup.wire.knobs[1].value, "7");
	assert_string_equal(spec.work.wire.cgroup, "web");
	assert_int_equal(spec.work.wire.workers, 2); /* half of its own CPUs */
	assert_int_equal(spec.work.wire.work.type, WORK_YIELD);
	expect_ok(parse("cpuset=range:0-0.5", &spec));
	assert_false(spec.has_work);
	expect_ok(parse("", &spec));
	assert_int_equal(spec.cgroup.wire.knob_count, 0);
}

static void test_refused(void **state)
{
	struct def_spec spec;

	(void)state;
	expect_err(parse("affinity=3-4 cpuset=0-3", &spec), ERR_USAGE,
		   "affinity=3-4: CPU 4 is not among the usable CPUs 0-3 of web");
	expect_err_with(parse("mems=0 mempolicy=bind:1", &spec), ERR_USAGE,
			"mempolicy: node 1 is not among the nodes 0 of web's cpuset");
	expect_ok(parse("mems=0 mempolicy=bind:1 mpolflags=relative", &spec));
	expect_err_with(parse("wieght=3", &spec), ERR_USAGE, "clone; near: weight");
	expect_err(parse("weight=0 workers=2", &spec), ERR_USAGE, "weight=0: from 1 to 10000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_both), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
