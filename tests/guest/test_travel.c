/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time travel: a moment that is gone to is, byte for byte, what it was. */
#include "tests/guest/typed.h"

#include "base/file.h"
#include "base/str.h"
#include "commands/recorder.h"
#include "vmm/ram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of all guest memory, now. */
static uint64_t memory(void)
{
	uint64_t sum = 0;

	assert_int_equal(ram_sum(machine_ram(coord_machine(session_coord(session))), &sum), 0);
	return sum;
}

static uint64_t now(void)
{
	return coord_time(session_coord(session));
}

/* A guest at its ready moment, with the same history in every test: none. */
static int begin(void **state)
{
	return typed_start(state);
}

static int end(void **state)
{
	return typed_end(state);
}

static void back_and_forth(void **state)
{
	uint64_t early, late;

	runs("spawn @runner workers=6 work=bursty");
	runs("run 300ms");
	early = memory();
	runs("run 300ms");
	late = memory();
	assert_true(early != late);
	runs("back 300ms");
	assert_true(memory() == early);
	runs("run 300ms");
	assert_true(memory() == late);
	/* Any moment in between, and from there on. */
	runs("back 123400us");
	assert_true(memory() != late);
	runs("run 123400us");
	assert_true(memory() == late);
	runs("back 600ms");
	runs("run 600ms");
	assert_true(memory() == late);
}

static void what_lies_ahead_is_done_again(void **state)
{
	uint64_t late;

	runs("spawn @runner workers=1 work=sequence(sleep:60s) comm=sleeper");
	runs("let w worker(@runner,0)");
	runs("run 100ms");
	runs("write task $w prio 139 --force FIELD,L4,L5,L6");
	runs("let later 7");
	runs("run 100ms");
	late = memory();
	runs("back 200ms");
	prints("print task($w).prio", "120\n");
	fails("print $later", ERR_NOT_FOUND, "$later");
	prints_with("forward 100ms", "frozen at ");
	prints("print task($w).prio", "139\n");
	prints("print $later", "7\n");
	runs("forward");
	assert_true(memory() == late);
	fails("forward 1ms", ERR_USAGE, "history ends at ");
	/* Until something else is done: then that is what happened. */
	runs("back 150ms");
	runs("write task $w prio 119 --force FIELD,L4,L5,L6");
	fails("forward 1ms", ERR_USAGE, "history ends at ");
	runs("run 150ms");
	prints("print task($w).prio", "119\n");
	assert_true(memory() != late);
}

static void to_a_line(void **state)
{
	struct recorder *r = session_recorder(session);
	uint64_t before;
	char line[64];

	runs("run 50ms");
	runs("thaw");
	runs("spawn @runner workers=2 work=spin");
	runs("run 50ms");
	before = memory();
	snprintf(line, sizeof(line), "back to %zu", recorder_header_lines(r) + recorder_lines(r) + 1);
	runs("let x 1");
	runs("run 20ms");
	runs(line);
	assert_true(memory() == before);
	fails("print $x", ERR_NOT_FOUND, "$x");
	fails("back to 1000", ERR_USAGE, "the history has ");
	runs("back to 1");
	assert_true(now() == 0);
}

static void to_when_it_was_true(void **state)
{
	runs("spawn @runner workers=2 work=spin comm=hog");
	runs("run 100ms");
	prints_with("back until time < 50ms", "frozen at 0.049900000");
	prints("print time", "49900000\n");
	runs("forward");
	/* Before the workers were: in the middle of `spawn`. */
	prints_with("back until cpu(0).nr_running == 0 && cpu(1).nr_running == 0 && cpu(2).nr_running == 0 "
		    "&& cpu(3).nr_running == 0", "in the middle of `spawn ");
	fails("run 1ms", ERR_REFUSED, "the guest stands in the middle of `spawn ");
	fails("spawn @runner work=spin", ERR_REFUSED, "the guest stands in the middle of `spawn ");
	fails("back until time > 1s", ERR_NOT_FOUND, "was never true before");
	runs("forward");
	fails("back until time ==", ERR_USAGE, "");
}

static void not_before_the_boot(void **state)
{
	runs("run 10ms");
	fails("back 11ms", ERR_USAGE, "11ms: the boot was only 10ms ago");
	fails("back", ERR_USAGE, "usage: back ");
	fails("back 1ms 2ms", ERR_USAGE, "usage: back ");
	fails("forward to", ERR_USAGE, "usage: forward ");
	runs("back 10ms");
	assert_true(now() == 0);
}

static void the_file_holds_what_is_history(void **state)
{
	char path[] = "/tmp/ktdbg-travel-XXXXXX", line[64], *text;
	struct str history = {0};
	size_t len;

	close(mkstemp(path));
	snprintf(line, sizeof(line), "record start %s", path);
	runs(line);
	runs("spawn @runner workers=1 work=spin");
	runs("run 100ms");
	runs("note this is going to be undone");
	runs("run 100ms");
	runs("back 150ms");
	runs("note another future");
	runs("run 10ms");
	expect_ok(recorder_text(session_recorder(session), &history));
	expect_ok(read_whole_file(path, 1 << 20, &text, &len));
	assert_string_equal(text, str_text(&history));
	assert_null(strstr(text, "undone"));
	assert_non_null(strstr(text, "] note another future\n"));
	free(text);
	str_deinit(&history);
	unlink(path);
}

/* With several steps a rear guard is made and used: what it leads to must be the same again. */
static void many_steps_back(void **state)
{
	uint64_t sums[6];

	runs("spawn @runner workers=4 work=pipe");
	runs("run 2s");
	for (int i = 0; i < 6; i++) {
		sums[i] = memory();
		runs("run 50ms");
	}
	for (int i = 5; i >= 0; i--) {
		runs("back 50ms");
		assert_true(memory() == sums[i]);
	}
}

#define IN_NEW_GUEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NEW_GUEST(back_and_forth),
		IN_NEW_GUEST(what_lies_ahead_is_done_again),
		IN_NEW_GUEST(to_a_line),
		IN_NEW_GUEST(to_when_it_was_true),
		IN_NEW_GUEST(not_before_the_boot),
		IN_NEW_GUEST(the_file_holds_what_is_history),
		IN_NEW_GUEST(many_steps_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
