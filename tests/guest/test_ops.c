/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is injected, seen from outside: the kernel's own memory says what became of cgroups, affinities,
 * policies and memory policies, whatever the agent says of itself. Two nodes, an LLC each, of two cores with
 * two threads.
 */
#include "tests/guest/typed.h"

#include <inttypes.h>
#include <stdio.h>

#define CSS(type, name, id) "((struct " type " *)cgroup(\"" name "\")->subsys[" id "])"

static int64_t cpus_of(const char *cgroup, unsigned int index)
{
	return typed_value("task(worker(%s,%u))->cpus_ptr->bits[0]", cgroup, index);
}

/* Each form, in the cpuset's own mask and in that of a worker that begins in it. */
static void test_cpusets(void **state)
{
	static const struct {
		const char *form;
		int64_t mask;
	} cases[] = {{"llc:1", 0xf0},	       {"numa:0", 0x0f},	  {"range:0.25-0.75", 0x3c},
		     {"disjoint:1/4", 0x0c},   {"overlap:0/2:0.5", 0x3f}, {"exact:1,6-7", 0xc2},
		     {"2-3", 0x0c}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		typed_runs("cgroup add c cpuset=%s work=sleep", cases[i].form);
		assert_int_equal(typed_value(CSS("cpuset", "c", "cpuset_cgrp_id") "->effective_cpus->bits[0]"),
				 cases[i].mask);
		assert_int_equal(cpus_of("c", 0), cases[i].mask);
		runs("cgroup remove c");
	}
	/* Within what the one above may use. */
	runs("cgroup add c cpuset=llc:1");
	runs("cgroup add c/d cpuset=range:0.5-1");
	assert_int_equal(typed_value(CSS("cpuset", "c/d", "cpuset_cgrp_id") "->effective_cpus->bits[0]"), 0xc0);
	fails("cgroup add c/e cpuset=llc:0", ERR_USAGE, "cpuset=llc:0: this is none of the 4 usable CPUs");
	fails("cgroup add c/e cpuset=3-4", ERR_USAGE, "CPU 3 is not among the usable CPUs 4-7 of c");
	runs("cgroup remove c");
}

static void test_swap_and_clear(void **state)
{
	(void)state;
	runs("cgroup add a cpuset=0-1 workers=1 work=sleep");
	runs("cgroup add b cpuset=4-7 workers=1 work=sleep");
	runs("cgroup swap-cpusets a b");
	assert_int_equal(cpus_of("a", 0), 0xf0);
	assert_int_equal(cpus_of("b", 0), 0x03);
	runs("cgroup clear-cpuset b");
	assert_int_equal(cpus_of("b", 0), 0xff);
	runs("cgroup remove a");
	runs("cgroup remove b");
}

static void test_knobs(void **state)
{
	(void)state;
	runs("cgroup add k weight=250 cpu.max=20ms/50ms memory.max=64M memory.high=32M memory.low=1M "
	     "pids.max=40 mems=1");
	prints("cgroups where name == \"k\" columns weight,quota,period",
	       "weight     quota    period\n   250  20000000  50000000\n");
	assert_int_equal(typed_value(CSS("mem_cgroup", "k", "memory_cgrp_id") "->memory.max"), 64 << 8);
	assert_int_equal(typed_value(CSS("mem_cgroup", "k", "memory_cgrp_id") "->memory.high"), 32 << 8);
	assert_int_equal(typed_value(CSS("mem_cgroup", "k", "memory_cgrp_id") "->memory.low"), 1 << 8);
	assert_int_equal(typed_value(CSS("pids_cgroup", "k", "pids_cgrp_id") "->limit.counter"), 40);
	assert_int_equal(typed_value(CSS("cpuset", "k", "cpuset_cgrp_id") "->effective_mems.bits[0]"), 2);
	runs("cgroup set k weight=10000 cpu.max=max pids.max=max");
	prints("cgroups where name == \"k\" columns weight,cpu_max", "weight  cpu_max\n 10000  max 50000\n");
	runs("cgroup remove k");
}

/* A controller is enabled for whom needs it, and no longer. */
static void test_controllers(void **state)
{
	const char *enabled = "cgroup(\"@runner\")->subtree_control";

	(void)state;
	assert_int_equal(typed_value("%s", enabled), 0);
	runs("cgroup add plain");
	assert_int_equal(typed_value("%s", enabled), 0);
	runs("cgroup add w weight=5");
	assert_int_equal(typed_value("%s", enabled), typed_value("1 << cpu_cgrp_id"));
	runs("cgroup add w/p memory.max=5M");
	assert_int_equal(typed_value("%s", enabled), typed_value("1 << cpu_cgrp_id | 1 << memory_cgrp_id"));
	assert_int_equal(typed_value("cgroup(\"w\")->subtree_control"), typed_value("1 << memory_cgrp_id"));
	fails("spawn w", ERR_REFUSED, "cgroups below this one have controllers");
	runs("cgroup remove w/p");
	assert_int_equal(typed_value("cgroup(\"w\")->subtree_control"), 0);
	runs("spawn w work=sleep");
	fails("cgroup add w/q memory.max=5M", ERR_REFUSED,
	      "cgroup w has processes of its own, so those below it get no memory controller");
	runs("cgroup remove w");
	runs("cgroup remove plain");
	assert_int_equal(typed_value("%s", enabled), 0);
}

static void expect_masks(const char *cgroup, unsigned int count, const int64_t *masks)
{
	for (unsigned int i = 0; i < count; i++)
		if (cpus_of(cgroup, i) != masks[i])
			fail_msg("worker %u: 0x%" PRIx64 " instead of 0x%" PRIx64, i, cpus_of(cgroup, i), masks[i]);
}

static void test_affinities(void **state)
{
	static const struct {
		const char *intent;
		int64_t masks[4];
	} cases[] = {
		{"inherit", {0x7e, 0x7e, 0x7e, 0x7e}},	 {"all", {0x7e, 0x7e, 0x7e, 0x7e}},
		{"llc-aligned", {0x0e, 0x70, 0x0e, 0x70}}, {"single", {2, 2, 2, 2}},
		{"single:5", {32, 32, 32, 32}},		 {"exact:1,6", {0x42, 0x42, 0x42, 0x42}},
		{"smt-pair", {4, 8, 0x10, 0x20}},	 {"each:1-2", {2, 4, 2, 4}},
	};

	(void)state;
	runs("cgroup add a cpuset=1-6"); /* a half of the first core, and of the last */
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		typed_runs("spawn a workers=4 work=sleep affinity=%s", cases[i].intent);
		expect_masks("a", 4, cases[i].masks);
		runs("affinity a 3");
		expect_masks("a", 4, (const int64_t[]){8, 8, 8, 8});
		typed_runs("affinity a %s", cases[i].intent);
		expect_masks("a", 4, cases[i].masks);
		runs("cgroup stop a");
	}
	fails("affinity a 0-1", ERR_USAGE, "CPU 0 is not among the usable CPUs 1-6 of a");
	fails("spawn a affinity=smt-par", ERR_USAGE, "near: smt-pair");
	fails("affinity b all", ERR_NOT_FOUND, "no cgroup b; there is a");
	runs("cgroup add frontend");
	fails("cgroup stop fronted", ERR_NOT_FOUND, "no cgroup fronted; there is ");
	fails("cgroup stop fronted", ERR_NOT_FOUND, "; near: frontend");
	runs("cgroup remove frontend");
	runs("cgroup remove a");
}

/* N of the pool, not all the same, the same again for the same seed. */
static void test_random_affinity(void **state)
{
	int64_t first[8], differ = 0, other = 0;

	(void)state;
	runs("cgroup add r");
	runs("spawn r workers=8 work=sleep affinity=random(0-2,5-7,2,seed=3)");
	for (unsigned int i = 0; i < 8; i++) {
		first[i] = cpus_of("r", i);
		assert_int_equal(__builtin_popcountll((uint64_t)first[i]), 2);
		assert_int_equal(first[i] & ~0xe7, 0);
		differ += first[i] != first[0];
	}
	assert_true(differ > 0);
	runs("affinity r inherit");
	runs("affinity r random(0-2,5-7,2,seed=3)");
	expect_masks("r", 8, first);
	runs("affinity r random(0-2,5-7,2,seed=4)");
	for (unsigned int i = 0; i < 8; i++)
		other += cpus_of("r", i) != first[i];
	assert_true(other > 0);
	runs("cgroup remove r");
}

static void test_policies(void **state)
{
	static const struct {
		const char *words;
		const char *condition;
	} cases[] = {
		{"policy=normal nice=-7", "policy == 0 && task(worker(p,0))->static_prio == 113"},
		{"policy=batch nice=19", "policy == 3 && task(worker(p,0))->static_prio == 139"},
		{"policy=idle", "policy == 5"},
		{"policy=fifo:7", "policy == 1 && task(worker(p,0))->rt_priority == 7"},
		{"policy=rr", "policy == 2 && task(worker(p,0))->rt_priority == 1"},
		{"policy=deadline:1ms/20ms/50ms",
		 "policy == 6 && task(worker(p,0))->dl.dl_runtime == 1ms && "
		 "task(worker(p,0))->dl.dl_deadline == 20ms && task(worker(p,0))->dl.dl_period == 50ms"},
	};

	(void)state;
	runs("cgroup add p weight=100");
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		typed_runs("spawn p work=sleep %s", cases[i].words);
		if (!typed_value("task(worker(p,0))->%s", cases[i].condition))
			fail_msg("%s: not %s", cases[i].words, cases[i].condition);
		runs("cgroup stop p");
	}
	runs("cgroup set p cpuset=0-1");
	fails("spawn p policy=deadline:1ms/50ms", ERR_REFUSED,
	      "a deadline worker must be allowed every CPU of the guest, also by its cgroup");
	fails("spawn @runner workers=8 policy=deadline:49ms/50ms", ERR_REFUSED,
	      "the CPUs have no bandwidth left for it");
	runs("cgroup remove p");
}

#define POLICY "task(worker(m,0))->mempolicy"

static void test_memory_policies(void **state)
{
	static const struct {
		const char *words;
		int64_t mode, flags, nodes;
	} cases[] = {
		{"mempolicy=bind:1", 2, 0, 2},
		{"mempolicy=preferred:0", 1, 0, 1},
		{"mempolicy=interleave:0-1", 3, 0, 3},
		{"mempolicy=preferred-many:0-1", 5, 0, 3},
		{"mempolicy=weighted-interleave:0-1", 6, 0, 3},
		{"mempolicy=bind:1 mpolflags=static", 2, 1 << 15, 2},
		{"mempolicy=interleave:1 mpolflags=relative", 3, 1 << 14, 2},
		/* The kernel adds what balancing needs (MPOL_F_MOF, MPOL_F_MORON). */
		{"mempolicy=bind:0 mpolflags=numa-balancing", 2, 1 << 13 | 1 << 3 | 1 << 4, 1},
	};

	(void)state;
	runs("cgroup add m");
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		typed_runs("spawn m work=sleep %s", cases[i].words);
		assert_int_equal(typed_value(POLICY "->mode"), cases[i].mode);
		assert_int_equal(typed_value(POLICY "->flags"), cases[i].flags);
		assert_int_equal(typed_value(POLICY "->nodes.bits[0]"), cases[i].nodes);
		runs("cgroup stop m");
	}
	runs("spawn m work=sleep mempolicy=default");
	assert_int_equal(typed_value("(u64)" POLICY), 0);
	runs("cgroup stop m");
	runs("cgroup set m mems=0");
	fails("spawn m mempolicy=bind:0-1", ERR_USAGE,
	      "node 1 is not among the nodes 0 of m's cpuset: widen that with mems=0-1, or say how nodes are "
	      "meant with mpolflags=static (as they are) or relative (counted within the cpuset)");
	fails("spawn m mempolicy=bind:2 mpolflags=static", ERR_USAGE, "there is no node 2 with memory; there is 0-1");
	runs("spawn m work=sleep mempolicy=bind:1 mpolflags=relative"); /* the second of one: node 0 */
	assert_int_equal(typed_value(POLICY "->nodes.bits[0]"), 1);
	runs("cgroup remove m");
}

#define IN(name) "task(worker(" name ",0))->cgroups->dfl_cgrp == &cgroup(\"" name "\")"

/* Every worker follows its cgroup, by the kernel's word and by its own. */
static void test_move(void **state)
{
	int64_t pid;

	(void)state;
	runs("cgroup add from workers=2 work=sleep");
	runs("cgroup add to workers=1 work=sleep");
	assert_true(typed_value(IN("from")));
	pid = typed_value("worker(from,0)");
	runs("cgroup move from to");
	assert_int_equal(typed_value("worker(to,1)"), pid);
	assert_true(typed_value("task(%" PRId64 ")->cgroups->dfl_cgrp == &cgroup(\"to\")", pid));
	fails("cgroup move to to", ERR_REFUSED, "to itself");
	fails("cgroup move to nowhere", ERR_NOT_FOUND, "no cgroup nowhere; there is");
	runs("cgroup procs to as now");
	assert_true(typed_value("$now ~ \"%" PRId64 "\"", pid));
	runs("cgroup freeze to");
	assert_int_equal(typed_value("cgroup(\"to\")->freezer.nr_frozen_tasks"), 3);
	fails("spawn to", ERR_REFUSED, "cgroup to is frozen; unfreeze it first");
	fails("payload run hostile say x 0 in to", ERR_REFUSED, "cgroup to is frozen; unfreeze it first");
	runs("cgroup unfreeze to");
	runs("cgroup remove to");
	runs("cgroup remove from");
}

/* What each phase did, by the workers' account and by the kernel's. */
static void test_phases(void **state)
{
	struct json_object *rows;

	(void)state;
	runs("spawn @runner work=sequence(spin:5ms,sleep:10ms,io:2ms) affinity=3 comm=phases");
	runs("run 400ms");
	runs("thaw");
	rows = json_lines("phases @runner");
	assert_int_equal(json_object_array_length(rows), 3);
	assert_string_equal(json_text(json_row(rows, 1), "type"), "sleep");
	assert_in_range(json_number(json_row(rows, 0), "rounds"), 20, 24);
	assert_in_range(json_number(json_row(rows, 0), "cpu_time") / json_number(json_row(rows, 0), "rounds"),
			5000000, 5600000);
	assert_in_range(json_number(json_row(rows, 1), "wall_time") / json_number(json_row(rows, 1), "rounds"),
			10000000, 10500000);
	assert_int_equal(json_number(json_row(rows, 1), "wakeups"), json_number(json_row(rows, 1), "iterations"));
	assert_true(json_number(json_row(rows, 2), "iterations") > 20);
	assert_int_equal(json_number(json_row(rows, 0), "wakeups"), 0);
	/* A sleep is a switch that the task asked for. */
	assert_true(typed_value("task(worker(@runner,0))->nvcsw") >= json_number(json_row(rows, 1), "rounds"));
	json_object_put(rows);
	runs("cgroup stop @runner");
}

/* Groups come and go, workers change theirs, and nothing of it stays. */
static void test_cgroup_work(void **state)
{
	int64_t before = typed_value("cgroup(\"@runner\")->nr_descendants"), away = 0;

	(void)state;
	runs("spawn @runner workers=2 work=cgroup-churn");
	runs("cgroup add home weight=50 workers=2 work=cgroup-attach-storm");
	for (unsigned int i = 0; i < 20; i++) {
		runs("run 7ms");
		runs("thaw");
		away += !typed_value("task(worker(home,0))->cgroups->dfl_cgrp == &cgroup(\"home\")");
	}
	assert_in_range(away, 1, 19);
	assert_true(typed_value("workers(@runner).iterations") > 20);
	assert_true(typed_value("workers(home).iterations") > 20);
	runs("cgroup stop @runner");
	runs("cgroup remove home");
	assert_int_equal(typed_value("cgroup(\"@runner\")->nr_descendants"), before);
	assert_int_equal(typed_value("cgroup(\"@runner\")->subtree_control"), 0);
	fails("spawn @runner work=cgroup-churn uid=1", ERR_USAGE, "makes cgroups, which only uid=0 may");
}

static void test_payloads(void **state)
{
	(void)state;
	runs("cgroup add one");
	runs("cgroup add two");
	runs("payload run hostile say hello 3 in one");
	prints("payload wait hostile as code", "hostile in one exited with 3\nhello\nand on stderr\n");
	assert_int_equal(typed_value("$code"), 3);
	runs("payload run hostile idle in one");
	runs("payload run /ktdbg/bin/hostile idle in two");
	fails("payload run hostile in one", ERR_REFUSED, "hostile runs in one already, as pid");
	fails("payload wait hostile", ERR_REFUSED, "hostile is in more than one cgroup: one, two; say which");
	fails("payload wait hostile in three", ERR_NOT_FOUND,
	      "no payload hostile in three; there is hostile in one, hostile in two");
	runs("payload kill hostile in one");
	runs("payload kill hostile in two as code");
	assert_int_equal(typed_value("$code"), 128 + 9);
	fails("payload run hostel", ERR_NOT_FOUND,
	      "hostel: No such file or directory; --add-file packed /ktdbg/bin/hostile; near: hostile");
	fails("payload run hostile in nowhere", ERR_NOT_FOUND, "no cgroup nowhere; there is");
	runs("cgroup remove one");
	runs("cgroup remove two");
}

static int start(void **state)
{
	(void)state;
	typed_boot_with("2n2l2c2t", "hostile");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpusets),		cmocka_unit_test(test_swap_and_clear),
		cmocka_unit_test(test_knobs),		cmocka_unit_test(test_controllers),
		cmocka_unit_test(test_affinities),	cmocka_unit_test(test_random_affinity),
		cmocka_unit_test(test_policies),	cmocka_unit_test(test_memory_policies),
		cmocka_unit_test(test_move),		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_cgroup_work),	cmocka_unit_test(test_payloads),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
