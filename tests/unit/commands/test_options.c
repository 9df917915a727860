/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/options.h"

#include "tests/expect.h"

static void set(struct options *o, const char *name, const char *value)
{
	expect_ok(options_set(o, name, value));
}

static void test_defaults_are_the_documented_ones(void **state)
{
	struct options o;
	char text[TOPOLOGY_TEXT];

	options_init(&o);
	assert_string_equal(topology_format(&o.topology, text), option_find("topology")->fallback);
	assert_int_equal(o.memory, 512u << 20);
	assert_string_equal(option_find("memory")->fallback, "512M");
	assert_int_equal(o.quantum.ns, 100000);
	assert_string_equal(option_find("quantum")->fallback, "100us");
	assert_int_equal(o.accel, ACCEL_AUTO);
	assert_int_equal(o.clock, CLOCK_AUTO);
}

static void test_every_value_is_applied(void **state)
{
	struct options o;

	options_init(&o);
	set(&o, "kernel", "7.1");
	set(&o, "topology", "2n2l4c2t");
	set(&o, "memory", "1G");
	set(&o, "accel", "tcg");
	set(&o, "clock", "real");
	set(&o, "quantum", "random:7");
	set(&o, "cpu-budget", "2");
	set(&o, "scheduler", "./own 1 2");
	set(&o, "cold-boot", NULL);
	set(&o, "readonly", "on");
	set(&o, "add-file", "/bin/true:/bin/x");
	set(&o, "add-file", "a:/b");
	assert_string_equal(o.kernel, "7.1");
	assert_int_equal(topology_cpus(&o.topology), 16);
	assert_int_equal(o.memory, 1u << 30);
	assert_int_equal(o.accel, ACCEL_TCG);
	assert_int_equal(o.clock, CLOCK_REAL);
	assert_int_equal(o.quantum.ns, 0);
	assert_int_equal(o.quantum.seed, 7);
	assert_int_equal(o.cpu_budget, 2);
	assert_string_equal(o.scheduler, "./own 1 2");
	assert_true(o.cold_boot && o.readonly);
	assert_int_equal(o.add_file_count, 2);
	assert_string_equal(o.add_files[1], "a:/b");
	options_deinit(&o);
	assert_int_equal(o.add_file_count, 0);
}

static void test_bad_values_are_refused_and_change_nothing(void **state)
{
	struct options o, before;

	options_init(&o);
	before = o;
	expect_err(options_set(&o, "accel", "xen"), ERR_USAGE,
		   "accel: xen is none of: auto, kvm, tcg");
	expect_err(options_set(&o, "clock", ""), ERR_USAGE,
		   "clock: needs a value: auto|real|virtual");
	expect_err(options_set(&o, "memory", "1M"), ERR_USAGE,
		   "memory: 1M: a guest has 128M to 64G, in whole MiB");
	expect_err(options_set(&o, "cpu-budget", "0"), ERR_USAGE,
		   "cpu-budget: 0: a budget is 1 to 1024 host CPUs");
	expect_err(options_set(&o, "json", "maybe"), ERR_USAGE, "json: takes no value, or on");
	expect_err(options_set(&o, "add-file", "here:there"), ERR_USAGE,
		   "add-file: here:there is not HOST:/GUEST, and not HOST");
	expect_err_with(options_set(&o, "topology", "4"), ERR_USAGE, "topology: ");
	assert_memory_equal(&o, &before, sizeof(o));
}

static void test_unknown_options_get_near_names(void **state)
{
	struct options o;

	options_init(&o);
	expect_err(options_set(&o, "topologie", "x"), ERR_USAGE,
		   "no option topologie; near: topology");
	/* What ktdbg does is not an option of a session. */
	expect_err_with(options_set(&o, "batch", NULL), ERR_USAGE, "no option batch");
}

/* A recorded option's format() is what its set() takes, and nothing for the default. */
static void test_recorded_options_survive_a_round_trip(void **state)
{
	static const char *const values[][2] = {
		{"topology", "2n4l2c1t"}, {"memory", "768M"},
		{"clock", "virtual"},	  {"quantum", "random:99"},
		{"quantum", "20000ns"},	  {"cpu-budget", "3"},
		{"scheduler", "broken strand"}, {"append", "quiet loglevel=1"},
	};
	struct options o;

	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct option_row *row = option_find(values[i][0]);
		struct str s = {0};

		options_init(&o);
		assert_true(row->flags & OPTION_RECORDED);
		if (strcmp(row->name, "topology") != 0) {
			row->format(&o, &s);
			assert_string_equal(str_text(&s), "");
		}
		set(&o, values[i][0], values[i][1]);
		str_clear(&s);
		row->format(&o, &s);
		assert_string_equal(str_text(&s), values[i][1]);
		str_deinit(&s);
	}
}

static void test_schedulers_that_are_not(void **state)
{
	struct options o;

	(void)state;
	options_init(&o);
	expect_err_with(options_set(&o, "scheduler", "nosuch"), ERR_USAGE,
			"scheduler: no scheduler nosuch; there is fifo, vtime");
	expect_err_with(options_set(&o, "scheduler", "broken strnd"), ERR_USAGE,
			"scheduler: broken has no mode strnd; it has strand");
	expect_err(options_set(&o, "scheduler", "vtime x"), ERR_USAGE,
		   "scheduler: vtime takes no arguments");
	expect_err(options_set(&o, "scheduler", " "), ERR_USAGE,
		   "scheduler: a NAME or the PATH of a program is wanted");
	assert_null(o.scheduler);
}

static void test_configuration_files(void **state)
{
	char good[] = "# mine\n\n  memory 256M  \naccel=tcg\r\nplain\nscheduler = broken strand\n";
	char bad[] = "plain\nmemroy 1G\n";
	struct options o;

	options_init(&o);
	expect_ok(options_read(&o, "config", good));
	assert_int_equal(o.memory, 256u << 20);
	assert_int_equal(o.accel, ACCEL_TCG);
	assert_true(o.plain);
	assert_string_equal(o.scheduler, "broken strand");
	expect_err(options_read(&o, "config", bad), ERR_USAGE,
		   "config:2: no option memroy; near: memory");
}

static void test_rows_are_complete(void **state)
{
	for (const struct option_row *row = option_table; row->name; row++) {
		assert_non_null(row->help);
		assert_non_null(row->fallback);
		assert_true(row->help[0] && row->help[strlen(row->help) - 1] != '.');
		assert_ptr_equal(option_find(row->name), row);
		if (row->flags & OPTION_MODE)
			assert_null(row->set);
		else
			assert_non_null(row->set);
		if (row->flags & OPTION_RECORDED)
			assert_non_null(row->format);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_the_documented_ones),
		cmocka_unit_test(test_every_value_is_applied),
		cmocka_unit_test(test_bad_values_are_refused_and_change_nothing),
		cmocka_unit_test(test_unknown_options_get_near_names),
		cmocka_unit_test(test_recorded_options_survive_a_round_trip),
		cmocka_unit_test(test_schedulers_that_are_not),
		cmocka_unit_test(test_configuration_files),
		cmocka_unit_test(test_rows_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
