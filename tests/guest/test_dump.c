/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The failure dump of a booted guest: what docs/dump.schema.json requires is there, and it opens again as that guest. */
#include "tests/guest/machines.h"

#include "commands/dump_open.h"
#include "commands/session.h"

#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

static struct session *session;

static struct err *run_in(struct session *s, const char *line, struct str *text)
{
	struct out *out = out_create(OUT_TEXT, out_sink_str, text);
	bool more;
	struct err *err = session_execute(s, line, out, &more);

	out_destroy(out);
	return err;
}

static struct err *run(const char *line)
{
	struct str text = {0};
	struct err *err = run_in(session, line, &text);

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
	assert_int_equal(json_object_get_int(member(dump, "ktdbg_dump")), DUMP_VERSION);
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

static struct session *open_file(const char *path)
{
	struct session *s;
	struct options options;

	options_init(&options);
	options.open_dump = path;
	expect_ok(session_create(&options, &s));
	return s;
}

/* By the same commands, from the same memory. */
static void the_dump_answers_as_the_guest(void **state)
{
	static const char *const lines[] = {
		"tasks", "cpus",   "rq 0", "dsq",   "scx",  "cgroups", "counters", "backtrace all",
		"locks", "task 1", "why",  "dmesg", "console", "registers cpu:0", "read task 1 comm",
		"print init_task.comm", "print task(1)->cred->uid.val", "print percpu(runqueues, 1).nr_running",
	};
	struct session *dump = open_file("whole.json");

	(void)state;
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct str live = {0}, kept = {0};

		expect_ok(run_in(session, lines[i], &live));
		expect_ok(run_in(dump, lines[i], &kept));
		assert_string_equal(str_text(&live), str_text(&kept));
		str_deinit(&live);
		str_deinit(&kept);
	}
	session_destroy(dump);
}

static void nothing_happens_in_a_dump(void **state)
{
	static const char *const lines[] = {
		"run 1s", "freeze", "thaw", "write symbol panic_timeout 1", "spawn @runner work=spin", "nmi", "dump x", "boot",
	};
	struct session *dump = open_file("whole.json");
	struct str text = {0};

	(void)state;
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		expect_err_with(run_in(dump, lines[i], &text), ERR_REFUSED, "needs a guest, and a dump is one instant of it");
	expect_ok(run_in(dump, "changes", &text));
	assert_non_null(strstr(str_text(&text), "panic_timeout"));
	expect_ok(run_in(dump, "counters samples", &text));
	assert_non_null(strstr(str_text(&text), "0.100000000"));
	str_deinit(&text);
	session_destroy(dump);
}

static void what_is_no_dump_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} files[] = {
		{"", "bad.json: 1:1: the file ends in the middle"},
		{"{\n \"a\": x}", "bad.json: 2:7: "},
		{"[]", "bad.json: no dump"},
		{"{\"ktdbg_dump\": \"2\"}", "bad.json: ktdbg_dump: no int"},
		{"{\"ktdbg_dump\": 99}", "bad.json: ktdbg_dump: version 99, and this ktdbg reads 2"},
		{"{\"ktdbg_dump\": 2, \"guest_time\": -1}", "bad.json: guest_time: negative"},
		{"{\"ktdbg_dump\": 2, \"guest_time\": 1, \"machine\": 3}", "bad.json: machine: no object"},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct session *dump = open_file("bad.json");
		struct str text = {0};

		expect_ok(replace_file("bad.json", files[i].text, strlen(files[i].text)));
		expect_err_with(run_in(dump, "cpus", &text), ERR_ENVIRONMENT, files[i].why);
		str_deinit(&text);
		session_destroy(dump);
	}
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
		cmocka_unit_test(the_dump_answers_as_the_guest),
		cmocka_unit_test(nothing_happens_in_a_dump),
		cmocka_unit_test(what_is_no_dump_is_refused),
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
