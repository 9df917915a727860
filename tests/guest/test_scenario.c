/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios against a guest: what a step makes is there while it holds and gone after it, what it refuses
 * it refuses before it makes anything, and what it measures is what was done. What there is in the guest is
 * read from its memory and its /proc, not from what the agent says of itself.
 */
#include "tests/guest/typed.h"

#include "coord/agent.h"
#include "coord/model.h"
#include "vmm/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The lines of a block; the error is that of the last. */
static struct err *try_block(const char *lines, struct str *ret)
{
	struct err *err = NULL;
	char *copy = strdup(lines), *rest = copy, *line;

	assert_non_null(copy);
	while (!err && (line = strsep(&rest, "\n")))
		if (*line)
			err = typed_execute(line, OUT_TEXT, ret);
	free(copy);
	return err;
}

static void block(const char *lines)
{
	struct str text = {0};

	expect_ok(try_block(lines, &text));
	str_deinit(&text);
}

/* What a test that failed has left, so that the next one is judged by itself. */
static int clean(void **state)
{
	struct str text = {0};

	(void)state;
	err_free(try_block("scenario end", &text));
	err_free(try_block("sched detach", &text));
	err_free(try_block("cgroup stop @runner", &text));
	str_deinit(&text);
	return 0;
}

static void block_fails(const char *lines, enum err_kind kind, const char *part)
{
	struct str text = {0};

	expect_err_with(try_block(lines, &text), kind, part);
	str_deinit(&text);
}

static bool scheduler_there(void)
{
	struct kernel *k;

	expect_ok(session_kernel(session, &k));
	return kernel_info(k)->sched_ext;
}

/* How many tasks have a name that begins so, by the kernel's own list. */
static unsigned int tasks_named(const char *prefix)
{
	const struct model *m;
	unsigned int n = 0;

	expect_ok(coord_model(session_coord(session), &m));
	for (unsigned int i = 0; i < m->task_count; i++)
		n += strncmp(m->tasks[i].comm, prefix, strlen(prefix)) == 0;
	return n;
}

static int64_t of_step(const char *column)
{
	struct json_object *rows = json_lines("steps");
	int64_t value = json_number(json_row(rows, json_object_array_length(rows) - 1), column);

	json_object_put(rows);
	return value;
}

/* ---- what lives how long ---- */

static void step_ends_what_it_made(void **state)
{
	(void)state;
	block("backdrop for=1s\n"
	      "def base workers=1 work=spin comm=base\n"
	      "end");
	prints("cgroup list", "base\n");
	block("step hold=frac:0.1\n"
	      "spawn base workers=1 work=spin comm=guest\n"
	      "spawn @runner workers=1 work=spin comm=runner\n"
	      "def web weight=300 workers=2 work=spin comm=web\n"
	      "expect workers(web).count == 2 && workers(base).count == 2\n"
	      "expect task(worker(web,0)).comm == \"web\"\n"
	      "expect workers(@runner).count == 1\n"
	      "end");
	prints("cgroup list", "base\n");
	assert_int_equal(tasks_named("web"), 0);
	assert_int_equal(tasks_named("guest"), 0);
	assert_int_equal(tasks_named("runner"), 0);
	assert_int_equal(tasks_named("base"), 1);
	assert_int_equal(of_step("held"), 100000000);
	assert_int_equal(of_step("ops"), 3);
	runs("expect workers(base).count == 1 && workers(web).count == 0");
	runs("scenario end");
	prints("cgroup list", "");
	assert_int_equal(tasks_named("base"), 0);
	fails("scenario end", ERR_USAGE, "no scenario is running");
}

static void backdrop_is_applied_in_its_order(void **state)
{
	(void)state;
	/* The op stands first, but needs what the definition makes. */
	block("backdrop\n"
	      "spawn late workers=1 work=yield\n"
	      "def late weight=50\n"
	      "expect workers(late).count == 1\n"
	      "end");
	/* A step's ops come before its definitions. */
	block_fails("step hold=10ms\n"
		    "def web\n"
		    "spawn web workers=1\n"
		    "end",
		    ERR_NOT_FOUND, "line 2: spawn: no cgroup web; there is late");
	prints("cgroup list", "late\n");
	/* A loop step's come after. */
	block("step loop=50ms for=150ms\n"
	      "def web\n"
	      "spawn web workers=1 work=yield\n"
	      "expect workers(web).count == 3\n"
	      "end");
	assert_int_equal(of_step("turns"), 3);
	assert_int_equal(of_step("ops"), 4);
	/* Another backdrop ends the one before. */
	block("backdrop\ndef other\nend");
	prints("cgroup list", "other\n");
	runs("scenario end");
}

static void moved_workers_follow(void **state)
{
	(void)state;
	block("backdrop\ndef base\nend");
	block("step hold=20ms\n"
	      "cgroup add web\n"
	      "spawn web workers=2 work=spin comm=moved\n"
	      "cgroup move web base\n"
	      "expect workers(base).count == 2 && workers(web).count == 0\n"
	      "end");
	assert_int_equal(tasks_named("moved"), 2);
	block_fails("step hold=20ms\n"
		    "cgroup add web\n"
		    "cgroup move base web\n"
		    "end",
		    ERR_REFUSED, "line 2: cgroup: web would take the workers of base with it when its step ends");
	block_fails("step hold=20ms\ncgroup move base base\nend", ERR_REFUSED, "base to itself");
	prints("cgroup list", "base\n");
	assert_int_equal(tasks_named("moved"), 2);
	runs("scenario end");
	assert_int_equal(tasks_named("moved"), 0);
}

static void frozen_cgroups_are_taken_down(void **state)
{
	(void)state;
	block("step loop=20ms for=20ms\n"
	      "def ice workers=3 work=spin comm=ice\n"
	      "cgroup freeze ice\n"
	      "expect cgroup(ice).freezer.freeze == 1\n"
	      "end");
	prints("cgroup list", "");
	assert_int_equal(tasks_named("ice"), 0);
	runs("scenario end");
}

/* ---- what is refused ---- */

static void refused_before_anything_is_made(void **state)
{
	static const struct {
		const char *step, *line;
		enum err_kind kind;
		const char *part;
	} rows[] = {
		{"step hold=frac:0", "def a", ERR_USAGE, "hold: frac:0: a fraction above 0 and up to 1"},
		{"step hold=frac:1.5", "def a", ERR_USAGE, "frac:1.5: a fraction"},
		{"step hold=frac:nan", "def a", ERR_USAGE, "frac:nan: a fraction"},
		{"step hold=soon", "def a", ERR_USAGE, "hold: "},
		{"step hold=-1s", "def a", ERR_USAGE, "hold: "},
		{"step loop=0 for=1s", "def a", ERR_USAGE, "a loop step takes time"},
		{"step loop=10ms", "def a", ERR_USAGE, "loop=T and for=T go together"},
		{"step hold=1s loop=1s for=1s", "def a", ERR_USAGE, "one of hold="},
		{"step hold=1s hold=2s", "def a", ERR_USAGE, "hold is given twice"},
		{"step hold=1s", "def b cpuset=0-99", ERR_USAGE, "line 2: "},
		{"step hold=1s", "def b weight=0", ERR_USAGE, "line 2: weight=0"},
		{"step hold=1s", "def b policy=best", ERR_USAGE, "line 2: "},
		{"step hold=1s", "def b workers=1 work=nothing", ERR_USAGE, "line 2: unknown work type"},
		{"step hold=1s", "spawn a policy=fifo:100", ERR_USAGE, "line 2: "},
		{"step hold=1s", "affinity a 0-77", ERR_USAGE, "line 2: "},
		{"step hold=1s", "cgroup set a cpuset=9", ERR_USAGE, "line 2: "},
		{"step hold=1s", "def b cpuset=llc:9", ERR_USAGE, "line 2: cpuset=llc:9"},
		{"step hold=1s", "def b workers=1 mempolicy=bind:7", ERR_USAGE, "line 2: "},
		{"step hold=1s", "def b workers=1 workers=50%", ERR_USAGE, "line 2: "},
		{"step hold=1s", "def b workers=1 policy=deadline:5ms/2ms", ERR_USAGE, "line 2: "},
		{"step hold=1s", "payload run nothing", ERR_NOT_FOUND, "line 2: nothing: No such file"},
		{"step hold=1s", "def a", ERR_REFUSED, "line 2: cgroup a exists already"},
		{"step hold=1s", "def", ERR_USAGE, "line 2: usage: def NAME"},
		{"step hold=1s", "frobnicate", ERR_USAGE, "line 2: no command 'frobnicate'"},
		{"step hold=1s", "poweroff", ERR_USAGE, "line 2: `poweroff` cannot be part of a step"},
		{"step hold=1s", "step hold=1s", ERR_USAGE, "line 2: `step` cannot be part of a step"},
		{"step hold=1s", "scenario end", ERR_USAGE, "line 2: `scenario` cannot be part of a step"},
		{"step hold=1s", "expect 1 ==", ERR_USAGE, "line 2: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char lines[256];

		snprintf(lines, sizeof(lines), "%s\ndef a workers=1\n%s\nend", rows[i].step, rows[i].line);
		block_fails(lines, rows[i].kind, rows[i].part);
		prints("cgroup list", "");
	}
	runs("freeze");
	block_fails("step hold=1s\nend", ERR_REFUSED, "the guest is frozen");
	runs("thaw");
}

static void false_expectation_takes_the_step_down(void **state)
{
	(void)state;
	block_fails("step hold=20ms\n"
		    "def a workers=1 work=spin comm=gone\n"
		    "expect workers(a).count == 2\n"
		    "end",
		    ERR_EXPECT, "line 2: expect: `workers(a).count == 2` is false: left 1, right 2");
	prints("cgroup list", "");
	assert_int_equal(tasks_named("gone"), 0);
	runs("expect step(1).result == \"failed\" && step(1).why ~ \"is false\"");
	/* What was measured is not lost. */
	runs("expect step(1,a).count == 1 && step(1,a).iterations > 0");
	runs("scenario end");
}

/* ---- what is measured ---- */

static void steps_measure_their_own_time(void **state)
{
	(void)state;
	block("backdrop\n"
	      "def base cpuset=0 workers=2 work=spin\n"
	      "end");
	block("step hold=300ms\n"
	      "def ice workers=1 work=sleep(60s)\n"
	      "end");
	block("step hold=100ms\nend");
	/* Two share one CPU: neither starves, each has half, none leaves its cpuset. */
	runs("expect step(1,base).count == 2 && step(1,base).starved == 0 && step(1,base).outside == 0");
	runs("expect step(1,base).spread <= 5 && step(1,base).migrations == 0");
	runs("expect step(1,base).cpu_time > 280ms && step(1,base).cpu_time < 310ms");
	/* A sleeper has done nothing, and its gap is the hold. */
	runs("expect step(1,ice).starved == 1 && step(1,ice).max_gap > 280ms");
	runs("expect workers(ice).count == 0 && workers(ice).ended == 1 && workers(ice).starved == 1");
	/* The second step counts only what was done in it. */
	runs("expect step(2).held == 100ms && step(2,base).cpu_time < 105ms");
	runs("expect step(2,base).iterations * 2 < step(1,base).iterations");
	runs("expect step(2).begin > step(1).end && step(2).iterations == step(2,base).iterations");
	fails("print step(3).held", ERR_NOT_FOUND, "no step 3; the last is 2");
	fails("print step(2,ice).count", ERR_NOT_FOUND, "no workers of cgroup ice in step 2");
	fails("print step(2).nothing", ERR_NOT_FOUND, "no member `nothing`: there are result, begin");
	assert_int_equal(of_step("iterations_end") > of_step("iterations_begin"), 1);
	runs("scenario end");
}

/* A worker that may go everywhere for the first half of the step was not outside in the second. */
static void changed_cpusets_allow_both(void **state)
{
	(void)state;
	block("step loop=50ms for=100ms\n"
	      "def roam cpuset=0 workers=2 work=spin\n"
	      "def tied cpuset=3 workers=1 work=spin\n"
	      "cgroup set roam cpuset=1-2\n"
	      "end");
	runs("expect step(1,roam).outside == 0 && step(1,tied).outside == 0");
	runs("scenario end");
}

/* ---- a scheduler that dies ---- */

static void death_ends_the_step(void **state)
{
	struct json_object *rows;

	(void)state;
	if (!scheduler_there())
		skip();
	block("backdrop\ndef base workers=1 work=sleep(60s) comm=base\nend");
	block_fails("step hold=full\n"
		    "sched attach broken wrong-cpu\n"
		    "def web workers=2 work=mixed comm=web\n"
		    "end",
		    ERR_REFUSED, "step 1: scheduler broken crashed at ");
	rows = json_lines("steps");
	assert_int_equal(json_object_array_length(rows), 2);
	assert_string_equal(json_text(json_row(rows, 1), "result"), "crashed");
	assert_non_null(strstr(json_text(json_row(rows, 1), "why"), "SCX_EXIT_ERROR"));
	assert_true(json_number(json_row(rows, 1), "held") < 100000000);
	json_object_put(rows);
	assert_int_equal(tasks_named("web") + tasks_named("base"), 0);
	prints("cgroup list", "");
	runs("wait scx.state == \"disabled\"");
	/* The guest goes on, and so does the scenario. */
	block("step hold=20ms\ndef web workers=1 work=spin\nend");
	runs("expect step(2).result == \"held\" && step(2,web).iterations > 0");
	runs("scenario end");
}

/* Its process is killed, fails, or ends by itself: the step says which. */
static void end_of_the_process_is_told(void **state)
{
	static const struct {
		int signal;
		const char *result, *why;
	} rows[] = {
		{9, "crashed", "its process was killed by signal 9"},
		{15, "exited cleanly", "its process ended with status 0"},
	};

	(void)state;
	if (!scheduler_there())
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128], expected[256];

		block("backdrop\n"
		      "sched attach vtime\n"
		      "def base workers=3 work=mixed comm=base\n"
		      "end");
		snprintf(line, sizeof(line), "step hold=2s\npayload run hostile kill sched-load %d\nend",
			 rows[i].signal);
		block_fails(line, ERR_REFUSED, "step 1: scheduler vtime");
		snprintf(expected, sizeof(expected),
			 "expect step(1).result == \"%s\" && step(1).why ~ \"%s\" && step(1).held < 100ms",
			 rows[i].result, rows[i].why);
		runs(expected);
		runs("expect step(1,base).count == 3");
		assert_int_equal(tasks_named("base") + tasks_named("hostile"), 0);
		runs("wait scx.state == \"disabled\"");
		runs("scenario end");
	}
}

static void replaced_scheduler_is_no_death(void **state)
{
	(void)state;
	if (!scheduler_there())
		skip();
	block("step loop=50ms for=150ms\n"
	      "def web workers=2 work=mixed\n"
	      "sched attach vtime\n"
	      "sched detach\n"
	      "end");
	block("step hold=20ms\nsched attach vtime\ndef web workers=2 work=mixed\nend");
	/* A scheduler stays what it is: it is the guest's, not the step's. */
	runs("expect scx.state == \"enabled\"");
	block("step hold=20ms\nsched detach\nend");
	runs("expect step(1).result == \"held\" && step(3).result == \"held\"");
	runs("scenario end");
}

/* ---- nothing is left behind ---- */

static int64_t number_in(const char *path, const char *key)
{
	struct str text = {0};
	const char *at;
	int64_t value;

	expect_ok(agent_cat(coord_agent(session_coord(session)), path, &text));
	at = strstr(str_text(&text), key);
	assert_non_null(at);
	value = strtoll(at + strlen(key), NULL, 10);
	str_deinit(&text);
	return value;
}

/* The kernel makes threads of its own as it likes. */
static unsigned int user_tasks(void)
{
	const struct model *m;
	unsigned int n = 0;

	expect_ok(coord_model(session_coord(session), &m));
	for (unsigned int i = 0; i < m->task_count; i++)
		n += !m->tasks[i].kthread;
	return n;
}

static void one_of_many(unsigned int i)
{
	char lines[512];

	snprintf(lines, sizeof(lines),
		 "step hold=5ms\n"
		 "cgroup add frozen-%u\n"
		 "spawn frozen-%u workers=2 work=pipe\n"
		 "cgroup freeze frozen-%u\n"
		 "def web-%u cpuset=0-1 weight=%u memory.max=64M workers=2 work=%s\n"
		 "end",
		 i, i, i, i, i % 100 + 1, i % 2 ? "page-fault" : "futex");
	block(lines);
}

/* KTDBG_TEST_STEPS of them; 20 when that is not set. */
static void many_steps_leave_nothing(void **state)
{
	const char *wanted = getenv("KTDBG_TEST_STEPS");
	unsigned int steps = wanted ? (unsigned int)atoi(wanted) : 20;
	int64_t tasks, available, slabs;

	(void)state;
	block("backdrop\ndef base workers=1 work=sleep(5ms)\nend");
	for (unsigned int i = 0; i < 5; i++) /* what the kernel caches is there after a few */
		one_of_many(i);
	runs("wait 0 == 0");
	tasks = user_tasks();
	slabs = number_in("/proc/meminfo", "Slab:");
	available = number_in("/proc/meminfo", "MemAvailable:");
	for (unsigned int i = 0; i < steps; i++)
		one_of_many(i);
	prints("cgroup list", "base\n");
	assert_int_equal(user_tasks(), tasks);
	/* kB. Killed cgroups are freed some time later: a step's few pages may still wait for that. */
	assert_in_range(number_in("/proc/meminfo", "MemAvailable:"), available - 16384, available + 65536);
	assert_in_range(number_in("/proc/meminfo", "Slab:"), 0, slabs + 8192);
	runs("scenario end");
	assert_int_equal(number_in("/sys/fs/cgroup/cgroup.stat", "nr_descendants "), 0);
	prints("cgroup list", "");
}

/* ---- snapshots ---- */

static void snapshots_tell_what_changed(void **state)
{
	char *text;

	(void)state;
	runs("snapshot take before");
	runs("spawn @runner workers=2 work=spin comm=new");
	runs("wait workers(@runner).iterations > 10");
	runs("snapshot take after");
	text = output("snapshot diff before after");
	assert_non_null(strstr(text, " new "));
	assert_non_null(strstr(text, "current"));
	assert_null(strstr(text, "switches"));
	free(text);
	prints_with("snapshot diff before after counters", "switches");
	prints("snapshot diff after after", "what  field  before  after\n");
	runs("cgroup stop @runner");
	fails("snapshot diff before nowhere", ERR_NOT_FOUND, "no snapshot nowhere; there is before, after");
	fails("snapshot take two words", ERR_USAGE, "usage: snapshot");
	fails("snapshot take a/b", ERR_USAGE, "\"a/b\" is no name of a snapshot");
	for (unsigned int i = 0; i < 64; i++) {
		char line[64];

		snprintf(line, sizeof(line), "snapshot take s%u", i);
		runs(line);
	}
	fails("snapshot diff before after", ERR_NOT_FOUND, "no snapshot before; there is s0");
	text = output("snapshot list");
	assert_non_null(strstr(text, "\ns0 "));
	assert_non_null(strstr(text, "\ns63 "));
	free(text);
}

static int64_t jiffies(void)
{
	struct json_object *rows = json_lines("read symbol jiffies_64");
	int64_t value = json_number(json_row(rows, 0), "value");

	json_object_put(rows);
	return value;
}

static void every_write_is_seen(void **state)
{
	struct json_object *rows;
	int64_t before, writes;

	(void)state;
	if (machine_info(coord_machine(session_coord(session)))->clock != CLOCK_VIRTUAL)
		skip();
	fails("snapshot watch schedule", ERR_REFUSED, "schedule is code");
	fails("snapshot watch runqueues", ERR_REFUSED, "runqueues is a per-CPU variable");
	fails("snapshot watch nosuch_", ERR_NOT_FOUND, "nosuch_");
	fails("snapshot unwatch jiffies_64", ERR_NOT_FOUND, "jiffies_64 is not watched");
	/* With every CPU busy none of them skips ticks. */
	runs("spawn @runner workers=4 work=spin affinity=each");
	runs("wait workers(@runner).starved == 0");
	before = jiffies();
	runs("snapshot watch jiffies_64");
	fails("snapshot watch jiffies_64", ERR_REFUSED, "jiffies_64 is watched already");
	block("step hold=200ms\nend");
	rows = json_lines("snapshot watch");
	writes = json_number(json_row(rows, 0), "writes");
	assert_int_equal(writes, jiffies() - before);
	/* A tick is longer than the time between two snapshots. */
	assert_int_equal(json_number(json_row(rows, 0), "taken"), writes);
	json_object_put(rows);
	prints_with("snapshot list", "jiffies_64.");
	runs("snapshot unwatch jiffies_64");
	block("step hold=20ms\nend");
	prints("snapshot watch", "symbol  address  bytes  writes  taken\n");
	runs("cgroup stop @runner");
	runs("scenario end");
}

/* ---- the same again ---- */

static char *tables(void)
{
	char *steps, *cgroups, *both;

	block("backdrop for=200ms\n"
	      "def base cpuset=0-1 workers=2 work=mixed\n"
	      "end");
	block("step hold=frac:0.5\ndef web workers=4 work=pipe\nend");
	block("step loop=20ms for=60ms\ndef churn workers=2 work=yield\ncgroup freeze churn\ncgroup unfreeze churn\nend");
	steps = output("steps");
	cgroups = output("steps cgroups");
	both = str_format("%s%s", steps, cgroups);
	free(steps);
	free(cgroups);
	return both;
}

/* In a guest of its own each time; being watched is nothing that it could notice. */
static void same_scenario_same_table(void **state)
{
	char *first, *second, *watched;

	(void)state;
	if (machine_info(coord_machine(session_coord(session)))->clock != CLOCK_VIRTUAL)
		skip();
	runs("poweroff");
	runs("boot");
	first = tables();
	runs("poweroff");
	runs("boot");
	second = tables();
	assert_string_equal(first, second);
	runs("poweroff");
	runs("boot");
	runs("snapshot watch jiffies_64");
	watched = tables();
	assert_string_equal(first, watched);
	free(first);
	free(second);
	free(watched);
}

#define TEST(name) cmocka_unit_test_teardown(name, clean)

static int start(void **state)
{
	static struct options options;
	static const char *files[1];
	static char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/guest/hostile", getenv("KTDBG_DATA"));
	typed_options(&options);
	files[0] = path;
	options.add_files = files;
	options.add_file_count = 1;
	typed_boot(&options);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(step_ends_what_it_made),
		TEST(backdrop_is_applied_in_its_order),
		TEST(moved_workers_follow),
		TEST(frozen_cgroups_are_taken_down),
		TEST(refused_before_anything_is_made),
		TEST(false_expectation_takes_the_step_down),
		TEST(steps_measure_their_own_time),
		TEST(changed_cpusets_allow_both),
		TEST(death_ends_the_step),
		TEST(end_of_the_process_is_told),
		TEST(replaced_scheduler_is_no_death),
		TEST(many_steps_leave_nothing),
		TEST(snapshots_tell_what_changed),
		TEST(every_write_is_seen),
		TEST(same_scenario_same_table),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
