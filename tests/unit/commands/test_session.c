/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that need no guest: look-up, blocks, refusals, variables. None of these tests starts QEMU.
 */
#include "commands/session.h"

#include "commands/completion.h"
#include "tests/expect.h"

struct fixture {
	struct options options;
	struct session *session;
	struct str text;
	struct out *out;
};

static void begin(struct fixture *f)
{
	options_init(&f->options);
	/* No such kernel: a line that tries to boot fails at once. */
	f->options.kernel = "/nonexistent/vmlinuz";
	f->text = (struct str){0};
	f->out = out_create(OUT_TEXT, out_sink_str, &f->text);
	assert_non_null(f->out);
	expect_ok(session_create(&f->options, &f->session));
}

static void end(struct fixture *f)
{
	session_destroy(f->session);
	out_destroy(f->out);
	str_deinit(&f->text);
}

static struct err *execute(struct fixture *f, const char *line, bool wanted_more)
{
	bool more = !wanted_more;
	struct err *err = session_execute(f->session, line, f->out, &more);

	if (!err)
		assert_int_equal(more, wanted_more);
	return err;
}

static void test_nothing_to_do(void **state)
{
	struct fixture f;

	begin(&f);
	expect_ok(execute(&f, "", false));
	expect_ok(execute(&f, "  \t", false));
	expect_ok(execute(&f, "# a comment", false));
	assert_string_equal(str_text(&f.text), "");
	assert_null(session_coord(f.session));
	end(&f);
}

static void test_help_needs_no_guest(void **state)
{
	struct fixture f;

	begin(&f);
	expect_ok(execute(&f, " hel run", false));
	assert_non_null(strstr(str_text(&f.text), "run DURATION\n"));
	expect_err_with(execute(&f, "help nonsense", false), ERR_USAGE, "no command 'nonsense'");
	expect_err(execute(&f, "help a b", false), ERR_USAGE, "usage: help [COMMAND|TOPIC]");
	assert_null(session_coord(f.session));
	end(&f);
}

static void test_a_guest_is_booted_on_demand(void **state)
{
	struct fixture f;

	begin(&f);
	expect_err_with(execute(&f, "cpus", false), ERR_ENVIRONMENT, "/nonexistent/vmlinuz");
	expect_err_with(execute(&f, "[0.5] note x", false), ERR_ENVIRONMENT,
			"/nonexistent/vmlinuz");
	expect_err(execute(&f, "poweroff", false), ERR_REFUSED, "no guest is running");
	end(&f);
}

static void test_readonly_refuses_before_it_boots(void **state)
{
	struct fixture f;

	begin(&f);
	session_destroy(f.session);
	f.options.readonly = true;
	expect_ok(session_create(&f.options, &f.session));
	expect_err(execute(&f, "write symbol x 1", false), ERR_REFUSED,
		   "write: refused by --readonly");
	expect_err(execute(&f, "spawn web", false), ERR_REFUSED, "spawn: refused by --readonly");
	end(&f);
}

static void test_screen_commands_need_a_screen(void **state)
{
	struct fixture f;

	begin(&f);
	expect_err(execute(&f, "view cpus", false), ERR_REFUSED, "view: works on the screen only");
	end(&f);
}

static void test_blocks_collect_until_end(void **state)
{
	struct fixture f;

	begin(&f);
	assert_null(session_open_block(f.session));
	expect_ok(execute(&f, "batch", true));
	expect_ok(execute(&f, "  read symbol x", true));
	expect_ok(execute(&f, "# comment", true));
	assert_string_equal(session_open_block(f.session), "batch");
	/* What a line says is not looked at before the end. */
	expect_ok(execute(&f, "nonsense", true));
	expect_err_with(execute(&f, " end ", false), ERR_ENVIRONMENT, "/nonexistent/vmlinuz");
	assert_null(session_open_block(f.session));
	expect_ok(execute(&f, "batch", true));
	session_drop_block(f.session);
	assert_null(session_open_block(f.session));
	expect_err_with(execute(&f, "end", false), ERR_USAGE, "no command 'end'");
	end(&f);
}

static void test_quit(void **state)
{
	struct fixture f;

	begin(&f);
	assert_false(session_quit(f.session));
	expect_ok(execute(&f, "quit", false));
	assert_true(session_quit(f.session));
	end(&f);
}

static void test_malformed_times(void **state)
{
	struct fixture f;
	struct err *err;

	begin(&f);
	err = execute(&f, "[abc] help", false);
	assert_non_null(err);
	assert_int_equal(err_kind(err), ERR_USAGE);
	err_free(err);
	end(&f);
}

static void test_lines_that_no_recording_could_hold(void **state)
{
	char *line = malloc(70001);
	struct fixture f;

	begin(&f);
	assert_non_null(line);
	memset(line, '#', 70000);
	line[70000] = '\0';
	expect_err(execute(&f, line, false), ERR_USAGE,
		   "a line of 70000 bytes: at most 65535 are allowed");
	expect_err(execute(&f, "# a\nquit", false), ERR_USAGE,
		   "the line holds byte 0x0a, which is no text");
	expect_err(execute(&f, "note \x1b[H", false), ERR_USAGE,
		   "the line holds byte 0x1b, which is no text");
	expect_ok(execute(&f, "#\ttab", false));
	assert_false(session_quit(f.session));
	free(line);
	end(&f);
}

static void test_variables(void **state)
{
	struct value five = value_number(5), six = value_number(6), got;
	struct fixture f;

	begin(&f);
	assert_false(session_variable(f.session, "w", &got));
	expect_ok(session_let(f.session, "w", &five));
	expect_ok(session_let(f.session, "v", &six));
	expect_ok(session_let(f.session, "w", &six));
	assert_true(session_variable(f.session, "w", &got));
	assert_int_equal(got.number, 6);
	end(&f);
}

static void test_errors_say_whose_they_are(void **state)
{
	struct fixture f;

	begin(&f);
	expect_err_with(session_name_error(f.session, execute(&f, "help nonsense", false)),
			ERR_USAGE, "help: no command 'nonsense'");
	expect_err(session_name_error(f.session, execute(&f, "help a b", false)), ERR_USAGE,
		   "usage: help [COMMAND|TOPIC]");
	expect_err_with(session_name_error(f.session, execute(&f, "xyzzy", false)), ERR_USAGE,
			"no command 'xyzzy'");
	expect_err(session_name_error(f.session, execute(&f, "view cpus", false)), ERR_REFUSED,
		   "view: works on the screen only");
	assert_null(session_name_error(f.session, NULL));
	end(&f);
}

/* ---- completion without a guest ---- */

/* The candidates for the end of `line`, joined by blanks. */
static void completes(struct fixture *f, const char *line, const char *wanted, size_t start)
{
	struct completion c;
	struct str joined = {0};

	expect_ok(completion_find(f->session, line, strlen(line), &c));
	for (unsigned int i = 0; i < c.count; i++)
		str_addf(&joined, "%s%s", i ? " " : "", c.candidates[i]);
	assert_string_equal(str_text(&joined), wanted);
	assert_int_equal(c.start, start);
	str_deinit(&joined);
	completion_deinit(&c);
}

static void test_completion(void **state)
{
	struct value one = value_number(1);
	struct fixture f;

	begin(&f);
	expect_ok(session_let(f.session, "worker", &one));
	completes(&f, "cp", "cpus", 0);
	completes(&f, "[0.5] cp", "cpus", 6);
	completes(&f, "help fre", "freeze", 5);
	completes(&f, "help exp", "expect expressions", 5);
	completes(&f, "read p", "percpu", 5);
	completes(&f, "read symbol x :u", ":u16 :u32 :u64 :u8", 14);
	completes(&f, "read percpu x cpu ", "0 1 2 3", 18);
	completes(&f, "cgroup fr", "freeze", 7);
	completes(&f, "print 1+$wo", "1+$worker", 6);
	completes(&f, "read task 'open qu", "", 16);
	completes(&f, "nonsense x", "", 9);
	end(&f);
}

static void test_completion_in_the_middle_of_a_line(void **state)
{
	struct completion c;
	struct fixture f;

	begin(&f);
	expect_ok(completion_find(f.session, "cpus where", 2, &c));
	assert_int_equal(c.count, 1);
	assert_string_equal(c.candidates[0], "cpus");
	completion_deinit(&c);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_help_needs_no_guest),
		cmocka_unit_test(test_a_guest_is_booted_on_demand),
		cmocka_unit_test(test_readonly_refuses_before_it_boots),
		cmocka_unit_test(test_screen_commands_need_a_screen),
		cmocka_unit_test(test_blocks_collect_until_end),
		cmocka_unit_test(test_quit),
		cmocka_unit_test(test_malformed_times),
		cmocka_unit_test(test_lines_that_no_recording_could_hold),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_errors_say_whose_they_are),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_completion_in_the_middle_of_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
