/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every type of work on several topologies, seen from outside: the kernel's own memory says that each worker
 * is there, in its cgroup, that it does what its type is for, and that nothing of it stays. Long; `make
 * check-work`. $KTDBG_WORK_TOPOLOGIES: which, with blanks between.
 */
#include "tests/guest/typed.h"

#include "coord/work_spec.h"
#include "guest/wire_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TOPOLOGIES "1n1l1c1t 1n1l4c1t 2n2l2c2t 2n4l2c1t"
#define LOOKS 12 /* at moments of which some show what comes and goes */

/* What must be so of one worker at one of the looks at least; %1$u is its index. */
static const struct {
	uint32_t type;
	unsigned int worker;
	const char *expression;
} facts[] = {
	{WORK_SPIN, 0, "task(worker(w,%1$u))->se.sum_exec_runtime > 20ms"},
	{WORK_YIELD, 0, "task(worker(w,%1$u))->se.sum_exec_runtime > 20ms"},
	{WORK_MIXED, 0, "task(worker(w,%1$u))->nvcsw > 10"},
	{WORK_BURSTY, 0, "task(worker(w,%1$u))->nvcsw > 2"},
	{WORK_PIPE, 1, "task(worker(w,%1$u))->nvcsw > 100"},
	{WORK_CACHE_PIPE, 1, "task(worker(w,%1$u))->nvcsw > 10"},
	{WORK_FUTEX, 0, "task(worker(w,%1$u))->nvcsw > 100"},
	{WORK_SLEEP, 0, "task(worker(w,%1$u))->__state & 1"},
	{WORK_FORK_EXIT, 0, "task(worker(w,%1$u))->signal->cmin_flt > 50"},
	{WORK_MUTEX, 1, "task(worker(w,%1$u))->nvcsw > 5"},
	{WORK_SEQUENCE, 0, "task(worker(w,%1$u))->nvcsw > 10"},
	{WORK_IO_SYNC, 0, "task(worker(w,%1$u))->ioac.syscfs > 0 || task(worker(w,%1$u))->nvcsw > 50"},
	{WORK_IO_RAND, 0, "task(worker(w,%1$u))->nvcsw > 50"},
	{WORK_IO_CONVOY, 1, "task(worker(w,%1$u))->nvcsw > 20"},
	{WORK_IDLE_CHURN, 0, "task(worker(w,%1$u))->nvcsw > 100"},
	{WORK_TIMER_LATENCY, 0, "task(worker(w,%1$u))->timer_slack_ns == 1"},
	{WORK_FUTEX_FANOUT, 1, "task(worker(w,%1$u))->nvcsw > 20"},
	{WORK_FANOUT_COMPUTE, 1, "task(worker(w,%1$u))->nvcsw > 5"},
	{WORK_THUNDERING_HERD, 1, "task(worker(w,%1$u))->nvcsw > 10"},
	{WORK_WAKE_CHAIN, 1, "task(worker(w,%1$u))->nvcsw > 20"},
	{WORK_ASYMMETRIC_WAKER, 0, "task(worker(w,%1$u))->static_prio == 130"},
	{WORK_EPOLL_STORM, 1, "task(worker(w,%1$u))->nvcsw > 10"},
	{WORK_PRODUCER_CONSUMER, 1, "task(worker(w,0))->nvcsw + task(worker(w,%1$u))->nvcsw > 5"},
	{WORK_NICE_SWEEP, 0, "task(worker(w,%1$u))->static_prio < 120"},
	{WORK_AFFINITY_CHURN, 0, "task(worker(w,%1$u))->nr_cpus_allowed == 1"},
	{WORK_CROSS_AFFINITY_CHURN, 1, "task(worker(w,%1$u))->nr_cpus_allowed == 1"},
	{WORK_POLICY_CHURN, 0, "task(worker(w,%1$u))->policy != 0"},
	{WORK_PAGE_FAULT, 0, "task(worker(w,%1$u))->min_flt > 1000"},
	{WORK_NUMA_SWEEP, 0, "task(worker(w,%1$u))->min_flt > 100"},
	{WORK_PRIORITY_INVERSION, 2, "task(worker(w,%1$u))->policy == 1 && task(worker(w,%1$u))->rt_priority == 3"},
	{WORK_RT_STARVATION, 0, "task(worker(w,%1$u))->policy == 1"},
	{WORK_PREEMPT_STORM, 0, "task(worker(w,%1$u))->policy == 1"},
	{WORK_SCHBENCH, 1, "task(worker(w,%1$u))->nvcsw > 20"},
	{WORK_CGROUP_CHURN, 0, "cgroup(\"@runner\")->nr_descendants > 1"},
	{WORK_CGROUP_ATTACH_STORM, 0, "task(worker(w,%1$u))->cgroups->dfl_cgrp != &cgroup(\"w\")"},
};

static bool fact_holds(uint32_t type)
{
	char expression[256];

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (facts[i].type != type)
			continue;
		snprintf(expression, sizeof(expression), facts[i].expression, facts[i].worker);
		return typed_value("%s", expression) != 0;
	}
	return true;
}

static void start(const struct wire_work_type *type, unsigned int workers)
{
	char line[256];

	snprintf(line, sizeof(line), "spawn w workers=%u work=%s%s clone=%s", workers, type->name,
		 type->id == WORK_SEQUENCE ? "(spin:1ms,sleep:1ms,yield:1ms,io:1ms,alu:1ms)" : "",
		 type->id % 2 ? "fork" : "thread");
	runs("cgroup add w weight=200");
	runs(line);
}

static unsigned int failures;

/* Goes on, so that one run tells all. */
static void expect(bool true_, const char *topology, const struct wire_work_type *type, const char *otherwise)
{
	if (!true_) {
		print_error("%s: %s: %s\n", topology, type->name, otherwise);
		failures++;
	}
}

static void check_type(const struct wire_work_type *type, const char *topology)
{
	unsigned int workers = type->group == 3 ? 3 : 4;
	int64_t groups = typed_value("cgroup(\"@runner\")->nr_descendants"), before = 0;
	bool seen = false;

	start(type, workers);
	for (unsigned int look = 0; look < LOOKS; look++) {
		runs("run 23ms");
		runs("thaw");
		seen |= fact_holds(type->id);
		if (look == LOOKS / 2)
			before = typed_value("workers(w).iterations");
	}
	expect(seen, topology, type, "the kernel shows nothing of it");
	expect(typed_value("workers(w).iterations") > before, topology, type, "it stands still");
	for (unsigned int i = 0; i < workers; i++)
		expect(typed_value("task(worker(w,%u))->se.sum_exec_runtime", i) > 0, topology, type,
		       "a worker never ran");
	runs("cgroup remove w");
	expect(typed_value("cgroup(\"@runner\")->nr_descendants") == groups, topology, type, "cgroups are left");
	expect(typed_value("cgroup(\"@runner\")->subtree_control") == 0, topology, type, "controllers are left");
}

static void check_topology(const char *name)
{
	struct options options;

	typed_options(&options);
	expect_ok(topology_parse(name, &options.topology));
	typed_boot(&options);
	for (unsigned int i = 0; work_type_name(i); i++)
		check_type(&wire_work_types[i], name);
	session_destroy(session);
	session = NULL;
}

static void test_all(void **state)
{
	const char *wanted = getenv("KTDBG_WORK_TOPOLOGIES");
	char *names = strdup(wanted ? wanted : TOPOLOGIES), *save;

	(void)state;
	assert_non_null(names);
	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save))
		check_topology(name);
	free(names);
	assert_int_equal(failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
