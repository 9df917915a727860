/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key tables: complete, without contradictions, and in keeping with the command table. */
#include "tui/keys.h"
#include "tui/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int bound(const struct key_binding *b, int key)
{
	int count = 0;

	for (; b && b->help; b++)
		for (int i = 0; i < 3 && b->keys[i]; i++)
			count += b->keys[i] == key;
	return count;
}

static void check_table(const char *name, const struct key_binding *table)
{
	char text[KEY_TEXT];

	for (const struct key_binding *b = table; b && b->help; b++) {
		assert_true(b->keys[0]);
		assert_true(b->help[0]);
		/* A row without a function only explains what a common key does here. */
		assert_true(b->run || bound(common_keys, b->keys[0]));
		for (int i = 0; i < 3 && b->keys[i]; i++)
			if (bound(table, b->keys[i]) != 1)
				fail_msg("%s: %s is bound twice", name, key_text(b->keys[i], text));
	}
}

static void test_no_key_means_two_things(void **state)
{
	check_table("common", common_keys);
	for (int i = 0; views_listed[i]; i++)
		check_table(views_listed[i]->name, views_listed[i]->keys);
	for (int i = 0; views_other[i]; i++)
		check_table(views_other[i]->name, views_other[i]->keys);
}

static void check_view(const struct view_ops *ops)
{
	assert_true(ops->name[0] && ops->title[0] && ops->summary[0]);
	assert_non_null(ops->open);
	assert_non_null(ops->close);
	assert_non_null(ops->draw);
}

static void test_views_are_complete(void **state)
{
	for (int i = 0; views_listed[i]; i++) {
		check_view(views_listed[i]);
		assert_true(views_listed[i]->flags & VIEW_LISTED);
	}
	for (int i = 0; views_other[i]; i++)
		check_view(views_other[i]);
}

/* `help` and `quit` have their counterparts on the screen: a view, and a question before the end.
 */
static bool is_the_screens(const struct command *c)
{
	return strcmp(c->name, "help") == 0 || strcmp(c->name, "quit") == 0;
}

/* A command's default key must reach that command, or the view of that name. */
static void test_command_keys_mean_what_they_say(void **state)
{
	for (const struct command *const *c = command_table; *c; c++) {
		const char *key = (*c)->key;

		if (!key || !key[0] || key[1] || is_the_screens(*c))
			continue;
		if (key[0] >= '1' && key[0] <= '9') {
			assert_string_equal(views_listed[key[0] - '1']->name, (*c)->name);
			continue;
		}
		if (bound(common_keys, key[0]))
			fail_msg("the key %s of `%s` is taken by the screen", key, (*c)->name);
		assert_ptr_equal(keys_command(key[0]), *c);
	}
}

static void do_nothing(struct screen *s, struct view *v)
{
}

/* A key for a command that this ktdbg has not got would only lead to an error. */
static void test_keys_need_their_command(void **state)
{
	const struct key_binding free_key = {{'a'}, "", NULL, do_nothing, NULL};
	const struct key_binding has = {{'b'}, "", NULL, do_nothing, "freeze"};
	const struct key_binding has_not = {{'c'}, "", NULL, do_nothing, "frobnicate"};
	const struct key_binding prefix = {{'d'}, "", NULL, do_nothing, "free"};

	assert_true(keys_offered(&free_key));
	assert_true(keys_offered(&has));
	assert_false(keys_offered(&has_not));
	assert_false(keys_offered(&prefix));
}

static void test_names_of_keys(void **state)
{
	const struct key_binding b = {{' ', K_CTRL('l'), K_F10}, "", NULL, NULL, NULL};
	struct str s = {0};

	keys_names(&b, &s);
	assert_string_equal(str_text(&s), "Space, Ctrl-L, F10");
	str_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_key_means_two_things),
		cmocka_unit_test(test_views_are_complete),
		cmocka_unit_test(test_command_keys_mean_what_they_say),
		cmocka_unit_test(test_keys_need_their_command),
		cmocka_unit_test(test_names_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
