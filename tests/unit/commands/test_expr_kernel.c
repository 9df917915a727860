/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language over a small kernel in memory: members, casts, pointers, faults, names of rows. */
#include "commands/expr.h"

#include "tests/expect.h"
#include "tests/unit/coord/image.h"

struct fixture {
	struct image g;
	struct kernel *kernel;
	uint64_t task;
	struct value self;
	struct expr_context context, row;
};

static void set(struct fixture *f, unsigned int offset, const void *data, size_t len)
{
	memcpy((char *)image_at(&f->g, f->task) + offset, data, len);
}

static void set_u64(struct fixture *f, unsigned int offset, uint64_t value)
{
	set(f, offset, &value, sizeof(value));
}

static void fill_task(struct fixture *f, uint64_t name)
{
	uint32_t state = 1, bits = 1 | 5 << 1 | 0xd << 4, policy = 7; /* flag 1, small 5, negative -3 */
	int32_t pid = -5;

	set(f, 0, &state, 4);
	set(f, 4, &pid, 4);
	set(f, 8, "worker", 7);
	set_u64(f, 24, f->task + 24);
	set_u64(f, 32, 0xdead000000000122);
	set_u64(f, 40, f->task);
	set(f, 48, &bits, 4);
	set(f, 52, &policy, 4);
	set_u64(f, 56, name);
	set_u64(f, 64, UINT64_MAX);
	set_u64(f, 72, 2);
	set_u64(f, 80, 3);
	set_u64(f, 96, 0x8000000000000002);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint32_t type;

	image_init(&f->g, 4, IMAGE_PLACE);
	f->task = image_alloc(&f->g, 256, 64);
	fill_task(f, image_put(&f->g, "a name", 7, 1));
	image_symbol(&f->g, "the_task", f->task, 'D');
	image_finish(&f->g);
	expect_ok(kernel_adopt(&f->g.ram, 0, &f->kernel));
	expect_ok(types_parse(kernel_types(f->kernel), "task_struct", &type));
	f->self = value_object(type, f->task);
	f->context = (struct expr_context){.kernel = f->kernel};
	f->row = (struct expr_context){.kernel = f->kernel, .self = &f->self};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kernel_destroy(f->kernel);
	image_deinit(&f->g);
	free(f);
	return 0;
}

static struct err *evaluate(const struct expr_context *c, const char *text, struct expr_result *ret)
{
	struct expr *e;
	struct err *err = expr_parse(text, &e);

	if (err)
		return err;
	err = expr_eval_result(e, c, ret);
	expr_destroy(e);
	return err;
}

static bool holds(const struct expr_context *c, const char *text)
{
	struct expr_test test;
	struct expr *e;

	expect_ok(expr_parse(text, &e));
	expect_ok(expr_test(e, c, &test));
	expr_destroy(e);
	assert_string_equal(test.why, "");
	return test.holds;
}

#define TASK "((struct task_struct *)the_task)"

static void test_symbols_and_casts(void **state)
{
	struct fixture *f = *state;

	assert_true(holds(&f->context, TASK "->__state == 1"));
	assert_true(holds(&f->context, "(*" TASK ").pid == -5"));
	assert_true(holds(&f->context, TASK "->number == 0xfffffffb"));
	assert_true(holds(&f->context, TASK "->parent->parent.pid == -5"));
	assert_true(holds(&f->context, "((task_struct *)the_task)->small == 5"));
	assert_true(holds(&f->context, TASK "->negative == -3"));
	assert_true(holds(&f->context, TASK "->negative < 0"));
	assert_true(holds(&f->context, "*(unsigned int *)the_task == 1"));
	assert_true(holds(&f->context, "((unsigned int *)the_task)[1] == 0xfffffffb"));
	assert_true(holds(&f->context, "*((unsigned int *)the_task + 1) == 0xfffffffb"));
	assert_true(holds(&f->context, "(u64)((unsigned int *)the_task + 1) == the_task + 4"));
	assert_true(holds(&f->context, "(unsigned int *)the_task + 3 - (unsigned int *)the_task == 3"));
}

/* A symbol of unknown type is an address: unscaled in arithmetic, shown with its name. */
static void test_untyped_symbols(void **state)
{
	struct fixture *f = *state;
	struct expr_result r;
	struct str s = {0}, wanted = {0};
	struct expr *e;

	assert_true(holds(&f->context, "(u64)(the_task + 8) - (u64)the_task == 8"));
	expect_ok(expr_parse("the_task", &e));
	expect_ok(expr_show(e, &f->context, 1, &s, &r));
	expr_destroy(e);
	assert_int_equal(r.value.number, f->task);
	str_addf(&wanted, "0x%llx <the_task>", (unsigned long long)f->task);
	assert_string_equal(str_text(&s), str_text(&wanted));
	str_deinit(&s);
	str_deinit(&wanted);
}

static void test_arrays_and_addresses(void **state)
{
	struct fixture *f = *state;

	assert_true(holds(&f->context, TASK "->times[0] == -1"));
	assert_true(holds(&f->context, TASK "->times[0] > 5"));
	assert_true(holds(&f->context, TASK "->times[1] + " TASK "->times[2] == 5"));
	assert_true(holds(&f->context, "*(" TASK "->times + 2) == 3"));
	assert_true(holds(&f->context, "&" TASK "->times[1] - &" TASK "->times[0] == 1"));
	assert_true(holds(&f->context, "(u64)&" TASK "->__state == the_task"));
	assert_true(holds(&f->context, "(&" TASK "->parent)[0]->pid == -5"));
	assert_true(holds(&f->context, "sizeof(" TASK "->times) == 24"));
	assert_true(holds(&f->context, "sizeof(struct task_struct) == sizeof task_struct"));
	assert_true(holds(&f->context, "sizeof(*" TASK ") == 144"));
}

static void test_texts(void **state)
{
	struct fixture *f = *state;

	assert_true(holds(&f->context, TASK "->comm == \"worker\""));
	assert_true(holds(&f->context, TASK "->comm ~ \"^w.*r$\""));
	assert_true(holds(&f->context, TASK "->name == \"a name\""));
	assert_true(holds(&f->context, TASK "->name != 0"));
	assert_true(holds(&f->context, TASK "->comm[0] == 'w'"));
}

static void test_enumerators(void **state)
{
	struct fixture *f = *state;

	assert_true(holds(&f->context, TASK "->policy == POLICY_EXT"));
	assert_true(holds(&f->context, TASK "->big == BIG_LOCAL"));
	assert_false(holds(&f->context, "POLICY_NORMAL"));
	/* An unsigned enum of 64 bits is no negative number. */
	assert_true(holds(&f->context, "BIG_LOCAL > 0 && BIG_LOCAL / 2 == 0x4000000000000001"));
	assert_true(holds(&f->context, "POLICY_NORMAL - 1 < 0"));
}

static void test_names_of_a_row(void **state)
{
	struct fixture *f = *state;
	struct expr_result r;

	assert_true(holds(&f->row, "pid == -5 && comm ~ \"work\" && !tasks.next == 0"));
	assert_true(holds(&f->row, "parent.parent.pid == pid"));
	assert_true(holds(&f->row, "the_task == (u64)&__state"));
	expect_err_with(evaluate(&f->context, "comm", &r), ERR_NOT_FOUND,
			"column 1: no symbol, enumerator or function `comm`");
	expect_err_with(evaluate(&f->row, "plicy == 3", &r), ERR_NOT_FOUND,
			"column 1: no member, symbol, enumerator or function `plicy`; near: policy");
}

static void test_faults(void **state)
{
	struct fixture *f = *state;
	struct expr_result r;

	expect_ok(evaluate(&f->context, "*(u64 *)0x10 + 1", &r));
	assert_int_equal(r.value.kind, VALUE_FAULT);
	assert_int_equal(r.value.address, 0x10);
	assert_int_equal(r.missing, EXPR_FAULT);
	assert_string_equal(r.why, "`*(u64 *)0x10` lies at a bad address, 0x10");
	expect_ok(evaluate(&f->row, "tasks.prev->next == 0", &r));
	assert_int_equal(r.value.number, 0);
	assert_int_equal(r.missing, EXPR_FAULT);
	expect_ok(evaluate(&f->row, "((char *)0x10) == 16", &r));
	assert_int_equal(r.value.number, 1);
}

static void test_missing_members(void **state)
{
	struct fixture *f = *state;
	struct expr_result r;

	expect_ok(evaluate(&f->row, "parent.scx.slice", &r));
	assert_int_equal(r.value.kind, VALUE_ABSENT);
	assert_int_equal(r.missing, EXPR_ABSENT);
	assert_string_equal(r.why, "this kernel has no `parent.scx`");
}

static void test_mistakes(void **state)
{
	struct fixture *f = *state;
	struct expr_result r;

	expect_err_with(evaluate(&f->context, "the_tsak", &r), ERR_NOT_FOUND, "near: the_task");
	expect_err_with(evaluate(&f->context, "(struct tsak_struct *)0", &r), ERR_NOT_FOUND, "column 1: ");
	expect_err_with(evaluate(&f->context, "the_task->pid", &r), ERR_USAGE,
			"column 11: `the_task` is no struct and has no member `pid`");
	expect_err_with(evaluate(&f->row, "&flag", &r), ERR_USAGE, "a bit-field has no address");
	expect_err_with(evaluate(&f->row, "tasks + 1", &r), ERR_USAGE, "column 1: a struct is no number");
	expect_err_with(evaluate(&f->row, "*the_task", &r), ERR_USAGE, "no pointer to something of known size");
	expect_err_with(evaluate(&f->row, "pid.x", &r), ERR_USAGE, "column 5: ");
}

static void test_functions_without_a_coordinator(void **state)
{
	struct fixture *f = *state;
	struct expr_result r;

	expect_err_with(evaluate(&f->context, "task(1)", &r), ERR_NOT_FOUND, "task needs a running guest");
	expect_err_with(evaluate(&f->context, "worker(@runner,0)", &r), ERR_NOT_FOUND,
			"worker needs the agent of a running guest");
	expect_err_with(evaluate(&f->context, "scx.state", &r), ERR_NOT_FOUND, "no guest is running");
	expect_err_with(evaluate(&f->context, "workers(web).count", &r), ERR_NOT_FOUND, "no guest is running");
	expect_err_with(evaluate(&f->context, "rq(4096)", &r), ERR_NOT_FOUND, "column 4: no CPU 4096: this guest has");
	expect_err_with(evaluate(&f->context, "rq(-1)", &r), ERR_NOT_FOUND, "no CPU -1");
}

/* An expression is evaluated for many rows: what it remembers of one must not leak into the next. */
static void test_many_evaluations_of_one_expression(void **state)
{
	struct fixture *f = *state;
	struct value v;
	struct expr *e;

	expect_ok(expr_parse("the_task - (u64)&__state", &e));
	for (int i = 0; i < 1000; i++) {
		expect_ok(expr_eval(e, &f->row, &v));
		assert_int_equal(v.number, 0);
	}
	f->self.address += 8;
	expect_ok(expr_eval(e, &f->row, &v));
	assert_int_equal((int64_t)v.number, -8);
	f->self.address -= 8;
	expr_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols_and_casts),
		cmocka_unit_test(test_untyped_symbols),
		cmocka_unit_test(test_arrays_and_addresses),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_enumerators),
		cmocka_unit_test(test_names_of_a_row),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_missing_members),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_functions_without_a_coordinator),
		cmocka_unit_test(test_many_evaluations_of_one_expression),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
