/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bundled schedulers, each on this kernel: the good ones share the CPUs, the broken one goes wrong in
 * the way of its mode. What is true is asked of guest memory, not of who attached them.
 */
#include "tests/guest/typed.h"

#include "coord/agent.h"
#include "coord/model.h"
#include "guest/wire_sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

static struct agent *agent(void)
{
	return coord_agent(session_coord(session));
}

static struct agent_worker worker(unsigned int index)
{
	struct agent_worker w;

	expect_ok(agent_worker(agent(), "@runner", index, &w));
	return w;
}

static void pass(const char *duration)
{
	char line[64];

	snprintf(line, sizeof(line), "run %s", duration);
	runs(line);
	runs("thaw");
}

/* Of workers 0 to count - 1: how many have done nothing since they were made. */
static unsigned int stuck(unsigned int count)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++)
		n += worker(i).iterations == 0;
	return n;
}

static const struct model_scx *scx(void)
{
	const struct model *model;

	expect_ok(coord_model(session_coord(session), &model));
	return &model->scx;
}

static void attach(const char *words)
{
	char line[64], wanted[64];

	snprintf(line, sizeof(line), "sched attach %s", words);
	snprintf(wanted, sizeof(wanted), "%s attached\n", words);
	prints(line, wanted);
	assert_string_equal(scx()->state, "enabled");
	wanted[strcspn(wanted, " ")] = '\0';
	assert_string_equal(scx()->ops, wanted);
}

/* Whatever a test left behind. */
static int clean_up(void **state)
{
	struct str text = {0};

	(void)state;
	err_free(typed_execute("thaw", OUT_TEXT, &text));
	runs("cgroup stop @runner");
	err_free(typed_execute("sched detach", OUT_TEXT, &text));
	str_deinit(&text);
	assert_string_equal(scx()->state, "disabled");
	return 0;
}

/* Six spinning tasks on four CPUs: 400 ms of CPU time in 100 ms, and nobody without his part. */
static void shares(const struct wire_sched *sched)
{
	uint64_t before[6], sum = 0;

	attach(sched->name);
	free(output("spawn @runner workers=6 work=spin"));
	pass("150ms");
	for (unsigned int i = 0; i < 6; i++)
		before[i] = worker(i).cpu_time;
	pass("300ms");
	for (unsigned int i = 0; i < 6; i++) {
		uint64_t got = worker(i).cpu_time - before[i];

		assert_in_range(got, 100 * MS, 300 * MS);
		sum += got;
	}
	assert_in_range(sum, 1100 * MS, 1200 * MS);
	runs("cgroup stop @runner");
	prints("sched detach", "detached\n");
	assert_string_equal(scx()->state, "disabled");
}

static void test_the_good_ones(void **state)
{
	(void)state;
	for (const struct wire_sched *s = wire_schedulers; s->name; s++)
		if (!s->modes)
			shares(s);
}

static void test_strand(void **state)
{
	(void)state;
	attach("broken strand");
	free(output("spawn @runner workers=2 work=spin"));
	pass("200ms");
	assert_int_equal(stuck(2), 2);
	prints("print task(worker(@runner,1)).on_rq", "1\n");
}

static void test_affinity(void **state)
{
	(void)state;
	attach("broken affinity");
	free(output("spawn @runner workers=1 work=spin affinity=0-2"));
	free(output("spawn @runner workers=1 work=spin"));
	pass("100ms");
	assert_int_equal(worker(0).iterations, 0);
	assert_true(worker(1).iterations > 0);
}

/* It waits for a CPU that idles and does not know. */
static void test_no_kick(void **state)
{
	(void)state;
	attach("broken no-kick");
	free(output("spawn @runner workers=4 work=sleep(100us)"));
	pass("1s");
	prints("print workers(@runner).max_gap > 100ms", "1\n");
}

static void test_starve(void **state)
{
	(void)state;
	attach("broken starve");
	free(output("spawn @runner workers=6 work=spin"));
	pass("300ms");
	assert_int_equal(worker(0).iterations, 0);
	assert_int_equal(stuck(6), 1);
}

static void test_wrong_cpu(void **state)
{
	(void)state;
	attach("broken wrong-cpu");
	free(output("spawn @runner workers=1 work=spin"));
	pass("200ms");
	assert_string_equal(scx()->state, "disabled");
	assert_true(worker(0).iterations > 0); /* under the fair class */
	prints_with("sched status", "last_end      status 1\n");
	prints_with("console 20", "invalid CPU");
}

static void test_init_task(void **state)
{
	(void)state;
	fails("sched attach broken init-task", ERR_REFUSED, "init_task() failed (-12) for");
	assert_string_equal(scx()->state, "disabled");
}

/* The loop ends when its variable says so. */
static void test_loop(void **state)
{
	(void)state;
	attach("broken loop");
	free(output("spawn @runner workers=6 work=spin"));
	pass("60ms");
	assert_true(stuck(6) > 0);
	free(output("bpf set .data.looping 0"));
	pass("200ms");
	assert_int_equal(stuck(6), 0);
}

static void test_keep_last(void **state)
{
	(void)state;
	attach("broken keep-last");
	free(output("spawn @runner workers=6 work=spin"));
	pass("300ms");
	assert_int_equal(stuck(6), 2);
}

static void test_replace(void **state)
{
	uint64_t sequence;
	struct agent_health health;

	(void)state;
	attach("vtime");
	sequence = scx()->enable_seq.value;
	prints_with("sched replace percpu", "percpu attached\nvtime was detached ");
	assert_string_equal(scx()->ops, "percpu");
	if (scx()->enable_seq.present)
		assert_int_equal(scx()->enable_seq.value, sequence + 1);
	agent_health(agent(), &health);
	assert_string_equal(health.scheduler, "percpu");
	assert_false(health.scheduler_change);
	/* What cannot be is told before the old one ends. */
	fails("sched replace nosuch", ERR_NOT_FOUND, "no scheduler nosuch; there is ");
	fails("sched replace broken", ERR_USAGE, "broken needs a mode: strand");
	assert_string_equal(scx()->ops, "percpu");
	fails("sched restart", ERR_REFUSED, "no scheduler was chosen for the boot");
	fails("sched attach broken init-task", ERR_REFUSED, "scheduler percpu (pid ");
}

/* A scheduler under which nothing runs can be replaced, and programs can be started. */
static void test_replace_of_a_hung_one(void **state)
{
	(void)state;
	attach("broken strand");
	free(output("spawn @runner workers=2 work=spin"));
	free(output("payload run /ktdbg/bin/sched-load"));
	pass("100ms");
	assert_int_equal(stuck(2), 2);
	prints_with("sched replace vtime", "broken was detached ");
	pass("200ms");
	assert_int_equal(stuck(2), 0);
	free(output("payload wait sched-load"));
}

static void test_pin(void **state)
{
	struct str text = {0};

	(void)state;
	attach("vtime");
	prints("bpf pin .bss", "vtime.bss pinned as /sys/fs/bpf/vtime_bss\n");
	fails("bpf pin .bss", ERR_REFUSED, "/sys/fs/bpf/vtime_bss: File exists");
	fails("bpf pin nosuch", ERR_NOT_FOUND, "nosuch");
	/* It is there, though a map cannot be read as a file; and this one is not. */
	expect_err_with(agent_cat(agent(), "/sys/fs/bpf/nosuch", &text), ERR_NOT_FOUND, "No such file");
	free(output("sched detach"));
	prints_with("bpf maps", "vtime.bss"); /* the pin keeps it */
}

static int start(void **state)
{
	struct kernel *kernel = NULL;
	int failed = typed_start(state);

	if (failed)
		return failed;
	expect_ok(session_kernel(session, &kernel));
	if (!kernel_info(kernel)->sched_ext) {
		printf("# skip: this kernel has no sched_ext\n");
		exit(77);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_the_good_ones, clean_up),
		cmocka_unit_test_teardown(test_strand, clean_up),
		cmocka_unit_test_teardown(test_affinity, clean_up),
		cmocka_unit_test_teardown(test_no_kick, clean_up),
		cmocka_unit_test_teardown(test_starve, clean_up),
		cmocka_unit_test_teardown(test_wrong_cpu, clean_up),
		cmocka_unit_test_teardown(test_init_task, clean_up),
		cmocka_unit_test_teardown(test_loop, clean_up),
		cmocka_unit_test_teardown(test_keep_last, clean_up),
		cmocka_unit_test_teardown(test_replace, clean_up),
		cmocka_unit_test_teardown(test_replace_of_a_hung_one, clean_up),
		cmocka_unit_test_teardown(test_pin, clean_up),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
