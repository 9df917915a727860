/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler model against what the guest says of itself. The guest needs time to answer, so
 * each answer is put between two models: a task that did not run in between must be what /proc
 * says, one that did must be what it was before or after.
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

/* Under the real clock a busy host stretches everything: what depends on durations is not asked. */
static bool is_exact(void)
{
	return machine_info(coord_machine(coord))->clock == CLOCK_VIRTUAL;
}

/* What /proc says of one thread. */
struct proc_task {
	int tgid, pid;
	char state;
	unsigned int policy;
	char comm[64];
};

static struct model *take_model(void)
{
	struct kernel *k = NULL;
	struct model *m = NULL;

	expect_ok(coord_kernel(coord, &k));
	expect_ok(model_create(k, &m));
	assert_string_equal(m->damage, "");
	return m;
}

static unsigned int parse_snapshot(char *text, struct proc_task *tasks, unsigned int max)
{
	unsigned int count = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct proc_task *t = &tasks[count];

		assert_true(count < max);
		assert_int_equal(sscanf(line, "%d %d %c %u %63[^\n]", &t->tgid, &t->pid, &t->state,
					&t->policy, t->comm),
				 5);
		count++;
	}
	return count;
}

/* /proc shows the long name of a kernel thread, and of a kworker what it works on:
 * "kworker/0:1-mm". */
static bool same_name(const struct model_task *task, const char *name)
{
	size_t len = strnlen(task->comm, sizeof(task->comm));

	if (!task->kthread)
		return strlen(name) == len && memcmp(task->comm, name, len) == 0;
	return strncmp(task->comm, name, len) == 0;
}

static void compare_task(const struct proc_task *p, const struct model *before,
			 const struct model *after)
{
	int b = model_find_task(before, p->pid), a = model_find_task(after, p->pid);
	const struct model_task *x, *y;

	if (b < 0 || a < 0)
		fail_msg("pid %d (%s) is in /proc but not in the model", p->pid, p->comm);
	x = &before->tasks[b];
	y = &after->tasks[a];
	assert_int_equal(x->tgid, p->tgid);
	assert_int_equal(x->policy, p->policy);
	if (!same_name(x, p->comm))
		fail_msg("pid %d: comm %.16s, /proc says %s", p->pid, x->comm, p->comm);
	if (x->switches == y->switches && x->runtime == y->runtime && x->state == y->state)
		assert_int_equal(x->state, p->state);
	else if (p->state != x->state && p->state != y->state && p->state != 'R')
		fail_msg("pid %d (%s): state %c then %c, /proc says %c", p->pid, p->comm, x->state,
			 y->state, p->state);
}

static void test_tasks_are_what_proc_says(void **state)
{
	struct proc_task *tasks = calloc(4096, sizeof(*tasks));
	struct str text = {0};
	struct model *before, *after;
	unsigned int count, still = 0;

	(void)state;
	assert_non_null(tasks);
	/* A guest is busy with itself for a while after boot. */
	expect_ok(coord_run_until(coord, 3 * SECOND));
	guest_spawn(coord, "@runner", "workers=3 work=sleep comm=sleeper nice=7");
	guest_spawn(coord, "@runner",
		    "workers=2 work=sleep comm=thready clone=thread policy=batch");
	guest_spawn(coord, "@runner", "workers=1 work=spin comm=busy policy=rr:3 affinity=1");
	expect_ok(coord_run_until(coord, coord_time(coord) + 200 * MS));
	before = take_model();
	expect_ok(agent_proc_snapshot(coord_agent(coord), &text));
	after = take_model();
	count = parse_snapshot(text.data, tasks, 4096);
	assert_true(count > 50);
	assert_int_equal(before->task_count, count);
	for (unsigned int i = 0; i < count; i++)
		compare_task(&tasks[i], before, after);
	for (unsigned int i = 0; i < before->task_count; i++) {
		int a = model_find_task(after, before->tasks[i].pid);

		still += a >= 0 && after->tasks[a].switches == before->tasks[i].switches;
	}
	/* Most tasks stood still between the two, so most comparisons were exact. */
	print_message("%u of %u tasks did not run in between\n", still, count);
	assert_true(still > count * 3 / 4);
	model_destroy(before);
	model_destroy(after);
	str_deinit(&text);
	free(tasks);
}

/* "  .NAME   : NUMBER" of the section that starts with `section`. */
static bool debug_number(const char *text, const char *section, const char *name, uint64_t *ret)
{
	const char *at = strstr(text, section);

	at = at ? strstr(at, name) : NULL;
	at = at ? strchr(at, ':') : NULL;
	return at && sscanf(at, ": %" SCNu64, ret) == 1;
}

/* How many CPUs were the same in both models: those must be what the guest says. */
static unsigned int compare_cpus(const char *text, const struct model *before,
				 const struct model *after)
{
	unsigned int exact = 0;

	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		const struct model_cpu *b = &before->cpus[cpu], *a = &after->cpus[cpu];
		uint64_t running = 0, switches = 0;
		char section[32];

		snprintf(section, sizeof(section), "\ncpu#%u", cpu);
		assert_true(debug_number(text, section, ".nr_running", &running));
		assert_true(debug_number(text, section, ".nr_switches", &switches));
		assert_in_range(switches, b->switches, a->switches);
		/* A task that wakes counts before anything is switched. */
		if (b->switches != a->switches || b->nr_running != a->nr_running)
			continue;
		assert_int_equal(running, b->nr_running);
		exact++;
	}
	return exact;
}

static void test_cpus_are_what_sched_debug_says(void **state)
{
	struct model *before = NULL, *after = NULL;
	unsigned int exact = 0;

	(void)state;
	guest_spawn(coord, "@runner", "workers=3 work=spin comm=spin affinity=2");
	for (int tries = 0; tries < 50 && exact < 5; tries++) {
		struct str text = {0};

		model_destroy(before);
		model_destroy(after);
		expect_ok(coord_run_until(coord, coord_time(coord) + 100 * MS));
		before = take_model();
		expect_ok(agent_cat(coord_agent(coord), "/sys/kernel/debug/sched/debug", &text));
		after = take_model();
		assert_int_equal(before->cpu_count, 4);
		exact += compare_cpus(text.data, before, after);
		str_deinit(&text);
	}
	print_message("%u comparisons of a CPU that was still\n", exact);
	assert_true(exact >= 5);
	/* Three on one CPU, whoever of them has its turn. */
	assert_true(after->cpus[2].nr_running >= 3);
	assert_true(after->cpus[2].nr_fair >= 3);
	assert_false(after->cpus[2].idle);
	model_destroy(before);
	model_destroy(after);
}

static uint64_t read_symbol(const char *name)
{
	struct cold_op op = {.target = {.kind = TARGET_SYMBOL}};
	struct cold_reply reply;

	snprintf(op.target.name, sizeof(op.target.name), "%s", name);
	expect_ok(cold_run(coord_cold(coord), &op, &reply));
	assert_int_equal(reply.value.kind, VALUE_NUMBER);
	return reply.value.number;
}

static void test_jiffies(void **state)
{
	uint64_t before, after, said = 0;
	struct str text = {0};

	(void)state;
	before = read_symbol("jiffies_64");
	expect_ok(agent_cat(coord_agent(coord), "/sys/kernel/debug/sched/debug", &text));
	after = read_symbol("jiffies_64");
	assert_true(debug_number(text.data, "Sched Debug", "jiffies", &said));
	assert_in_range(said, before, after);
	/* 250 Hz: a tenth of a second is 25 of them. */
	expect_ok(coord_run_until(coord, coord_time(coord) + 100 * MS));
	assert_in_range(read_symbol("jiffies_64"), after + 24, after + (is_exact() ? 26 : 2500));
	str_deinit(&text);
}

static void test_queue_of_a_busy_cpu(void **state)
{
	struct model_queue_entry *entries = NULL;
	unsigned int count = 0, fair = 0;
	struct kernel *k = NULL;
	struct model *m;

	(void)state;
	expect_ok(coord_kernel(coord, &k));
	m = take_model();
	expect_ok(model_queue(k, m, 2, &entries, &count));
	assert_int_equal(count, m->cpus[2].nr_running);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(m->tasks[entries[i].task].cpu, 2);
		if (entries[i].class == CLASS_FAIR) {
			fair++;
			assert_true(entries[i].key == m->tasks[entries[i].task].vruntime);
		}
	}
	assert_true(fair >= 3);
	free(entries);
	expect_err(model_queue(k, m, 4, &entries, &count), ERR_NOT_FOUND,
		   "cpu 4: this guest has cpus 0-3");
	model_destroy(m);
}

static void check_ext_queues(const struct model *m)
{
	struct kernel *k = NULL;

	expect_ok(coord_kernel(coord, &k));
	for (unsigned int cpu = 0; cpu < m->cpu_count; cpu++) {
		struct model_queue_entry *entries = NULL;
		unsigned int count = 0, ext = 0;

		expect_ok(model_queue(k, m, cpu, &entries, &count));
		for (unsigned int i = 0; i < count; i++)
			ext += entries[i].class == CLASS_EXT;
		assert_int_equal(ext, m->cpus[cpu].local_dsq_nr.value);
		free(entries);
	}
}

/* What the tasks say of the queue they wait in is what the queues say of their tasks. */
static void check_dispatch_queues(const struct model *m)
{
	struct model_dsq *dsqs = NULL;
	unsigned int count = 0, waiting = 0, listed = 0;
	struct str damage = {0};
	struct kernel *k = NULL;

	expect_ok(coord_kernel(coord, &k));
	expect_ok(model_dsqs(k, m, &dsqs, &count, &damage));
	for (unsigned int i = 0; i < count; i++) {
		struct model_queue_entry *entries = NULL;
		unsigned int entry_count = 0;

		expect_ok(model_dsq_tasks(k, m, dsqs[i].address, &entries, &entry_count, &damage));
		assert_int_equal(entry_count, dsqs[i].nr);
		for (unsigned int j = 0; j < entry_count; j++) {
			const struct model_task *t = &m->tasks[entries[j].task];

			assert_true(t->scx_dsq.value == dsqs[i].address);
			assert_true(t->scx_dsq_id.value == dsqs[i].id);
		}
		listed += entry_count;
		free(entries);
	}
	for (unsigned int i = 0; i < m->task_count; i++)
		waiting += m->tasks[i].scx_dsq.value && !(m->tasks[i].scx_dsq_id.value >> 63);
	assert_int_equal(waiting, listed);
	assert_string_equal(str_text(&damage), "");
	print_message("%u dispatch queues, %u tasks wait in them\n", count, listed);
	str_deinit(&damage);
	free(dsqs);
}

static void test_sched_ext(void **state)
{
	unsigned int ext = 0, on_dsq = 0;
	struct model *m;
	int pid;

	(void)state;
	m = take_model();
	if (!m->scx.present) {
		model_destroy(m);
		skip();
	}
	assert_string_equal(m->scx.state, "disabled");
	assert_string_equal(m->scx.ops, "");
	model_destroy(m);
	expect_ok(agent_sched_attach(coord_agent(coord), "vtime", 0, NULL));
	pid = guest_spawn(coord, "@runner", "workers=6 work=spin comm=extspin");
	expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
	m = take_model();
	assert_string_equal(m->scx.state, "enabled");
	assert_string_equal(m->scx.ops, "vtime");
	assert_true(m->scx.enable_seq.present);
	assert_true(m->scx.enable_seq.value >= 1);
	assert_int_equal(m->scx.exit_kind.value, 0);
	assert_true(m->scx.event_count > 0);
	for (unsigned int i = 0; i < m->task_count; i++) {
		ext += m->tasks[i].class == CLASS_EXT;
		on_dsq += m->tasks[i].scx_dsq.value != 0;
	}
	assert_true(ext > 50);
	/* Nine spin and four CPUs are there: some wait in the scheduler's queue. */
	assert_true(on_dsq >= 1 || !is_exact());
	assert_true(model_find_task(m, pid) >= 0);
	assert_int_equal(m->tasks[model_find_task(m, pid)].class, CLASS_EXT);
	check_ext_queues(m);
	check_dispatch_queues(m);
	model_destroy(m);
	expect_ok(agent_sched_detach(coord_agent(coord)));
	m = take_model();
	assert_string_equal(m->scx.state, "disabled");
	model_destroy(m);
}

static void test_thousand_tasks_are_quick(void **state)
{
	struct kernel *k = NULL;
	struct model_layout *layout = NULL;
	uint64_t best = UINT64_MAX;
	unsigned int count = 0;

	(void)state;
	if (!is_exact())
		skip();
	guest_spawn(coord, "@runner", "workers=500 work=sleep comm=many");
	guest_spawn(coord, "@runner", "workers=500 work=sleep comm=more");
	expect_ok(coord_kernel(coord, &k));
	expect_ok(model_layout_create(k, &layout));
	for (int i = 0; i < 5; i++) {
		uint64_t start = host_now();
		struct model *m = NULL;

		kernel_window_begin(k);
		expect_ok(model_take(k, layout, &m));
		if (host_now() - start < best)
			best = host_now() - start;
		count = m->task_count;
		model_destroy(m);
	}
	model_layout_put(layout);
	print_message("%u tasks: %" PRIu64 " us\n", count, best / 1000);
	assert_true(count > 1000);
	assert_true(best < 20 * MS);
}

/* Each test in one window: time passes where the test says so, under both clocks. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WINDOW(test_tasks_are_what_proc_says),
		IN_WINDOW(test_cpus_are_what_sched_debug_says),
		IN_WINDOW(test_jiffies),
		IN_WINDOW(test_queue_of_a_busy_cpu),
		IN_WINDOW(test_sched_ext),
		IN_WINDOW(test_thousand_tasks_are_quick),
	};
	int failed;

	coord = guest_boot();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	coord_destroy(coord);
	return failed;
}
