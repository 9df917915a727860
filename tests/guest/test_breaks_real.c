/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * break, watchpoint and step under the real clock, where QEMU's debug stub does the work: the same
 * commands and answers as under the virtual one, with vCPUs that run in parallel.
 */
#include "tests/guest/typed.h"

#include "coord/coord.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void boot(const char *gdb)
{
	static struct options options;

	typed_options(&options);
	options.clock = CLOCK_REAL;
	options.gdb_socket = gdb;
	typed_boot(&options);
}

static int start(void **state)
{
	(void)state;
	boot(NULL);
	return 0;
}

static void a_condition_sees_arguments(void **state)
{
	(void)state;
	runs("freeze");
	prints("break try_to_wake_up if p->pid == 1 && $arg0 == p && curr.pid == curr(cpu).pid",
	       "1: break try_to_wake_up if p->pid == 1 && $arg0 == p && curr.pid == "
	       "curr(cpu).pid\n");
	prints_with("run 60s", "at try_to_wake_up+0x0\nfrozen at ");
	prints_with("run 60s", "at try_to_wake_up+0x0\nfrozen at ");
	prints_with("break", "1  break try_to_wake_up if p->pid == 1");
	runs("delete 1");
	prints_with("run 10ms", "frozen at ");
}

static void steps_are_instructions(void **state)
{
	(void)state;
	runs("break schedule");
	prints_with("run 60s", "at schedule+0x0\n");
	/* Another vCPU might meet it on the way. */
	runs("delete 2");
	prints_with("step", "at schedule+0x4\n");
	prints_with("step 1", "at schedule+0x9\n");
	prints_with("step switch", "at finish_task_switch");
}

/* At an instruction that does something, and with another break right before it. */
static void an_address_within_a_function(void **state)
{
	(void)state;
	runs("break schedule + 9");
	runs("break schedule if cpu == 99");
	for (int i = 0; i < 5; i++)
		prints_with("run 60s", "at schedule+0x9\n");
	runs("delete 4 5");
}

/* What is read where a break is inserted is what the kernel has there. */
static void memory_is_not_changed(void **state)
{
	char *before, *after;

	(void)state;
	before = output("memory schedule 16");
	runs("break schedule");
	after = output("memory schedule 16");
	assert_string_equal(before, after);
	free(before);
	free(after);
	runs("delete 6");
}

static void writes_are_seen(void **state)
{
	(void)state;
	runs("watchpoint jiffies_64");
	prints_with("run 60s", " -> 42");
	prints_with("run 60s", "at tick_do_update_jiffies64+");
	runs("delete 7");
}

/* The agent's answers are not waited for any longer, and no break is met meanwhile. */
static void waits_pass_breaks_by(void **state)
{
	(void)state;
	runs("break schedule if cpu == 99");
	runs("thaw");
	runs("spawn @runner workers=2 work=pipe");
	runs("delete 8");
	runs("thaw");
}

/* Every context switch of a CPU is a hit: the guest goes on all the same. */
static void a_hot_watchpoint_does_not_hang_the_guest(void **state)
{
	int64_t before, after;

	(void)state;
	runs("freeze");
	before = typed_value("jiffies_64");
	runs("watchpoint rq(0).nr_switches if cpu > 99");
	runs("run 200ms");
	after = typed_value("jiffies_64");
	assert_true(after - before >= 10);
	runs("delete 9");
}

/* A guest that runs freely freezes by itself. */
static void a_free_guest_freezes(void **state)
{
	struct coord *guest = session_coord(session);

	(void)state;
	runs("break schedule");
	runs("thaw");
	for (int i = 0; i < 6000 && !coord_frozen(guest); i++) {
		expect_ok(coord_idle(guest));
		usleep(10000);
	}
	assert_true(coord_frozen(guest));
	assert_non_null(strstr(coord_stopped(guest), "break schedule: on cpu "));
	runs("delete 10");
	runs("thaw");
	prints_with("run 10ms", "frozen at ");
}

/* A checkpoint is another process: it has the breaks that there are now. */
static void breaks_outlive_a_restore(void **state)
{
	(void)state;
	runs("break schedule");
	prints_with("run 60s", "at schedule+0x0\n");
	runs("checkpoint save stub-test");
	prints_with("run 60s", "at schedule+0x0\n");
	runs("checkpoint restore stub-test");
	runs("checkpoint delete stub-test");
	prints_with("run 60s", "at schedule+0x0\n");
	runs("delete 11");
}

/* QEMU has one stub. */
static void gdb_keeps_the_stub(void **state)
{
	struct session *first = session;
	char path[200];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/gdb.sock", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	boot(path);
	assert_int_equal(stat(path, &st), 0);
	fails("break schedule", ERR_REFUSED, "qemu has one debug stub, and it was given to gdb");
	fails("step", ERR_REFUSED, "given to gdb");
	prints("break", "number  what  hits  stops\n");
	session_destroy(session);
	session = first;
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_sees_arguments),
		cmocka_unit_test(steps_are_instructions),
		cmocka_unit_test(an_address_within_a_function),
		cmocka_unit_test(memory_is_not_changed),
		cmocka_unit_test(writes_are_seen),
		cmocka_unit_test(waits_pass_breaks_by),
		cmocka_unit_test(a_hot_watchpoint_does_not_hang_the_guest),
		cmocka_unit_test(a_free_guest_freezes),
		cmocka_unit_test(breaks_outlive_a_restore),
		cmocka_unit_test(gdb_keeps_the_stub),
	};

	return cmocka_run_group_tests(tests, start, typed_end);
}
