/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel view on real kernels, one after the other, against what each says of itself in /proc.
 * The kernels are those of the cache; $KTDBG_TEST_KERNEL limits it to one.
 */
#include "tests/guest/boot.h"

#include "base/file.h"
#include "coord/agent.h"
#include "coord/object.h"
#include "coord/value.h"
#include "coord/walk.h"
#include "vmm/kernel_cache.h"

#include <inttypes.h>
#include <stdio.h>

/* One without sched_ext among them. */
static const char *const versions[] = {"7.2.12",  "7.1.13",  "7.0.13",
				       "6.19.14", "6.18.15", "6.12.107"};

static struct kernel *kernel;

static char *cat(const char *path)
{
	struct str text = {0};

	expect_ok(agent_cat(coord_agent(coord), path, &text));
	return str_take(&text);
}

static uint64_t symbol(const char *name)
{
	uint64_t address = 0;

	expect_ok(kernel_symbol(kernel, name, &address));
	return address;
}

static uint32_t type(const char *name)
{
	uint32_t id = 0;

	expect_ok(types_parse(kernel_types(kernel), name, &id));
	return id;
}

static uint64_t member_number(uint64_t object, const char *struct_name, const char *path)
{
	struct field f;
	struct object o;
	uint64_t value;

	field_find(kernel_types(kernel), struct_name, path, &f);
	assert_true(f.present);
	object_init(&o, kernel, object);
	value = object_read(&o, &f);
	assert_false(o.faulted);
	return value;
}

static void test_release_and_banner(void **state)
{
	char *version = cat("/proc/version"), *release = cat("/proc/sys/kernel/osrelease");
	char banner[512];

	release[strcspn(release, "\n")] = '\0';
	assert_string_equal(kernel_info(kernel)->release, release);
	expect_ok(kernel_read_string(kernel, symbol("linux_banner"), banner, sizeof(banner)));
	assert_string_equal(banner, version);
	free(version);
	free(release);
}

/* As much of /proc/kallsyms as the mailbox takes: several thousand symbols. */
static void test_symbols(void **state)
{
	char *text = cat("/proc/kallsyms"), *save = NULL;
	unsigned int count = 0, by_name = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[512], found[512], kind;
		uint64_t address, said, offset;

		/* The last line may be cut off. */
		if (!save || !*save ||
		    sscanf(line, "%" SCNx64 " %c %511s", &said, &kind, name) != 3)
			break;
		count++;
		expect_ok(kernel_symbol(kernel, name, &address));
		by_name += address == said; /* another may have the same name */
		if (!kernel_in_image(kernel, said))
			continue; /* per-CPU offsets of older kernels */
		expect_ok(kernel_symbol_at(kernel, said, found, sizeof(found), &offset));
		assert_int_equal(offset, 0);
	}
	print_message("%u symbols compared\n", count);
	assert_true(count > 5000);
	assert_true(by_name > count * 9 / 10);
	free(text);
}

static void test_where_the_code_lies(void **state)
{
	char *iomem = cat("/proc/iomem"), *at = strstr(iomem, " : Kernel code");
	uint64_t said, found;

	assert_non_null(at);
	while (at > iomem && at[-1] != '\n')
		at--;
	assert_int_equal(sscanf(at, " %" SCNx64 "-", &said), 1);
	expect_ok(kernel_translate(kernel, symbol("_text"), &found));
	assert_int_equal(found, said);
	expect_ok(kernel_translate(kernel, kernel_direct_map(kernel, said), &found));
	assert_int_equal(found, said);
	free(iomem);
}

static void test_per_cpu_variables(void **state)
{
	uint64_t runqueues = symbol("runqueues"), previous = 0;
	uint32_t id;

	assert_int_equal(kernel_cpus(kernel), agent_cpus(coord_agent(coord)));
	expect_ok(types_variable(kernel_types(kernel), "runqueues", &id));
	assert_int_equal(types_kind(kernel_types(kernel), id), TYPE_STRUCT);
	for (unsigned int cpu = 0; cpu < kernel_cpus(kernel); cpu++) {
		uint64_t rq;

		assert_true(kernel_cpu_online(kernel, cpu));
		expect_ok(kernel_percpu(kernel, runqueues, cpu, &rq));
		assert_int_equal(member_number(rq, "rq", "cpu"), cpu);
		assert_true(rq != previous);
		previous = rq;
	}
}

static void test_first_task(void **state)
{
	struct value task = value_object(type("task_struct"), symbol("init_task")), member;
	char comm[32];

	expect_ok(value_member(kernel, &task, "comm", &member));
	assert_true(value_is_text(kernel, &member));
	expect_ok(value_text(kernel, &member, comm, sizeof(comm)));
	assert_string_equal(comm, "swapper/0");
	expect_ok(value_member(kernel, &task, "no_such_member", &member));
	assert_int_equal(member.kind, VALUE_ABSENT);
	assert_int_equal(kernel_info(kernel)->sched_ext,
			 strncmp(kernel_info(kernel)->release, "6.12.", 5) != 0);
}

struct pids {
	unsigned int count;
	int pids[4096];
};

static void add_pid(struct pids *p, int pid)
{
	assert_true(p->count < 4096);
	p->pids[p->count++] = pid;
}

static bool has_pid(const struct pids *p, int pid)
{
	for (unsigned int i = 0; i < p->count; i++)
		if (p->pids[i] == pid)
			return true;
	return false;
}

/* What /proc lists: all threads, or the leaders alone. */
static struct pids *proc_pids(bool leaders)
{
	struct pids *found = calloc(1, sizeof(*found));
	struct str text = {0};
	char *save = NULL;

	assert_non_null(found);
	expect_ok(agent_proc_snapshot(coord_agent(coord), &text));
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		int tgid, pid;

		assert_int_equal(sscanf(line, "%d %d", &tgid, &pid), 2);
		if (!leaders || tgid == pid)
			add_pid(found, pid);
	}
	str_deinit(&text);
	return found;
}

/*
 * The guest needs time to answer, in which threads come and go: what /proc had both before and
 * after must have been found in between, and nothing may be found that it had neither before nor
 * after.
 */
static void compare_pids(const struct pids *before, const struct pids *found,
			 const struct pids *after)
{
	unsigned int still = 0;

	for (unsigned int i = 0; i < before->count; i++) {
		if (!has_pid(after, before->pids[i]))
			continue;
		still++;
		if (!has_pid(found, before->pids[i]))
			fail_msg("pid %d is in /proc but was not found", before->pids[i]);
	}
	for (unsigned int i = 0; i < found->count; i++)
		if (!has_pid(before, found->pids[i]) && !has_pid(after, found->pids[i]))
			fail_msg("pid %d was found but is not in /proc", found->pids[i]);
	assert_true(still > 50);
}

static bool note_task(void *context, uint64_t task)
{
	add_pid(context, (int)member_number(task, "task_struct", "pid"));
	return true;
}

static void test_walk_of_a_list(void **state)
{
	int64_t offset = types_offset(kernel_types(kernel), "task_struct", "tasks");
	uint64_t head = symbol("init_task") + (uint64_t)offset;
	struct pids *before = proc_pids(true), *found = calloc(1, sizeof(*found)), *after;
	struct walk w;

	assert_non_null(found);
	kernel_window_begin(kernel);
	w = walk_list(kernel, head, (uint64_t)offset, 4096, note_task, found);
	assert_int_equal(w.end, WALK_DONE);
	assert_int_equal(w.count, found->count);
	after = proc_pids(true);
	compare_pids(before, found, after);
	kernel_window_begin(kernel);
	w = walk_list(kernel, head, (uint64_t)offset, 3, note_task, found);
	assert_int_equal(w.end, WALK_LIMIT);
	assert_int_equal(w.count, 3);
	free(before);
	free(found);
	free(after);
}

/* An id of the pid namespace leads to a struct pid, whose first list leads to the task of that pid.
 */
static bool note_pid(void *context, uint64_t index, uint64_t entry)
{
	const struct types *t = kernel_types(kernel);
	int64_t lists = types_offset(t, "pid", "tasks");
	int64_t links = types_offset(t, "task_struct", "pid_links");
	uint64_t first, task;

	assert_true(lists >= 0 && links >= 0);
	expect_ok(kernel_read_u64(kernel, entry + (uint64_t)lists, &first));
	if (!first) /* a group or session whose leader is gone */
		return true;
	task = first - (uint64_t)links;
	assert_int_equal(member_number(task, "task_struct", "pid"), index);
	return note_task(context, task);
}

static void test_walk_of_an_idr(void **state)
{
	int64_t idr = types_offset(kernel_types(kernel), "pid_namespace", "idr");
	struct pids *before = proc_pids(false), *found = calloc(1, sizeof(*found)), *after;
	struct walk w;

	assert_non_null(found);
	assert_true(idr >= 0);
	kernel_window_begin(kernel);
	w = walk_idr(kernel, symbol("init_pid_ns") + (uint64_t)idr, 8192, note_pid, found);
	assert_int_equal(w.end, WALK_DONE);
	after = proc_pids(false);
	compare_pids(before, found, after);
	free(before);
	free(found);
	free(after);
}

static bool note_group(void *context, uint64_t object)
{
	++*(unsigned int *)context;
	return true;
}

static uint64_t curr_of(uint64_t cfs)
{
	return member_number(cfs, "cfs_rq", "curr");
}

/* The tasks that wait on a busy CPU are in its tree, the running one is not. */
static void test_walk_of_a_tree(void **state)
{
	const struct types *t = kernel_types(kernel);
	int64_t tree = types_offset(t, "cfs_rq", "tasks_timeline");
	int64_t link = types_offset(t, "sched_entity", "run_node");
	unsigned int count = 0;
	uint64_t rq, cfs;
	struct walk w;

	assert_true(tree >= 0 && link >= 0);
	expect_ok(kernel_percpu(kernel, symbol("runqueues"), 1, &rq));
	cfs = rq + (uint64_t)types_offset(t, "rq", "cfs");
	kernel_window_begin(kernel);
	w = walk_rbtree(kernel, cfs + (uint64_t)tree, (uint64_t)link, 1000, note_group, &count);
	assert_int_equal(w.end, WALK_DONE);
	assert_int_equal(w.count + (curr_of(cfs) != 0),
			 member_number(cfs, "cfs_rq", "nr_queued|nr_running"));
}

#define TASKS 1000

/* What 1,000 tasks of 8 fields cost, and one field; the limits allow for a busy host. */
static void test_speed(void **state)
{
	static const char *const names[] = {"pid",   "__state",	    "prio",  "policy",
					    "on_rq", "se.vruntime", "nvcsw", "start_time"};
	const struct kernel_info *info = kernel_info(kernel);
	uint64_t task = symbol("init_task"), start, first = 0, best = UINT64_MAX, sum = 0,
		 tasks = 0;
	int64_t link = types_offset(kernel_types(kernel), "task_struct", "tasks");
	struct field fields[8];

	for (unsigned int i = 0; i < 8; i++) {
		field_find(kernel_types(kernel), "task_struct", names[i], &fields[i]);
		assert_true(fields[i].present);
	}
	for (int round = 0; round < 5; round++) {
		kernel_window_begin(kernel);
		start = host_now();
		for (tasks = 0; tasks < TASKS; tasks++) {
			struct object o;

			object_init(&o, kernel, task);
			for (unsigned int i = 0; i < 8; i++)
				sum += object_read(&o, &fields[i]);
			expect_ok(kernel_read_u64(kernel, task + (uint64_t)link, &task));
			task -= (uint64_t)link;
		}
		start = host_now() - start;
		if (round == 0)
			first = start; /* with the host's own page faults */
		if (start < best)
			best = start;
	}
	print_message(
		"%s: adopted in %.1f ms; %u tasks x 8 fields in %.2f ms, then %.2f ms (%" PRIx64
		")\n",
		info->release, (double)info->adopt_ns / 1e6, TASKS, (double)first / 1e6,
		(double)best / 1e6, sum);
	assert_true(best < 20 * 1000000ull);
	assert_true(info->adopt_ns < 2000 * 1000000ull);
}

static void test_adopting_again(void **state)
{
	uint64_t hint = kernel_info(kernel)->vmcoreinfo;
	struct kernel *again;

	expect_ok(kernel_adopt(machine_ram(coord_machine(coord)), hint, &again));
	assert_string_equal(kernel_info(again)->build_id, kernel_info(kernel)->build_id);
	kernel_destroy(again);
	expect_ok(kernel_adopt(machine_ram(coord_machine(coord)), hint + 4096, &again));
	assert_int_equal(kernel_info(again)->vmcoreinfo, hint);
	kernel_destroy(again);
}

static int run_on(const char *version)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release_and_banner),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_where_the_code_lies),
		cmocka_unit_test(test_per_cpu_variables),
		cmocka_unit_test(test_first_task),
		cmocka_unit_test(test_walk_of_a_list),
		cmocka_unit_test(test_walk_of_an_idr),
		cmocka_unit_test(test_walk_of_a_tree),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_adopting_again),
	};
	struct err *err;
	int failed;

	setenv("KTDBG_TEST_KERNEL", version, 1);
	coord = guest_boot();
	guest_spawn(coord, "@runner", "workers=4 work=spin comm=spin affinity=1");
	guest_spawn(coord, "@runner", "workers=1000 work=sleep comm=many");
	expect_ok(coord_run_until(coord, coord_time(coord) + 500 * 1000000ull));
	err = coord_kernel(coord, &kernel);
	if (err) {
		fprintf(stderr, "kernel %s: %s\n", version, err_detail(err));
		err_free(err);
		return 1;
	}
	failed = cmocka_run_group_tests_name(version, tests, NULL, NULL);
	coord_destroy(coord);
	return failed;
}

static bool is_cached(const char *version)
{
	char *path = NULL;
	struct err *err = kernel_cache_resolve(version, &path);

	free(path);
	err_free(err);
	return !err;
}

int main(void)
{
	const char *only = getenv("KTDBG_TEST_KERNEL");
	unsigned int ran = 0;
	int failed = 0;

	if (only)
		return run_on(only);
	for (unsigned int i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		if (!is_cached(versions[i])) {
			fprintf(stderr, "kernel %s is not in the cache\n", versions[i]);
			continue;
		}
		ran++;
		failed += run_on(versions[i]);
#ifdef __SANITIZE_ADDRESS__
		break; /* the others go through the same code */
#endif
	}
	return ran ? failed != 0 : 77;
}
