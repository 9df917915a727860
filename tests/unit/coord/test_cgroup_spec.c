/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of `cgroup add` and `cgroup set`, and what they become in the files of cgroup v2. */
#include "tests/expect.h"

#include "coord/cgroup_spec.h"
#include "coord/places.h"

#include <stdio.h>

static const struct spec_limits limits = {.cpus = 4, .nodes = 1};

static struct err *parse(const char *name, const char *text, struct cgroup_spec *ret)
{
	char copy[512], *words[24], *save;
	unsigned int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return cgroup_spec_parse(name, n, words, &limits, ret);
}

static void knob(const char *word, const char *file, const char *value)
{
	struct cgroup_spec spec;

	expect_ok(parse("g", word, &spec));
	assert_string_equal(spec.wire.name, "g");
	assert_int_equal(spec.wire.knob_count, 1);
	assert_string_equal(spec.wire.knobs[0].file, file);
	assert_string_equal(spec.wire.knobs[0].value, value);
}

static void bad(const char *word, const char *message)
{
	struct cgroup_spec spec;

	expect_err(parse("g", word, &spec), ERR_USAGE, message);
}

static void test_knobs(void **state)
{
	(void)state;
	knob("cpuset=0-1,3", "cpuset.cpus", "0-1,3");
	knob("mems=0", "cpuset.mems", "0");
	knob("weight=250", "cpu.weight", "250");
	knob("cpu.max=20ms/100ms", "cpu.max", "20000 100000");
	knob("cpu.max=150%", "cpu.max", "150000 100000");
	knob("cpu.max=max", "cpu.max", "max");
	knob("memory.max=16M", "memory.max", "16777216");
	knob("memory.high=max", "memory.high", "max");
	knob("memory.low=4096", "memory.low", "4096");
	knob("swap.max=0", "memory.swap.max", "0");
	knob("io.weight=100", "io.weight", "default 100");
	knob("pids.max=20", "pids.max", "20");
}

/* Of 4 CPUs. */
static void test_cpuset_forms(void **state)
{
	(void)state;
	knob("cpuset=exact:1,3", "cpuset.cpus", "1,3");
	knob("cpuset=range:0-0.5", "cpuset.cpus", "0-1");
	knob("cpuset=range:0.25-1", "cpuset.cpus", "1-3");
	knob("cpuset=disjoint:0/2", "cpuset.cpus", "0-1");
	knob("cpuset=disjoint:1/2", "cpuset.cpus", "2-3");
	knob("cpuset=disjoint:2/3", "cpuset.cpus", "2-3");
	knob("cpuset=overlap:0/2:0.5", "cpuset.cpus", "0-2");
	knob("cpuset=overlap:1/2:1", "cpuset.cpus", "2-3"); /* there is nothing behind the last */
	bad("cpuset=range:0.5-0.5", "cpuset=range:0.5-0.5: this is none of the 4 usable CPUs");
	bad("cpuset=range:0-2", "cpuset=range:0-2: two fractions from 0 to 1, as in range:0.25-0.75");
	bad("cpuset=range:0-0.", "cpuset=range:0-0.: two fractions from 0 to 1, as in range:0.25-0.75");
	bad("cpuset=disjoint:2/2", "cpuset=disjoint:2/2: parts are counted from 0 and there is at least one, "
				   "as in disjoint:0/2");
	bad("cpuset=disjoint:0/0", "cpuset=disjoint:0/0: parts are counted from 0 and there is at least one, "
				   "as in disjoint:0/2");
	bad("cpuset=disjoint:0/9", "cpuset=disjoint:0/9: this is none of the 4 usable CPUs");
	bad("cpuset=disjoint:half", "cpuset=disjoint:half: which part of how many? as in disjoint:0/2");
	bad("cpuset=overlap:0/2", "cpuset=overlap:0/2: by how much of a part? a fraction from 0 to 1, as in "
				  "overlap:0/2:0.5");
	bad("cpuset=some:1", "cpuset=some:1: there is LIST, exact:LIST, llc:I, numa:N, range:A-B as in "
			     "range:0-0.5, disjoint:I/N or overlap:I/N:F");
	bad("pids.max=0", "pids.max=0: from 1 to 4194304, or max");
	bad("cpu.max=0ms/100ms", "cpu.max=0ms/100ms: a quota from 1ms, a period from 1ms to 1s");
	bad("cpu.max=20ms/0ms", "cpu.max=20ms/0ms: a quota from 1ms, a period from 1ms to 1s");
}

/* CPUs 1, 4-6 and 9 of two LLCs and nodes, the memory of node 1. */
static void test_usable(void **state)
{
	struct places p = {.cpus = 10, .llcs = 2, .nodes = 2, .memory = 3, .mems = 2,
			   .usable = {0x272}, .cgroup = "above"};
	struct spec_limits above = {10, 2, &p};
	static const struct {
		const char *word, *value;
	} cases[] = {{"cpuset=llc:0", "1,4"},       {"cpuset=llc:1", "5-6,9"},
		     {"cpuset=numa:1", "5-6,9"},    {"cpuset=range:0-0.4", "1,4"},
		     {"cpuset=disjoint:1/2", "5-6,9"}, {"cpuset=overlap:0/2:1", "1,4-6"},
		     {"cpuset=exact:4,9", "4,9"},   {"mems=1", "1"}};
	static const struct {
		const char *word, *message;
	} refused[] = {
		{"cpuset=llc:2", "cpuset=llc:2: there is LLC 0 and above, but not this one"},
		{"cpuset=numa:9", "cpuset=numa:9: there is node 0 and above, but not this one"},
		{"cpuset=0-1", "cpuset=0-1: CPU 0 is not among the usable CPUs 1,4-6,9 of above"},
		{"mems=0-1", "mems=0-1: above has the memory of nodes 1"},
	};
	struct cgroup_spec spec;

	(void)state;
	for (unsigned int cpu = 5; cpu < 10; cpu++)
		p.llc[cpu] = p.node[cpu] = 1;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *word = (char *)(uintptr_t)cases[i].word;

		expect_ok(cgroup_spec_parse("g", 1, &word, &above, &spec));
		assert_string_equal(spec.wire.knobs[0].value, cases[i].value);
	}
	for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char *word = (char *)(uintptr_t)refused[i].word;

		expect_err(cgroup_spec_parse("g", 1, &word, &above, &spec), ERR_USAGE, refused[i].message);
	}
}

static void test_several(void **state)
{
	struct cgroup_spec spec;

	(void)state;
	expect_ok(parse("a/b", "", &spec));
	assert_int_equal(spec.wire.knob_count, 0);
	expect_ok(parse("a/b", "weight=1 pids.max=max cpuset=3", &spec));
	assert_string_equal(spec.wire.name, "a/b");
	assert_int_equal(spec.wire.knob_count, 3);
	assert_string_equal(spec.wire.knobs[2].value, "3");
}

static void test_bad(void **state)
{
	(void)state;
	bad("weight=0", "weight=0: from 1 to 10000");
	bad("weight=5 weight=6", "weight is given twice");
	bad("wieght=5", "a cgroup has no knob wieght; there is cpuset, mems, weight, cpu.max, memory.max, "
			"memory.high, memory.low, swap.max, io.weight, pids.max; near: weight");
	bad("weight", "weight: a knob is NAME=VALUE");
	bad("cpu.max=7", "cpu.max=7: QUOTA/PERIOD as in 20ms/100ms, P% of one CPU as in 150%, or max");
	bad("cpu.max=0%", "cpu.max: 0%: from 1% to 102400%");
	bad("cpu.max=10us/100ms", "cpu.max=10us/100ms: a quota from 1ms, a period from 1ms to 1s");
	bad("cpu.max=1s/2s", "cpu.max=1s/2s: a quota from 1ms, a period from 1ms to 1s");
	bad("pids.max=4194305", "pids.max=4194305: from 1 to 4194304, or max");
	expect_err_with(parse("g", "cpuset=4", &(struct cgroup_spec){0}), ERR_USAGE, "cpuset=4: ");
	expect_err_with(parse("g", "mems=1", &(struct cgroup_spec){0}), ERR_USAGE, "mems: ");
	expect_err_with(parse("g", "memory.max=lots", &(struct cgroup_spec){0}), ERR_USAGE, "memory.max: ");
	expect_err_with(parse("@runner", "weight=5", &(struct cgroup_spec){0}), ERR_USAGE,
			"is no name of a cgroup");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knobs),
		cmocka_unit_test(test_cpuset_forms), cmocka_unit_test(test_usable), cmocka_unit_test(test_several),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
