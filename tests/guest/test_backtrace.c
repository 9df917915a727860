/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks against the kernel's own: /proc/PID/stack of every task that stands still while the guest
 * answers has the same functions, offsets and sizes. The guest needs time to answer, so only tasks
 * whose stack was the same before and after are compared.
 */
#include "tests/guest/boot.h"

#include "coord/agent.h"
#include "coord/model.h"
#include "coord/unwind.h"

#include <inttypes.h>
#include <stdio.h>

#define MS 1000000ull

static struct kernel *kernel;
static struct unwind *unwind;
static uint64_t sched_start, sched_end, lock_start, lock_end;

/* /proc leaves out the functions of the scheduler and of spinlocks (in_sched_functions()). */
static bool is_scheduler(uint64_t ip)
{
	return (ip >= sched_start && ip < sched_end) || (ip >= lock_start && ip < lock_end);
}

/* A trace as /proc writes it; false when an address has no name. */
static bool trace_text(const struct unwind_trace *trace, struct str *ret)
{
	for (unsigned int i = 0; i < trace->count; i++) {
		uint64_t ip = trace->frames[i].ip, offset;
		char name[256];
		struct err *err;

		if (is_scheduler(ip))
			continue;
		err = kernel_symbol_at(kernel, ip - 1, name, sizeof(name), &offset);
		if (err) {
			err_free(err);
			return false;
		}
		str_addf(ret, "[<0>] %s+0x%" PRIx64 "/0x%" PRIx64 "\n", name, offset + 1,
			 kernel_symbol_span(kernel, ip - 1));
	}
	return true;
}

static uint64_t switches_of(int pid, bool *ret_runs)
{
	const struct model *m = NULL;
	int i;

	expect_ok(coord_model(coord, &m));
	i = model_find_task(m, pid);
	if (i < 0)
		return 0;
	*ret_runs = m->tasks[i].current || m->tasks[i].on_cpu;
	return m->tasks[i].switches;
}

/* True: compared, and equal; false: the task moved meanwhile, or runs. */
static bool compare(int pid, uint64_t task, struct unwind_trace *trace)
{
	struct str ours = {0}, guests = {0};
	bool before = true, after = true, named;
	uint64_t switches = switches_of(pid, &before);
	char path[64];

	if (before)
		return false;
	unwind_task(unwind, task, trace);
	assert_string_equal(trace->end, "");
	named = trace_text(trace, &ours);
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	expect_ok(agent_cat(coord_agent(coord), path, &guests));
	if (named && switches_of(pid, &after) == switches && !after)
		assert_string_equal(str_text(&ours), str_text(&guests));
	else
		named = false;
	str_deinit(&ours);
	str_deinit(&guests);
	return named;
}

/* What the stacks that were seen have in them. */
struct seen {
	unsigned int tasks, compared, system_calls, interrupts;
};

static void count_entries(const struct unwind_trace *trace, struct seen *seen)
{
	for (unsigned int i = 0; i < trace->count; i++) {
		const struct unwind_regs *entry = &trace->frames[i].entry;

		if (entry->present && entry->user && entry->orig_ax >= 0)
			seen->system_calls++;
		else if (entry->present)
			seen->interrupts++;
	}
}

static void compare_all(struct seen *seen)
{
	struct unwind_trace *trace = malloc(sizeof(*trace));
	const struct model *m = NULL;
	struct model_task *tasks;
	unsigned int count;

	assert_non_null(trace);
	expect_ok(coord_model(coord, &m));
	count = m->task_count;
	tasks = malloc(count * sizeof(*tasks));
	assert_non_null(tasks);
	memcpy(tasks, m->tasks, count * sizeof(*tasks));
	for (unsigned int i = 0; i < count; i++) {
		seen->tasks++;
		if (!compare(tasks[i].pid, tasks[i].address, trace))
			continue;
		seen->compared++;
		count_entries(trace, seen);
	}
	free(tasks);
	free(trace);
}

static void test_stacks_are_the_kernels(void **state)
{
	struct seen seen = {0};

	(void)state;
	guest_spawn(coord, "@runner", "workers=3 work=sequence(sleep:60s) comm=sleeper");
	guest_spawn(coord, "@runner", "workers=1 work=spin comm=urgent affinity=1 policy=fifo:5");
	guest_spawn(coord, "@runner", "workers=6 work=alu comm=pinned affinity=1");
	/* Where the ones that are kept from running were interrupted is chance. */
	for (int round = 0; round < 5 && !seen.interrupts; round++) {
		expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
		compare_all(&seen);
	}
	print_message("%u of %u tasks compared, %u in system calls, %u interrupted\n",
		      seen.compared, seen.tasks, seen.system_calls, seen.interrupts);
	assert_true(seen.compared > 40 && seen.compared * 2 > seen.tasks);
	assert_true(seen.system_calls > 0);
	assert_true(seen.interrupts > 0);
	expect_ok(agent_cgroup_stop(coord_agent(coord), "@runner"));
}

/* The agent waits in a system call of its own whenever the guest is held. */
static void test_user_entry_of_the_agent(void **state)
{
	struct unwind_regs entry = {0};
	const struct model *m = NULL;

	(void)state;
	expect_ok(coord_model(coord, &m));
	assert_true(unwind_user_entry(unwind, m->tasks[model_find_task(m, 1)].address, &entry));
	assert_true(entry.user && entry.ip > 0x1000 && entry.ip < 1ull << 47);
	assert_false(unwind_user_entry(unwind, m->tasks[model_find_task(m, 2)].address, &entry));
}

static int open_window(void **state)
{
	(void)state;
	expect_ok(coord_enter(coord));
	expect_ok(coord_kernel(coord, &kernel));
	expect_ok(unwind_create(kernel, &unwind));
	expect_ok(kernel_symbol(kernel, "__sched_text_start", &sched_start));
	expect_ok(kernel_symbol(kernel, "__sched_text_end", &sched_end));
	expect_ok(kernel_symbol(kernel, "__lock_text_start", &lock_start));
	expect_ok(kernel_symbol(kernel, "__lock_text_end", &lock_end));
	return 0;
}

static int close_window(void **state)
{
	(void)state;
	unwind_destroy(unwind);
	expect_ok(coord_leave(coord));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks_are_the_kernels),
		cmocka_unit_test(test_user_entry_of_the_agent),
	};
	int failed;

	coord = guest_boot();
	failed = cmocka_run_group_tests(tests, open_window, close_window);
	coord_destroy(coord);
	return failed;
}
