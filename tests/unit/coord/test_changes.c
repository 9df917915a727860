/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cold writes leave behind: groups that are kept, rolled back or undone, and the reply log. */
#include "tests/unit/coord/fake_kernel.h"

#include "coord/changes.h"
#include "coord/replies.h"

#define WORD(i) (KERNEL_BASE + 0x1000 + (i)*8)

struct fixture {
	struct kernel *kernel;
	struct changes *changes;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->kernel = fake_kernel();
	expect_ok(changes_create(&f->changes));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	changes_destroy(f->changes);
	fake_kernel_free(f->kernel);
	free(f);
	return 0;
}

static uint64_t word(struct fixture *f, unsigned int i)
{
	uint64_t value = 0;

	expect_ok(kernel_read_u64(f->kernel, WORD(i), &value));
	return value;
}

static void write_word(struct fixture *f, unsigned int i, uint64_t value)
{
	struct written w = {.address = WORD(i), .len = 8};
	uint64_t old = word(f, i);

	memcpy(w.old, &old, 8);
	snprintf(w.change.new_text, sizeof(w.change.new_text), "%llu", (unsigned long long)value);
	expect_ok(kernel_write(f->kernel, WORD(i), &value, 8));
	expect_ok(changes_add(f->changes, &w));
}

static unsigned int logged(struct fixture *f)
{
	unsigned int count;

	changes_list(f->changes, &count);
	return count;
}

static void test_roll_back(void **state)
{
	struct fixture *f = *state;

	write_word(f, 0, 1);
	changes_keep(f->changes, 5);
	/* Twice the same word: the older value must win. */
	write_word(f, 0, 2);
	write_word(f, 0, 3);
	write_word(f, 1, 4);
	expect_ok(changes_roll_back(f->changes, f->kernel));
	assert_int_equal(word(f, 0), 1);
	assert_int_equal(word(f, 1), 0);
	assert_int_equal(logged(f), 1);
}

static void test_undo_group_by_group(void **state)
{
	struct fixture *f = *state;
	unsigned int count = 0;

	expect_err(changes_undo(f->changes, f->kernel, 1, &count), ERR_NOT_FOUND,
		   "nothing to undo");
	write_word(f, 0, 1);
	changes_keep(f->changes, 5);
	write_word(f, 0, 2);
	write_word(f, 1, 3);
	changes_keep(f->changes, 5);
	expect_ok(changes_undo(f->changes, f->kernel, 5, &count));
	assert_int_equal(count, 2);
	assert_int_equal(word(f, 0), 1);
	assert_int_equal(word(f, 1), 0);
	assert_true(changes_list(f->changes, &count)[1].undone);
	assert_false(changes_list(f->changes, &count)[0].undone);
	expect_ok(changes_undo(f->changes, f->kernel, 5, &count));
	assert_int_equal(count, 1);
	assert_int_equal(word(f, 0), 0);
	expect_err(changes_undo(f->changes, f->kernel, 5, &count), ERR_NOT_FOUND,
		   "nothing to undo");
	assert_int_equal(logged(f), 3);
}

static void test_undo_not_across_time(void **state)
{
	struct fixture *f = *state;
	unsigned int count = 0;

	write_word(f, 0, 1);
	changes_keep(f->changes, 5);
	expect_err(changes_undo(f->changes, f->kernel, 6, &count), ERR_REFUSED,
		   "the guest has run since the last write");
	write_word(f, 1, 2);
	changes_keep(f->changes, 6);
	expect_ok(changes_undo(f->changes, f->kernel, 6, &count));
	assert_int_equal(word(f, 0), 1);
	expect_err(changes_undo(f->changes, f->kernel, 6, &count), ERR_NOT_FOUND,
		   "nothing to undo");
}

static void test_log_keeps_the_newest(void **state)
{
	struct fixture *f = *state;
	unsigned int count = 0;

	for (unsigned int i = 0; i < CHANGES_MAX + 10; i++) {
		write_word(f, i % 4, i);
		changes_keep(f->changes, i);
	}
	assert_true(logged(f) <= CHANGES_MAX);
	assert_string_equal(changes_list(f->changes, &count)[logged(f) - 1].new_text, "65545");
	expect_ok(changes_undo(f->changes, f->kernel, CHANGES_MAX + 9, &count));
	assert_true(changes_list(f->changes, &count)[logged(f) - 1].undone);
}

static struct cold_reply reply_of(const char *tag, uint64_t number)
{
	struct cold_reply r = {.value = value_unsigned(number), .queued = number % 2};

	snprintf(r.tag, sizeof(r.tag), "%s", tag);
	strcpy(r.type, "u64");
	snprintf(r.text, sizeof(r.text), "%llu", (unsigned long long)number);
	return r;
}

static void test_replies(void **state)
{
	struct cold_reply r, out;
	struct replies *log;

	(void)state;
	expect_ok(replies_create(4, &log));
	assert_false(replies_next(log, &out));
	for (uint64_t i = 0; i < 3; i++) {
		r = reply_of(i == 1 ? "b" : "a", i);
		expect_ok(replies_add(log, &r));
	}
	assert_true(replies_next(log, &out));
	assert_string_equal(out.tag, "a");
	assert_int_equal(out.value.number, 0);
	assert_true(replies_find(log, "a", &out));
	assert_int_equal(out.value.number, 2);
	assert_true(replies_find(log, "b", &out));
	assert_true(out.queued);
	assert_string_equal(out.text, "1");
	assert_string_equal(out.type, "u64");
	assert_false(replies_find(log, "c", &out));
	assert_false(replies_find(log, "", &out));
	/* Two more than fit: one that was drained goes, and one that was not. */
	for (uint64_t i = 3; i < 6; i++) {
		r = reply_of("z", i);
		expect_ok(replies_add(log, &r));
	}
	assert_int_equal(replies_lost(log), 1);
	assert_true(replies_next(log, &out));
	assert_int_equal(out.value.number, 2);
	assert_false(replies_find(log, "b", &out));
	replies_destroy(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_roll_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_group_by_group, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undo_not_across_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_keeps_the_newest, setup, teardown),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
