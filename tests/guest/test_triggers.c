/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Triggers: each event is made to happen in a guest, and what its trigger says is what happened; under
 * $KTDBG_TEST_CLOCK. Each in a guest of its own.
 */
#include "tests/guest/typed.h"

#include "vmm/breaks.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

/* sysrq-c calls it: other code there is executed in its stead. */
#define CRASH "write --force FIELD symbol sysrq_handle_crash "
#define UD2 "0x0b0f :u16"
#define CLI_SPIN "0xfeebfa :u32"
#define LIDT_UD2 "0x00000000021d010f :u64" /* an empty interrupt table, then what follows: zeros fault */

/* Whether this machine stands at functions; else what has happened is seen a little later. */
static bool exact(void)
{
	struct err *none = machine_can_break(coord_machine(session_coord(session)));
	bool can = !none;

	err_free(none);
	return can;
}

static int begin(void **state)
{
	(void)state;
	if (session_coord(session))
		runs("poweroff");
	runs("boot");
	return 0;
}

/* The event happens within `run`; what is said has `said`, and where it is exact `exactly`. */
static void sees(const char *trigger, const char *run, const char *said, const char *exactly)
{
	char *text = output(run);
	const char *wanted = exact() ? exactly : said;

	if (!strstr(text, trigger) || !strstr(text, wanted))
		fail_msg("%s: \"%s\" is not in: %s", trigger, wanted, text);
	free(text);
}

/* What the trigger has left is the panicked guest. */
static void opens_a_dump(void)
{
	struct session *guest = session;
	struct options options;
	glob_t found;

	assert_int_equal(glob("dumps/trigger-*.json", 0, NULL, &found), 0);
	options_init(&options);
	options.open_dump = found.gl_pathv[0];
	expect_ok(session_create(&options, &session));
	prints_with("tasks where comm ~ \"trouble\"", "trouble");
	prints_with("backtrace all", "sysrq_handle_crash+0x");
	session_destroy(session);
	session = guest;
	globfree(&found);
}

static void a_panic(void **state)
{
	(void)state;
	runs("trigger panic");
	runs("trigger oops");
	runs("payload run trouble crash");
	if (!exact())
		return fails("run 10s", ERR_GUEST_DIED, "sysrq triggered crash");
	sees("trigger panic", "run 10s", "",
	     "fmt \"sysrq triggered crash\", on cpu ");
	prints_with("backtrace cpu:0", "");
	prints_with("read symbol panic_cpu :s32", " -1\n"); /* before anything is done about it */
	opens_a_dump();
	fails("run 1s", ERR_GUEST_DIED, "sysrq triggered crash");
	prints_with("tasks where comm ~ \"trouble\"", "trouble");
}

static void an_oops(void **state)
{
	(void)state;
	runs(CRASH UD2);
	runs("trigger oops");
	runs("trigger panic");
	runs("payload run trouble crash");
	sees("trigger oops", "run 10s", "has died 1 times", "in trouble (pid ");
	prints_with("run 100ms", "frozen at");
}

static void memory_of_a_group(void **state)
{
	(void)state;
	runs("trigger oom");
	runs("cgroup add small memory.max=20M");
	runs("payload run trouble eat in small");
	sees("trigger oom", "run 60s", "1 tasks were killed",
	     "message \"Memory cgroup out of memory\", oc->chosen->comm \"trouble\"");
}

static void all_memory(void **state)
{
	(void)state;
	runs("trigger oom");
	runs("payload run trouble eat");
	sees("trigger oom", "run 60s", "tasks were killed", "message \"Out of memory\"");
}

/* Nobody is left in the guest who could tell. */
static void no_cpu_with_interrupts(void **state)
{
	char *text;

	(void)state;
	runs(CRASH CLI_SPIN);
	runs("trigger lockup");
	runs("payload run trouble crash crash");
	text = output("run 13s");
	assert_non_null(strstr(text, "CPU 0 has taken no tick for 1"));
	assert_non_null(strstr(text, "; CPU 1 has taken no tick for 1"));
	assert_non_null(strstr(text, "it runs trouble (pid "));
	assert_non_null(strstr(text, "at sysrq_handle_crash+0x1, interrupts off"));
	free(text);
	prints_with("cpus", "trouble");
	prints_with("backtrace cpu:1", "sysrq_handle_crash+0x1");
	prints_with("why", "");
}

static void the_end_of_a_scheduler(void **state)
{
	(void)state;
	runs("trigger stall");
	runs("trigger exit");
	runs("spawn @runner workers=4 work=spin");
	runs("sched attach broken strand");
	sees("trigger stall", "run 60s", "the watchdog ends the scheduler at 30.0",
	     "the watchdog ends the scheduler at 30.0");
	/* Said once: it still waits. */
	sees("trigger exit", "run 60s", "runnable task stall", "kind SCX_EXIT_ERROR_STALL");
	/* Before the kernel reverts to the fair class. */
	if (exact())
		runs("expect scx.exit_kind == 0 && scx.state ~ \"enabled\"");
}

static void a_cpu_idles_beside_work(void **state)
{
	(void)state;
	runs("trigger idle-while-runnable 1s");
	runs("spawn @runner workers=2 work=spin");
	runs("sched attach broken strand");
	prints_with("run 60s", "which it may use, idles");
}

static void an_expression_becomes_true(void **state)
{
	(void)state;
	runs("trigger time > 500ms");
	prints_with("run 10s", "1: trigger time");
	prints_with("run 1s", "frozen at"); /* said once */
}

static void in_an_nmi(void **state)
{
	(void)state;
	if (!exact())
		skip();
	runs("break default_do_nmi");
	runs("nmi");
	prints_with("run 1s", "at default_do_nmi+0x0");
	prints_with("backtrace cpu:0", "");
	prints_with("cpus", "cpu");
	prints_with("why", "");
	prints("delete 1", "");
}

static void a_triple_fault(void **state)
{
	(void)state;
	runs(CRASH LIDT_UD2);
	runs("payload run trouble crash");
	fails("run 10s", ERR_GUEST_DIED, "");
}

#define EVENT(test) cmocka_unit_test_setup(test, begin)

static int start(void **state)
{
	const char *clock = getenv("KTDBG_TEST_CLOCK");
	static struct options options;
	static const char *files[1];
	static char path[512];

	snprintf(path, sizeof(path), "%s/tests/guest/trouble", getenv("KTDBG_DATA"));
	typed_options(&options);
	options.dump_dir = "dumps";
	expect_ok(topology_parse("1n1l2c1t", &options.topology));
	files[0] = path;
	options.add_files = files;
	options.add_file_count = 1;
	(void)state;
	options.clock = clock && strcmp(clock, "real") == 0 ? CLOCK_REAL : CLOCK_VIRTUAL;
	expect_ok(session_create(&options, &session));
	return 0;
}


/* One test alone: its name, with wildcards. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		EVENT(a_panic),
		EVENT(an_oops),
		EVENT(memory_of_a_group),
		EVENT(all_memory),
		EVENT(no_cpu_with_interrupts),
		EVENT(the_end_of_a_scheduler),
		EVENT(a_cpu_idles_beside_work),
		EVENT(an_expression_becomes_true),
		EVENT(in_an_nmi),
		EVENT(a_triple_fault),
	};
	cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
	return cmocka_run_group_tests(tests, start, typed_end);
}
