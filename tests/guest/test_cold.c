/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cold operations on a running kernel: what is written reads back, what must not be written is not.
 */
#include "tests/guest/boot.h"

#include "base/file.h"
#include "coord/agent.h"
#include "coord/cold.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdio.h>

#define MS 1000000ull
#define SECOND 1000000000ull
#define SEED "2592000000000000"

static struct cold *cold;
static bool has_ext;
static unsigned int forced; /* what a write to a task needs on a kernel without sched_ext */
static int sleeper, spinner, waiter; /* the latter two share a CPU: one runs, one waits */

/* A number of a task that may be written while it sleeps, with and without sched_ext. */
static const char *const slice_field = "se.slice";

static struct cold_op task_op(int pid, const char *field, const char *value, unsigned int flags)
{
	struct cold_op op = {.target = {.kind = TARGET_TASK, .pid = pid}, .flags = flags};

	snprintf(op.target.field, sizeof(op.target.field), "%s", field);
	if (value) {
		op.flags |= COLD_WRITE | forced;
		snprintf(op.value, sizeof(op.value), "%s", value);
	}
	return op;
}

static struct cold_op variable_op(enum target_kind kind, const char *name, const char *field,
				  unsigned int cpu, const char *value)
{
	struct cold_op op = {.target = {.kind = kind, .cpu = cpu}};

	snprintf(op.target.name, sizeof(op.target.name), "%s", name);
	snprintf(op.target.field, sizeof(op.target.field), "%s", field);
	if (value) {
		op.flags |= COLD_WRITE;
		snprintf(op.value, sizeof(op.value), "%s", value);
	}
	return op;
}

static uint64_t read_number(const struct cold_op *op)
{
	struct cold_reply reply;

	expect_ok(cold_run(cold, op, &reply));
	assert_int_equal(reply.value.kind, VALUE_NUMBER);
	return reply.value.number;
}

static uint64_t read_task(int pid, const char *field)
{
	struct cold_op op = task_op(pid, field, NULL, 0);

	return read_number(&op);
}

static int setup(void **state)
{
	struct kernel *k;

	(void)state;
	coord = guest_boot();
	cold = coord_cold(coord);
	expect_ok(coord_kernel(coord, &k));
	has_ext = kernel_info(k)->sched_ext;
	forced = has_ext ? 0 : COLD_FORCE_L5 | COLD_FORCE_L6;
	expect_ok(coord_run_until(coord, 2 * SECOND));
	if (has_ext)
		expect_ok(agent_sched_attach(coord_agent(coord), "vtime", 0, NULL));
	sleeper = guest_spawn(coord, "@runner", "workers=1 work=sleep comm=sleeper");
	spinner = guest_spawn(coord, "@runner", "workers=1 work=spin comm=spinner affinity=3");
	waiter = guest_spawn(coord, "@runner", "workers=1 work=spin comm=spinner affinity=3");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	coord_destroy(coord);
	return 0;
}

/* `work=sleep` wakes now and then: let time pass to a moment at which it sleeps. */
static struct err *is_asleep(void *context, bool *ret)
{
	(void)context;
	*ret = read_task(sleeper, "on_rq") == 0;
	return NULL;
}

static void wait_asleep(void)
{
	expect_ok(coord_run_until_test(coord, is_asleep, NULL, 100000, SECOND));
}

static void test_seed_of_a_sleeping_worker(void **state)
{
	struct cold_op op = task_op(sleeper, "scx.dsq_vtime", SEED, 0);
	struct cold_reply reply;

	(void)state;
	if (!has_ext)
		skip();
	wait_asleep();
	expect_ok(cold_run(cold, &op, &reply));
	assert_string_equal(reply.type, "u64");
	assert_string_equal(reply.text, SEED);
	assert_true(reply.is_write);
	assert_false(reply.queued);
	assert_string_equal(reply.note, "L7: policy is SCHED_NORMAL");
	assert_true(read_task(sleeper, "scx.dsq_vtime") == strtoull(SEED, NULL, 10));
	expect_ok(coord_run_until(coord, coord_time(coord) + 500 * MS));
	assert_true(read_task(sleeper, "scx.dsq_vtime") >= strtoull(SEED, NULL, 10));
}

/* Both spinners are runnable; say which of them runs. */
static void find_waiter(void)
{
	expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
	if (read_task(waiter, "on_cpu")) {
		int runs = waiter;

		waiter = spinner;
		spinner = runs;
	}
}

static void test_running_task_is_refused(void **state)
{
	struct cold_op op, read;
	struct cold_reply reply;
	uint64_t before;

	(void)state;
	if (!has_ext)
		skip();
	find_waiter();
	op = task_op(spinner, "scx.dsq_vtime", SEED, 0);
	read = task_op(spinner, "scx.dsq_vtime", NULL, 0);
	before = read_number(&read);
	expect_err(cold_run(cold, &op, &reply), ERR_REFUSED,
		   "L4: on_rq is 1: the task is on a run queue");
	op = task_op(waiter, "scx.dsq_vtime", SEED, COLD_FORCE_L4);
	expect_err_with(cold_run(cold, &op, &reply), ERR_REFUSED, "L5: scx.");
	assert_true(read_number(&read) == before);
	expect_ok(cold_run(cold, &read, &reply));
	assert_true(reply.queued);
	assert_string_equal(reply.note, "queued");
	/* A task of another class: the agent itself is SCHED_FIFO. */
	op = task_op(1, "scx.dsq_vtime", SEED, COLD_FORCE_L4 | COLD_FORCE_L5);
	expect_err(cold_run(cold, &op, &reply), ERR_REFUSED,
		   "L6: sched_class is rt_sched_class: not ext_sched_class");
}

static void test_writes_without_sched_ext(void **state)
{
	struct cold_op op = task_op(sleeper, "se.slice", "3ms", 0);
	struct cold_reply reply;

	(void)state;
	if (has_ext)
		skip();
	wait_asleep();
	op.flags &= ~forced;
	expect_err(cold_run(cold, &op, &reply), ERR_ABSENT, "L5: this kernel has no sched_ext");
	op.flags |= COLD_FORCE_L5;
	expect_err(cold_run(cold, &op, &reply), ERR_ABSENT, "L6: this kernel has no sched_ext");
	op.flags |= COLD_FORCE_L6;
	expect_ok(cold_run(cold, &op, &reply));
	assert_string_equal(reply.note, "forced");
}

static void test_identity(void **state)
{
	struct cold_op op = task_op(sleeper, "pid", NULL, 0);
	struct cold_reply reply;
	uint64_t start = read_task(sleeper, "start_time");

	(void)state;
	op.target.start_ns = start - start % (10 * MS);
	expect_ok(cold_run(cold, &op, &reply));
	op.target.start_ns = start + 1;
	expect_err_with(cold_run(cold, &op, &reply), ERR_REFUSED, "L2: start_time is ");
	op = task_op(99999, "pid", NULL, 0);
	expect_err(cold_run(cold, &op, &reply), ERR_NOT_FOUND, "L1: no task has pid 99999");
}

static void test_dry_run_touches_nothing(void **state)
{
	struct cold_op op = task_op(sleeper, slice_field, "7ms", COLD_DRY_RUN);
	struct cold_reply reply;
	unsigned int before, after;
	uint64_t slice;

	(void)state;
	wait_asleep();
	slice = read_task(sleeper, slice_field);
	cold_changes(cold, &before);
	expect_ok(cold_run(cold, &op, &reply));
	assert_true(reply.dry_run);
	assert_int_equal(reply.value.number, 7 * MS);
	assert_true(read_task(sleeper, slice_field) == slice);
	cold_changes(cold, &after);
	assert_int_equal(before, after);
	op = task_op(spinner, slice_field, "7ms", COLD_DRY_RUN);
	expect_err_with(cold_run(cold, &op, &reply), ERR_REFUSED, "L4: ");
}

static void test_batch_is_all_or_nothing(void **state)
{
	struct cold_op ops[] = {
		task_op(sleeper, slice_field, "11ms", 0),
		task_op(sleeper, slice_field, NULL, 0),
		task_op(sleeper, "comm", "renamed", 0),
		task_op(spinner, slice_field, "13ms", 0),
	};
	struct cold_reply replies[4];
	unsigned int before, after, undone = 0;
	uint64_t slice;

	(void)state;
	wait_asleep();
	slice = read_task(sleeper, slice_field);
	cold_changes(cold, &before);
	expect_err(cold_batch(cold, ops, 4, replies), ERR_REFUSED,
		   "entry 4: L4: on_rq is 1: the task is on a run queue");
	assert_true(read_task(sleeper, slice_field) == slice);
	cold_changes(cold, &after);
	assert_int_equal(after, before);
	expect_ok(cold_batch(cold, ops, 3, replies));
	assert_int_equal(replies[1].value.number, 11 * MS);
	assert_string_equal(replies[2].value.string, "renamed");
	cold_changes(cold, &after);
	assert_int_equal(after, before + 2);
	expect_ok(cold_undo(cold, &undone));
	assert_int_equal(undone, 2);
	assert_true(read_task(sleeper, slice_field) == slice);
	assert_true(cold_changes(cold, &after)[before].undone);
}

static void test_undo_ends_when_the_guest_runs(void **state)
{
	struct cold_op op = variable_op(TARGET_SYMBOL, "panic_timeout", "", 0, "17");
	struct cold_reply reply;
	unsigned int undone = 0;

	(void)state;
	expect_ok(cold_run(cold, &op, &reply));
	expect_ok(coord_run_until(coord, coord_time(coord) + 1 * MS));
	expect_err(cold_undo(cold, &undone), ERR_REFUSED, "the guest has run since the last write");
	op.flags &= ~(unsigned int)COLD_WRITE;
	assert_int_equal(read_number(&op), 17);
}

static void test_what_the_kernel_makes_of_it(void **state)
{
	struct cold_op op = task_op(sleeper, "comm", "christened", 0);
	struct cold_reply reply;
	struct str text = {0};
	char path[64];

	(void)state;
	wait_asleep();
	expect_ok(cold_run(cold, &op, &reply));
	snprintf(path, sizeof(path), "/proc/%d/comm", sleeper);
	expect_ok(agent_cat(coord_agent(coord), path, &text));
	assert_string_equal(text.data, "christened\n");
	str_deinit(&text);
	op = variable_op(TARGET_SYMBOL, "panic_timeout", "", 0, "-3");
	expect_ok(cold_run(cold, &op, &reply));
	expect_ok(agent_cat(coord_agent(coord), "/proc/sys/kernel/panic", &text));
	assert_string_equal(text.data, "-3\n");
	str_deinit(&text);
}

static void test_percpu_and_addresses(void **state)
{
	struct cold_op op = variable_op(TARGET_PERCPU, "runqueues", "curr->pid", 3, NULL);
	const struct model *m;
	struct cold_reply reply;
	uint64_t rq, phys;
	struct kernel *k;

	(void)state;
	assert_in_set(read_number(&op), ((LargestIntegralType[]){spinner, waiter}), 2);
	op = variable_op(TARGET_PERCPU, "runqueues", "nr_running", 3, NULL);
	assert_true(read_number(&op) >= 2);
	op = variable_op(TARGET_PERCPU, "runqueues", "nr_running", 4, NULL);
	expect_err_with(cold_run(cold, &op, &reply), ERR_NOT_FOUND, "4");
	op = variable_op(TARGET_PERCPU, "runqueues", "nr_running", 3, "9");
	expect_err(cold_run(cold, &op, &reply), ERR_REFUSED,
		   "struct rq.nr_running is a run-queue count: not written without --force FIELD");
	/* The same word by its virtual and by its physical address. */
	expect_ok(coord_kernel(coord, &k));
	expect_ok(coord_model(coord, &m));
	rq = m->cpus[3].rq;
	expect_ok(kernel_translate(k, rq, &phys));
	op = (struct cold_op){.target = {.kind = TARGET_KVA, .address = rq},
			      .width = {WIDTH_UNSIGNED, 8}};
	expect_ok(cold_run(cold, &op, &reply));
	op.target = (struct target){.kind = TARGET_DIRECT, .address = phys};
	assert_true(read_number(&op) == reply.value.number);
	op.target = (struct target){.kind = TARGET_DIRECT, .address = 1ull << 40};
	expect_err_with(cold_run(cold, &op, &reply), ERR_FAULT, "bad address 0x");
	op.target = (struct target){.kind = TARGET_KVA, .address = 0xffff800000000000 - 8};
	expect_err_with(cold_run(cold, &op, &reply), ERR_FAULT, "bad address 0x");
}

static void test_hot_needs_no_freeze(void **state)
{
	struct cold_op op = variable_op(TARGET_SYMBOL, "jiffies_64", "", 0, NULL);
	struct cold_reply reply;

	(void)state;
	op.flags |= COLD_HOT;
	expect_ok(cold_run(cold, &op, &reply));
	assert_true(reply.hot);
	assert_string_equal(reply.note, "hot");
	op = task_op(sleeper, "comm", NULL, COLD_HOT);
	expect_err(cold_run(cold, &op, &reply), ERR_REFUSED,
		   "char [16] cannot be hot: not one word of 1, 2, 4 or 8 bytes");
}

static void test_replies_are_drained_in_order(void **state)
{
	struct cold_op op = task_op(sleeper, "pid", NULL, 0);
	struct cold_reply reply;

	(void)state;
	while (cold_replies_next(cold, &reply))
		;
	strcpy(op.tag, "first");
	expect_ok(cold_run(cold, &op, &reply));
	strcpy(op.tag, "second");
	strcpy(op.target.field, "tgid");
	expect_ok(cold_run(cold, &op, &reply));
	assert_true(cold_replies_next(cold, &reply));
	assert_string_equal(reply.tag, "first");
	assert_true(cold_replies_next(cold, &reply));
	assert_string_equal(reply.tag, "second");
	assert_int_equal(reply.value.number, sleeper);
	assert_false(cold_replies_next(cold, &reply));
	assert_true(cold_find_tag(cold, "first", &reply));
	assert_int_equal(reply.value.number, sleeper);
	assert_false(cold_find_tag(cold, "third", &reply));
}

static void test_reads_are_quick(void **state)
{
	struct cold_op op = task_op(sleeper, "se.vruntime", NULL, 0);
	struct cold_reply reply;
	uint64_t start = host_now(), took;

	(void)state;
	for (int i = 0; i < 1000; i++)
		expect_ok(cold_run(cold, &op, &reply));
	took = (host_now() - start) / 1000;
	print_message("a cold read, validated, replied to and logged: %" PRIu64 " ns\n", took);
	assert_true(took < 100000);
}

/* Each test in one window: time passes where the test says so, under both clocks. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WINDOW(test_running_task_is_refused),
		IN_WINDOW(test_seed_of_a_sleeping_worker),
		IN_WINDOW(test_writes_without_sched_ext),
		IN_WINDOW(test_identity),
		IN_WINDOW(test_dry_run_touches_nothing),
		IN_WINDOW(test_batch_is_all_or_nothing),
		IN_WINDOW(test_undo_ends_when_the_guest_runs),
		IN_WINDOW(test_what_the_kernel_makes_of_it),
		IN_WINDOW(test_percpu_and_addresses),
		IN_WINDOW(test_hot_needs_no_freeze),
		IN_WINDOW(test_replies_are_drained_in_order),
		IN_WINDOW(test_reads_are_quick),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
