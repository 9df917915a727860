/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every form is one of a command that there is, and comes to a line of it. */
#include "commands/command.h"
#include "tests/expect.h"
#include "tui/op_forms.h"

static void test_every_form_has_its_command(void **state)
{
	for (const struct op_form *form = op_forms; form->command; form++)
		if (!op_form_offered(form))
			fail_msg("no command for the form of `%s`", form->command);
	assert_null(op_form_find("cgroup"));
	assert_ptr_equal(op_form_find("spawn"), &op_forms[1]);
}

/* The other way: whatever injects has a form, but for what only tells or is a block. */
static void test_every_injecting_command_has_a_form(void **state)
{
	for (const struct command *const *c = command_table; *c; c++) {
		bool found = false;

		if ((*c)->group != GROUP_INJECT || !((*c)->flags & CMD_WRITES) || ((*c)->flags & CMD_BLOCK))
			continue;
		for (const struct op_form *form = op_forms; form->command; form++)
			found |= str_starts(form->command, (*c)->name);
		if (!found)
			fail_msg("no form for `%s`", (*c)->name);
	}
}

static void test_values_become_words(void **state)
{
	char web[] = "web", weight[] = "200", none[] = "";
	char *values[FORM_FIELDS] = {web, none, weight};
	const struct op_form *form = op_form_find("cgroup add");
	struct str s = {0};

	assert_int_equal(op_form_fields(form), 6);
	op_form_line(form, values, op_form_fields(form), &s);
	assert_string_equal(str_text(&s), "cgroup add web weight=200");
	str_clear(&s);
	op_form_line(form, values, 1, &s);
	assert_string_equal(str_text(&s), "cgroup add web");
	str_deinit(&s);
	assert_int_equal(op_form_fields(op_form_find("nmi")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_form_has_its_command),
		cmocka_unit_test(test_every_injecting_command_has_a_form),
		cmocka_unit_test(test_values_become_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
