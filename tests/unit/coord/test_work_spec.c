/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of `spawn`: what becomes of good ones, and what is said of bad ones. */
#include "tests/expect.h"

#include "coord/agent.h"
#include "coord/places.h"
#include "coord/work_spec.h"
#include "guest/wire_work.h"

#include <stdio.h>

static const struct spec_limits limits = {.cpus = 4, .nodes = 2};

static struct err *parse(const char *text, struct work_spec *ret)
{
	char copy[512], *words[16], *save;
	unsigned int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return work_spec_parse("@runner", n, words, &limits, ret);
}

static struct wire_spawn good(const char *text)
{
	struct work_spec spec;

	expect_ok(parse(text, &spec));
	return spec.wire;
}

static void bad(const char *text, const char *message)
{
	struct work_spec spec, before;

	memset(&spec, 0x5a, sizeof(spec));
	before = spec;
	expect_err(parse(text, &spec), ERR_USAGE, message);
	assert_memory_equal(&spec, &before, sizeof(spec)); /* untouched on failure */
}

static void test_defaults(void **state)
{
	struct wire_spawn w = good("");

	(void)state;
	assert_string_equal(w.cgroup, "@runner");
	assert_int_equal(w.workers, 1);
	assert_int_equal(w.work.type, WORK_SPIN);
	assert_int_equal(w.work.params[0], 20000);
	assert_int_equal(w.policy, 0);
	assert_int_equal(w.flags, 0);
	assert_string_equal(w.comm, "");
}

static void test_workers(void **state)
{
	(void)state;
	assert_int_equal(good("workers=7").workers, 7);
	assert_int_equal(good("workers=150%").workers, 6);
	assert_int_equal(good("workers=10%").workers, 1);
	bad("workers=0", "workers=0: from 1 to 1024");
	bad("workers=1025", "workers=1025: from 1 to 1024");
	bad("workers=0%", "workers=0%: from 1% to 10000% of the CPUs");
	bad("workers=2 workers=3", "workers is given twice");
}

static void test_work_types(void **state)
{
	struct wire_spawn w;

	(void)state;
	w = good("work=mixed");
	assert_int_equal(w.work.type, WORK_MIXED);
	assert_int_equal(w.work.params[0], 1000000);
	w = good("work=mixed(sleep=5ms)");
	assert_int_equal(w.work.params[0], 1000000);
	assert_int_equal(w.work.params[1], 5000000);
	w = good("work=mixed(2ms,3ms)");
	assert_int_equal(w.work.params[0], 2000000);
	assert_int_equal(w.work.params[1], 3000000);
	w = good("workers=4 work=pipe(bytes=64)");
	assert_int_equal(w.work.params[0], 64);
	assert_int_equal(good("work=cache-pressure(bytes=2M)").work.params[0], 2 << 20);
	expect_err_with(parse("work=mixd", &(struct work_spec){0}), ERR_USAGE,
			"unknown work type mixd; there is spin, yield, mixed, alu, bursty, pipe, futex, "
			"sleep, fork-exit, mutex, sequence, io, smt-spin,");
	expect_err_with(parse("work=mixd", &(struct work_spec){0}), ERR_USAGE, "schbench, cgroup-churn, cgroup-attach-storm; near: mixed");
	assert_int_equal(good("work=futex-pingpong workers=2").work.type, WORK_FUTEX);
	assert_int_equal(good("work=schbench-like workers=2").work.type, WORK_SCHBENCH);
	bad("work=cgroup-churn uid=5", "work=cgroup-churn makes cgroups, which only uid=0 may");
	bad("work=spin(speed=3)", "work type spin has no parameter speed=3; it takes (loops=20000)");
	bad("work=futex(1) workers=2", "work type futex has no parameter 1; it takes none");
	bad("work=spin(loops=0)", "spin(loops): from 1 to 1000000000");
	bad("work=sleep(time=100ns)", "sleep(time): from 1us to 86400.0s");
	bad("work=spin(loops=1", "work=spin(loops=1: the bracket is not closed, or it is too long");
	bad("work=pipe workers=3", "work=pipe needs an even number of workers, not 3");
	bad("work=futex", "work=futex needs an even number of workers, not 1");
	bad("work=priority-inversion workers=4", "work=priority-inversion needs workers in groups of 3, not 4");
	bad("work=wake-chain", "work=wake-chain needs at least 2 workers, not 1");
}

static void test_sequence(void **state)
{
	struct wire_spawn w = good("work=sequence(spin:10ms,sleep:60s,io:1ms) comm=sleeper");

	(void)state;
	assert_int_equal(w.work.type, WORK_SEQUENCE);
	assert_int_equal(w.phase_count, 3);
	assert_int_equal(w.phases[0].type, WORK_SPIN);
	assert_int_equal(w.phases[0].params[0], 10000000);
	assert_int_equal(w.phases[1].type, WORK_SLEEP);
	assert_int_equal(w.phases[1].params[0], 60000000000ULL);
	assert_int_equal(w.phases[2].type, WORK_IO);
	assert_string_equal(w.comm, "sleeper");
	bad("work=sequence", "sequence needs phases: sequence(spin:10ms,sleep:5ms)");
	bad("work=sequence(spin)", "sequence: a phase is TYPE:DURATION, not spin");
	bad("work=sequence(pipe:1ms)",
	    "sequence: pipe is no phase; there is spin, yield, alu, sleep, io");
	bad("work=sequence(spin:1ns)", "sequence: spin: a phase lasts from 1us to 86400s");
	expect_err_with(parse("work=sequence(s:1s,s:1s)", &(struct work_spec){0}), ERR_USAGE,
			"unknown work type s;");
}

static void test_too_many_phases(void **state)
{
	char text[512] = "work=sequence(";

	(void)state;
	for (unsigned int i = 0; i <= WIRE_PHASES; i++)
		strcat(text, "spin:1ms,");
	strcat(text, "spin:1ms)");
	bad(text, "sequence: at most 16 phases");
}

static void test_policy(void **state)
{
	struct wire_spawn w;

	(void)state;
	assert_int_equal(good("policy=ext").policy, 7);
	assert_int_equal(good("policy=batch nice=19").nice, 19);
	w = good("policy=fifo:50");
	assert_int_equal(w.policy, 1);
	assert_int_equal(w.rt_priority, 50);
	assert_int_equal(good("policy=rr").rt_priority, 1);
	w = good("policy=deadline:2ms/10ms");
	assert_int_equal(w.policy, 6);
	assert_int_equal(w.dl_runtime, 2000000);
	assert_int_equal(w.dl_deadline, 10000000);
	assert_int_equal(w.dl_period, 10000000);
	bad("policy=fifo:99", "policy=fifo:99: a priority from 1 to 98");
	bad("policy=nromal", "unknown policy nromal; there is normal, other, batch, idle, ext, fifo, rr, "
			     "deadline; near: normal");
	bad("policy=ext:3", "policy=ext:3: ext takes no number");
	w = good("policy=deadline:1ms/5ms/10ms");
	assert_int_equal(w.dl_runtime, 1000000);
	assert_int_equal(w.dl_deadline, 5000000);
	assert_int_equal(w.dl_period, 10000000);
	bad("policy=deadline",
	    "policy=deadline: deadline:RUNTIME[/DEADLINE]/PERIOD, as in deadline:2ms/10ms");
	bad("policy=deadline:1ms/2ms/3ms/4ms",
	    "policy=deadline:1ms/2ms/3ms/4ms: deadline:RUNTIME[/DEADLINE]/PERIOD, as in deadline:2ms/10ms");
	bad("policy=deadline:20ms/10ms", "policy=deadline:20ms/10ms: RUNTIME at least 1024ns and at most "
					 "DEADLINE, that at most PERIOD, PERIOD at most 4s");
	bad("policy=deadline:1ms/20ms/10ms",
	    "policy=deadline:1ms/20ms/10ms: RUNTIME at least 1024ns and at most "
	    "DEADLINE, that at most PERIOD, PERIOD at most 4s");
	bad("policy=fifo nice=3", "nice has no meaning under this policy");
	bad("nice=20", "nice=20: from -20 to 19");
}

static void test_placement(void **state)
{
	struct wire_spawn w;

	(void)state;
	w = good("affinity=1-2");
	assert_int_equal(w.place.kind, WIRE_PLACE_ALL);
	assert_int_equal(w.place.cpus[0], 6);
	assert_int_equal(good("affinity=exact:1-2").place.cpus[0], 6);
	w = good("affinity=each");
	assert_int_equal(w.place.kind, WIRE_PLACE_EACH);
	assert_int_equal(w.place.cpus[0], 15);
	w = good("affinity=each:0,3");
	assert_int_equal(w.place.cpus[0], 9);
	assert_int_equal(good("affinity=inherit").place.kind, WIRE_PLACE_INHERIT);
	assert_int_equal(good("affinity=single").place.cpus[0], 1);
	assert_int_equal(good("affinity=single:3").place.cpus[0], 8);
	w = good("affinity=random(0-1,3,2)");
	assert_int_equal(w.place.kind, WIRE_PLACE_RANDOM);
	assert_int_equal(w.place.cpus[0], 11);
	assert_int_equal(w.place.count, 2);
	assert_int_equal(w.place.seed, 1);
	assert_int_equal(good("affinity=random(all,4,seed=77)").place.seed, 77);
	expect_err_with(parse("affinity=4", &(struct work_spec){0}), ERR_USAGE,
			"affinity=4: '4' is not a list of numbers below 4");
	bad("affinity=lcc-aligned", "affinity=lcc-aligned: a list such as 0-3, or a word; no lcc-aligned; there "
				    "is inherit, all, single, exact, each, random, llc-aligned, smt-pair; "
				    "near: llc-aligned");
	bad("affinity=random(0-1)", "affinity=random(0-1): random(POOL,N[,seed=S]), as in random(0-7,2)");
	bad("affinity=random(0-1,3)", "affinity=random(0-1,3): from 1 to 2 CPUs of this pool, not 3");
	bad("affinity=random(0-1,1", "affinity=random(0-1,1: the bracket is not closed, or it is too long");
	bad("affinity=exact", "affinity=exact: which CPUs? as in exact:0-1");
	bad("affinity=single:0-1", "affinity=single:0-1: one CPU, as in single:2");
	bad("affinity=all:1", "affinity=all:1: all takes no CPUs");
	bad("numa=2", "numa=2: the guest has node 0 and above, but not this one");
	expect_err(parse("affinity=llc-aligned", &(struct work_spec){0}), ERR_ABSENT,
		   "affinity=llc-aligned: llc-aligned: where the guest's CPUs are is not known");
	bad("policy=deadline:2ms/10ms affinity=1",
	    "a deadline worker may use every CPU: no affinity, no numa");
}

static void test_memory(void **state)
{
	struct wire_spawn w = good("mempolicy=bind:0-1 mpolflags=static");

	(void)state;
	assert_int_equal(w.flags, WIRE_SPAWN_MEMPOLICY);
	assert_int_equal(w.mem_nodes, 3);
	assert_int_equal(w.mempolicy, 2 | 1 << 15);
	assert_int_equal(good("mempolicy=default").mempolicy, 0);
	assert_int_equal(good("mempolicy=local").mempolicy, 4);
	assert_int_equal(good("mempolicy=preferred:1").mempolicy, 1);
	assert_int_equal(good("mempolicy=preferred-many:0").mempolicy, 5);
	assert_int_equal(good("mempolicy=interleave:0").mempolicy, 3);
	assert_int_equal(good("mempolicy=weighted-interleave:0").mempolicy, 6);
	assert_int_equal(good("mpolflags=relative mempolicy=bind:5").mempolicy, 2 | 1 << 14);
	assert_int_equal(good("mempolicy=bind:0 mpolflags=static,numa-balancing").mempolicy, 2 | 5 << 13);
	assert_int_equal(good("mempolicy=bind:0 mpolflags=0x4000").mempolicy, 2 | 1 << 14);
	bad("mempolicy=bind", "mempolicy=bind: which nodes? as in bind:0");
	bad("mempolicy=local:0", "mempolicy=local:0: this one takes no nodes");
	bad("mempolicy=bnd:0", "unknown mempolicy bnd; there is default, local, bind, preferred, "
			       "preferred-many, interleave, weighted-interleave; near: bind");
	bad("mempolicy=bind:2", "mempolicy: there is no node 2 with memory; there is 0-1");
	bad("mempolicy=bind:2 mpolflags=static", "mempolicy: there is no node 2 with memory; there is 0-1");
	bad("mpolflags=static", "mpolflags needs a mempolicy with nodes");
	bad("mpolflags=static,relative mempolicy=bind:0", "mpolflags: static and relative exclude each other");
	bad("mpolflags=statik mempolicy=bind:0",
	    "unknown mpolflags statik; there is static, relative, numa-balancing; near: static");
	bad("mpolflags=0x10 mempolicy=bind:0",
	    "mpolflags=0x10: unknown bits 0x10; there is static 0x8000, relative 0x4000, numa-balancing 0x2000");
	bad("mempolicy=interleave:0 mpolflags=numa-balancing",
	    "mpolflags=numa-balancing goes with bind and preferred-many only");
}

/* Two nodes of two LLCs each, of two cores with two threads; the cgroup has CPUs 2-11 and node 0. */
static void in_web(const char *text, struct err **err, struct work_spec *ret)
{
	struct places p = {.cpus = 16, .cores = 8, .llcs = 4, .nodes = 2, .memory = 3, .mems = 1,
			   .usable = {0xffc}, .cgroup = "web"};
	struct spec_limits web = {16, 2, &p};
	char copy[128], *word = copy;

	for (unsigned int cpu = 0; cpu < 16; cpu++) {
		p.core[cpu] = (uint16_t)(cpu / 2);
		p.llc[cpu] = (uint16_t)(cpu / 4);
		p.node[cpu] = (uint16_t)(cpu / 8);
	}
	snprintf(copy, sizeof(copy), "%s", text);
	*err = work_spec_parse("web", 1, &word, &web, ret);
}

static struct wire_place placed(const char *text)
{
	struct work_spec spec;
	struct err *err;

	in_web(text, &err, &spec);
	expect_ok(err);
	return spec.wire.place;
}

static void refused(const char *text, const char *message)
{
	struct work_spec spec;
	struct err *err;

	in_web(text, &err, &spec);
	expect_err(err, ERR_USAGE, message);
}

static void test_topology(void **state)
{
	struct work_spec spec;
	struct wire_place p;
	struct err *err;

	(void)state;
	p = placed("affinity=llc-aligned");
	assert_int_equal(p.kind, WIRE_PLACE_GROUP);
	assert_int_equal(p.count, 3);
	assert_int_equal(p.cpus[0], 0xffc);
	assert_int_equal(p.group[3], 0);
	assert_int_equal(p.group[4], 1);
	assert_int_equal(p.group[11], 2);
	p = placed("affinity=smt-pair");
	assert_int_equal(p.count, 10);
	assert_int_equal(p.group[2], 0);
	assert_int_equal(p.group[3], 1);
	assert_int_equal(p.group[11], 9);
	assert_int_equal(placed("affinity=all").cpus[0], 0xffc);
	assert_int_equal(placed("affinity=single").cpus[0], 4);
	assert_int_equal(placed("numa=1").cpus[0], 0xf00);
	in_web("workers=20%", &err, &spec);
	expect_ok(err);
	assert_int_equal(spec.wire.workers, 2); /* of ten CPUs */
	refused("affinity=1-3", "affinity=1-3: CPU 1 is not among the usable CPUs 2-11 of web");
	refused("affinity=random(0-7,2)", "affinity=random(0-7,2): CPU 0 is not among the usable CPUs 2-11 of web");
	refused("mempolicy=bind:0-1",
		"mempolicy: node 1 is not among the nodes 0 of web's cpuset: widen that with mems=0-1, or say "
		"how nodes are meant with mpolflags=static (as they are) or relative (counted within the cpuset)");
}

static void test_identity(void **state)
{
	struct wire_spawn w = good("uid=1000 gid=100 clone=thread comm=fifteen-letters");

	(void)state;
	assert_int_equal(w.uid, 1000);
	assert_int_equal(w.gid, 100);
	assert_int_equal(w.flags, WIRE_SPAWN_UID | WIRE_SPAWN_GID | WIRE_SPAWN_THREADS);
	assert_string_equal(w.comm, "fifteen-letters");
	bad("comm=sixteen-letters-", "comm=sixteen-letters-: from 1 to 15 bytes");
	bad("comm=", "comm=: from 1 to 15 bytes");
	bad("comm=a\033b", "comm: no blanks and no control bytes");
	bad("uid=4294967295", "uid=4294967295: at most 4294967294");
	bad("clone=vfork", "clone=vfork: fork or thread");
	bad("wokers=1", "unknown knob wokers; there is workers, work, policy, nice, affinity, mempolicy, "
			"mpolflags, comm, uid, gid, numa, clone; near: workers, work");
	bad("workers", "workers: a knob is NAME=VALUE");
}

static void test_cgroup_name(void **state)
{
	struct work_spec spec;

	(void)state;
	expect_ok(work_spec_parse("a/b-c.d", 0, NULL, &limits, &spec));
	expect_err(work_spec_parse("../x", 0, NULL, &limits, &spec), ERR_USAGE,
		   "\"../x\" is no name of a cgroup: letters, digits, _ . - and / between parts");
	expect_err_with(work_spec_parse("a//b", 0, NULL, &limits, &spec), ERR_USAGE, "is no name");
	expect_err_with(work_spec_parse("a/", 0, NULL, &limits, &spec), ERR_USAGE, "is no name");
	expect_err_with(work_spec_parse("@other", 0, NULL, &limits, &spec), ERR_USAGE, "is no name");
	expect_err(work_spec_parse("", 0, NULL, &limits, &spec), ERR_USAGE,
		   "a cgroup's name has from 1 to 63 characters");
}

/* Every type can be spawned by its name with no arguments, and help names it. */
static void test_table_is_whole(void **state)
{
	struct str help = {0};

	(void)state;
	work_spec_help(&help);
	for (unsigned int i = 0; work_type_name(i); i++) {
		const struct wire_work_type *type = &wire_work_types[i];
		char text[64];

		assert_int_equal(type->id, i + 1);
		assert_true(strlen(type->name) < sizeof(((struct agent_worker *)0)->type));
		assert_true(!(type->flags & WORK_PAIRS) || type->group == 2);
		for (unsigned int p = 0; p < WIRE_WORK_PARAMS && type->params[p].name; p++)
			assert_in_range(type->params[p].value, type->params[p].min, type->params[p].max);
		assert_string_equal(work_name_of(i + 1), work_type_name(i));
		assert_non_null(strstr(str_text(&help), work_type_name(i)));
		if (type->id == WORK_SEQUENCE)
			continue;
		snprintf(text, sizeof(text), "workers=6 work=%s", type->name);
		assert_int_equal(good(text).work.type, i + 1);
	}
	assert_string_equal(work_name_of(0), "?");
	assert_string_equal(work_name_of(WORK_COUNT), "?");
	str_deinit(&help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_workers),
		cmocka_unit_test(test_work_types),  cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_too_many_phases), cmocka_unit_test(test_policy),
		cmocka_unit_test(test_placement),   cmocka_unit_test(test_memory),
		cmocka_unit_test(test_topology),    cmocka_unit_test(test_identity),
		cmocka_unit_test(test_cgroup_name), cmocka_unit_test(test_table_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
