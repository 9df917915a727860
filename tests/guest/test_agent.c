/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent in a real guest: what it was asked to make is checked against what the guest's own /proc,
 * sysfs and cgroup files say of it.
 */
#include "tests/guest/boot.h"

#include "coord/agent.h"
#include "coord/cgroup_spec.h"
#include "coord/work_spec.h"
#include "guest/wire_work.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define MS 1000000ull
#define SECOND 1000000000ull

static struct agent *agent;

/* A file as the guest has it, without the last newline. Valid until the next call. */
static const char *cat(const char *fmt, ...)
{
	static char text[8192];
	char path[256];
	struct str s = {0};
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	expect_ok(agent_cat(agent, path, &s));
	snprintf(text, sizeof(text), "%s", str_text(&s));
	str_deinit(&s);
	text[strcspn(text, "\n") == strlen(text) - 1 ? strlen(text) - 1 : strlen(text)] = '\0';
	return text;
}

/* The value of "KEY:\tVALUE" in /proc/PID/status. */
static const char *status_of(int pid, const char *key)
{
	static char value[256];
	const char *text = cat("/proc/%d/status", pid), *line = text;
	size_t len = strlen(key);

	value[0] = '\0';
	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, len) == 0 && line[len] == ':') {
			line += len + 1 + strspn(line + len + 1, "\t ");
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\n"), line);
		}
	return value;
}

/* A number of /proc/PID/stat, counted as in proc(5). */
static long stat_of(int pid, unsigned int field)
{
	const char *p = strrchr(cat("/proc/%d/stat", pid), ')');

	assert_non_null(p);
	for (unsigned int i = 2; i < field; i++)
		p = strchr(p + 1, ' ');
	return strtol(p, NULL, 10);
}

static void pass(uint64_t ns)
{
	expect_ok(coord_enter(coord));
	expect_ok(coord_run_until(coord, coord_time(coord) + ns));
	expect_ok(coord_leave(coord));
}

static struct agent_worker worker(const char *cgroup, unsigned int index)
{
	struct agent_worker w;

	expect_ok(agent_worker(agent, cgroup, index, &w));
	return w;
}

static void add_cgroup(const char *name, const char *knob)
{
	struct spec_limits limits = {agent_cpus(agent), agent_nodes(agent), NULL};
	char copy[128], *words[1] = {copy};
	struct cgroup_spec spec;

	snprintf(copy, sizeof(copy), "%s", knob ? knob : "");
	expect_ok(cgroup_spec_parse(name, knob != NULL, words, &limits, &spec));
	expect_ok(agent_cgroup_add(agent, &spec));
}

static int stop_all(void **state)
{
	(void)state;
	expect_ok(agent_cgroup_stop(agent, "@runner"));
	return 0;
}

static void test_ping_and_health(void **state)
{
	struct agent_health before, after;

	(void)state;
	expect_ok(agent_ping(agent));
	agent_health(agent, &before);
	assert_true(before.ok);
	pass(3 * SECOND);
	agent_health(agent, &after);
	assert_true(after.ok);
	assert_true(after.heartbeat > before.heartbeat);
	assert_int_equal(agent_cpus(agent), 4);
}

/* Process 1: its policy, its name, and memory that stays where it is. */
static void test_process_one(void **state)
{
	struct str text = {0};

	(void)state;
	expect_ok(agent_proc_snapshot(agent, &text));
	assert_non_null(strstr(str_text(&text), "1 1 R 1 ktdbg-agent\n"));
	str_deinit(&text);
	assert_int_equal(stat_of(1, 40), 99);
	assert_string_not_equal(status_of(1, "VmLck"), "0 kB");
	assert_string_equal(cat("/proc/sys/vm/compact_unevictable_allowed"), "0");
	assert_non_null(strstr(cat("/proc/mounts"), "cgroup2 /sys/fs/cgroup cgroup2 "));
}

static void test_spawn_as_asked(void **state)
{
	int pid = guest_spawn(coord, "@runner",
			      "workers=2 comm=mine uid=1000 gid=100 affinity=1,3 nice=5");
	struct agent_worker second = worker("@runner", 1);

	(void)state;
	assert_string_equal(status_of(pid, "Name"), "mine");
	assert_string_equal(status_of(pid, "Uid"), "1000\t1000\t1000\t1000");
	assert_string_equal(status_of(pid, "Gid"), "100\t100\t100\t100");
	assert_string_equal(status_of(pid, "Groups"), "");
	assert_string_equal(status_of(pid, "Cpus_allowed_list"), "1,3");
	assert_int_equal(stat_of(pid, 19), 5);
	assert_int_equal(stat_of(pid, 41), 0);
	assert_int_equal(stat_of(pid, 4), 1); /* parent */
	assert_string_equal(cat("/proc/%d/timerslack_ns", pid), "50000");
	assert_string_equal(status_of(second.pid, "Name"), "mine");
	assert_string_equal(second.comm, "mine");
}

static void test_policies(void **state)
{
	static const struct {
		const char *words;
		int policy, priority;
	} cases[] = {{"policy=batch", 3, 0},    {"policy=idle", 5, 0},
		     {"policy=fifo:7", 1, 7},   {"policy=rr:3", 2, 3},
		     {"policy=deadline:1ms/50ms", 6, 0}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char words[96];
		int pid;

		snprintf(words, sizeof(words), "work=sleep %s", cases[i].words);
		pid = guest_spawn(coord, "@runner", words);
		assert_int_equal(stat_of(pid, 41), cases[i].policy);
		assert_int_equal(stat_of(pid, 40), cases[i].priority);
	}
}

static void test_each_cpu(void **state)
{
	static const char *const lists[] = {"0", "2", "0", "2"};

	(void)state;
	guest_spawn(coord, "@runner", "workers=4 work=sleep affinity=each:0,2");
	for (unsigned int i = 0; i < 4; i++)
		assert_string_equal(status_of(worker("@runner", i).pid, "Cpus_allowed_list"), lists[i]);
	expect_ok(agent_affinity(agent, "@runner", "1-2"));
	for (unsigned int i = 0; i < 4; i++)
		assert_string_equal(status_of(worker("@runner", i).pid, "Cpus_allowed_list"), "1-2");
	expect_err(agent_affinity(agent, "none", "1"), ERR_NOT_FOUND,
		   "no cgroup none; there is none but @runner");
}

static void test_threads(void **state)
{
	int pid = guest_spawn(coord, "@runner", "workers=3 work=sleep clone=thread comm=thread");

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(worker("@runner", i).tgid, pid);
	assert_int_not_equal(worker("@runner", 1).pid, worker("@runner", 2).pid);
	assert_string_equal(status_of(pid, "Threads"), "3");
	assert_string_equal(cat("/proc/%d/task/%d/comm", pid, worker("@runner", 2).pid), "thread");
}

static void expect_progress(const char *name, const struct agent_worker *w)
{
	assert_string_equal(w->type, name);
	if (!w->alive || w->iterations < 2)
		fail_msg("%s: worker %u: %s, %" PRIu64 " iterations", name, w->index,
			 w->alive ? "alive" : "dead", w->iterations);
	if (w->max_gap == 0 || w->max_gap > 140 * MS || w->max_latency > 100 * MS)
		fail_msg("%s: worker %u: gap %" PRIu64 ", latency %" PRIu64, name, w->index, w->max_gap,
			 w->max_latency);
	assert_true(w->update_time > w->start_time);
	assert_true(w->cpu_time <= w->update_time - w->start_time);
}

/* Each type makes progress, by turns as processes and as threads, and its statistics are sane. */
static void test_every_type(void **state)
{
	(void)state;
	for (unsigned int i = 0; work_type_name(i); i++) {
		const char *name = work_type_name(i);
		bool sequence = strcmp(name, "sequence") == 0;
		unsigned int workers = wire_work_types[i].group == 3 ? 3 : 2;
		char words[128];

		snprintf(words, sizeof(words), "workers=%u work=%s%s clone=%s", workers, name,
			 sequence ? "(spin:1ms,sleep:1ms,yield:1ms,io:1ms,alu:1ms)" : "",
			 i % 2 ? "thread" : "fork");
		guest_spawn(coord, "@runner", words);
		pass(120 * MS);
		for (unsigned int n = 0; n < workers; n++) {
			struct agent_worker w = worker("@runner", n);

			expect_progress(name, &w);
		}
		expect_ok(agent_cgroup_stop(agent, "@runner"));
	}
}

/* Types of which one leads and several follow: all of them get their turn. */
static void test_followers(void **state)
{
	static const char *const types[] = {"futex-fanout",   "fanout-compute", "thundering-herd",
					    "wake-chain",     "epoll-storm",    "schbench",
					    "rt-starvation",  "preempt-storm",  "cross-affinity-churn",
					    "io-convoy"};

	(void)state;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char words[64];

		snprintf(words, sizeof(words), "workers=6 work=%s clone=%s", types[i],
			 i % 2 ? "fork" : "thread");
		guest_spawn(coord, "@runner", words);
		pass(120 * MS);
		for (unsigned int n = 0; n < 6; n++) {
			struct agent_worker w = worker("@runner", n);

			expect_progress(types[i], &w);
		}
		expect_ok(agent_cgroup_stop(agent, "@runner"));
	}
}

/* A round is over when all have done their share; a token is at one place at a time. */
static void test_lockstep_types(void **state)
{
	uint64_t led;

	(void)state;
	guest_spawn(coord, "@runner", "workers=4 work=futex-fanout");
	pass(100 * MS);
	led = worker("@runner", 0).iterations;
	for (unsigned int n = 1; n < 4; n++)
		assert_in_range(worker("@runner", n).iterations, led - 1, led + 1);
	assert_true(worker("@runner", 1).wakeups > led / 2);
	expect_ok(agent_cgroup_stop(agent, "@runner"));

	guest_spawn(coord, "@runner", "workers=3 work=wake-chain(cpu=1ms)");
	pass(200 * MS);
	led = worker("@runner", 0).iterations;
	assert_in_range(led, 40, 67); /* three times a millisecond a turn */
	assert_in_range(worker("@runner", 2).iterations, led - 1, led);
	expect_ok(agent_cgroup_stop(agent, "@runner"));

	guest_spawn(coord, "@runner", "workers=2 work=producer-consumer(depth=4,produce=100us,consume=1ms)");
	pass(200 * MS);
	led = worker("@runner", 0).iterations;
	assert_in_range(led - worker("@runner", 1).iterations, 3, 6); /* the queue is full */
}

/* What types do to themselves, as the kernel shows it. */
static void test_what_they_do(void **state)
{
	struct agent_worker w;
	int pid = guest_spawn(coord, "@runner", "work=affinity-churn");

	(void)state;
	pass(100 * MS);
	assert_true(worker("@runner", 0).migrations > 20);
	assert_int_equal(strlen(status_of(pid, "Cpus_allowed_list")), 1);
	expect_ok(agent_cgroup_stop(agent, "@runner"));

	pid = guest_spawn(coord, "@runner", "workers=3 work=rt-starvation");
	pass(100 * MS);
	assert_int_equal(stat_of(pid, 41), 1);
	assert_string_equal(status_of(worker("@runner", 2).pid, "Cpus_allowed_list"), "0");
	w = worker("@runner", 1);
	assert_in_range(w.max_gap, 19 * MS, 60 * MS);
	expect_ok(agent_cgroup_stop(agent, "@runner"));

	pid = guest_spawn(coord, "@runner", "work=nice-sweep(cpu=30ms)");
	pass(100 * MS);
	assert_in_range(stat_of(pid, 19) + 20, 1, 5);
	expect_ok(agent_cgroup_stop(agent, "@runner"));

	pid = guest_spawn(coord, "@runner", "work=page-fault(pages=100)");
	pass(100 * MS);
	w = worker("@runner", 0);
	assert_true((uint64_t)stat_of(pid, 10) >= w.iterations * 100);
}

static uint64_t longest_wait(const char *work)
{
	char words[96];

	snprintf(words, sizeof(words), "workers=3 work=%s", work);
	guest_spawn(coord, "@runner", words);
	pass(300 * MS);
	assert_true(worker("@runner", 2).wakeups > 10);
	for (unsigned int n = 0; n < 3; n++)
		assert_int_equal(stat_of(worker("@runner", n).pid, 41), 1);
	return worker("@runner", 2).max_latency;
}

/* The high one waits for the middle one too, unless the holder inherits its priority. */
static void test_priority_inversion(void **state)
{
	uint64_t without, with;

	(void)state;
	without = longest_wait("priority-inversion(burn=8ms)");
	expect_ok(agent_cgroup_stop(agent, "@runner"));
	with = longest_wait("priority-inversion(pi=1,burn=8ms)");
	if (without < 5 * MS || with > 3 * MS)
		fail_msg("longest wait without inheritance %" PRIu64 " us, with it %" PRIu64 " us",
			 without / 1000, with / 1000);
}

/* What a worker counts itself, against what the kernel counts. */
static void test_cpu_time(void **state)
{
	int pid = guest_spawn(coord, "@runner", "workers=1 work=spin affinity=1");
	struct agent_worker w;
	uint64_t kernel;

	(void)state;
	pass(500 * MS);
	w = worker("@runner", 0);
	kernel = strtoull(cat("/proc/%d/schedstat", pid), NULL, 10);
	assert_true(w.cpu_time > 400 * MS);
	assert_true(kernel >= w.cpu_time);
	assert_true(kernel - w.cpu_time < 60 * MS); /* the answer to `cat` took its time */
}

static void test_sleep_histogram(void **state)
{
	struct agent_worker w;
	uint64_t sum = 0;

	(void)state;
	guest_spawn(coord, "@runner", "work=sleep(10ms)");
	pass(SECOND);
	w = worker("@runner", 0);
	assert_in_range(w.iterations, 90, 100);
	assert_int_equal(w.wakeups, w.iterations);
	for (unsigned int i = 0; i < WIRE_LATENCY_BUCKETS; i++)
		sum += w.latency[i];
	assert_int_equal(sum, w.wakeups);
	assert_true(w.max_latency >= 50000); /* timer slack */
}

static void test_cgroup_files(void **state)
{
	struct str text = {0};
	char procs[64];
	int pid;

	(void)state;
	add_cgroup("a", "weight=250");
	assert_string_equal(cat("/sys/fs/cgroup/a/cpu.weight"), "250");
	assert_non_null(strstr(cat("/sys/fs/cgroup/cgroup.subtree_control"), "cpu"));
	assert_null(strstr(cat("/sys/fs/cgroup/cgroup.subtree_control"), "pids")); /* only what is needed */
	add_cgroup("b", "cpu.max=20ms/100ms");
	assert_string_equal(cat("/sys/fs/cgroup/b/cpu.max"), "20000 100000");
	pid = guest_spawn(coord, "a", "workers=1 work=sleep");
	snprintf(procs, sizeof(procs), "%d", pid);
	assert_string_equal(cat("/sys/fs/cgroup/a/cgroup.procs"), procs);
	assert_string_equal(cat("/proc/%d/cgroup", pid), "0::/a");
	expect_ok(agent_cgroup_move(agent, "a", "b"));
	assert_string_equal(cat("/proc/%d/cgroup", pid), "0::/b");
	assert_int_equal(worker("b", 0).pid, pid);
	expect_ok(agent_cgroup_procs(agent, "b", &text));
	assert_int_equal(strtol(str_text(&text), NULL, 10), pid);
	str_deinit(&text);
	expect_ok(agent_cgroup_remove(agent, "b"));
	expect_ok(agent_cgroup_remove(agent, "a"));
	text = (struct str){0};
	expect_ok(agent_cgroup_list(agent, &text));
	assert_string_equal(str_text(&text), "");
	str_deinit(&text);
	expect_err_with(agent_cat(agent, "/proc/%d/comm", &text), ERR_NOT_FOUND, "No such file");
}

/* 20 per cent of a CPU, as the kernel grants it. */
static void test_cpu_max_bites(void **state)
{
	uint64_t used;

	(void)state;
	add_cgroup("slow", "cpu.max=20%");
	guest_spawn(coord, "slow", "workers=2 work=spin");
	pass(SECOND);
	used = worker("slow", 0).cpu_time + worker("slow", 1).cpu_time;
	assert_in_range(used, 150 * MS, 260 * MS);
	expect_ok(agent_cgroup_remove(agent, "slow"));
}

static void test_cgroup_freeze(void **state)
{
	uint64_t before;

	(void)state;
	add_cgroup("f", NULL);
	guest_spawn(coord, "f", "workers=2 work=spin");
	pass(50 * MS);
	expect_ok(agent_cgroup_freeze(agent, "f"));
	before = worker("f", 0).iterations;
	pass(200 * MS);
	assert_int_equal(worker("f", 0).iterations, before);
	assert_non_null(strstr(cat("/sys/fs/cgroup/f/cgroup.events"), "frozen 1"));
	expect_ok(agent_cgroup_thaw(agent, "f"));
	pass(50 * MS);
	assert_true(worker("f", 0).iterations > before);
	expect_ok(agent_cgroup_freeze(agent, "f"));
	expect_ok(agent_cgroup_remove(agent, "f")); /* frozen ones too */
}

static void test_refusals(void **state)
{
	struct spec_limits limits = {4, 1, NULL};
	char weight[] = "affinity=0", *words[] = {weight};
	struct cgroup_spec cgroup;
	struct work_spec spec;
	struct str text = {0};

	(void)state;
	add_cgroup("here", "cpuset=2-3");
	expect_err(agent_cgroup_remove(agent, "gone"), ERR_NOT_FOUND, "no cgroup gone; there is here");
	expect_ok(cgroup_spec_parse("here", 0, NULL, &limits, &cgroup));
	expect_err(agent_cgroup_add(agent, &cgroup), ERR_REFUSED, "cgroup here exists already");
	expect_ok(cgroup_spec_parse("no/child", 0, NULL, &limits, &cgroup));
	expect_err(agent_cgroup_add(agent, &cgroup), ERR_NOT_FOUND, "the parent of no/child does not exist");
	expect_err(agent_cgroup_freeze(agent, "@runner"), ERR_REFUSED,
		   "@runner is the root cgroup, which has no knobs");
	/* All or nothing: the CPU is outside the cgroup's set, so no worker stays. */
	expect_ok(work_spec_parse("here", 1, words, &limits, &spec));
	spec.wire.workers = 3;
	expect_err(agent_spawn(agent, &spec, NULL), ERR_REFUSED,
		   "affinity of worker 0: none of these CPUs is online and allowed by its cgroup");
	assert_string_equal(cat("/sys/fs/cgroup/here/cgroup.procs"), "");
	expect_err_with(agent_worker(agent, "here", 0, &(struct agent_worker){0}), ERR_NOT_FOUND,
			"cgroup here has no workers");
	expect_err(agent_call(agent, 999, NULL, 0, AGENT_DEADLINE, NULL), ERR_ABSENT,
		   "this agent knows no op 999");
	expect_err(agent_call(agent, WIRE_OP_CAT, "x", 1, AGENT_DEADLINE, NULL), ERR_REFUSED,
		   "op 18 takes 256 bytes, not 1");
	expect_err(agent_cat(agent, "/nonexistent", &text), ERR_NOT_FOUND,
		   "/nonexistent: No such file or directory");
	expect_ok(agent_cgroup_remove(agent, "here"));
}

/* More workers than slots, twice: the dead make room. */
static void test_slots(void **state)
{
	struct spec_limits limits = {4, 1, NULL};
	struct work_spec spec;

	(void)state;
	expect_ok(work_spec_parse("@runner", 0, NULL, &limits, &spec));
	for (unsigned int round = 0; round < 2; round++) {
		guest_spawn(coord, "@runner", "workers=200 work=sleep(1s) clone=thread");
		assert_true(worker("@runner", 199).alive);
		spec.wire.workers = 900;
		expect_err(agent_spawn(agent, &spec, NULL), ERR_REFUSED,
			   "900 workers wanted, 824 slots left of 1024");
		expect_ok(agent_cgroup_stop(agent, "@runner"));
	}
}

static void test_program(void **state)
{
	int pid = 0, status = 0;
	char console[4096];

	(void)state;
	expect_ok(agent_run(agent, NULL, "/ktdbg/bin/sched-load", 0, NULL, &pid));
	expect_ok(agent_run_wait(agent, pid, 5 * SECOND, &status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
	pass(50 * MS);
	machine_console(coord_machine(coord), console, sizeof(console));
	assert_non_null(strstr(console, "usage: sched-load [-w] OBJECT.bpf.o [MODE]"));
	expect_err(agent_run(agent, NULL, "/no/program", 0, NULL, &pid), ERR_NOT_FOUND,
		   "/no/program: No such file or directory");
	expect_err(agent_run_wait(agent, 4711, SECOND, &status), ERR_NOT_FOUND,
		   "no program with pid 4711 was started here");
	expect_err(agent_run_kill(agent, 4711, SIGKILL), ERR_NOT_FOUND,
		   "no program with pid 4711 was started here");
}

static bool has_sched_ext(void)
{
	struct kernel *k = NULL;

	expect_ok(coord_kernel(coord, &k));
	return kernel_info(k)->sched_ext;
}

/* By weight, on one CPU: nice 0 against nice 5 is 1024 to 335. */
static void expect_fair(const char *what)
{
	uint64_t heavy, light;

	guest_spawn(coord, "@runner", "affinity=2 comm=heavy");
	guest_spawn(coord, "@runner", "affinity=2 comm=light nice=5");
	heavy = worker("@runner", 0).cpu_time; /* it was alone until now */
	pass(2 * SECOND);
	heavy = worker("@runner", 0).cpu_time - heavy;
	light = worker("@runner", 1).cpu_time;
	if (heavy < 2 * light || heavy > 4 * light)
		fail_msg("%s: nice 0 got %" PRIu64 " ms, nice 5 %" PRIu64 " ms", what, heavy / MS, light / MS);
	assert_true(heavy + light > 1700 * MS);
	expect_ok(agent_cgroup_stop(agent, "@runner"));
}

static void expect_shared(void)
{
	uint64_t least = UINT64_MAX, most = 0;

	guest_spawn(coord, "@runner", "workers=6 comm=shared");
	pass(2 * SECOND);
	for (unsigned int i = 0; i < 6; i++) {
		uint64_t cpu = worker("@runner", i).cpu_time;

		least = cpu < least ? cpu : least;
		most = cpu > most ? cpu : most;
	}
	if (most - least > 100 * MS)
		fail_msg("6 equal tasks on 4 CPUs got from %" PRIu64 " to %" PRIu64 " ms", least / MS, most / MS);
	expect_ok(agent_cgroup_stop(agent, "@runner"));
}

static void test_scheduler(void **state)
{
	struct agent_health health;
	struct str text = {0};
	int ext;

	(void)state;
	if (!has_sched_ext()) {
		expect_err(agent_sched_attach(agent, "vtime", 0, NULL), ERR_ABSENT,
			   "this kernel has no sched_ext");
		return;
	}
	expect_err_with(agent_sched_attach(agent, "vtme", 0, NULL), ERR_NOT_FOUND,
			"no scheduler vtme; there is ");
	expect_err(agent_sched_detach(agent), ERR_NOT_FOUND, "no scheduler is attached");
	expect_ok(agent_sched_attach(agent, "vtime", 0, NULL));
	assert_string_equal(cat("/sys/kernel/sched_ext/state"), "enabled");
	assert_string_equal(cat("/sys/kernel/sched_ext/root/ops"), "vtime");
	agent_health(agent, &health);
	assert_string_equal(health.scheduler, "vtime");
	assert_true(health.scheduler_pid > 1);
	expect_err_with(agent_sched_attach(agent, "vtime", 0, NULL), ERR_REFUSED, "detach it first");
	ext = guest_spawn(coord, "@runner", "work=sleep policy=ext");
	assert_int_equal(stat_of(ext, 41), 7);
	expect_ok(agent_cgroup_stop(agent, "@runner"));
	expect_fair("vtime");
	expect_shared();
	expect_ok(agent_sched_status(agent, &text));
	assert_non_null(strstr(str_text(&text), "state enabled\nops vtime\nname vtime\n"));
	str_deinit(&text);
	expect_ok(agent_sched_detach(agent));
	assert_string_equal(cat("/sys/kernel/sched_ext/state"), "disabled");
	agent_health(agent, &health);
	assert_string_equal(health.scheduler, "");
	assert_int_equal(health.scheduler_exits, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping_and_health),
		cmocka_unit_test(test_process_one),
		cmocka_unit_test_teardown(test_spawn_as_asked, stop_all),
		cmocka_unit_test_teardown(test_policies, stop_all),
		cmocka_unit_test_teardown(test_each_cpu, stop_all),
		cmocka_unit_test_teardown(test_threads, stop_all),
		cmocka_unit_test_teardown(test_every_type, stop_all),
		cmocka_unit_test_teardown(test_followers, stop_all),
		cmocka_unit_test_teardown(test_lockstep_types, stop_all),
		cmocka_unit_test_teardown(test_what_they_do, stop_all),
		cmocka_unit_test_teardown(test_priority_inversion, stop_all),
		cmocka_unit_test_teardown(test_cpu_time, stop_all),
		cmocka_unit_test_teardown(test_sleep_histogram, stop_all),
		cmocka_unit_test(test_cgroup_files),
		cmocka_unit_test(test_cpu_max_bites),
		cmocka_unit_test(test_cgroup_freeze),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test_teardown(test_slots, stop_all),
		cmocka_unit_test(test_program),
		cmocka_unit_test_teardown(test_scheduler, stop_all),
	};
	int failed;

	coord = guest_boot();
	agent = coord_agent(coord);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	coord_destroy(coord);
	return failed;
}
