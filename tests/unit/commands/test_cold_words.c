/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/cold_words.h"

#include "commands/words.h"
#include "tests/expect.h"

/* Numbers as they are, "$w" is 77; everything else is unknown. */
static struct err *number(void *context, const char *word, int64_t *ret)
{
	char *end;

	if (strcmp(word, "$w") == 0 || strcmp(word, "worker(@runner,0)") == 0) {
		*ret = 77;
		return NULL;
	}
	if (strcmp(word, "-1+0") == 0) {
		*ret = -1;
		return NULL;
	}
	*ret = (int64_t)strtoull(word, &end, 0);
	return *end ? err_new(ERR_USAGE, "what is %s", word) : NULL;
}

static struct err *address(void *context, const char *word, int64_t *ret)
{
	if (strcmp(word, "init_task") == 0) {
		*ret = (int64_t)0xffffffff82000000;
		return NULL;
	}
	return number(context, word, ret);
}

static const struct cold_resolver resolver = {number, address, NULL};

static struct err *parse(bool write, const char *text, struct cold_op *ret)
{
	struct words w;
	struct err *err;

	ERR_TRY(words_split(text, &w));
	err = cold_words_parse(write, w.count, w.words, &resolver, ret);
	words_deinit(&w);
	return err;
}

static void test_task_targets(void **state)
{
	struct cold_op op;

	expect_ok(parse(false, "task 12 scx.dsq_vtime as seeded :u64", &op));
	assert_int_equal(op.target.kind, TARGET_TASK);
	assert_int_equal(op.target.pid, 12);
	assert_int_equal(op.target.start_ns, 0);
	assert_string_equal(op.target.field, "scx.dsq_vtime");
	assert_string_equal(op.tag, "seeded");
	assert_int_equal(op.width.kind, WIDTH_UNSIGNED);
	assert_int_equal(op.width.bytes, 8);
	assert_int_equal(op.flags, 0);
	expect_ok(parse(false, "task $w@123456789 prio", &op));
	assert_int_equal(op.target.pid, 77);
	assert_int_equal(op.target.start_ns, 123456789);
	/* The @ of a cgroup's name is no start time. */
	expect_ok(parse(false, "task worker(@runner,0) prio", &op));
	assert_int_equal(op.target.pid, 77);
	assert_int_equal(op.target.start_ns, 0);
}

static void test_variables_and_addresses(void **state)
{
	struct cold_op op;

	expect_ok(parse(false, "percpu runqueues.cfs.nr_queued cpu 3", &op));
	assert_int_equal(op.target.kind, TARGET_PERCPU);
	assert_string_equal(op.target.name, "runqueues");
	assert_string_equal(op.target.field, "cfs.nr_queued");
	assert_int_equal(op.target.cpu, 3);
	expect_ok(parse(false, "percpu kernel_cpustat.cpustat[2] cpu:1", &op));
	assert_string_equal(op.target.field, "cpustat[2]");
	assert_int_equal(op.target.cpu, 1);
	expect_ok(parse(false, "symbol jiffies_64 --hot", &op));
	assert_int_equal(op.target.kind, TARGET_SYMBOL);
	assert_string_equal(op.target.field, "");
	assert_int_equal(op.flags, COLD_HOT);
	expect_ok(parse(false, "symbol table[3].x", &op));
	assert_string_equal(op.target.name, "table");
	assert_string_equal(op.target.field, "[3].x");
	expect_ok(parse(false, "kva init_task :bytes:16", &op));
	assert_int_equal(op.target.address, 0xffffffff82000000);
	assert_int_equal(op.width.kind, WIDTH_BYTES);
	assert_int_equal(op.width.bytes, 16);
	expect_ok(parse(false, "bpf .bss.table[3].x", &op));
	assert_int_equal(op.target.kind, TARGET_BPF);
	assert_string_equal(op.target.field, ".bss.table[3].x");
	expect_err(parse(true, "bpf", &op), ERR_USAGE, "bpf: MAP.VAR is missing");
	expect_ok(parse(false, "direct 0x1000", &op));
	assert_int_equal(op.target.kind, TARGET_DIRECT);
	assert_int_equal(op.target.address, 0x1000);
}

static void test_values(void **state)
{
	struct cold_op op;

	expect_ok(parse(true, "symbol x 0x10", &op));
	assert_int_equal(op.flags, COLD_WRITE);
	assert_string_equal(op.value, "0x10");
	expect_ok(parse(true, "symbol x -5 :s32", &op));
	assert_string_equal(op.value, "-5");
	expect_ok(parse(true, "symbol x SCX_ENABLED", &op));
	assert_string_equal(op.value, "SCX_ENABLED");
	expect_ok(parse(true, "symbol x $w", &op));
	assert_string_equal(op.value, "77");
	expect_ok(parse(true, "symbol x -1+0", &op));
	assert_string_equal(op.value, "0xffffffffffffffff");
	expect_ok(parse(true, "kva 16 00ff$ :bytes:2", &op));
	assert_string_equal(op.value, "00ff$");
	expect_err(parse(true, "symbol x a+b", &op), ERR_USAGE, "what is a+b");
}

static void test_flags_may_stand_anywhere(void **state)
{
	struct cold_op op;

	expect_ok(parse(true, "--dry-run task 1 prio --force L4,L5 7 :u32", &op));
	assert_int_equal(op.flags, COLD_WRITE | COLD_DRY_RUN | COLD_FORCE_L4 | COLD_FORCE_L5);
	assert_string_equal(op.value, "7");
	expect_ok(parse(true, "task 1 prio 7 --force FIELD", &op));
	assert_int_equal(op.flags, COLD_WRITE | COLD_FORCE_FIELD);
	expect_err(parse(false, "symbol x --force L4", &op), ERR_USAGE,
		   "--force: read knows --hot only");
	expect_err(parse(true, "symbol x 1 --fast", &op), ERR_USAGE,
		   "--fast: write knows --dry-run, --force L4,L5 and --hot");
	expect_err(parse(true, "symbol x 1 --force", &op), ERR_USAGE,
		   "--force: layers or FIELD is missing");
	expect_err_with(parse(true, "task 1 prio 1 --force L1", &op), ERR_REFUSED, "L1");
}

static void test_missing_and_extra_words(void **state)
{
	struct cold_op op;

	expect_err_with(parse(false, "", &op), ERR_USAGE, "no target: want task PID FIELD, percpu");
	expect_err_with(parse(false, "tsk 1 x", &op), ERR_USAGE,
			"'tsk' is no target: want task PID");
	expect_err(parse(false, "task 1", &op), ERR_USAGE, "task: FIELD is missing");
	expect_err(parse(false, "task", &op), ERR_USAGE, "task: PID is missing");
	expect_err(parse(false, "percpu x", &op), ERR_USAGE, "percpu: cpu N is missing");
	expect_err(parse(false, "percpu x 3", &op), ERR_USAGE,
		   "percpu: '3' where cpu N was wanted");
	expect_err(parse(true, "symbol x", &op), ERR_USAGE, "VALUE is missing");
	expect_err(parse(false, "symbol x 5", &op), ERR_USAGE, "'5' is one word too many");
	expect_err(parse(false, "symbol .x", &op), ERR_USAGE, "'.x' is no symbol's name");
}

static void test_numbers_out_of_range(void **state)
{
	struct cold_op op;

	expect_err(parse(false, "task 0 x", &op), ERR_USAGE, "0: 0 is no pid");
	expect_err(parse(false, "task 4294967296 x", &op), ERR_USAGE,
		   "4294967296: 4294967296 is no pid");
	expect_err(parse(false, "percpu x cpu -1+0", &op), ERR_NOT_FOUND, "percpu: -1 is no CPU");
}

static void test_tags(void **state)
{
	struct cold_op op;

	expect_err(parse(false, "symbol x as 1a", &op), ERR_USAGE,
		   "as: '1a' is no tag: it begins with a letter");
	expect_err(parse(false, "symbol x as a-b", &op), ERR_USAGE,
		   "as: 'a-b' is no tag: want letters, digits and _");
	expect_err(parse(false, "symbol x as", &op), ERR_USAGE, "as: TAG is missing");
}

static void test_words_that_are_too_long(void **state)
{
	char text[1024] = "task 1 ";
	struct cold_op op;

	memset(text + 7, 'x', 500);
	expect_err(parse(false, text, &op), ERR_USAGE, "FIELD: longer than 191 characters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task_targets),
		cmocka_unit_test(test_variables_and_addresses),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_flags_may_stand_anywhere),
		cmocka_unit_test(test_missing_and_extra_words),
		cmocka_unit_test(test_numbers_out_of_range),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_words_that_are_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
