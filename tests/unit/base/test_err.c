/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include "tests/expect.h"

#include <errno.h>

static void test_new_formats(void **state)
{
	expect_err(err_new(ERR_NOT_FOUND, "no symbol %s (%d)", "x", 3), ERR_NOT_FOUND, "no symbol x (3)");
}

static void test_os_says_why(void **state)
{
	expect_err(err_os(ENOENT, "cannot open %s", "f"), ERR_OS,
		   "cannot open f: No such file or directory");
}

static void test_fault_keeps_its_address(void **state)
{
	struct err *err = err_wrap(err_fault(0xffff888000001234), "reading");

	assert_int_equal(err_address(err), 0xffff888000001234);
	expect_err(err, ERR_FAULT, "reading: bad address 0xffff888000001234");
}

static void test_other_kinds_have_no_address(void **state)
{
	struct err *err = err_new(ERR_QMP, "x");

	assert_int_equal(err_address(err), 0);
	err_free(err);
}

static void test_wrap_puts_context_before_and_keeps_kind(void **state)
{
	struct err *err = err_new(ERR_TIMEOUT, "too late");

	err = err_wrap(err, "cpu %d", 2);
	err = err_wrap(err, "freezing");
	expect_err(err, ERR_TIMEOUT, "freezing: cpu 2: too late");
}

static void test_wrap_of_success_is_success(void **state)
{
	assert_null(err_wrap(NULL, "context"));
}

static void test_nomem_survives_everything(void **state)
{
	struct err *err = err_nomem();

	assert_ptr_equal(err_wrap(err, "context"), err);
	err_free(err);
	err_free(err);
	assert_string_equal(err_detail(err), "out of memory");
	assert_int_equal(err_kind(err), ERR_NOMEM);
}

static void test_free_of_null(void **state)
{
	err_free(NULL);
}

static struct err *tries(struct err *inner, int *reached)
{
	ERR_TRY(inner);
	*reached = 1;
	return NULL;
}

static void test_try_returns_early(void **state)
{
	int reached = 0;

	expect_err(tries(err_new(ERR_USAGE, "inner"), &reached), ERR_USAGE, "inner");
	assert_int_equal(reached, 0);
	assert_null(tries(NULL, &reached));
	assert_int_equal(reached, 1);
}

static void test_exit_status(void **state)
{
	static const struct {
		enum err_kind kind;
		int status;
	} rows[] = {
		{ERR_USAGE, 2},      {ERR_ENVIRONMENT, 3}, {ERR_QMP, 3},
		{ERR_NOMEM, 3},      {ERR_GUEST_DIED, 4},  {ERR_INTERRUPTED, 130},
		{ERR_NOT_FOUND, 1},  {ERR_REFUSED, 1},     {ERR_BAD_DATA, 1},
		{ERR_TIMEOUT, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err *err = err_new(rows[i].kind, "x");

		assert_int_equal(err_exit_status(err), rows[i].status);
		err_free(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_formats),
		cmocka_unit_test(test_os_says_why),
		cmocka_unit_test(test_fault_keeps_its_address),
		cmocka_unit_test(test_other_kinds_have_no_address),
		cmocka_unit_test(test_wrap_puts_context_before_and_keeps_kind),
		cmocka_unit_test(test_wrap_of_success_is_success),
		cmocka_unit_test(test_nomem_survives_everything),
		cmocka_unit_test(test_free_of_null),
		cmocka_unit_test(test_try_returns_early),
		cmocka_unit_test(test_exit_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
