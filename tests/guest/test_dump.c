/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The failure dump of a booted guest: what docs/dump.schema.json requires is there. */
#include "tests/guest/machines.h"

#include "commands/session.h"

#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

static struct session *session;

static struct err *run(const char *line)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	bool more;
	struct err *err = session_execute(session, line, out, &more);

	out_destroy(out);
	str_deinit(&text);
	return err;
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no %s", name);
	return value;
}

static struct json_object *answer(struct json_object *dump, const char *line)
{
	return member(member(dump, "answers"), line);
}

static void every_answer_is_rows(struct json_object *dump)
{
	json_object_object_foreach(member(dump, "answers"), line, rows) {
		assert_true(json_object_is_type(rows, json_type_array));
		for (size_t i = 0; i < json_object_array_length(rows); i++) {
			struct json_object *row = json_object_array_get_idx(rows, i);

			assert_true(json_object_is_type(row, json_type_object));
			if (json_object_object_get_ex(row, "error", NULL))
				fail_msg("%s: %s", line, json_object_to_json_string(row));
		}
	}
}

static void the_dump_is_whole(void **state)
{
	static const char *const sections[] = {
		"status",     "info machine",	      "info kernel",   "cpus",
		"tasks",      "rq 0",		      "rq 3",	       "dsq",
		"scx",	      "cgroups",	      "counters",      "counters samples 600",
		"backtrace all", "registers cpu:0",   "locks",	       "why",
		"console 100000", "dmesg 100000",     "bpf maps",      "bpf programs",
		"changes",    "replies",	      "steps",	       "task 1",
	};
	struct json_object *dump, *tasks;

	expect_ok(run("counters start"));
	expect_ok(run("run 300ms"));
	expect_ok(run("write symbol panic_timeout 3"));
	expect_ok(run("dump whole.json"));
	expect_ok(run("dump whole.json")); /* over the first */
	dump = json_object_from_file("whole.json");
	assert_non_null(dump);
	assert_int_equal(json_object_get_int(member(dump, "ktdbg_dump")), 1);
	assert_true(json_object_get_int64(member(dump, "freeze")) > 0);
	for (unsigned int i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		(void)answer(dump, sections[i]);
	every_answer_is_rows(dump);
	tasks = answer(dump, "tasks");
	assert_true(json_object_array_length(tasks) > 50);
	assert_int_equal(json_object_array_length(answer(dump, "cpus")), 4);
	assert_int_equal(json_object_array_length(answer(dump, "changes")), 1);
	assert_non_null(strstr(json_object_get_string(member(dump, "history")),
			       "write symbol panic_timeout 3"));
	json_object_put(dump);
}

static void what_cannot_be_written_leaves_nothing(void **state)
{
	struct err *err = run("dump nowhere/x.json");

	assert_non_null(err);
	assert_int_equal(err_kind(err), ERR_OS);
	err_free(err);
	assert_int_equal(access("nowhere", F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dump_is_whole),
		cmocka_unit_test(what_cannot_be_written_leaves_nothing),
	};
	struct machine_setup s;
	struct options options;
	int failed;

	machine_setup_init(&s); /* is there a guest to boot? */
	machine_setup_deinit(&s);
	options_init(&options);
	expect_ok(session_create(&options, &session));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	session_destroy(session);
	return failed;
}
