/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that do their worst: what happens is reported, no result is lost, and nothing waits for ever.
 * After each of them the agent works as before.
 */
#include "tests/guest/typed.h"

#include <stdlib.h>
#include <string.h>

static void expect_well(void)
{
	runs("cgroup add after work=spin");
	runs("run 20ms");
	runs("thaw");
	prints("expect workers(after).iterations > 5", "");
	runs("cgroup remove after");
	prints("cgroup list", "");
}

/* Process 1 takes neither from its own guest. */
static void test_signals_at_the_agent(void **state)
{
	(void)state;
	runs("payload run hostile kill-agent");
	prints("payload wait hostile", "hostile in @runner exited with 0\nstop 0, kill 0\n");
	expect_well();
}

/* As long as it is kept from running, it is said, and looking goes on. */
static void test_hog_above_the_agent(void **state)
{
	(void)state;
	runs("payload run hostile hog 15");
	runs("run 300ms");
	runs("thaw");
	fails("cgroup add late", ERR_TIMEOUT,
	      "the agent did not answer within 10 s of guest time; inspection still works");
	prints_with("tasks where comm == \"hostile\" && policy == \"fifo\" columns rt_priority", "99");
	prints_with("status", "the agent has been silent for");
	prints("payload wait hostile timeout 60s", "hostile in @runner exited with 0\nhogged\n");
	prints("cgroup list", ""); /* what was given up is not done later */
	expect_well();
}

static void test_fork_bomb(void **state)
{
	char *text;

	(void)state;
	runs("cgroup add bomb pids.max=60");
	runs("payload run hostile bomb in bomb");
	runs("run 500ms");
	runs("thaw");
	prints("expect ((struct pids_cgroup *)cgroup(\"bomb\")->subsys[pids_cgrp_id])->counter.counter == 60", "");
	fails("spawn bomb workers=2", ERR_REFUSED, "worker 0 of 2: no more processes (pids.max)");
	runs("cgroup stop bomb");
	prints("payload wait hostile", "hostile in bomb was killed by signal 9\n");
	prints("cgroup procs bomb", "");
	runs("cgroup remove bomb");
	text = output("tasks where comm == \"hostile\" columns pid");
	assert_null(strpbrk(text, "0123456789"));
	free(text);
	expect_well();
}

/* Nothing of ours is in there, so everything goes on. */
static void test_full_tmp(void **state)
{
	(void)state;
	runs("payload run hostile fill /tmp");
	prints_with("payload wait hostile timeout 120s", "ENOSPC after ");
	expect_well();
	runs("spawn @runner workers=2 work=io-rand");
	runs("run 20ms");
	runs("thaw");
	prints("expect workers(@runner).iterations > 5", "");
	runs("cgroup stop @runner");
}

static void test_out_of_memory(void **state)
{
	(void)state;
	runs("cgroup add eater memory.max=16M workers=1 work=mixed");
	runs("payload run hostile eat in eater");
	prints("payload wait hostile as end", "hostile in eater was killed by signal 9\n");
	prints("expect $end == 137", "");
	prints_with("dmesg 50", "Memory cgroup out of memory");
	prints("expect workers(eater).count == 1", ""); /* the small one was spared */
	runs("cgroup remove eater");
	expect_well();
}

/* A worker that dies is counted, with what it did. */
static void test_dead_workers(void **state)
{
	(void)state;
	runs("cgroup add dead memory.max=8M workers=2 work=cache-pressure(bytes=100M)");
	runs("run 2s");
	runs("thaw");
	prints("expect workers(dead).ended >= 1", "");
	prints_with("workers dead columns index,state,exit_status", "ended            9");
	runs("cgroup remove dead");
	expect_well();
}

/* As many as there are slots; one more is refused; all go, and come again. */
static void test_thousand_workers(void **state)
{
	(void)state;
	runs("cgroup add many weight=100");
	for (unsigned int round = 0; round < 2; round++) {
		runs("spawn many workers=1000 work=sequence(spin:1ms,sleep:500ms)");
		runs("run 2s");
		runs("thaw");
		prints("expect workers(many).count == 1000 && workers(many).iterations > 1000", "");
		prints("cgroups where name == \"many\" columns tasks", "tasks\n 1000\n");
		fails("spawn @runner workers=25", ERR_REFUSED, "25 workers wanted, 24 slots left of 1024");
		runs("cgroup stop many");
		prints("cgroups where name == \"many\" columns tasks", "tasks\n    0\n");
	}
	runs("cgroup remove many");
	expect_well();
}

static int start(void **state)
{
	(void)state;
	typed_boot_with("1n1l4c1t", "hostile");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_at_the_agent), cmocka_unit_test(test_fork_bomb),
		cmocka_unit_test(test_full_tmp),	     cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_dead_workers),	     cmocka_unit_test(test_thousand_workers),
		cmocka_unit_test(test_hog_above_the_agent),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
