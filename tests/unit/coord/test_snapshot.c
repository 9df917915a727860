/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is different between two models made by hand, and how an end is told. */
#include "coord/liveness.h"
#include "coord/snapshot.h"
#include "tests/expect.h"

#include "tests/unit/coord/fake_machine.h"

#include <stdio.h>
#include <string.h>

/* Two CPUs and two tasks; nothing of it belongs to a kernel, so there is no index. */
struct picture {
	struct model model;
	struct model_cpu cpus[2];
	struct model_task tasks[2];
	struct model_dsq dsqs[2];
	struct snapshot snapshot;
};

static void make(struct picture *p)
{
	*p = (struct picture){0};
	strcpy(p->model.scx.state, "enabled");
	p->cpus[0].current_task = 0;
	p->cpus[1].current_task = -1;
	p->tasks[0] = (struct model_task){.pid = 7, .comm = "spin", .state = 'R', .class = CLASS_FAIR};
	p->dsqs[0] = (struct model_dsq){.kind = DSQ_LOCAL, .cpu = 1, .node = -1, .nr = 1};
	p->dsqs[1] = (struct model_dsq){.kind = DSQ_USER, .cpu = -1, .node = -1, .id = 3};
	p->model.cpus = p->cpus;
	p->model.cpu_count = 2;
	p->model.tasks = p->tasks;
	p->snapshot.model = &p->model;
	p->snapshot.dsqs = p->dsqs;
	p->snapshot.dsq_count = 2;
}

static void add(void *context, const struct difference *d)
{
	str_addf(context, "%s|%s|%s|%s\n", d->what, d->field, d->before, d->after);
}

static void differ(const struct picture *a, const struct picture *b, bool counters, const char *wanted)
{
	struct str s = {0};

	expect_ok(snapshot_diff(&a->snapshot, &b->snapshot, counters, add, &s));
	assert_string_equal(str_text(&s), wanted);
	str_deinit(&s);
}

static void test_equal(void **state)
{
	struct picture a, b;

	make(&a);
	make(&b);
	differ(&a, &b, true, "");
}

static void test_each_part(void **state)
{
	struct picture a, b;

	make(&a);
	make(&b);
	strcpy(b.model.scx.state, "disabled");
	b.cpus[1].nr_running = 2;
	b.cpus[1].current_task = 0;
	b.dsqs[0].nr = 4;
	b.dsqs[1].id = 5;
	differ(&a, &b, false,
	       "scx|state|enabled|disabled\n"
	       "cpu 1|current|?|7 spin\n"
	       "cpu 1|nr_running|0|2\n"
	       "dsq local:1|nr|1|4\n"
	       "dsq 0x3||there|\n"
	       "dsq 0x5|||there\n");
}

static void test_counters_are_asked_for(void **state)
{
	struct picture a, b;

	make(&a);
	make(&b);
	b.cpus[0].switches = 9;
	b.cpus[0].user = (struct maybe){true, 5}; /* absent before: not comparable */
	differ(&a, &b, false, "");
	differ(&a, &b, true, "cpu 0|switches|0|9\n");
}

/* A name from the guest is text from the guest. */
static void test_names_are_cleaned(void **state)
{
	struct picture a, b;

	make(&a);
	make(&b);
	memcpy(b.tasks[0].comm, "a\033[2J", 6);
	differ(&a, &b, false, "cpu 0|current|7 spin|7 a\\x1b[2J\n");
}

static void tells(const struct death *d, const char *wanted)
{
	struct str s = {0};

	death_describe(d, &s);
	assert_string_equal(str_text(&s), wanted);
	str_deinit(&s);
}

static void test_an_end_is_told(void **state)
{
	tells(&(struct death){0}, "neither its process nor the kernel says why");
	tells(&(struct death){.has_exit = true, .exit_kind = 64, .exit_name = "SCX_EXIT_UNREG"},
	      "SCX_EXIT_UNREG");
	tells(&(struct death){.has_exit = true, .exit_kind = 1024, .message = "bad\ncpu"},
	      "exit kind 1024 (bad\\x0acpu)");
	tells(&(struct death){.has_status = true, .status = 9}, "its process was killed by signal 9");
	tells(&(struct death){.has_status = true, .status = 3 << 8, .has_exit = true, .exit_name = "X"},
	      "X, its process ended with status 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_each_part),
		cmocka_unit_test(test_counters_are_asked_for),
		cmocka_unit_test(test_names_are_cleaned),
		cmocka_unit_test(test_an_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
