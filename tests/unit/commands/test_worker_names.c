/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/worker_names.h"

#include "tests/expect.h"

static bool name(void *context, unsigned long pid, struct str *s)
{
	if (pid != 117)
		return false;
	str_add(s, "worker(web,0)");
	return true;
}

static void becomes(const char *line, const char *wanted)
{
	struct str s = {0};

	worker_names_add(line, strlen(line), name, NULL, &s);
	assert_string_equal(str_text(&s), wanted);
	str_deinit(&s);
}

static void test_words(void **state)
{
	becomes("task 117", "task worker(web,0)");
	becomes("task  117 --as-drgn", "task  worker(web,0) --as-drgn");
	becomes("why 117", "why worker(web,0)");
	becomes("backtrace 117", "backtrace worker(web,0)");
	becomes("read task 117 pid as t117", "read task worker(web,0) pid as t117");
	becomes("write --force L4 task 117 scx.slice 117", "write --force L4 task worker(web,0) scx.slice 117");
}

static void test_calls(void **state)
{
	becomes("print task(117).comm", "print task(worker(web,0)).comm");
	becomes("expect task( 117 )->pid == 117 && task(1).pid == 1 && why(117)",
		"expect task( worker(web,0) )->pid == 117 && task(1).pid == 1 && why(worker(web,0))");
	becomes("break schedule if task(117).on_cpu", "break schedule if task(worker(web,0)).on_cpu");
}

/* Other tasks, and numbers that are no pids. */
static void test_what_stays(void **state)
{
	static const char *const same[] = {
		"task 118", "task 117@5 pid", "task 0x117", "run 117", "rq 117", "note the task 117 and task(117)",
		"print \"task(117)\"", "print mytask(117)", "print task(1170)", "memory 117 117", "read kva 117 :u64",
		"tasks where pid == 117", "", "task",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		becomes(same[i], same[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_what_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
