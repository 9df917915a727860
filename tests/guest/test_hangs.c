/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `why` against schedulers that go wrong in ways of their own, and tasks that wait in all kinds of
 * places. */
#include "tests/guest/typed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *because(const char *comm)
{
	char *line = str_format("tasks where comm == \"%s\" columns pid", comm), *sentence;
	struct json_object *rows = json_lines(line);

	if (json_object_array_length(rows) == 0)
		fail_msg("there is no task %s", comm);
	free(line);
	line = str_format("print why(%d)", (int)json_number(json_row(rows, 0), "pid"));
	sentence = output(line);
	json_object_put(rows);
	free(line);
	return sentence;
}

/* The sentence about the task of that name has all parts in it, in this order. */
static void because_of(const char *comm, const char *first, const char *second)
{
	char *sentence = because(comm), *at = strstr(sentence, first);

	if (!at || !strstr(at, second))
		fail_msg("%s: %s lacks %s ... %s", comm, sentence, first, second);
	free(sentence);
}

static void test_sleepers(void **state)
{
	static const struct {
		const char *comm, *first, *second;
	} cases[] = {
		{"mutex", "if that is a mutex of glibc, ", " owner holds it (it sleeps)"},
		{"pi-mutex", "waits for the rt_mutex at 0x", " owner holds (it sleeps)"},
		{"joiner", "waits for the thread ", " joined to end (it sleeps)"},
		{"pipe-owner", "that a user program is to provide", "in handle_userfault"},
		{"pipe-lock", "waits for the mutex at 0x", " pipe-owner holds (it sleeps)"},
		{"file-owner", "that a user program is to provide", "in handle_userfault"},
		{"inode-lock", "the rw_semaphore at 0x", " file-owner holds (it sleeps)"},
		{"flock", "waits for a file lock", ""},
		{"accept", "waits for a connection", ""},
		{"vfork", "waits until its vfork() child", ""},
		{"stopped", "is stopped by a signal", ""},
		{"traced", "is stopped by its tracer ", " sleepers (it sleeps)"},
		{"until", "sleeps by nanosleep, for 4", "s more"},
		{"poll", "waits for events (poll), for 4", "s more"},
		{"overrun", "used up its deadline budget", "and gets more in "},
		{"yield", "given up the rest of its deadline budget (sched_yield)",
		 "gets more in "},
	};

	(void)state;
	runs("payload run sleepers");
	runs("run 3s");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		because_of(cases[i].comm, cases[i].first, cases[i].second);
	runs("thaw");
	runs("payload kill sleepers");
}

/* One of the faults of tests/guest/inside/faults.bpf.c, with six spinners that came before it. */
static void begin(int fault)
{
	runs("thaw");
	runs("sched replace faults");
	runs("cgroup add f");
	runs("spawn f workers=6 work=spin");
	runs("run 50ms");
	typed_runs("bpf set faults.bss.fault %d", fault);
	runs("run 300ms");
}

static void end(void)
{
	runs("bpf set faults.bss.fault 0");
	runs("thaw");
	runs("run 300ms");
	runs("thaw");
	runs("sched detach");
	runs("cgroup remove f");
}

static void test_hoard(void **state)
{
	(void)state;
	begin(1);
	prints_with("why", "the scheduler faults has had it for ");
	prints_with("why", " and not dispatched it: cpu ");
	end();
}

static void test_crowd(void **state)
{
	(void)state;
	begin(2);
	prints("expect why(worker(f,0)) ~ \"on cpu 0\" && why(worker(f,5)) ~ \"on cpu 0\"", "");
	runs("until why(worker(f,0)) ~ \"; cpu [1-3,-]+ may run it, too, and idles?$\" || "
	     "why(worker(f,5)) ~ \"; cpu [1-3,-]+ may run it, too, and idles?$\" timeout 1s");
	end();
}

static void test_endless(void **state)
{
	(void)state;
	begin(3);
	prints_with("why", ", with a slice without end");
	end();
}

/* The idle task is current there, but the CPU does not idle. */
static void test_stuck(void **state)
{
	(void)state;
	begin(4);
	runs("run 700ms");
	prints_with("why", "keeps them off, in bpf:faults_dispatch");
	end();
}

static void test_again(void **state)
{
	(void)state;
	begin(5);
	prints_with("why", " told to reschedule (cpu ");
	prints_with("why", "is in bpf");
	end();
}

static void test_thrown_out(void **state)
{
	(void)state;
	begin(6);
	runs("thaw");
	runs("spawn f workers=2 work=pipe");
	runs("run 300ms");
	prints_with("why", "the scheduler faults ended: runtime error: invalid CPU ");
	runs("thaw");
	runs("cgroup remove f");
}

static int start(void **state)
{
	static char sleepers[512], faults[512];
	static const char *files[] = {sleepers, faults};
	static struct options options;
	const char *built = getenv("KTDBG_DATA");

	(void)state;
	snprintf(sleepers, sizeof(sleepers), "%s/tests/guest/sleepers", built);
	snprintf(faults, sizeof(faults), "%s/tests/guest/faults.bpf.o:/ktdbg/sched/faults.bpf.o",
		 built);
	typed_options(&options);
	expect_ok(topology_parse("1n1l4c1t", &options.topology));
	options.add_files = files;
	options.add_file_count = 2;
	typed_boot(&options);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleepers),   cmocka_unit_test(test_hoard),
		cmocka_unit_test(test_crowd),	   cmocka_unit_test(test_endless),
		cmocka_unit_test(test_stuck),	   cmocka_unit_test(test_again),
		cmocka_unit_test(test_thrown_out),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
