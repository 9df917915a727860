/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's serial port wrote, as QEMU leaves it in a memfd. */
#include "tests/expect.h"

#include "vmm/console.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void the_newest_bytes(void **state)
{
	char buffer[16];
	struct console c;

	expect_ok(console_init(&c, "console"));
	assert_int_equal(console_tail(&c, buffer, sizeof(buffer)), 0);
	assert_string_equal(buffer, "");
	dprintf(c.fd, "0123456789abcdefghij");
	assert_int_equal(console_tail(&c, buffer, sizeof(buffer)), 20);
	assert_string_equal(buffer, "56789abcdefghij");
	assert_int_equal(console_tail(&c, buffer, 1), 20);
	assert_string_equal(buffer, "");
	assert_int_equal(console_tail(&c, NULL, 0), 20);
	assert_int_equal(console_read(&c, 18, buffer, sizeof(buffer)), 2);
	assert_int_equal(console_read(&c, 20, buffer, sizeof(buffer)), 0);
	console_deinit(&c);
}

static void the_last_lines(void **state)
{
	struct console c;
	char *text;

	expect_ok(console_init(&c, "console"));
	text = console_last_lines(&c, 3);
	assert_string_equal(text, "");
	free(text);
	dprintf(c.fd, "one\r\ntwo\r\n\r\nth\033ree\r\nfour\r\n\r\n");
	text = console_last_lines(&c, 2);
	assert_string_equal(text, "\n  th\\x1bree\n  four");
	free(text);
	text = console_last_lines(&c, 100);
	assert_string_equal(text, "\n  one\n  two\n  th\\x1bree\n  four");
	free(text);
	console_deinit(&c);
}

/* A machine that starts where another was saved shows what that one wrote, and goes on behind it. */
static void a_saved_text_comes_back(void **state)
{
	struct console before, after;
	char buffer[32];
	int fd = -1;

	expect_ok(console_init(&before, "console"));
	expect_ok(console_init(&after, "console"));
	expect_ok(console_restore(&after, -1));
	assert_int_equal(console_total(&after), 0);
	dprintf(before.fd, "booting\n");
	expect_ok(console_save(&before, &fd));
	console_deinit(&before);
	expect_ok(console_restore(&after, fd));
	dprintf(after.fd, "on\n");
	assert_int_equal(console_tail(&after, buffer, sizeof(buffer)), 11);
	assert_string_equal(buffer, "booting\non\n");
	close(fd);
	console_deinit(&after);
}

static void old_bytes_are_given_back(void **state)
{
	static char block[1 << 18];
	struct console c;
	struct stat st;
	char last = 0;

	expect_ok(console_init(&c, "console"));
	memset(block, 'x', sizeof(block));
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(write(c.fd, block, sizeof(block)), sizeof(block));
		console_total(&c);
	}
	assert_int_equal(console_total(&c), sizeof(block) * 64);
	assert_int_equal(fstat(c.fd, &st), 0);
	assert_in_range(st.st_blocks * 512, CONSOLE_KEEP, CONSOLE_KEEP * 5 / 4);
	assert_int_equal(console_read(&c, 0, block, sizeof(block)), 0);
	assert_int_equal(console_read(&c, sizeof(block) * 64 - 1, &last, 1), 1);
	assert_int_equal(last, 'x');
	console_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_bytes),
		cmocka_unit_test(the_last_lines),
		cmocka_unit_test(a_saved_text_comes_back),
		cmocka_unit_test(old_bytes_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
