/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model of a kernel whose links are as a test bends them. */
#include "tests/unit/coord/fake_kernel.h"

#include "coord/model_impl.h"

#define INIT (KERNEL_BASE + 0x10000)
#define IDLE(cpu) (KERNEL_BASE + 0x11000 + (cpu)*0x400)
#define RQ(cpu) (KERNEL_BASE + 0x20000 + (cpu)*0x1000)
#define TASK(i) (KERNEL_BASE + 0x30000 + (i)*0x400)
#define SIGNAL(i) (KERNEL_BASE + 0x50000 + (i)*0x40)
#define CLASSES (KERNEL_BASE + 0x60000)
#define GROUP (KERNEL_BASE + 0x61000)

#define BAD (KERNEL_BASE + HOLE + 0x100)

static void put_task(struct kernel *k, uint64_t task, int pid, int tgid, const char *comm)
{
	fake_put(k, task + TASK_PID, (uint64_t)pid, 4);
	fake_put(k, task + TASK_TGID, (uint64_t)tgid, 4);
	memcpy(k->memory + (task - KERNEL_BASE) + TASK_COMM, comm, strlen(comm));
	fake_put(k, task + TASK_CLASS, CLASSES, 8);
	fake_put(k, task + TASK_STATE, 1, 4);
}

/* A group of `threads` tasks at TASK(first), pids from 100 + first. */
static void put_group(struct kernel *k, unsigned int first, unsigned int threads)
{
	fake_list(k, SIGNAL(first) + SIGNAL_HEAD);
	for (unsigned int i = first; i < first + threads; i++) {
		put_task(k, TASK(i), (int)(100 + i), (int)(100 + first), "worker");
		fake_put(k, TASK(i) + TASK_SIGNAL, SIGNAL(first), 8);
		fake_list_add(k, SIGNAL(first) + SIGNAL_HEAD, TASK(i) + TASK_THREAD_NODE);
	}
	fake_list_add(k, INIT + TASK_TASKS, TASK(first) + TASK_TASKS);
}

/* Three processes, the second with three threads; CPU 0 runs one, CPU 1 idles. */
static int setup(void **state)
{
	struct kernel *k = fake_kernel();

	fake_symbol(k, "init_task", INIT);
	fake_symbol(k, "runqueues", RQ(0));
	fake_symbol(k, "fair_sched_class", CLASSES);
	k->info.sched_ext = false;
	put_task(k, INIT, 0, 0, "swapper/0");
	fake_list(k, INIT + TASK_TASKS);
	put_group(k, 0, 1);
	put_group(k, 1, 3);
	put_group(k, 4, 1);
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		put_task(k, IDLE(cpu), 0, 0, "swapper/n");
		fake_put(k, RQ(cpu) + RQ_IDLE, IDLE(cpu), 8);
		fake_put(k, RQ(cpu) + RQ_CURR, cpu ? IDLE(cpu) : TASK(2), 8);
		fake_put(k, RQ(cpu) + RQ_NR, cpu ? 0 : 3, 4);
	}
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	fake_kernel_free(*state);
	return 0;
}

static void expect_pids(const struct model *m, unsigned int count)
{
	assert_int_equal(m->task_count, count);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(m->tasks[i].pid, 100 + i);
}

static void test_all_tasks_and_cpus(void **state)
{
	struct model *m;

	expect_ok(model_create(*state, &m));
	assert_string_equal(m->damage, "");
	expect_pids(m, 5);
	assert_int_equal(m->tasks[3].tgid, 101);
	assert_int_equal(m->tasks[0].class, CLASS_FAIR);
	assert_int_equal(m->tasks[0].state, 'S');
	assert_false(m->tasks[0].scx_slice.present);
	assert_int_equal(m->idle_count, 2);
	assert_int_equal(model_find_task(m, 104), 4);
	assert_int_equal(model_find_task(m, 105), -1);
	assert_int_equal(model_find_task(m, 0), -1);
	assert_int_equal(model_find_address(m, TASK(3)), 3);
	assert_int_equal(m->cpu_count, 2);
	assert_int_equal(m->cpus[0].current_task, 2);
	assert_int_equal(m->cpus[0].nr_running, 3);
	assert_true(m->tasks[2].current);
	assert_true(m->cpus[1].idle);
	assert_true(m->cpus[1].current_task >= 5);
	assert_false(m->scx.present);
	model_destroy(m);
}

static void test_task_list_with_a_loop(void **state)
{
	struct kernel *k = *state;
	struct model *m;

	/* The last points back to the first instead of the head. */
	fake_put(k, TASK(4) + TASK_TASKS, TASK(0) + TASK_TASKS, 8);
	expect_ok(model_create(k, &m));
	expect_pids(m, 5);
	assert_non_null(strstr(m->damage, "task list of pid 0: "));
	assert_non_null(strstr(m->damage, "then a loop at 0x"));
	model_destroy(m);
}

static void test_lists_into_nowhere(void **state)
{
	struct kernel *k = *state;
	struct model *m;

	fake_put(k, TASK(2) + TASK_THREAD_NODE, BAD, 8);
	expect_ok(model_create(k, &m));
	/* The third thread is lost, the third process is not. */
	assert_int_equal(m->task_count, 4);
	assert_int_equal(model_find_task(m, 103), -1);
	assert_int_equal(model_find_task(m, 104), 3);
	assert_true(m->damage[0]);
	model_destroy(m);
	fake_put(k, INIT + TASK_TASKS, BAD, 8);
	expect_ok(model_create(k, &m));
	assert_int_equal(m->task_count, 0);
	assert_true(m->damage[0]);
	/* What runs is still known, from its run queue. */
	assert_int_equal(m->tasks[m->cpus[0].current_task].pid, 102);
	model_destroy(m);
}

static void test_current_in_no_list(void **state)
{
	struct kernel *k = *state;
	struct model *m;

	put_task(k, TASK(9), 109, 109, "dying");
	fake_put(k, RQ(0) + RQ_CURR, TASK(9), 8);
	fake_put(k, RQ(1) + RQ_CURR, BAD, 8);
	expect_ok(model_create(k, &m));
	expect_pids(m, 5);
	assert_int_equal(m->tasks[m->cpus[0].current_task].pid, 109);
	assert_int_equal(model_find_task(m, 109), -1);
	assert_int_equal(m->cpus[1].current_task, -1);
	assert_string_equal(m->damage,
			    "cpu 1: its current task cannot be read (0xffff888000080100)");
	model_destroy(m);
}

/* A node of a tree: left and right are tasks, or 0. */
static void put_node(struct kernel *k, uint64_t se, uint64_t left, uint64_t right,
		     uint64_t vruntime)
{
	fake_put(k, se + SE_NODE + 8, right, 8);
	fake_put(k, se + SE_NODE + 16, left, 8);
	fake_put(k, se + SE_VRUNTIME, vruntime, 8);
	fake_put(k, se + SE_ON_RQ, 1, 4);
}

/* CPU 0: task 2 runs; the tree has task 0, a group (with task 3 in it), task 4. */
static void put_tree(struct kernel *k)
{
	uint64_t group_se = GROUP + 0x100, cfs = RQ(0) + RQ_CFS;

	fake_put(k, cfs + CFS_CURR, TASK(2) + TASK_SE, 8);
	put_node(k, TASK(2) + TASK_SE, 0, 0, 50);
	put_node(k, group_se, TASK(0) + TASK_SE, TASK(4) + TASK_SE, 20);
	fake_put(k, group_se + SE_MY_Q, GROUP, 8);
	put_node(k, TASK(0) + TASK_SE, 0, 0, 10);
	put_node(k, TASK(4) + TASK_SE, 0, 0, 30);
	fake_put(k, cfs + CFS_TREE, group_se, 8);
	put_node(k, TASK(3) + TASK_SE, 0, 0, 7);
	fake_put(k, GROUP + CFS_TREE, TASK(3) + TASK_SE, 8);
}

static void test_fair_queue(void **state)
{
	static const int pids[] = {102, 100, 103, 104};
	static const uint64_t keys[] = {50, 10, 7, 30};
	struct model_queue_entry *entries = NULL;
	struct kernel *k = *state;
	unsigned int count = 0;
	struct model *m;

	put_tree(k);
	expect_ok(model_create(k, &m));
	expect_ok(model_queue(k, m, 0, &entries, &count));
	assert_int_equal(count, 4);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(m->tasks[entries[i].task].pid, pids[i]);
		assert_true(entries[i].key == keys[i]);
		assert_int_equal(entries[i].class, CLASS_FAIR);
	}
	free(entries);
	expect_ok(model_queue(k, m, 1, &entries, &count));
	assert_int_equal(count, 0);
	free(entries);
	expect_err(model_queue(k, m, 2, &entries, &count), ERR_NOT_FOUND,
		   "cpu 2: this guest has cpus 0-1");
	model_destroy(m);
}

static void test_bent_queue(void **state)
{
	struct model_queue_entry *entries = NULL;
	struct kernel *k = *state;
	struct str damage = {0};
	unsigned int count = 0;
	struct model *m;

	put_tree(k);
	/* Task 4's right side leads back up to the group. */
	fake_put(k, TASK(4) + TASK_SE + SE_NODE + 8, GROUP + 0x100, 8);
	expect_ok(model_create(k, &m));
	expect_err_with(model_queue(k, m, 0, &entries, &count), ERR_BAD_DATA,
			"run queue of cpu 0: fair tree: ");
	assert_null(entries);
	expect_ok(model_queue_noted(k, m, 0, &entries, &count, &damage));
	assert_true(count >= 4);
	assert_true(damage.len > 0);
	free(entries);
	str_deinit(&damage);
	model_destroy(m);
}

/* A group that is its own member, twice: entered for ever, and twice as often at each level. */
static void test_group_in_itself(void **state)
{
	struct model_queue_entry *entries = NULL;
	struct kernel *k = *state;
	unsigned int count = 0;
	struct model *m;

	put_tree(k);
	put_node(k, GROUP + 0x200, GROUP + 0x300, 0, 1);
	put_node(k, GROUP + 0x300, 0, 0, 1);
	fake_put(k, GROUP + 0x200 + SE_MY_Q, GROUP, 8);
	fake_put(k, GROUP + 0x300 + SE_MY_Q, GROUP, 8);
	fake_put(k, GROUP + CFS_TREE, GROUP + 0x200, 8);
	fake_put(k, GROUP + CFS_CURR, GROUP + 0x300, 8);
	expect_ok(model_create(k, &m));
	expect_err_with(model_queue(k, m, 0, &entries, &count), ERR_BAD_DATA,
			"run queue of cpu 0: fair tree");
	model_destroy(m);
}

/* A linear congruential generator: the same damage in every run. */
static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 16;
}

/* Somewhere in the structs, mostly aligned, or nowhere. */
static uint64_t random_address(uint64_t *seed)
{
	uint64_t r = next_random(seed);

	if (r % 16 == 0)
		return next_random(seed);
	return KERNEL_BASE + 0x10000 + (r >> 8) % 0x52000 / 8 * 8;
}

/* Whatever a few wrong words lead to: every walk ends, and no task comes twice. */
static void test_random_damage(void **state)
{
	const size_t start = 0x10000, len = 0x52000;
	struct kernel *k = *state;
	uint8_t *whole = malloc(len);
	uint64_t seed = 1;

	assert_non_null(whole);
	put_tree(k);
	memcpy(whole, k->memory + start, len);
	for (int round = 0; round < 3000; round++) {
		struct model *m;

		memcpy(k->memory + start, whole, len);
		for (uint64_t n = 1 + next_random(&seed) % 6; n > 0; n--) {
			uint64_t task = TASK(next_random(&seed) % 5);

			fake_put(k, task + next_random(&seed) % (TASK_SIZE / 8) * 8,
				 random_address(&seed), 8);
			fake_put(k, RQ(0) + next_random(&seed) % 8 * 8, random_address(&seed), 8);
		}
		expect_ok(model_create(k, &m));
		assert_true(m->task_count < 1000);
		for (unsigned int i = 0; i < m->task_count; i++)
			assert_int_equal(model_find_address(m, m->tasks[i].address), i);
		for (unsigned int cpu = 0; cpu < 2; cpu++) {
			struct model_queue_entry *entries = NULL;
			struct str damage = {0};
			unsigned int count = 0;

			expect_ok(model_queue_noted(k, m, cpu, &entries, &count, &damage));
			for (unsigned int i = 0; i < count; i++)
				assert_true(entries[i].task < (int)(m->task_count + m->idle_count));
			free(entries);
			str_deinit(&damage);
		}
		model_destroy(m);
	}
	free(whole);
}

static void test_entities(void **state)
{
	static const unsigned int depths[] = {0, 0, 0, 1, 0};
	struct model_entity *e = NULL;
	struct kernel *k = *state;
	struct str damage = {0};
	unsigned int count = 0;
	struct model *m;

	put_tree(k);
	expect_ok(model_create(k, &m));
	expect_ok(model_entities(k, m, 0, &e, &count, &damage));
	assert_int_equal(count, 5);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(e[i].depth, depths[i]);
		assert_int_equal(e[i].kind, i == 2 ? ENTITY_GROUP : ENTITY_TASK);
		assert_true(e[i].queued);
		/* This kernel has no sums, deadlines and slices. */
		assert_false(e[i].lag.present || e[i].eligible.present || e[i].slice.present);
	}
	assert_true(e[0].current && !e[1].current);
	assert_int_equal(e[2].task, -1);
	assert_true(e[2].group_queue == GROUP);
	free(e);
	/* A CPU that idles: its idle task, which stands in no queue. */
	expect_ok(model_entities(k, m, 1, &e, &count, &damage));
	assert_int_equal(count, 1);
	assert_false(e[0].queued);
	assert_true(e[0].current);
	assert_int_equal(m->tasks[e[0].task].pid, 0);
	assert_string_equal(str_text(&damage), "");
	str_deinit(&damage);
	free(e);
	model_destroy(m);
}

static void expect_dsq(uint64_t id, const char *name)
{
	struct str s = {0};

	model_dsq_name(id, &s);
	assert_string_equal(str_text(&s), name);
	str_deinit(&s);
}

static void test_queue_names(void **state)
{
	(void)state;
	expect_dsq(0x8000000000000000, "invalid");
	expect_dsq(0x8000000000000001, "global");
	expect_dsq(0x8000000000000002, "local");
	expect_dsq(0x8000000000000003, "bypass");
	expect_dsq(0xc000000000000007, "local:7");
	expect_dsq(0x8000000000000009, "0x8000000000000009");
	expect_dsq(0, "0x0");
	expect_dsq(0x1234, "0x1234");
}

/* What this kernel has no types for is absent, and nothing is read through it. */
static void test_what_is_absent(void **state)
{
	struct model_group *groups = NULL;
	struct model_detail detail;
	struct kernel *k = *state;
	struct str s = {0};
	unsigned int count = 0;
	struct model *m;
	int64_t age;
	int task;

	expect_ok(model_create(k, &m));
	assert_false(m->cpus[0].lock_tail.present);
	assert_false(m->cpus[0].capacity.present);
	assert_false(m->cpus[0].need_resched.present);
	assert_false(m->cpus[0].scx_flags.present);
	assert_false(model_kicks(k, m, 0, KICK_ANY, &s));
	assert_false(model_kicks(k, m, 99, KICK_ANY, &s));
	assert_true(model_task_detail(k, m, 0, &detail));
	assert_false(detail.nvcsw.present);
	assert_false(detail.runnable_age.present);
	assert_false(model_task_cpus(k, m, 0, &s));
	assert_true(model_task_cgroup(k, m, TASK(0)) == 0);
	assert_false(model_cgroup_path(k, m, GROUP, &s));
	expect_err(model_groups(k, m, &groups, &count, &s), ERR_ABSENT,
		   "this kernel has no cgroups");
	expect_err(model_longest_waiting(k, m, &task, &age, &s), ERR_ABSENT,
		   "this kernel does not say since when tasks wait");
	assert_string_equal(str_text(&s), "");
	/* Without names the flags stay a number. */
	model_flags(k, m, FLAGS_RQ, 0x21, &s);
	assert_string_equal(str_text(&s), "0x21");
	str_clear(&s);
	model_flags(k, m, FLAGS_TASK, 0, &s);
	assert_string_equal(str_text(&s), "0");
	str_deinit(&s);
	model_destroy(m);
}

#define NODE 0x3c0    /* of a list: in a task, a run queue, a cgroup */
#define CHILDREN 0x3d0 /* the head of a cgroup's list */
#define SINCE 0x3f0

static struct field field_at(uint32_t offset)
{
	return (struct field){.present = true, .offset = offset, .size = 8};
}

/* Times are the guest's: a sum that does not fit is wrong, but not undefined. */
static void test_absurd_wait(void **state)
{
	const uint64_t jiffies = KERNEL_BASE + 0x62000, age = 67272523620639832;
	struct kernel *k = *state;
	struct str damage = {0};
	struct model *m;
	int64_t waited;
	int task;

	expect_ok(model_create(k, &m));
	m->layout->rq_runnable = m->layout->task_runnable = field_at(NODE);
	m->layout->task_runnable_at = field_at(SINCE);
	m->layout->jiffies = jiffies;
	m->layout->tick_ns = 4000000;
	fake_list(k, RQ(0) + NODE);
	fake_list(k, RQ(1) + NODE);
	fake_list_add(k, RQ(1) + NODE, TASK(1) + NODE);
	fake_put(k, jiffies, 1000, 8);
	fake_put(k, TASK(1) + SINCE, 997, 8);
	expect_ok(model_longest_waiting(k, m, &task, &waited, &damage));
	assert_int_equal(m->tasks[task].pid, 101);
	assert_int_equal(waited, 12000000);
	fake_put(k, TASK(1) + SINCE, 1000 - age, 8);
	expect_ok(model_longest_waiting(k, m, &task, &waited, &damage));
	assert_true((uint64_t)waited == age * 4000000);
	assert_string_equal(str_text(&damage), "");
	str_deinit(&damage);
	model_destroy(m);
}

static void test_absurd_priority(void **state)
{
	struct model *first, *m;
	struct kernel *k = *state;

	expect_ok(model_create(k, &first));
	first->layout->static_prio = (struct field){.present = true, .offset = SINCE, .size = 4};
	first->layout->static_prio.is_signed = true;
	fake_put(k, TASK(0) + SINCE, 0x80000000, 4);
	expect_ok(model_take(k, first->layout, &m));
	assert_int_equal(m->tasks[0].static_prio, INT32_MIN);
	assert_int_equal(m->tasks[0].nice, INT32_MAX - 119);
	model_destroy(m);
	model_destroy(first);
}

/* A child that is its parent's child again, twice at each depth: as many as there may be, no more. */
static void test_cgroups_in_each_other(void **state)
{
	const uint64_t child = GROUP + 0x400, other = GROUP + 0x800;
	struct kernel *k = *state;
	struct model_group *groups;
	struct str damage = {0};
	unsigned int count;
	struct model *m;

	expect_ok(model_create(k, &m));
	m->layout->root = GROUP;
	m->layout->root_cgroup = field_at(0);
	m->layout->cgroup_children = field_at(CHILDREN);
	m->layout->cgroup_sibling = field_at(NODE);
	fake_list(k, GROUP + CHILDREN);
	fake_list_add(k, GROUP + CHILDREN, child + NODE);
	fake_list_add(k, GROUP + CHILDREN, other + NODE);
	fake_put(k, child + CHILDREN, child + NODE, 8);
	fake_put(k, other + CHILDREN, child + NODE, 8);
	expect_ok(model_groups(k, m, &groups, &count, &damage));
	assert_int_equal(count, 65536);
	assert_non_null(strstr(str_text(&damage), "; no more than 65536 groups are walked"));
	model_groups_destroy(groups, count);
	str_deinit(&damage);
	model_destroy(m);
}

static void test_letters(void **state)
{
	static const struct {
		uint32_t state, exit_state;
		char letter;
	} cases[] = {
		{0, 0, 'R'},	 {1, 0, 'S'},	    {2, 0, 'D'},       {4, 0, 'T'},
		{8, 0, 't'},	 {0x80, 0x10, 'X'}, {0x80, 0x20, 'Z'}, {0x40, 0, 'P'},
		{0x402, 0, 'I'}, {0x2001, 0, 'S'},  {0x8000, 0, 'D'},  {0x1000, 0, 'D'},
		{0x80, 0, 'R'},	 {0x102, 0, 'D'},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(model_state_letter(cases[i].state, cases[i].exit_state),
				 cases[i].letter);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(sched_class_name(CLASS_EXT), "ext");
	assert_string_equal(sched_class_name((enum sched_class)99), "?");
	assert_string_equal(sched_policy_name(0), "normal");
	assert_string_equal(sched_policy_name(7), "ext");
	assert_string_equal(sched_policy_name(4), "?");
	assert_string_equal(sched_policy_name(8), "?");
}

static void test_kernel_without_run_queues(void **state)
{
	struct kernel *k = *state;
	struct model *m;

	k->symbols[1].name = "something_else";
	expect_err(model_create(k, &m), ERR_NOT_FOUND, "scheduler model: no symbol 'runqueues'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_tasks_and_cpus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_task_list_with_a_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists_into_nowhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_current_in_no_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fair_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bent_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_group_in_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_entities, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absurd_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absurd_priority, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cgroups_in_each_other, setup, teardown),
		cmocka_unit_test(test_queue_names),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_kernel_without_run_queues, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
