/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folders of saved machines, in a cache below TEST_DIR. */
#include "tests/expect.h"

#include "base/interrupt.h"
#include "vmm/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_A "00000000000000000000000000000001"
#define KEY_B "00000000000000000000000000000002"

static char cache[400];

static int fresh_cache(void **state)
{
	const char *given = getenv("TEST_DIR");

	snprintf(cache, sizeof(cache), "%s/store-XXXXXX", given ? given : "/tmp");
	return mkdtemp(cache) ? setenv("XDG_CACHE_HOME", cache, 1) : -1;
}

static void describe(struct saved *s)
{
	saved_init(s);
	s->state_fd = memfd_create("state", MFD_CLOEXEC);
	assert_int_equal(write(s->state_fd, "state", 5), 5);
	expect_ok(saved_measure_state(s, false));
	s->ram_size = 8192;
	s->mailbox = 0x7000;
	s->console_fd = memfd_create("console", MFD_CLOEXEC);
	assert_int_equal(write(s->console_fd, "boot", 4), 4);
}

/* One entry whose memory starts with `text`. */
static void publish(const char *key, const char *text)
{
	struct store_draft d;
	struct saved s;

	describe(&s);
	expect_ok(store_begin(&d));
	assert_int_equal(ftruncate(d.ram_fd, 8192), 0);
	assert_int_equal(pwrite(d.ram_fd, text, strlen(text), 0), strlen(text));
	expect_ok(store_publish(&d, key, &s, "a machine"));
	store_end(&d);
	saved_deinit(&s);
}

static char first_byte(const char *key)
{
	char c = 0, console[8];
	struct saved s;

	saved_init(&s);
	expect_ok(store_open(key, &s));
	expect_ok(saved_check(&s));
	assert_int_equal(pread(s.ram_fd, &c, 1, 0), 1);
	assert_int_equal(pread(s.console_fd, console, sizeof(console), 0), 4);
	assert_memory_equal(console, "boot", 4);
	saved_deinit(&s);
	return c;
}

static unsigned int files_in_store(void)
{
	char command[500];
	unsigned int n = 0;
	FILE *p;

	snprintf(command, sizeof(command), "ls -A '%s/ktdbg/machines' | wc -l", cache);
	p = popen(command, "r");
	assert_int_equal(fscanf(p, "%u", &n), 1);
	pclose(p);
	return n;
}

static void entries_come_back(void **state)
{
	struct saved s;

	saved_init(&s);
	expect_err(store_open(KEY_A, &s), ERR_NOT_FOUND, "no saved machine " KEY_A);
	publish(KEY_A, "x");
	assert_int_equal(first_byte(KEY_A), 'x');
	store_remove(KEY_A);
	expect_err(store_open(KEY_A, &s), ERR_NOT_FOUND, "no saved machine " KEY_A);
	assert_int_equal(files_in_store(), 0);
}

static void the_first_of_two_wins(void **state)
{
	publish(KEY_A, "x");
	publish(KEY_A, "y");
	assert_int_equal(first_byte(KEY_A), 'x');
	assert_int_equal(files_in_store(), 1);
}

static void a_reader_keeps_what_it_opened(void **state)
{
	struct saved s;
	char c = 0;

	publish(KEY_A, "x");
	saved_init(&s);
	expect_ok(store_open(KEY_A, &s));
	store_remove(KEY_A);
	expect_ok(saved_check(&s));
	assert_int_equal(pread(s.ram_fd, &c, 1, 0), 1);
	assert_int_equal(c, 'x');
	saved_deinit(&s);
}

static void drafts_are_removed(void **state)
{
	struct store_draft d;

	expect_ok(store_begin(&d));
	assert_int_equal(files_in_store(), 1);
	store_end(&d);
	assert_int_equal(files_in_store(), 0);
}

static void damaged_entries_are_noticed(void **state)
{
	char path[500];
	struct saved s;

	publish(KEY_A, "x");
	snprintf(path, sizeof(path), "%s/ktdbg/machines/" KEY_A "/machine", cache);
	assert_int_equal(truncate(path, 20), 0);
	saved_init(&s);
	expect_err(store_open(KEY_A, &s), ERR_BAD_DATA,
		   "the saved machine's description is damaged");
	saved_deinit(&s);
	assert_int_equal(unlink(path), 0);
	expect_err(store_open(KEY_A, &s), ERR_BAD_DATA,
		   "saved machine: machine: No such file or directory");
}

static void entries_are_listed_and_cleared(void **state)
{
	struct warm_entry *list = NULL;
	unsigned int count = 0;
	uint64_t bytes = 0;
	char path[500];
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	publish(KEY_A, "x");
	publish(KEY_B, "y");
	snprintf(path, sizeof(path), "%s/ktdbg/machines/" KEY_A "/machine", cache);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	expect_ok(warm_cache_list(&list, &count));
	assert_int_equal(count, 2);
	assert_string_equal(list[0].key, KEY_B);
	assert_string_equal(list[1].key, KEY_A);
	assert_int_equal(list[1].used, 1000);
	assert_string_equal(list[1].summary, "a machine");
	assert_true(list[0].bytes >= 4096 * 3);
	free(list);
	store_touch(KEY_A);
	expect_ok(warm_cache_list(&list, &count));
	assert_string_equal(list[0].key, KEY_A);
	free(list);
	expect_ok(warm_cache_clear(&count, &bytes));
	assert_int_equal(count, 2);
	assert_true(bytes > 0);
	assert_int_equal(files_in_store(), 0);
}

/* A second process gets the lock when the first one is done with it. */
static void one_builds_at_a_time(void **state)
{
	int ready[2], lock = -1, status;
	char c;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (!child) {
		if (store_lock(KEY_A, &lock) || lock < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		usleep(200000);
		publish(KEY_A, "x");
		store_unlock(KEY_A, &lock);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	expect_ok(store_lock(KEY_A, &lock));
	assert_true(lock >= 0);
	assert_int_equal(first_byte(KEY_A), 'x');
	store_unlock(KEY_A, &lock);
	assert_int_equal(lock, -1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
}

static void waiting_for_the_lock_is_interrupted(void **state)
{
	char path[500];
	int held, lock = -1;

	expect_ok(store_lock(KEY_A, &lock));
	store_unlock(KEY_A, &lock);
	snprintf(path, sizeof(path), "%s/ktdbg/machines/" KEY_A ".lock", cache);
	held = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(held, LOCK_EX), 0);
	interrupt_raise();
	expect_err(store_lock(KEY_A, &lock), ERR_INTERRUPTED, "interrupted");
	interrupt_clear();
	close(held);
}

/* A folder that cannot be written is no error for who wants to lock: it costs the cache only. */
static void without_a_folder(void **state)
{
	struct store_draft d;
	struct saved s;
	int lock = 5;

	setenv("XDG_CACHE_HOME", "/proc/nothing", 1);
	saved_init(&s);
	expect_err(store_open(KEY_A, &s), ERR_NOT_FOUND, "no cache folder");
	expect_ok(store_lock(KEY_A, &lock));
	assert_int_equal(lock, -1);
	expect_err_with(store_begin(&d), ERR_OS, "/proc/nothing");
	store_end(&d);
}

#define with_cache(test) cmocka_unit_test_setup(test, fresh_cache)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_cache(entries_come_back),
		with_cache(the_first_of_two_wins),
		with_cache(a_reader_keeps_what_it_opened),
		with_cache(drafts_are_removed),
		with_cache(damaged_entries_are_noticed),
		with_cache(entries_are_listed_and_cleared),
		with_cache(one_builds_at_a_time),
		with_cache(waiting_for_the_lock_is_interrupted),
		with_cache(without_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
