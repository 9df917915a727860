/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run queues, groups and single tasks in full, against what the guest says of them in its files,
 * and against what must hold by definition: a fair queue owes its entities nothing in sum.
 */
#include "tests/guest/boot.h"

#include "coord/agent.h"
#include "coord/cgroup_spec.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdio.h>

#define MS 1000000ull

static struct kernel *kernel;

static struct model *take_model(void)
{
	struct model *m = NULL;

	expect_ok(coord_kernel(coord, &kernel));
	expect_ok(model_create(kernel, &m));
	assert_string_equal(m->damage, "");
	return m;
}

static void add_cgroup(const char *name, const char *knob)
{
	struct spec_limits limits = {agent_cpus(coord_agent(coord)),
				     agent_nodes(coord_agent(coord)), NULL};
	char *words[] = {(char *)(uintptr_t)knob, NULL};
	struct cgroup_spec spec;

	expect_ok(cgroup_spec_parse(name, knob != NULL, words, &limits, &spec));
	expect_ok(agent_cgroup_add(coord_agent(coord), &spec));
}

/* The text of a guest's file without its last newline; the caller frees. */
static struct str cat(const char *path)
{
	struct str s = {0};

	expect_ok(agent_cat(coord_agent(coord), path, &s));
	if (s.len && s.data[s.len - 1] == '\n')
		s.data[--s.len] = '\0';
	return s;
}

/* "NAME: VALUE" or "NAME VALUE" in the lines of a file. */
static void value_of(const char *text, const char *name, char value[128])
{
	const char *line = text;
	size_t len = strlen(name);

	for (; line; line = strchr(line, '\n'), line += line != NULL) {
		if (strncmp(line, name, len) == 0 && strchr(": \t", line[len])) {
			line += len + strspn(line + len, ": \t");
			snprintf(value, 128, "%.*s", (int)strcspn(line, "\n"), line);
			return;
		}
	}
	fail_msg("no %s in %s", name, text);
}

/* ---- the fair tree ---- */

/* The entities of one cfs_rq: neighbours of the same depth, those of its groups between them. */
static void check_sums(const struct model_entity *e, unsigned int count, unsigned int *checked)
{
	for (unsigned int i = 0; i < count; i++) {
		int64_t owed = 0, weights = 0;
		unsigned int entities = 0, eligible = 0;
		bool first = i == 0 || e[i - 1].depth < e[i].depth;

		if (!first)
			continue;
		for (unsigned int j = i; j < count && e[j].depth >= e[i].depth; j++) {
			int64_t weight = (int64_t)(e[j].weight.value >> 10);

			if (e[j].depth > e[i].depth)
				continue;
			assert_true(e[j].lag.present && e[j].eligible.present);
			owed += (int64_t)e[j].lag.value * weight;
			weights += weight;
			entities++;
			eligible += e[j].eligible.value != 0;
			/* Whoever is owed something may run, and nobody else. */
			if ((int64_t)e[j].lag.value >= 1)
				assert_true(e[j].eligible.value);
			if ((int64_t)e[j].lag.value < -1)
				assert_false(e[j].eligible.value);
		}
		/* The average is rounded down by less than 1, and so are the weights by 1 / 1024:
		 * the sums may miss by a thousandth of the largest lag. */
		assert_true(eligible >= 1);
		if (entities > 1) {
			assert_in_range(owed + weights * 100000, 0, weights * 200000);
			(*checked)++;
		}
	}
}

static unsigned int fair_part(struct model_entity *e, unsigned int count)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++)
		if (e[i].class == CLASS_FAIR && e[i].queued)
			e[kept++] = e[i];
	return kept;
}

static void test_fair_queues_owe_nothing_in_sum(void **state)
{
	unsigned int checked = 0, deepest = 0;

	(void)state;
	/* A guest is busy with itself for a while after boot. */
	expect_ok(coord_run_until(coord, 3000 * MS));
	add_cgroup("top", "weight=300");
	add_cgroup("top/one", "weight=50");
	add_cgroup("top/two", NULL);
	guest_spawn(coord, "top/one", "workers=3 work=spin comm=one affinity=1");
	guest_spawn(coord, "top/two", "workers=2 work=spin comm=two affinity=1 nice=7");
	guest_spawn(coord, "@runner", "workers=2 work=spin comm=batchy policy=batch affinity=1");
	for (int round = 0; round < 10; round++) {
		struct model_entity *e = NULL;
		struct str damage = {0};
		unsigned int count = 0;
		struct model *m;

		expect_ok(coord_run_until(coord, coord_time(coord) + 37 * MS));
		m = take_model();
		expect_ok(model_entities(kernel, m, 1, &e, &count, &damage));
		assert_string_equal(str_text(&damage), "");
		str_deinit(&damage);
		count = fair_part(e, count);
		for (unsigned int i = 0; i < count; i++)
			deepest = e[i].depth > deepest ? e[i].depth : deepest;
		if (!m->cpus[1].locked)
			check_sums(e, count, &checked);
		free(e);
		model_destroy(m);
	}
	print_message("%u queues, %u deep\n", checked, deepest);
	assert_int_equal(deepest, 2);
	assert_true(checked >= 20);
}

/* ---- who runs next ---- */

static const struct model_entity *at_address(const struct model_entity *e, unsigned int count,
					     uint64_t address)
{
	for (unsigned int i = 0; i < count; i++)
		if (e[i].address == address)
			return &e[i];
	return NULL;
}

/* Of those beside entity `i` the kernel must have taken it: the earliest deadline of all that are
 * eligible. True when one with an earlier deadline was not. */
static bool check_pick(const struct model_entity *e, unsigned int count, unsigned int i)
{
	unsigned int first = i, last = i;
	bool passed_over = false;

	while (first > 0 && e[first - 1].depth >= e[i].depth)
		first--;
	while (last + 1 < count && e[last + 1].depth >= e[i].depth)
		last++;
	assert_true(e[i].eligible.value);
	for (unsigned int j = first; j <= last; j++) {
		if (e[j].depth != e[i].depth ||
		    (int64_t)(e[j].deadline.value - e[i].deadline.value) >= 0)
			continue;
		assert_false(e[j].eligible.value);
		passed_over = true;
	}
	return passed_over;
}

/* Levels of the hierarchy on which another entity runs than before, and has not been accounted for
 * since: nothing that the choice went by has changed. */
static unsigned int check_picks(const struct model_entity *before, unsigned int count_before,
				const struct model_entity *e, unsigned int count,
				unsigned int *passed_over)
{
	unsigned int picks = 0;

	for (unsigned int i = 0; i < count; i++) {
		const struct model_entity *was = at_address(before, count_before, e[i].address);

		if (!e[i].current || !was || was->current ||
		    was->vruntime.value != e[i].vruntime.value)
			continue;
		*passed_over += check_pick(e, count, i);
		picks++;
	}
	return picks;
}

/* Entities of CPU 1's fair queue; 0 while it is locked: half changed. */
static unsigned int take_fair(struct model_entity **ret)
{
	struct model *m = take_model();
	struct str damage = {0};
	unsigned int count = 0;

	*ret = NULL;
	if (!m->cpus[1].locked)
		expect_ok(model_entities(kernel, m, 1, ret, &count, &damage));
	assert_string_equal(str_text(&damage), "");
	str_deinit(&damage);
	model_destroy(m);
	return fair_part(*ret, count);
}

/* On the workers of the test before. */
static void test_the_kernel_picks_the_first_that_is_eligible(void **state)
{
	struct model_entity *before = NULL;
	unsigned int count_before = 0, picks = 0, passed_over = 0;

	(void)state;
	for (int round = 0; round < 600; round++) {
		struct model_entity *e;
		unsigned int count;

		expect_ok(coord_run_until(coord, coord_time(coord) + MS));
		count = take_fair(&e);
		picks += check_picks(before, count_before, e, count, &passed_over);
		free(before);
		before = e;
		count_before = count;
	}
	free(before);
	print_message("%u picks foretold, %u against the order of deadlines\n", picks, passed_over);
	assert_true(picks >= 50);
	assert_true(passed_over >= 1);
}

/* ---- groups ---- */

static const struct model_group *find_group(const struct model_group *groups, unsigned int count,
					    const char *path)
{
	for (unsigned int i = 0; i < count; i++)
		if (strcmp(groups[i].path, path) == 0)
			return &groups[i];
	fail_msg("no group %s", path);
	return NULL;
}

static void check_group(const struct model_group *groups, unsigned int count, const char *path)
{
	const struct model_group *group = find_group(groups, count, path);
	char file[128], text[64];
	struct str weight, max;

	snprintf(file, sizeof(file), "/sys/fs/cgroup%s/cpu.weight", path);
	weight = cat(file);
	snprintf(text, sizeof(text), "%" PRIu64, group->weight.value);
	assert_string_equal(str_text(&weight), text);
	snprintf(file, sizeof(file), "/sys/fs/cgroup%s/cpu.max", path);
	max = cat(file);
	if (group->quota.value == UINT64_MAX)
		snprintf(text, sizeof(text), "max %" PRIu64, group->period.value / 1000);
	else
		snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, group->quota.value / 1000,
			 group->period.value / 1000);
	assert_string_equal(str_text(&max), text);
	str_deinit(&weight);
	str_deinit(&max);
}

static void test_groups_are_what_their_files_say(void **state)
{
	struct model_group *groups = NULL;
	struct str damage = {0};
	unsigned int count = 0;
	struct model *m;

	(void)state;
	add_cgroup("short", "cpu.max=3ms/40ms");
	guest_spawn(coord, "short", "workers=2 work=spin comm=short affinity=2");
	expect_ok(coord_run_until(coord, coord_time(coord) + 300 * MS));
	m = take_model();
	expect_ok(model_groups(kernel, m, &groups, &count, &damage));
	assert_string_equal(str_text(&damage), "");
	str_deinit(&damage);
	assert_string_equal(groups[0].path, "/");
	assert_int_equal(groups[0].all_tasks, m->task_count);
	assert_int_equal(find_group(groups, count, "/top")->tasks, 0);
	assert_int_equal(find_group(groups, count, "/top")->all_tasks, 5);
	assert_int_equal(find_group(groups, count, "/top/one")->tasks, 3);
	assert_int_equal(find_group(groups, count, "/short")->tasks, 2);
	assert_true(find_group(groups, count, "/short")->nr_throttled.value >= 3);
	check_group(groups, count, "/top");
	check_group(groups, count, "/top/one");
	check_group(groups, count, "/short");
	model_groups_destroy(groups, count);
	model_destroy(m);
}

/* A group with 3 of 40 ms stands still most of the time, and never longer than its period. */
static void test_a_throttled_group_says_until_when(void **state)
{
	unsigned int throttled = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct model_group *groups = NULL;
		const struct model_group *group;
		struct model_group_cpu queue;
		struct str damage = {0};
		unsigned int count = 0;
		struct model *m;

		expect_ok(coord_run_until(coord, coord_time(coord) + 13 * MS));
		m = take_model();
		expect_ok(model_groups(kernel, m, &groups, &count, &damage));
		group = find_group(groups, count, "/short");
		assert_true(model_group_cpu(kernel, m, group, 2, &queue));
		if (queue.throttled.value) {
			throttled++;
			/* It gets just enough to be 1 ahead, and is let go a little later. */
			assert_true((int64_t)queue.remaining.value <= 1);
			assert_true(group->refill.present);
			/* The clock is as of the last tick, the timer's slack comes on top. */
			assert_in_range((int64_t)group->refill.value + (int64_t)(10 * MS), 0,
					60 * MS);
		}
		model_groups_destroy(groups, count);
		str_deinit(&damage);
		model_destroy(m);
	}
	print_message("throttled %u times out of 20\n", throttled);
	assert_true(throttled >= 8);
}

/* ---- tasks ---- */

static void check_status(const struct model *m, int pid)
{
	char path[64], value[128];
	struct model_detail detail, later;
	struct model *after;
	int task = model_find_task(m, pid);
	struct str status, cpus = {0};

	assert_true(task >= 0);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_true(model_task_detail(kernel, m, task, &detail));
	status = cat(path);
	after = take_model();
	assert_true(model_task_detail(kernel, after, model_find_task(after, pid), &later));
	assert_true(model_task_cpus(kernel, m, task, &cpus));
	value_of(str_text(&status), "Cpus_allowed_list", value);
	assert_string_equal(str_text(&cpus), value);
	value_of(str_text(&status), "voluntary_ctxt_switches", value);
	assert_in_range(strtoull(value, NULL, 10), detail.nvcsw.value, later.nvcsw.value);
	value_of(str_text(&status), "nonvoluntary_ctxt_switches", value);
	assert_in_range(strtoull(value, NULL, 10), detail.nivcsw.value, later.nivcsw.value);
	model_destroy(after);
	str_deinit(&status);
	str_deinit(&cpus);
}

static void check_path(const struct model *m, int pid, const char *expected)
{
	struct str path = {0}, said;
	char file[64];

	assert_true(model_cgroup_path(
		kernel, m, model_task_cgroup(kernel, m, m->tasks[model_find_task(m, pid)].address),
		&path));
	assert_string_equal(str_text(&path), expected);
	snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
	said = cat(file);
	assert_true(str_starts(str_text(&said), "0::"));
	assert_string_equal(str_text(&said) + 3, expected);
	str_deinit(&path);
	str_deinit(&said);
}

static void test_tasks_are_what_their_files_say(void **state)
{
	struct model *m;
	int quiet, deep;

	(void)state;
	add_cgroup("sleepers", NULL);
	add_cgroup("sleepers/deep", NULL);
	quiet = guest_spawn(coord, "@runner", "workers=1 work=sleep comm=quiet affinity=1");
	deep = guest_spawn(coord, "sleepers/deep", "workers=1 work=sleep comm=deep affinity=3");
	expect_ok(coord_run_until(coord, coord_time(coord) + 100 * MS));
	m = take_model();
	check_path(m, deep, "/sleepers/deep");
	check_path(m, 2, "/"); /* kthreadd */
	check_status(m, quiet);
	check_status(m, deep);
	model_destroy(m);
}

/* What waits and for how long can be seen when nobody lets it run. */
static void test_a_waiting_task_says_how_long(void **state)
{
	struct model_detail detail;
	struct model *m;
	int pid, task;

	(void)state;
	guest_spawn(coord, "@runner", "workers=1 work=spin comm=greedy policy=fifo:20 affinity=3");
	expect_ok(coord_run_until(coord, coord_time(coord) + 20 * MS));
	pid = guest_spawn(coord, "@runner",
			  "workers=1 work=spin comm=meek policy=fifo:10 affinity=3");
	expect_ok(coord_run_until(coord, coord_time(coord) + 60 * MS));
	m = take_model();
	task = model_find_task(m, pid);
	assert_true(task >= 0);
	assert_true(model_task_detail(kernel, m, task, &detail));
	assert_true(m->tasks[task].on_rq);
	assert_in_range(m->tasks[task].waiting.value, 40 * MS, 20000 * MS);
	assert_int_equal(detail.boosted.value, 0);
	assert_int_equal(m->cpus[3].nr_rt, 2);
	model_destroy(m);
}

/* ---- sched_ext ---- */

static void check_events(const struct model *before, const struct model *after, const char *text)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < before->scx.event_count; i++) {
		char value[128];
		int64_t said;

		/* A kernel's file may leave out what its struct has. */
		if (!strstr(text, before->scx.events[i].name))
			continue;
		value_of(text, before->scx.events[i].name, value);
		said = strtoll(value, NULL, 10);
		assert_true(said >= before->scx.events[i].count);
		assert_true(said <= after->scx.events[i].count);
		found++;
	}
	print_message("%u events as the kernel's file has them\n", found);
	assert_true(found >= 3);
}

static void check_scx_number(const char *name, struct maybe said)
{
	char path[64], text[32];
	struct str file;

	snprintf(path, sizeof(path), "/sys/kernel/sched_ext/%s", name);
	file = cat(path);
	assert_true(said.present);
	snprintf(text, sizeof(text), "%" PRIu64, said.value);
	assert_string_equal(str_text(&file), text);
	str_deinit(&file);
}

/* The kernel's own files. */
static void check_scx_files(void)
{
	struct model *m = take_model();
	struct str state = cat("/sys/kernel/sched_ext/state"), ops = {0};

	assert_string_equal(str_text(&state), m->scx.state);
	check_scx_number("switch_all", m->scx.switched_all);
	check_scx_number("nr_rejected", m->scx.nr_rejected);
	check_scx_number("enable_seq", m->scx.enable_seq);
	if (strcmp(m->scx.state, "enabled") == 0)
		ops = cat("/sys/kernel/sched_ext/root/ops");
	assert_string_equal(str_text(&ops), m->scx.ops);
	str_deinit(&state);
	str_deinit(&ops);
	model_destroy(m);
}

static void check_longest(const struct model *m)
{
	struct str damage = {0};
	int64_t age = 0;
	int task = -1;

	expect_ok(model_longest_waiting(kernel, m, &task, &age, &damage));
	assert_string_equal(str_text(&damage), "");
	str_deinit(&damage);
	assert_true(task >= 0);
	assert_int_equal(m->tasks[task].class, CLASS_EXT);
	for (unsigned int i = 0; i < m->task_count; i++) {
		struct model_detail detail;

		assert_true(model_task_detail(kernel, m, (int)i, &detail));
		if (detail.runnable_age.present)
			assert_true((int64_t)detail.runnable_age.value <= age);
	}
}

static void check_all_dsqs(const struct model *m)
{
	unsigned int count = 0, kinds[4] = {0};
	struct model_dsq *dsqs = NULL;
	struct str damage = {0};

	expect_ok(model_all_dsqs(kernel, m, &dsqs, &count, &damage));
	assert_string_equal(str_text(&damage), "");
	for (unsigned int i = 0; i < count; i++) {
		static const uint64_t ids[] = {1ull << 63 | 2, 1ull << 63 | 1, 1ull << 63 | 3};

		kinds[dsqs[i].kind]++;
		/* The bypass had the number of no queue before it got its own. */
		if (dsqs[i].kind != DSQ_USER && dsqs[i].id != ids[dsqs[i].kind])
			assert_int_equal(dsqs[i].kind, DSQ_BYPASS);
	}
	assert_int_equal(kinds[DSQ_LOCAL], m->cpu_count);
	assert_true(kinds[DSQ_GLOBAL] >= 1);
	str_deinit(&damage);
	free(dsqs);
}

static void test_sched_ext_is_what_its_files_say(void **state)
{
	struct model *before, *after;
	struct str text = {0}, flags = {0};
	struct err *err;

	(void)state;
	before = take_model();
	if (!before->scx.present) {
		model_destroy(before);
		skip();
	}
	model_destroy(before);
	check_scx_files();
	expect_ok(agent_sched_attach(coord_agent(coord), "vtime", 0, NULL));
	guest_spawn(coord, "@runner", "workers=9 work=spin comm=extspin");
	expect_ok(coord_run_until(coord, coord_time(coord) + 200 * MS));
	/* By now: the state says so before the last step is done. */
	check_scx_files();
	before = take_model();
	err = agent_cat(coord_agent(coord), "/sys/kernel/sched_ext/root/events", &text);
	after = take_model();
	if (!err)
		check_events(before, after, str_text(&text));
	err_free(err);
	assert_true(after->scx.watchdog_ns.present);
	assert_true(after->scx.watchdog_ns.value >= 1000 * MS);
	assert_string_equal(after->scx.exit_kind_name, "SCX_EXIT_NONE");
	for (unsigned int i = 0; i < after->cpu_count; i++) {
		str_clear(&flags);
		model_flags(kernel, after, FLAGS_RQ, after->cpus[i].scx_flags.value, &flags);
		assert_non_null(strstr(str_text(&flags), "SCX_RQ_ONLINE"));
		assert_null(strstr(str_text(&flags), "0x"));
	}
	check_longest(after);
	check_all_dsqs(after);
	model_destroy(before);
	model_destroy(after);
	str_deinit(&text);
	str_deinit(&flags);
	expect_ok(agent_sched_detach(coord_agent(coord)));
	check_scx_files();
}

/* Each test in one window: time passes where the test says so, under both clocks. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WINDOW(test_fair_queues_owe_nothing_in_sum),
		IN_WINDOW(test_the_kernel_picks_the_first_that_is_eligible),
		IN_WINDOW(test_groups_are_what_their_files_say),
		IN_WINDOW(test_a_throttled_group_says_until_when),
		IN_WINDOW(test_tasks_are_what_their_files_say),
		IN_WINDOW(test_a_waiting_task_says_how_long),
		IN_WINDOW(test_sched_ext_is_what_its_files_say),
	};
	int failed;

	coord = guest_boot();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	coord_destroy(coord);
	return failed;
}
