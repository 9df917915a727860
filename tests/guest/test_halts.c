/* SPDX-License-Identifier: GPL-2.0-or-later */
/* break, watchpoint, trigger, step: what they say, and that the guest stands where they say. One guest. */
#include "tests/guest/typed.h"

#include "coord/coord.h"

#include <string.h>

static void a_condition_sees_arguments(void **state)
{
	(void)state;
	prints("break try_to_wake_up if p->pid == 1 && $arg0 == p && curr.pid == curr(cpu).pid",
	       "1: break try_to_wake_up if p->pid == 1 && $arg0 == p && curr.pid == curr(cpu).pid\n");
	prints_with("run 1s", "at try_to_wake_up+0x0\nfrozen at 0.0");
	prints_with("break", "1  break try_to_wake_up if p->pid == 1");
	fails("break no_such_function", ERR_NOT_FOUND, "no_such_function");
	fails("break schedule if (", ERR_USAGE, "column");
	fails("delete 7", ERR_NOT_FOUND, "no number 7; there are 1");
	runs("delete 1");
	prints("break", "number  what  hits  stops\n");
}

static void steps_are_instructions(void **state)
{
	(void)state;
	runs("break schedule");
	runs("run 1s");
	prints_with("step", "at schedule+0x4\n");
	prints_with("step 1", "at schedule+0x9\n");
	prints_with("step switch", "at finish_task_switch");
	runs("delete 2");
	fails("step 0", ERR_USAGE, "from 1 to");
	fails("step cpu:99", ERR_NOT_FOUND, "99");
}

/* At an instruction that no block begins with. */
static void an_address_within_a_function(void **state)
{
	(void)state;
	prints_with("break schedule + 9", "break schedule + 9\n");
	prints_with("run 1s", "at schedule+0x9\n");
	runs("delete 4");
}

static void writes_are_seen(void **state)
{
	char *text;

	(void)state;
	runs("watchpoint jiffies_64");
	text = output("run 1s");
	assert_non_null(strstr(text, " -> 42"));
	assert_non_null(strstr(text, "at tick_do_update_jiffies64+"));
	free(text);
	fails("watchpoint 5", ERR_USAGE, "nothing in guest memory");
	runs("delete 5");
}

static void triggers_by_time(void **state)
{
	(void)state;
	runs("trigger time >= 1s");
	prints("run 2s", "6: trigger time >= 1s\nfrozen at 1.000000000\n");
	runs("delete 6");
	prints_with("run 10ms", "frozen at 1.0");
}

/* Ten minutes of a guest that does nothing. */
static void nothing_is_no_alarm(void **state)
{
	(void)state;
	runs("trigger stall");
	runs("trigger exit");
	runs("trigger panic");
	runs("trigger oops");
	runs("trigger lockup");
	runs("trigger oom");
	runs("trigger idle-while-runnable 100ms");
	runs("run 600s");
	prints_with("expect time > 600s", "");
	prints_with("trigger", "trigger idle-while-runnable 100ms     0      0");
	runs("delete 7 8 9 10 11 12 13");
}

static void a_scheduler_that_strands_tasks(void **state)
{
	(void)state;
	runs("trigger stall");
	runs("trigger exit");
	runs("thaw");
	runs("spawn @runner workers=4 work=spin");
	/* On the way the guest stands for looks at triggers and for a panic. */
	prints_with("step cpu:1 9000000", "on cpu 1, in spin-");
	runs("thaw");
	runs("sched attach broken strand");
	prints_with("run 60s", "the watchdog ends the scheduler at 30.000s");
	runs("delete 14");
	prints_with("run 60s", "at scx_vexit+0x0");
	/* Before the kernel reverts to the fair class. */
	runs("expect scx.exit_kind == 0 && scx.state ~ \"enabled\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_sees_arguments),
		cmocka_unit_test(steps_are_instructions),
		cmocka_unit_test(an_address_within_a_function),
		cmocka_unit_test(writes_are_seen),
		cmocka_unit_test(triggers_by_time),
		cmocka_unit_test(nothing_is_no_alarm),
		cmocka_unit_test(a_scheduler_that_strands_tasks),
	};

	return cmocka_run_group_tests(tests, typed_start, typed_end);
}
