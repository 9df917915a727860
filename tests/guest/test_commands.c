/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands as an operator types them, against one guest: what they print, and what they refuse.
 */
#include "tests/guest/typed.h"

#include "base/file.h"
#include "coord/agent.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdio.h>

static struct json_object *find_pid(struct json_object *tasks, int64_t pid)
{
	for (size_t i = 0; i < json_object_array_length(tasks); i++)
		if (json_number(json_object_array_get_idx(tasks, i), "pid") == pid)
			return json_object_array_get_idx(tasks, i);
	fail_msg("no task with pid %d", (int)pid);
	return NULL;
}

/* ---- tests ---- */

static void check_keys(const char *line, struct json_object *object)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	json_object_object_foreach(object, key, value)
	{
		(void)value;
		if (key[strspn(key, letters)])
			fail_msg("%s: key %s", line, key);
	}
}

static void test_keys_are_lower_case(void **state)
{
	static const char *const lines[] = {"tasks",	   "cpus",
					    "status",	   "info machine",
					    "info kernel", "scx",
					    "dsq",	   "task 1",
					    "rq 0",	   "symbol jiffies_64",
					    "changes",	   "memory linux_banner 32",
					    "dmesg 3",	   "kernel list",
					    "cache list",  "doctor",
					    "help",	   "read symbol jiffies_64",
					    "print 1 + 1"};

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct json_object *all = json_lines(lines[i]);

		for (size_t j = 0; j < json_object_array_length(all); j++)
			check_keys(lines[i], json_object_array_get_idx(all, j));
		json_object_put(all);
	}
}

static void test_tasks_agree_with_what_the_guest_says(void **state)
{
	struct json_object *tasks = json_lines("tasks");
	struct str proc = {0};
	char *rest, *line;
	unsigned int seen = 0;

	expect_ok(agent_proc_snapshot(coord_agent(session_coord(session)), &proc));
	rest = proc.data;
	while (rest && (line = strsep(&rest, "\n"))) {
		struct json_object *task;
		int tgid, pid;
		unsigned int policy;
		char letter;

		if (sscanf(line, "%d %d %c %u", &tgid, &pid, &letter, &policy) != 4)
			continue;
		task = find_pid(tasks, pid);
		assert_int_equal(json_number(task, "tgid"), tgid);
		assert_string_equal(json_text(task, "policy"), sched_policy_name(policy));
		seen++;
	}
	assert_true(seen > 50);
	assert_int_equal(json_object_array_length(tasks), seen);
	str_deinit(&proc);
	json_object_put(tasks);
}

static void test_filters_order_and_columns(void **state)
{
	struct json_object *rows;
	int64_t last = INT64_MAX;

	prints("tasks where pid == 2 columns pid,comm", "pid  comm\n  2  kthreadd\n");
	/* A column, a member of task_struct, and both in an expression. */
	prints("tasks where comm == \"kthreadd\" && tgid == 2 columns pid,se.load.weight,prio - "
	       "100",
	       "pid  se.load.weight  prio - 100\n  2         1048576          20\n");
	prints("tasks where pid == 0",
	       "pid  comm  state  class  policy  prio  cpu  on_rq  runtime  switches\n");
	rows = json_lines("tasks where class == \"fair\" sort -runtime columns runtime");
	assert_true(json_object_array_length(rows) > 20);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		int64_t runtime = json_number(json_object_array_get_idx(rows, i), "runtime");

		assert_true(runtime <= last);
		last = runtime;
	}
	json_object_put(rows);
	fails("tasks where nonsense == 1", ERR_NOT_FOUND,
	      "\n  columns: pid tgid comm state class policy prio nice cpu on_rq on_cpu runtime\n"
	      "    vruntime");
	fails("tasks where run_dely > 0", ERR_NOT_FOUND, "\n  columns near it: run_delay");
	fails("tasks sort nonsense", ERR_NOT_FOUND, "`nonsense`");
	fails("tasks pid", ERR_USAGE, "'pid': want where EXPR, sort KEY or columns A,B");
}

/* Structs are objects, their anonymous members' members their own, arrays lists. */
static void test_structs_in_json(void **state)
{
	struct json_object *rows = json_lines("print task(2)"), *value, *list;

	value = json_member(json_object_array_get_idx(rows, 0), "value");
	assert_int_equal(json_number(value, "pid"), 2);
	assert_string_equal(json_text(value, "comm"), "kthreadd");
	assert_int_equal(json_number(json_member(json_member(value, "se"), "load"), "weight"), 1048576);
	assert_true(json_object_is_type(json_member(json_member(value, "wake_entry"), "u_flags"),
					json_type_int));
	list = json_member(json_member(value, "cpus_mask"), "bits");
	assert_true(json_object_is_type(list, json_type_array));
	assert_int_equal(json_object_get_uint64(json_object_array_get_idx(list, 0)) & 0xf, 0xf);
	json_object_put(rows);
	rows = json_lines("print task(2)->cpus_mask.bits[0] & 15");
	assert_int_equal(json_number(json_object_array_get_idx(rows, 0), "value"), 15);
	json_object_put(rows);
}

static void test_cpus(void **state)
{
	struct json_object *cpus = json_lines("cpus");

	assert_int_equal(json_object_array_length(cpus), 4);
	for (int i = 0; i < 4; i++) {
		struct json_object *cpu = json_object_array_get_idx(cpus, (size_t)i);

		assert_int_equal(json_number(cpu, "cpu"), i);
		assert_true(json_object_get_boolean(json_member(cpu, "online")));
		/* Nothing runs on an idle CPU, and a CPU that runs something has it counted. */
		assert_int_equal(strcmp(json_text(cpu, "class"), "idle") == 0,
				 json_number(cpu, "nr_running") == 0);
	}
	json_object_put(cpus);
	/* That nobody waits for a lock is no lack of the kernel's. A run queue that is locked adds a
	 * line. */
	prints_with("cpus where cpu == 2 columns cpu,lock_pending,lock_tail",
		    "cpu  lock_pending  lock_tail\n  2             0          -\n");
	prints_with("cpus where cpu == 2 columns cpu,online", "cpu  online\n  2  yes\n");
	fails("rq 4", ERR_NOT_FOUND, "no CPU 4: this guest has CPUs 0 to 3");
	fails("rq", ERR_USAGE, "usage: rq CPU");
}

static void test_run_stops_on_the_nanosecond(void **state)
{
	uint64_t start = coord_time(session_coord(session));
	char wanted[64], text[48];

	snprintf(text, sizeof(text), "%llu.%09llu",
		 (unsigned long long)(start + 30000000) / 1000000000,
		 (unsigned long long)(start + 30000000) % 1000000000);
	snprintf(wanted, sizeof(wanted), "frozen at %s\n", text);
	prints("run 30ms", wanted);
	assert_true(coord_frozen(session_coord(session)));
	snprintf(wanted, sizeof(wanted), "thawed at %s\n", text);
	prints("thaw", wanted);
	fails("run", ERR_USAGE, "usage: run DURATION");
	fails("run fast", ERR_USAGE, "'fast' is not a duration");
}

static void test_a_time_before_a_command(void **state)
{
	uint64_t later = (coord_time(session_coord(session)) / 100000000 + 3) * 100000000;
	char line[64], wanted[64];

	snprintf(line, sizeof(line), "[%llu.%09llu] freeze", (unsigned long long)later / 1000000000,
		 (unsigned long long)later % 1000000000);
	snprintf(wanted, sizeof(wanted), "frozen at %llu.%09llu\n",
		 (unsigned long long)later / 1000000000, (unsigned long long)later % 1000000000);
	prints(line, wanted);
	assert_int_equal(coord_time(session_coord(session)), later);
	free(output("thaw"));
}

static void test_symbols_and_memory(void **state)
{
	struct json_object *symbol = json_lines("symbol linux_banner");
	struct json_object *first = json_object_array_get_idx(symbol, 0);
	char line[64];

	assert_string_equal(json_text(first, "symbol"), "linux_banner");
	snprintf(line, sizeof(line), "symbol 0x%llx",
		 (unsigned long long)json_object_get_uint64(json_member(first, "address")));
	prints_with(line, "symbol   linux_banner\n");
	json_object_put(symbol);
	prints_with("memory linux_banner 16", "  4c 69 6e 75 78 20 76 65  72 73 69 6f 6e 20");
	prints_with("memory linux_banner 13", "|Linux version|\n");
	fails("symbol linux_baner", ERR_NOT_FOUND, "near: linux_banner");
	prints("print rq(1).clok", "<absent> (struct rq has no member 'clok'; near: clock)\n");
	fails("symbol 0x10", ERR_NOT_FOUND, "0x10 lies in no symbol");
	fails("memory 0 8", ERR_FAULT, "bad address 0x0");
	fails("memory linux_banner 1G", ERR_USAGE, "at most 65536 bytes at a time");
	fails("memory 0xffffffffffffffff 16", ERR_USAGE, "runs past the end of the address space");
}

/* Also after a warm start, which did not see the boot itself. */
static void test_console_has_the_boot(void **state)
{
	char *text = output("console 1000");

	assert_non_null(strstr(text, "SeaBIOS"));
	assert_null(strstr(text, "\\x1b"));
	free(text);
}

static void test_dmesg_is_the_kernels_own_log(void **state)
{
	struct json_object *records = json_lines("dmesg 100000");
	size_t count = json_object_array_length(records);
	char *last = output("dmesg 1");

	assert_true(count > 100);
	assert_non_null(
		strstr(json_text(json_object_array_get_idx(records, 0), "text"), "Linux version "));
	for (size_t i = 0; i < count; i++) {
		struct json_object *record = json_object_array_get_idx(records, i);

		assert_int_equal(json_number(record, "seq"), (int64_t)i);
		assert_in_range(json_number(record, "level"), 0, 7);
	}
	assert_non_null(
		strstr(last, json_text(json_object_array_get_idx(records, count - 1), "text")));
	free(last);
	json_object_put(records);
	fails("dmesg 0", ERR_USAGE, "0: want 1 to 100000 lines");
}

static void test_read_write_undo_changes(void **state)
{
	struct json_object *before;

	free(output("freeze"));
	free(output("replies"));
	before = json_lines("read symbol sysctl_sched_base_slice as slice");
	if (json_number(json_object_array_get_idx(before, 0), "value") == 1234567)
		fail_msg("the test's value was there already");
	prints_with("write symbol sysctl_sched_base_slice 1234567", " -> 1234567\n");
	prints("read symbol sysctl_sched_base_slice as now", "now unsigned int 1234567\n");
	prints("print $now == 1234567", "1\n");
	prints_with("changes", "symbol sysctl_sched_base_slice");
	prints("undo", "1 write undone\n");
	prints("print $slice == sysctl_sched_base_slice", "1\n");
	prints_with("changes", "undone\n");
	/* Drained in order, once. */
	prints_with("replies", "now unsigned int 1234567\n");
	prints("replies", "");
	fails("undo", ERR_NOT_FOUND, "nothing to undo");
	json_object_put(before);
	free(output("thaw"));
}

static void test_dry_runs_and_hot_operations(void **state)
{
	prints_with("write symbol sysctl_sched_base_slice 777 --dry-run", " -> 777 (dry run)\n");
	prints("print sysctl_sched_base_slice == 777", "0\n");
	prints_with("read symbol jiffies_64 --hot", " (hot)\n");
	fails("write symbol sysctl_sched_base_slice 777 :u16", ERR_REFUSED, "u16 does not fit");
}

static struct err *batch(const char *first, const char *second, struct str *ret)
{
	struct str ignored = {0};

	expect_ok(typed_execute("batch", OUT_TEXT, &ignored));
	expect_ok(typed_execute(first, OUT_TEXT, &ignored));
	expect_ok(typed_execute(second, OUT_TEXT, &ignored));
	assert_string_equal(str_text(&ignored), "");
	return typed_execute("end", OUT_TEXT, ret);
}

static void test_a_batch_is_all_or_nothing(void **state)
{
	struct str text = {0};

	free(output("read symbol sysctl_sched_base_slice as slice"));
	expect_err_with(batch("write symbol sysctl_sched_base_slice 7654321",
			      "write symbol nonsense 1", &text),
			ERR_NOT_FOUND, "entry 2: ");
	assert_string_equal(str_text(&text), "");
	prints("print $slice == sysctl_sched_base_slice", "1\n");
	expect_err_with(batch("cpus", "read symbol jiffies_64", &text), ERR_USAGE,
			"entry 1: 'cpus': a batch holds read and write only");
	expect_ok(batch("write symbol sysctl_sched_base_slice 7654321",
			"read symbol sysctl_sched_base_slice as inside", &text));
	assert_non_null(strstr(str_text(&text), " -> 7654321\ninside unsigned int 7654321\n"));
	prints("undo", "1 write undone\n");
	str_deinit(&text);
}

/* A file as the guest has it; valid until the next call. */
/* One frozen window, however many reads: a clock that ticks is the same in all of them. */
static void test_a_batch_of_a_thousand(void **state)
{
	static const char *const reads[] = {"task 1 comm as a%d",
					    "percpu runqueues.nr_switches cpu 0 as b%d",
					    "symbol jiffies_64 as j%d", "task 2 prio as d%d"};
	struct str text = {0};
	unsigned int lines = 0;
	char *jiffies;

	(void)state;
	runs("batch");
	for (int i = 0; i < 1000; i++) {
		char *read = str_format(reads[i % 4], i), *line = str_format("read %s", read);

		assert_non_null(line);
		runs(line);
		free(line);
		free(read);
	}
	expect_ok(typed_execute("end", OUT_TEXT, &text));
	for (const char *at = str_text(&text); (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 1000);
	assert_non_null(strstr(str_text(&text), "\nd999 int "));
	jiffies = output("print $j2 == $j998 && $b1 == $b997");
	assert_string_equal(jiffies, "1\n");
	free(jiffies);
	str_deinit(&text);
}

static const char *file_of(const char *path)
{
	static char copy[256];
	struct str text = {0};

	expect_ok(agent_cat(coord_agent(session_coord(session)), path, &text));
	snprintf(copy, sizeof(copy), "%s", str_text(&text));
	str_deinit(&text);
	return copy;
}

static void test_cpusets(void **state)
{
	prints("cgroup add web cpuset=0-1", "");
	prints("cgroup add db cpuset=disjoint:1/2", "");
	prints("cgroup add plain", "");
	prints("cgroup swap-cpusets web db", "");
	assert_string_equal(file_of("/sys/fs/cgroup/web/cpuset.cpus"), "2-3\n");
	assert_string_equal(file_of("/sys/fs/cgroup/db/cpuset.cpus"), "0-1\n");
	prints("cgroup clear-cpuset db", "");
	assert_string_equal(file_of("/sys/fs/cgroup/db/cpuset.cpus"), "\n");
	fails("cgroup clear-cpuset db", ERR_NOT_FOUND, "cgroup db has no cpuset of its own");
	fails("cgroup swap-cpusets web plain", ERR_NOT_FOUND, "cgroup plain has no cpuset of its own");
	fails("cgroup swap-cpusets web gone", ERR_NOT_FOUND, "no cgroup gone; there is");
	fails("cgroup swap-cpusets web web", ERR_USAGE, "web with itself");
	assert_string_equal(file_of("/sys/fs/cgroup/web/cpuset.cpus"), "2-3\n");
	prints("cgroup remove db", "");
	prints("cgroup remove plain", "");
	prints("cgroup remove web", "");
}

static void test_workers_cgroups_and_a_scheduler(void **state)
{
	char *text;

	prints("cgroup add web cpuset=0-1 weight=200", "");
	prints_with("cgroup list", "web\n");
	text = output("spawn web workers=2 work=sleep comm=napper");
	assert_non_null(strstr(text, "web,0 pid "));
	assert_non_null(strstr(text, "\nweb,1 pid "));
	free(text);
	prints_with("task worker(web,1)", "cpus_allowed        0-1\n");
	prints("affinity web each", "");
	prints_with("task worker(web,1)", "cpus_allowed        1\n");
	fails("affinity web 9", ERR_USAGE, "9");
	free(output("sched attach vtime"));
	prints_with("scx", "ops                                 vtime\n");
	prints_with("tasks where comm == \"napper\" columns class", "class\next\next\n");
	free(output("run 20ms"));
	prints_with("write task worker(web,0) scx.dsq_vtime 2592000000000000",
		    "-> 2592000000000000");
	prints_with("read task worker(web,0) scx.dsq_vtime as seeded",
		    "seeded u64 2592000000000000");
	fails("spawn web", ERR_REFUSED, "the guest is frozen");
	free(output("thaw"));
	prints("sched detach", "detached\n");
	prints("cgroup stop web", "");
	prints("cgroup remove web", "");
	fails("cgroup remove web", ERR_NOT_FOUND, "web");
	fails("cgroup add ../x", ERR_USAGE, "../x");
	fails("spawn web workers=0", ERR_USAGE, "workers");
	fails("sched attach nonsense", ERR_NOT_FOUND, "vtime");
}

static void test_tasks_that_are_gone(void **state)
{
	fails("task 99999", ERR_NOT_FOUND, "no task with pid 99999 among ");
	fails("task -1", ERR_NOT_FOUND, "no task with pid -1");
	fails("read task 99999 prio", ERR_NOT_FOUND, "99999");
	fails("read task 1 nonsense", ERR_ABSENT, "struct task_struct has no member 'nonsense'");
	fails("write task 1 prio 1", ERR_REFUSED, "L6: ");
}

/* The text output of the same question in one frozen window does not depend on when it is asked. */
static void test_looking_changes_nothing(void **state)
{
	static const char *const lines[] = {"tasks", "cpus",   "rq 0",	   "scx",
					    "dsq",   "task 1", "dmesg 50", "console"};

	free(output("freeze"));
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *first = output(lines[i]), *second = output(lines[i]);

		assert_string_equal(first, second);
		free(first);
		free(second);
	}
	free(output("thaw"));
}

/* Each test begins thawed, whatever the one before left behind. */
/* The last one: this guest is of no use after it. CPU 3's next tick jumps to nowhere. */
static void test_a_panic_ends_every_wait(void **state)
{
	static const char said[] =
		"the kernel panicked: Fatal exception in interrupt; inspection still works";
	uint64_t started, at;
	char line[64];

	free(output("write symbol panic_on_oops 1 :u32"));
	free(output("let handler (u64)&percpu(tick_cpu_device,3).evtdev->event_handler"));
	free(output("write --force FIELD kva $handler 0xdead0000 :u64"));
	started = host_now();
	fails("run 10s", ERR_GUEST_DIED, said);
	assert_true(host_now() - started < 10000000000ull);
	prints_with("status", "the kernel panicked: Fatal exception in interrupt\n");
	prints("tasks where pid == 1 columns comm", "comm\nktdbg-agent\n");
	prints("print frozen", "1\n");
	free(output("thaw"));
	fails("until time > 100s", ERR_GUEST_DIED, said);
	free(output("thaw"));
	fails("spawn @runner workers=1 work=spin", ERR_GUEST_DIED, said);
	/* What was recorded after a panic still happens at its instant. */
	at = coord_time(session_coord(session)) + 50000000;
	snprintf(line, sizeof(line), "[%" PRIu64 ".%09" PRIu64 "] let late time", at / 1000000000,
		 at % 1000000000);
	prints(line, "");
	assert_true(coord_time(session_coord(session)) >= at);
}

static int thaw(void **state)
{
	runs("thaw");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_keys_are_lower_case, thaw),
		cmocka_unit_test_setup(test_tasks_agree_with_what_the_guest_says, thaw),
		cmocka_unit_test_setup(test_filters_order_and_columns, thaw),
		cmocka_unit_test_setup(test_structs_in_json, thaw),
		cmocka_unit_test_setup(test_cpus, thaw),
		cmocka_unit_test_setup(test_run_stops_on_the_nanosecond, thaw),
		cmocka_unit_test_setup(test_a_time_before_a_command, thaw),
		cmocka_unit_test_setup(test_symbols_and_memory, thaw),
		cmocka_unit_test_setup(test_console_has_the_boot, thaw),
		cmocka_unit_test_setup(test_dmesg_is_the_kernels_own_log, thaw),
		cmocka_unit_test_setup(test_read_write_undo_changes, thaw),
		cmocka_unit_test_setup(test_dry_runs_and_hot_operations, thaw),
		cmocka_unit_test_setup(test_a_batch_is_all_or_nothing, thaw),
		cmocka_unit_test_setup(test_a_batch_of_a_thousand, thaw),
		cmocka_unit_test_setup(test_cpusets, thaw),
		cmocka_unit_test_setup(test_workers_cgroups_and_a_scheduler, thaw),
		cmocka_unit_test_setup(test_tasks_that_are_gone, thaw),
		cmocka_unit_test_setup(test_looking_changes_nothing, thaw),
		cmocka_unit_test_setup(test_a_panic_ends_every_wait, thaw),
	};

	return cmocka_run_group_tests(tests, typed_start, typed_end);
}
