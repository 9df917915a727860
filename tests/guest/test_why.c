/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `why` against situations that the test brings about, so that it knows the answer. */
#include "tests/guest/typed.h"

#include <stdio.h>
#include <string.h>

/* An operation needs a guest that runs. */
static void act(const char *line)
{
	runs("thaw");
	runs(line);
}

/* The sentence about worker `i` of a cgroup has `part` in it. */
static void because(const char *cgroup, unsigned int i, const char *part)
{
	char *line = str_format("print why(worker(%s,%u))", cgroup, i);

	assert_non_null(line);
	prints_with(line, part);
	free(line);
}

static void test_a_higher_class(void **state)
{
	(void)state;
	act("cgroup add rt");
	act("spawn rt workers=1 work=spin policy=fifo:10 affinity=1 comm=hog");
	act("spawn rt workers=1 work=spin affinity=1 comm=victim");
	runs("run 300ms");
	because("rt", 0, "runs on cpu 1, for ");
	because("rt", 1, "waits for cpu 1, which runs ");
	because("rt", 1, " hog of the rt class for ");
	act("cgroup remove rt");
}

static void test_turns(void **state)
{
	struct json_object *rows;

	(void)state;
	act("cgroup add turns");
	act("spawn turns workers=3 work=spin affinity=2 comm=turn");
	runs("run 200ms");
	rows = json_lines("tasks where comm == \"turn\" && !on_cpu columns pid,cpu");
	assert_int_equal(json_object_array_length(rows), 2);
	for (size_t i = 0; i < 2; i++) {
		char *line = str_format("print why(%d)",
					(int)json_number(json_row(rows, i), "pid"));

		prints_with(line, "turn runs there for ");
		free(line);
	}
	json_object_put(rows);
	act("cgroup remove turns");
}

static void test_quota_and_freezer(void **state)
{
	(void)state;
	act("cgroup add quota cpu.max=2ms/1s");
	act("spawn quota workers=1 work=spin affinity=2");
	act("cgroup add ice");
	act("spawn ice workers=1 work=spin");
	act("cgroup freeze ice");
	/* For some 400 ms already. */
	runs("until why(worker(quota,0)) ~ \"gets more in 5[0-9][0-9]\" timeout 2s");
	because("quota", 0, "cgroup /quota has used up its cpu.max and gets more in ");
	prints_with("why", "throttled");
	because("ice", 0, "is frozen by the freezer of its cgroup /ice");
	act("cgroup unfreeze ice");
	act("cgroup remove ice");
	act("cgroup remove quota");
}

static void test_sleepers(void **state)
{
	(void)state;
	act("cgroup add bed");
	act("spawn bed workers=1 work=sequence(sleep:60s)");
	act("spawn bed workers=2 work=futex-pingpong");
	runs("run 300ms");
	because("bed", 0, "sleeps by nanosleep, for 59.");
	prints_with("why 2", "waits for kernel threads to make");
	prints_with("why 1", "comm     ktdbg-agent");
	/* The two hand the CPU to each other: one of them waits. */
	runs("until (why(worker(bed,1)) ~ \"the futex at user address 0x7\") || "
	     "(why(worker(bed,2)) ~ \"the futex at user address 0x7\") timeout 1s");
	act("cgroup remove bed");
}

static void test_nothing_is_badly_off(void **state)
{
	(void)state;
	runs("run 2s");
	prints_with("why", "nothing is badly off: ");
	prints("locks", "no lock of the scheduler is held\n");
}

/* Every CPU's stack, wherever it is stopped, ends where kernel stacks end. */
static void test_stacks_of_what_runs(void **state)
{
	unsigned int frames = 0;

	(void)state;
	act("cgroup add busy");
	act("spawn busy workers=4 work=pipe");
	act("spawn busy workers=4 work=fork-exit");
	act("spawn busy workers=4 work=page-fault");
	for (int round = 0; round < 10; round++) {
		runs("run 7.1ms");
		for (int cpu = 0; cpu < 4; cpu++) {
			char *line = str_format("backtrace cpu:%d", cpu);
			struct json_object *rows = json_lines(line);

			for (size_t i = 0; i < json_object_array_length(rows); i++) {
				struct json_object *row = json_row(rows, i);

				if (json_number(row, "frame") >= 0)
					frames++;
				else if (strstr(json_text(row, "note"), "ends: ") &&
					 !strstr(json_text(row, "note"), "not saved its registers"))
					fail_msg("%s: %s", line, json_text(row, "note"));
			}
			json_object_put(rows);
			free(line);
		}
	}
	assert_true(frames > 50);
	act("cgroup remove busy");
}

static void test_registers(void **state)
{
	struct json_object *rows;

	(void)state;
	act("cgroup add user");
	act("spawn user workers=1 work=spin affinity=3 policy=fifo:1");
	runs("run 50ms");
	rows = json_lines("registers cpu:3");
	assert_string_equal(json_text(json_row(rows, 0), "mode"), "user");
	assert_string_equal(json_text(json_row(rows, 0), "interrupts"), "on");
	assert_true(json_number(json_row(rows, 0), "rip") > 0x1000);
	assert_int_equal(json_number(json_row(rows, 0), "cs") & 3, 3);
	json_object_put(rows);
	fails("registers cpu:4", ERR_NOT_FOUND, "no CPU 4");
	act("cgroup remove user");
}

/* Instruction follows instruction to the function's end; a CPU stands where its registers say. */
static void test_disassembly(void **state)
{
	struct json_object *rows = json_lines("disassemble schedule"), *row, *registers;
	uint64_t next = (uint64_t)json_number(json_row(rows, 0), "address");
	bool calls = false, stands = false;

	(void)state;
	assert_non_null(strstr(json_text(json_row(rows, 0), "place"), "schedule+0x0/"));
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		row = json_row(rows, i);
		assert_int_equal(json_number(row, "address"), next);
		next += (strlen(json_text(row, "bytes")) + 1) / 3;
		calls |= str_starts(json_text(row, "instruction"), "callq ") &&
			 str_starts(json_text(row, "target"), "__schedule+0x0/");
	}
	assert_true(calls);
	json_object_put(rows);
	runs("until curr(2)->pid == 0 timeout 5s"); /* in the kernel */
	registers = json_lines("registers cpu:2");
	rows = json_lines("disassemble cpu:2");
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		row = json_row(rows, i);
		stands |= strchr(json_text(row, "cpu"), '2') &&
			  json_number(row, "address") == json_number(json_row(registers, 0), "rip");
	}
	assert_true(stands);
	json_object_put(registers);
	json_object_put(rows);
	rows = json_lines("disassemble schedule 3");
	assert_int_equal(json_object_array_length(rows), 3);
	json_object_put(rows);
	fails("disassemble schedule 0", ERR_USAGE, "0 is no number of instructions");
	fails("disassemble bpf:nothing", ERR_NOT_FOUND, "no BPF program nothing is loaded");
	fails("disassemble 0x1000", ERR_FAULT, "0x1000");
}

static void test_refusals(void **state)
{
	(void)state;
	fails("why 99999", ERR_NOT_FOUND, "no task has pid 99999");
	fails("why 1 2", ERR_USAGE, "usage: why [PID]");
	fails("expect why(99999) ~ \"x\"", ERR_EXPECT, "no task has pid 99999");
}

static int start(void **state)
{
	static struct options options;

	(void)state;
	typed_options(&options);
	options.clock = CLOCK_VIRTUAL;
	expect_ok(topology_parse("1n1l4c1t", &options.topology));
	typed_boot_script(&options);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_higher_class),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_quota_and_freezer),
		cmocka_unit_test(test_sleepers),
		cmocka_unit_test(test_nothing_is_badly_off),
		cmocka_unit_test(test_stacks_of_what_runs),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_disassembly),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
