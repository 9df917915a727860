/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/help.h"

#include "tests/expect.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

/* A word as usage texts write what the operator fills in. */
static bool is_placeholder(const char *name)
{
	for (; *name; name++)
		if (!isupper((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

static void check_arguments(const struct command *c)
{
	bool takes = strpbrk(c->usage, "ABCDEFGHIJKLMNOPQRSTUVWXYZ|") != NULL;

	if (takes && !c->arguments[0].name)
		fail_msg("%s: usage has arguments, the row describes none", c->name);
	for (unsigned int i = 0; i < COMMAND_ARGUMENTS && c->arguments[i].name; i++) {
		const struct command_argument *a = &c->arguments[i];

		if (a->completer != COMPLETE_WORD && !is_placeholder(a->name) &&
		    !strstr(c->usage, a->name))
			fail_msg("%s: argument %s is not written as in usage", c->name, a->name);
		if ((a->completer == COMPLETE_WORD) != (a->words != NULL))
			fail_msg("%s: argument %s: words belong to COMPLETE_WORD", c->name,
				 a->name);
	}
}

static void check_row(const struct command *c)
{
	size_t len = strlen(c->name);

	assert_true(len > 0);
	if (strncmp(c->usage, c->name, len) != 0 || (c->usage[len] && c->usage[len] != ' '))
		fail_msg("%s: usage begins with another name: %s", c->name, c->usage);
	if (!c->summary || !c->summary[0] || c->summary[strlen(c->summary) - 1] == '.')
		fail_msg("%s: a summary is one line without a full stop", c->name);
	if (strlen(c->summary) > 68)
		fail_msg("%s: the summary does not fit a line of help", c->name);
	if (!c->key)
		fail_msg("%s: key is \"\" for none", c->name);
	if (c->group >= GROUP_COUNT || !c->run)
		fail_msg("%s: no group or nothing to run", c->name);
	if ((c->flags & CMD_WRITES) && !(c->flags & CMD_RECORDED) && c->group != GROUP_HOST)
		fail_msg("%s: writes and is not recorded", c->name);
	if ((c->flags & CMD_AGENT) && !(c->flags & CMD_GUEST))
		fail_msg("%s: an agent without a guest", c->name);
	check_arguments(c);
}

static void test_rows_are_complete(void **state)
{
	for (unsigned int i = 0; command_table[i]; i++)
		check_row(command_table[i]);
}

static void test_names_are_unique(void **state)
{
	for (unsigned int i = 0; command_table[i]; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(command_table[i]->name, command_table[j]->name);
}

/* Commands of SPEC section 2 that this version must have. */
static void test_the_promised_commands_are_there(void **state)
{
	static const char *const names[] = {
		"boot",	  "poweroff", "freeze",	 "thaw",  "run",    "status", "cpus",	 "rq",
		"tasks",  "task",     "scx",	 "print", "ptype",  "symbol", "read",	 "write",
		"batch",  "undo",     "changes", "spawn", "cgroup", "sched",  "console", "dmesg",
		"record", "expect",   "wait",	 "let",	  "note",   "help",   "quit",
		"dsq",	  "cgroups",
	};
	const struct command *c;

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		expect_ok(command_find(names[i], &c));
		assert_string_equal(c->name, names[i]);
	}
}

static void test_prefixes(void **state)
{
	const struct command *c;

	expect_ok(command_find("cp", &c));
	assert_string_equal(c->name, "cpus");
	/* A whole name wins over longer ones that begin with it. */
	expect_ok(command_find("task", &c));
	assert_string_equal(c->name, "task");
	expect_err(command_find("ta", &c), ERR_USAGE,
		   "'ta' is short for several commands: tasks, task");
}

static void test_unknown_names(void **state)
{
	const struct command *c;

	expect_err_with(command_find("raed", &c), ERR_USAGE, "no command 'raed'; near: read");
	expect_err(command_find("xyzzy", &c), ERR_USAGE, "no command 'xyzzy'; `help` lists them");
	expect_err(command_find("", &c), ERR_USAGE, "no command ''; `help` lists them");
	expect_err(command_find("\x1b[H", &c), ERR_USAGE,
		   "no command '\\x1b[H'; `help` lists them");
}

static void test_usage_error(void **state)
{
	expect_err(command_usage(&command_run), ERR_USAGE, "usage: run DURATION");
}

static void test_help_names_every_command(void **state)
{
	struct str text = {0}, man = {0}, options = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);

	assert_non_null(out);
	help_overview(out);
	help_man(&man);
	help_options(&options);
	for (unsigned int i = 0; command_table[i]; i++) {
		char entry[64];

		snprintf(entry, sizeof(entry), "\n  %-11s ", command_table[i]->name);
		if (!strstr(str_text(&text), entry))
			fail_msg("help does not name %s", command_table[i]->name);
		if (!strstr(str_text(&man), command_table[i]->summary) &&
		    !strchr(command_table[i]->summary, '-'))
			fail_msg("the manual does not name %s", command_table[i]->name);
	}
	assert_non_null(strstr(str_text(&options), "--topology NnLlCcTt"));
	assert_non_null(strstr(str_text(&man), ".SH EXIT STATUS"));
	out_destroy(out);
	str_deinit(&text);
	str_deinit(&man);
	str_deinit(&options);
}

static void test_help_of_one_command(void **state)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);

	help_command(&command_run, out);
	assert_non_null(strstr(str_text(&text), "run DURATION\n    let that much guest time pass"));
	assert_non_null(strstr(str_text(&text), "(the guest is held while it runs; recorded)"));
	assert_non_null(strstr(str_text(&text), "Key on the screen: r\n"));
	out_destroy(out);
	str_deinit(&text);
}

/* A line of roff that begins with . or ' is a request: help texts must not make any. */
static void test_manual_has_known_requests_only(void **state)
{
	static const char *const requests[] = {".\\\" ", ".TH ", ".SH ", ".SS ", ".TP",
					       ".B ",	 ".I ",	 ".BR ", ".RS",	 ".RE",
					       ".PP",	 ".nf",	 ".fi"};
	struct str man = {0};

	help_man(&man);
	for (const char *line = str_text(&man); line; line = strchr(line, '\n')) {
		bool known = false;

		line += *line == '\n';
		for (unsigned int i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
			known |= str_starts(line, requests[i]);
		if ((*line == '.' || *line == '\'') && !known)
			fail_msg("roff request in a text: %.40s", line);
	}
	str_deinit(&man);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_the_promised_commands_are_there),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_usage_error),
		cmocka_unit_test(test_help_names_every_command),
		cmocka_unit_test(test_help_of_one_command),
		cmocka_unit_test(test_manual_has_known_requests_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
