/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a target to a place: field paths, the pid table, the validation chain, the refusal list. */
#include "tests/unit/coord/fake_kernel.h"

#include "coord/cold.h"
#include "coord/path.h"
#include "coord/refuse.h"
#include "coord/tasks.h"
#include "coord/validate.h"

#define TASK (KERNEL_BASE + 0x2000)
#define RQ (KERNEL_BASE + 0x3000)
#define CLASSES (KERNEL_BASE + 0x4000)
#define NS (KERNEL_BASE + 0x5000)
#define NODE (KERNEL_BASE + 0x6000)
#define PID (KERNEL_BASE + 0x7000)
#define DSQ (KERNEL_BASE + 0x8000)

/* A sleeping task of the ext class, pid 77, in a pid table of one node. */
static int setup(void **state)
{
	struct kernel *k = fake_kernel();

	fake_put(k, TASK + TASK_STATE, 1, 4);
	fake_put(k, TASK + TASK_PID, 77, 4);
	fake_put(k, TASK + TASK_START, 5000000000, 8);
	fake_put(k, TASK + TASK_BOOT, 5000000000, 8);
	fake_put(k, TASK + TASK_CLASS, CLASSES + 8, 8);
	fake_list(k, TASK + TASK_SCX + SCX_RUNNABLE);
	fake_put(k, RQ + RQ_CURR, TASK, 8);
	fake_put(k, NS + NS_HEAD, NODE + 2, 8);
	fake_put(k, NODE + NODE_SHIFT, 6, 1);
	fake_put(k, NODE + NODE_SLOTS + 1 * 8, NODE + 0x400 + 2, 8);
	fake_put(k, NODE + 0x400 + NODE_SLOTS + 13 * 8, PID, 8);
	fake_put(k, PID, TASK + TASK_PID_LINKS, 8);
	fake_symbol(k, "init_pid_ns", NS);
	fake_symbol(k, "fair_sched_class", CLASSES);
	fake_symbol(k, "ext_sched_class", CLASSES + 8);
	fake_symbol(k, "_stext", KERNEL_BASE + 0xf0000);
	fake_symbol(k, "_etext", KERNEL_BASE + 0xf8000);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	fake_kernel_free(*state);
	return 0;
}

static struct err *resolve(struct kernel *k, const char *type, uint64_t address, const char *path,
			   struct place *ret)
{
	uint32_t id;

	expect_ok(types_parse(k->types, type, &id));
	return path_resolve(k, id, address, path, ret);
}

static void test_paths(void **state)
{
	struct kernel *k = *state;
	struct place p;

	expect_ok(resolve(k, "struct task_struct", TASK, "se.vruntime", &p));
	assert_true(p.address == TASK + TASK_SE + SE_VRUNTIME);
	expect_ok(resolve(k, "struct task_struct", TASK, "pid", &p));
	assert_true(p.address == TASK + TASK_PID);
	expect_ok(resolve(k, "struct task_struct", TASK, "comm[3]", &p));
	assert_true(p.address == TASK + TASK_COMM + 3);
	expect_ok(resolve(k, "struct rq", RQ, "curr->se.run_node.rb_left", &p));
	assert_true(p.address == TASK + TASK_SE + 16);
	expect_ok(resolve(k, "struct rq", RQ, "curr.pid_links[1].next", &p));
	assert_true(p.address == TASK + TASK_PID_LINKS + 8);
	expect_ok(resolve(k, "struct rq", RQ, "", &p));
	assert_true(p.address == RQ);
	expect_ok(resolve(k, "struct task_struct", TASK, "level", &p));
	assert_true(p.address == TASK + TASK_BITS);
	assert_int_equal(p.bit_offset, 6);
	assert_int_equal(p.bit_size, 5);
}

static void test_bad_paths(void **state)
{
	struct kernel *k = *state;
	struct place p;

	expect_err_with(resolve(k, "struct task_struct", TASK, "se.vruntim", &p), ERR_ABSENT,
			"near: vruntime");
	expect_err(resolve(k, "struct task_struct", TASK, "comm[16]", &p), ERR_NOT_FOUND,
		   "field path 'comm[16]': index 16 of 'comm' is past its 16 elements");
	expect_err(resolve(k, "struct rq", RQ, "idle->pid", &p), ERR_FAULT,
		   "idle->: bad address 0x0");
	expect_err(resolve(k, "struct task_struct", TASK, "pid.x", &p), ERR_USAGE,
		   "field path 'pid.x': int has no members, so no x");
	expect_err(resolve(k, "struct task_struct", TASK, "se..x", &p), ERR_USAGE,
		   "field path 'se..x': a member name is expected at '.x'");
	expect_err(resolve(k, "struct task_struct", TASK, "comm[x]", &p), ERR_USAGE,
		   "field path 'comm[x]': an index is expected at 'x]'");
	expect_err(resolve(k, "struct task_struct", TASK, "comm[1", &p), ERR_USAGE,
		   "field path 'comm[1': an index and ']' are expected at '1'");
	expect_err(resolve(k, "struct task_struct", TASK, "pid+1", &p), ERR_USAGE,
		   "field path 'pid+1': '.', '->' or '[' is expected at '+1'");
	fake_put(k, RQ + RQ_CURR, KERNEL_BASE + HOLE, 8);
	expect_err(resolve(k, "struct rq", RQ, "curr->signal->thread_head", &p), ERR_FAULT,
		   "curr->signal->: bad address 0xffff888000080048");
}

static void test_pid_table(void **state)
{
	struct kernel *k = *state;
	struct task_finder f;
	uint64_t task;

	expect_ok(task_finder_init(k, &f));
	expect_ok(task_find(k, &f, 77, &task));
	assert_true(task == TASK);
	expect_err(task_find(k, &f, 78, &task), ERR_NOT_FOUND, "no task has pid 78");
	expect_err(task_find(k, &f, 4096 + 77, &task), ERR_NOT_FOUND, "no task has pid 4173");
	expect_err(task_find(k, &f, 0, &task), ERR_NOT_FOUND, "no task has pid 0");
	expect_err(task_find(k, &f, -5, &task), ERR_NOT_FOUND, "no task has pid -5");
	/* The pid is held, its task gone. */
	fake_put(k, PID, 0, 8);
	expect_err(task_find(k, &f, 77, &task), ERR_NOT_FOUND, "no task has pid 77");
	fake_put(k, PID, TASK + TASK_PID_LINKS, 8);
	fake_put(k, TASK + TASK_PID, 76, 4);
	expect_err(task_find(k, &f, 77, &task), ERR_BAD_DATA, "pid 77 leads to a task with pid 76");
	/* A node that is its own child: its shift does not shrink. */
	fake_put(k, NODE + NODE_SLOTS + 1 * 8, NODE + 2, 8);
	expect_err(task_find(k, &f, 77, &task), ERR_BAD_DATA,
		   "init_pid_ns.idr holds 0xffff888000006002");
	fake_put(k, NODE + NODE_SLOTS + 1 * 8, KERNEL_BASE + HOLE + 2, 8);
	expect_err(task_find(k, &f, 77, &task), ERR_FAULT, "bad address 0xffff888000080000");
}

static struct err *validate(struct kernel *k, uint64_t start, unsigned int flags,
			    struct validate_result *ret)
{
	struct validate_request request = {
		.task = TASK, .pid = 77, .start_ns = start, .flags = flags};
	struct validate_layout l;

	validate_layout_init(k, &l);
	return validate_task(k, &l, &request, ret);
}

static void test_identity_layers_hold_for_reads(void **state)
{
	struct kernel *k = *state;
	struct validate_result r;

	expect_ok(validate(k, 5000000000, 0, &r));
	expect_ok(validate(k, 4990000001, 0, &r));
	expect_err(validate(k, 4990000000, 0, &r), ERR_REFUSED,
		   "L2: start_time is 5000000000: not in [4990000000, 5000000000)");
	expect_err(validate(k, 5000000001, 0, &r), ERR_REFUSED,
		   "L2: start_time is 5000000000: not in [5000000001, 5010000001)");
	fake_put(k, TASK + TASK_BOOT, 0, 8);
	expect_err(validate(k, 0, 0, &r), ERR_REFUSED,
		   "L8: start_boottime is 0: the task is not fully made");
	expect_ok(validate(k, 0, COLD_FORCE_L8, &r));
	assert_true(r.forced);
	fake_put(k, TASK + TASK_STATE, 0x80, 4);
	expect_err(validate(k, 0, COLD_FORCE_L4 | COLD_FORCE_L8, &r), ERR_REFUSED,
		   "L3: __state is 0x80: the task is dead (TASK_DEAD)");
	fake_put(k, TASK + TASK_PID, 78, 4);
	expect_err(validate(k, 0, 0, &r), ERR_REFUSED, "L1: pid is 78: not 77");
}

static void test_write_layers_in_order(void **state)
{
	struct kernel *k = *state;
	struct validate_result r;

	expect_ok(validate(k, 0, COLD_WRITE, &r));
	assert_false(r.queued);
	assert_false(r.forced);
	assert_string_equal(r.note, "L7: policy is SCHED_NORMAL");
	fake_put(k, TASK + TASK_POLICY, 7, 4);
	expect_ok(validate(k, 0, COLD_WRITE, &r));
	assert_string_equal(r.note, "");
	fake_put(k, TASK + TASK_CLASS, CLASSES, 8);
	expect_err(validate(k, 0, COLD_WRITE, &r), ERR_REFUSED,
		   "L6: sched_class is fair_sched_class: not ext_sched_class");
	fake_put(k, TASK + TASK_SCX + SCX_RUNNABLE, DSQ, 8);
	expect_err(validate(k, 0, COLD_WRITE, &r), ERR_REFUSED,
		   "L5: scx.runnable_node is not empty (next 0xffff888000008000): the task is "
		   "runnable");
	fake_put(k, TASK + TASK_SCX + SCX_DSQ, DSQ, 8);
	expect_err(validate(k, 0, COLD_WRITE, &r), ERR_REFUSED,
		   "L5: scx.dsq is 0xffff888000008000: the task is on a dispatch queue");
	fake_put(k, TASK + TASK_ON_RQ, 2, 1);
	expect_err(validate(k, 0, COLD_WRITE, &r), ERR_REFUSED,
		   "L4: on_rq is 2: the task is on a run queue");
	expect_err_with(validate(k, 0, COLD_WRITE | COLD_FORCE_L4, &r), ERR_REFUSED, "L5: scx.dsq");
	expect_err_with(validate(k, 0, COLD_WRITE | COLD_FORCE_L4 | COLD_FORCE_L5, &r), ERR_REFUSED,
			"L6: ");
	expect_ok(validate(k, 0, COLD_WRITE | COLD_FORCE_L4 | COLD_FORCE_L5 | COLD_FORCE_L6, &r));
	assert_true(r.forced);
	assert_true(r.queued);
	/* Reading is safe, and told. */
	expect_ok(validate(k, 0, 0, &r));
	assert_true(r.queued);
	assert_false(r.forced);
	assert_string_equal(r.note, "");
}

static void test_without_sched_ext(void **state)
{
	struct kernel *k = *state;
	struct validate_result r;

	k->info.sched_ext = false;
	expect_err(validate(k, 0, COLD_WRITE, &r), ERR_ABSENT, "L5: this kernel has no sched_ext");
	expect_err(validate(k, 0, COLD_WRITE | COLD_FORCE_L5, &r), ERR_ABSENT,
		   "L6: this kernel has no sched_ext");
	expect_ok(validate(k, 0, COLD_WRITE | COLD_FORCE_L5 | COLD_FORCE_L6, &r));
	expect_ok(validate(k, 0, 0, &r));
}

static void expect_reason(struct kernel *k, const char *type, uint64_t address, const char *path,
			  const char *reason)
{
	char text[REFUSAL_TEXT];
	struct place p;

	expect_ok(resolve(k, type, address, path, &p));
	expect_ok(refuse_reason(k, &p, text));
	assert_string_equal(text, reason);
}

static void test_refusals(void **state)
{
	struct kernel *k = *state;

	expect_reason(k, "struct rq", RQ, "nr_running",
		      "struct rq.nr_running is a run-queue count");
	expect_reason(k, "struct rq", RQ, "cfs.h_nr_queued",
		      "struct cfs_rq.h_nr_queued is a run-queue count");
	expect_reason(k, "struct rq", RQ, "__lock.val", "struct rq.__lock is a lock");
	expect_reason(k, "struct task_struct", TASK, "tasks.next",
		      "struct task_struct.tasks links a list");
	expect_reason(k, "struct task_struct", TASK, "pid_links[1]",
		      "struct task_struct.pid_links links a list");
	expect_reason(k, "struct task_struct", TASK, "se.run_node.rb_left",
		      "struct sched_entity.run_node links a tree");
	expect_reason(k, "struct task_struct", TASK, "se.avg.util_avg",
		      "struct sched_avg.util_avg is a load average");
	expect_reason(k, "struct task_struct", TASK, "on_rq",
		      "struct task_struct.on_rq says whether the task is queued");
	expect_reason(k, "struct list_head", TASK + TASK_TASKS, "", "it links a list");
	/* What a pointer on the way is a member of does not matter. */
	expect_reason(k, "struct rq", RQ, "curr->policy", "");
	expect_reason(k, "struct rq", RQ, "curr->se.my_q", "");
	expect_reason(k, "struct task_struct", TASK, "scx.dsq_vtime", "");
	expect_reason(k, "struct task_struct", TASK, "comm", "");
	expect_reason(k, "struct task_struct", KERNEL_BASE + 0xf1000, "comm",
		      "0xffff8880000f1020 is kernel text");
}

static void test_sort_keys_only_while_queued(void **state)
{
	struct kernel *k = *state;
	uint64_t node = TASK + TASK_SCX + SCX_PRIQ;

	expect_reason(k, "struct task_struct", TASK, "se.vruntime", "");
	fake_put(k, TASK + TASK_SE + SE_ON_RQ, 1, 4);
	expect_reason(k, "struct task_struct", TASK, "se.vruntime",
		      "struct sched_entity.vruntime is the sort key of a queued entity");
	expect_reason(k, "struct rq", RQ, "curr->se.vruntime",
		      "struct sched_entity.vruntime is the sort key of a queued entity");
	/* RB_CLEAR_NODE, then a parent. */
	fake_put(k, node, node, 8);
	expect_reason(k, "struct task_struct", TASK, "scx.dsq_vtime", "");
	fake_put(k, node, DSQ | 1, 8);
	expect_reason(k, "struct task_struct", TASK, "scx.dsq_vtime",
		      "struct sched_ext_entity.dsq_vtime is the sort key of a queued entity");
}

static void test_force_parse(void **state)
{
	unsigned int flags = COLD_WRITE;

	(void)state;
	expect_ok(cold_force_parse("L4,L6", &flags));
	assert_int_equal(flags, COLD_WRITE | COLD_FORCE_L4 | COLD_FORCE_L6);
	expect_ok(cold_force_parse("FIELD", &flags));
	assert_true(flags & COLD_FORCE_FIELD);
	flags = 0;
	expect_err(cold_force_parse("L4,L2", &flags), ERR_REFUSED, "--force: L2 cannot be skipped");
	expect_err(cold_force_parse("L7", &flags), ERR_USAGE,
		   "--force: 'L7' is none of L4, L5, L6, L8, FIELD");
	expect_err(cold_force_parse("L45", &flags), ERR_USAGE,
		   "--force: 'L45' is none of L4, L5, L6, L8, FIELD");
	expect_err(cold_force_parse("", &flags), ERR_USAGE,
		   "--force: one or more of L4, L5, L6, L8, FIELD are expected");
	assert_int_equal(flags, 0);
}

static void test_target_format(void **state)
{
	struct target t = {.kind = TARGET_TASK, .pid = 12, .field = "se.vruntime"};
	char text[256];

	(void)state;
	target_format(&t, text, sizeof(text));
	assert_string_equal(text, "task 12 se.vruntime");
	t.start_ns = 99;
	target_format(&t, text, sizeof(text));
	assert_string_equal(text, "task 12@99 se.vruntime");
	t = (struct target){
		.kind = TARGET_PERCPU, .cpu = 3, .name = "runqueues", .field = "curr->pid"};
	target_format(&t, text, sizeof(text));
	assert_string_equal(text, "percpu runqueues.curr->pid cpu 3");
	t = (struct target){.kind = TARGET_SYMBOL, .name = "avenrun", .field = "[1]"};
	target_format(&t, text, sizeof(text));
	assert_string_equal(text, "symbol avenrun[1]");
	t = (struct target){.kind = TARGET_DIRECT, .address = 0x1000};
	target_format(&t, text, sizeof(text));
	assert_string_equal(text, "direct 0x1000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pid_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity_layers_hold_for_reads, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_write_layers_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_sched_ext, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sort_keys_only_while_queued, setup, teardown),
		cmocka_unit_test(test_force_parse),
		cmocka_unit_test(test_target_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
