/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `:` line: keys, history, limits. */
#include "tui/edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void type(struct edit *e, const char *text)
{
	for (; *text; text++)
		assert_true(edit_key(e, *text));
}

static void test_typing_and_moving(void **state)
{
	struct edit e = {0};

	edit_start(&e, NULL, "ask 1");
	type(&e, "2");
	edit_key(&e, K_HOME);
	type(&e, "t");
	edit_key(&e, K_RIGHT);
	edit_key(&e, K_DELETE);
	edit_key(&e, 's');
	assert_string_equal(e.text, "task 12");
	edit_key(&e, K_END);
	edit_key(&e, K_BACKSPACE);
	assert_string_equal(e.text, "task 1");
	assert_int_equal(e.cursor, 6);
	assert_false(edit_key(&e, K_ENTER));
	assert_false(edit_key(&e, K_ESCAPE));
}

static void test_a_character_is_removed_whole(void **state)
{
	struct edit e = {0};

	edit_start(&e, NULL, "");
	edit_key(&e, 0xe9);
	edit_key(&e, 0x65e5);
	assert_string_equal(e.text, "\xc3\xa9\xe6\x97\xa5");
	edit_key(&e, K_LEFT);
	assert_int_equal(e.cursor, 2);
	edit_key(&e, K_BACKSPACE);
	assert_string_equal(e.text, "\xe6\x97\xa5");
	edit_key(&e, K_BACKSPACE);
	assert_string_equal(e.text, "\xe6\x97\xa5");
}

static void test_kill_and_yank(void **state)
{
	struct edit e = {0};

	edit_start(&e, NULL, "write task 12 prio");
	edit_key(&e, K_CTRL('w'));
	assert_string_equal(e.text, "write task 12 ");
	edit_key(&e, K_CTRL('u'));
	assert_string_equal(e.text, "");
	edit_key(&e, K_CTRL('y'));
	assert_string_equal(e.text, "write task 12 ");
	edit_key(&e, K_CTRL('a'));
	edit_key(&e, K_CTRL('k'));
	assert_string_equal(e.text, "");
}

static void test_history_browsing_keeps_the_new_line(void **state)
{
	struct history h = {0};
	struct edit e = {0};

	history_add(&h, "freeze");
	history_add(&h, "thaw");
	history_add(&h, "thaw");
	history_add(&h, "");
	assert_int_equal(h.count, 2);
	edit_start(&e, &h, "");
	type(&e, "ta");
	edit_key(&e, K_UP);
	assert_string_equal(e.text, "thaw");
	edit_key(&e, K_UP);
	edit_key(&e, K_UP);
	assert_string_equal(e.text, "freeze");
	edit_key(&e, K_DOWN);
	edit_key(&e, K_DOWN);
	edit_key(&e, K_DOWN);
	assert_string_equal(e.text, "ta");
	history_deinit(&h);
}

static void test_history_is_bounded(void **state)
{
	struct history h = {0};
	char line[32];

	for (int i = 0; i < EDIT_HISTORY_MAX + 20; i++) {
		snprintf(line, sizeof(line), "print %d", i);
		history_add(&h, line);
	}
	assert_int_equal(h.count, EDIT_HISTORY_MAX);
	assert_string_equal(h.lines[0], "print 20");
	history_deinit(&h);
}

static void test_history_file(void **state)
{
	char path[] = "/tmp/ktdbg-test-history-XXXXXX";
	struct history h = {0}, again = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	assert_null(history_load(&h, path));
	assert_int_equal(h.count, 0);
	history_add(&h, "cpus");
	history_add(&h, "tasks");
	assert_null(history_save(&h, path));
	assert_null(history_load(&again, path));
	assert_int_equal(again.count, 2);
	assert_string_equal(again.lines[1], "tasks");
	history_deinit(&h);
	history_deinit(&again);
	unlink(path);
}

static void test_a_full_line_takes_no_more(void **state)
{
	struct edit e = {0};

	edit_start(&e, NULL, "");
	for (int i = 0; i < EDIT_MAX + 10; i++)
		edit_key(&e, 'x');
	assert_int_equal(e.len, EDIT_MAX - 1);
	assert_int_equal(strlen(e.text), EDIT_MAX - 1);
	edit_replace(&e, e.cursor, "more");
	assert_int_equal(e.len, EDIT_MAX - 1);
}

static void test_replace_puts_a_word_in_place(void **state)
{
	struct edit e = {0};

	edit_start(&e, NULL, "wri task");
	e.cursor = 3;
	edit_replace(&e, 0, "write");
	assert_string_equal(e.text, "write task");
	assert_int_equal(e.cursor, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typing_and_moving),
		cmocka_unit_test(test_a_character_is_removed_whole),
		cmocka_unit_test(test_kill_and_yank),
		cmocka_unit_test(test_history_browsing_keeps_the_new_line),
		cmocka_unit_test(test_history_is_bounded),
		cmocka_unit_test(test_history_file),
		cmocka_unit_test(test_a_full_line_takes_no_more),
		cmocka_unit_test(test_replace_puts_a_word_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
