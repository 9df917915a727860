/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks and ORC tables made by hand, sound and damaged. */
#include "coord/unwind.h"
#include "tests/unit/coord/fake_kernel.h"

/* Offsets in the fake's memory. */
enum {
	IPS = 0x1000,
	ENTRIES = 0x2000,
	SCHEDULE = 0x10000, /* the function that switches away */
	BY_SP = 0x10100,    /* frames that are found by rsp, by rbp, by a saved rsp */
	BY_BP = 0x10200,
	INDIRECT = 0x10300,
	FORK = 0x10400,	 /* the stack's end */
	ENTRY = 0x10500, /* saved all registers */
	IRET = 0x10600,	 /* saved only ip, cs, flags, sp, ss */
	STUCK = 0x10700, /* moves nowhere */
	UNDEFINED = 0x10800,
	STRANGE = 0x10900, /* an entry with unknown registers */
	BY_R10 = 0x10a00,
	NOTHING = 0x10b00, /* behind the last function */
	STACK = 0x40000,
	STACK_SIZE = 0x4000,
	TASK = 0x60000,
	TASK_STACK = 8, /* members */
	TASK_THREAD = 16,
	THREAD_SP = 24,
	REGS_BP = 32,
	REGS_R10 = 56,
	REGS_AX = 80,
	REGS_ORIG_AX = 120,
	REGS_IP = 128,
	REGS_CS = 136,
	REGS_SP = 152,
	REGS_SIZE = 168,
};
#define CODE(offset) (KERNEL_BASE + (offset) + 0x10)
#define TRAMPOLINE 0xffffffffc0001000ull /* outside the image */
#define SWITCH_FRAME 56
#define TOP (STACK + STACK_SIZE)

/* The kernel's numbers of UNDEFINED, PREV_SP, BP, SP, R10, SP_INDIRECT: until 7.0, and since. */
struct numbers {
	uint8_t prev_sp, bp, sp, r10, indirect;
};
static const struct numbers until_7_0 = {1, 4, 5, 6, 9}, since_7_1 = {8, 4, 3, 6, 9};

struct stack {
	struct kernel kernel;
	struct unwind *unwind;
	struct unwind_trace trace;
	unsigned int entries;
};

static void put(struct stack *s, uint64_t offset, uint64_t value)
{
	memcpy(s->kernel.memory + offset, &value, 8);
}

static void entry(struct stack *s, uint32_t at, int16_t sp_offset, int16_t bp_offset, uint8_t sp,
		  uint8_t bp, uint8_t type)
{
	uint8_t *orc = s->kernel.memory + ENTRIES + s->entries * 6;
	uint32_t place = IPS + s->entries * 4, relative = at - place;

	memcpy(s->kernel.memory + place, &relative, 4);
	memcpy(orc, &sp_offset, 2);
	memcpy(orc + 2, &bp_offset, 2);
	orc[4] = (uint8_t)(sp | bp << 4);
	orc[5] = type;
	s->entries++;
}

static void make_entries(struct stack *s, const struct numbers *n)
{
	entry(s, SCHEDULE, 8, 0, n->sp, 0, 2);
	entry(s, SCHEDULE + 8, 24, 0, n->sp, 0, 2);
	entry(s, BY_SP, 16, 0, n->sp, 0, 2);
	entry(s, BY_BP, 16, -16, n->bp, n->prev_sp, 2);
	entry(s, INDIRECT, 8, 0, n->indirect, 0, 2);
	entry(s, FORK, 0, 0, 0, 0, 1);
	entry(s, ENTRY, 0, 0, n->sp, 0, 3 | 8);
	entry(s, IRET, 0, 0, n->sp, 0, 4 | 8);
	entry(s, STUCK, 0, 0, n->sp, 0, 2);
	entry(s, UNDEFINED, 0, 0, 0, 0, 0);
	entry(s, STRANGE, 0, 0, 14, 0, 2);
	entry(s, BY_R10, 0, 0, n->r10, 0, 2);
	entry(s, NOTHING, 0, 0, 0, 0, 0);
}

static void make_regs_type(struct btf *b, int word)
{
	static const struct {
		const char *name;
		unsigned int offset;
	} members[] = {{"r13", 16},	{"bp", REGS_BP}, {"r10", REGS_R10},	    {"ax", REGS_AX},
		       {"dx", 96},	{"di", 112},	 {"orig_ax", REGS_ORIG_AX}, {"ip", REGS_IP},
		       {"cs", REGS_CS}, {"sp", REGS_SP}};

	assert_true(btf__add_struct(b, "pt_regs", REGS_SIZE) > 0);
	for (unsigned int i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		FAKE_MEMBER(b, members[i].name, word, members[i].offset);
}

static struct types *make_types(void)
{
	struct btf *b = btf__new_empty();
	struct types *types = NULL;
	int word, index, array, thread;
	const void *raw;
	uint32_t len;

	word = btf__add_int(b, "long unsigned int", 8, 0);
	index = btf__add_int(b, "unsigned int", 4, 0);
	thread = btf__add_struct(b, "thread_struct", 64);
	FAKE_MEMBER(b, "sp", word, THREAD_SP);
	assert_true(btf__add_struct(b, "task_struct", 128) > 0);
	FAKE_MEMBER(b, "stack", word, TASK_STACK);
	FAKE_MEMBER(b, "thread", thread, TASK_THREAD);
	assert_true(btf__add_struct(b, "inactive_task_frame", SWITCH_FRAME) > 0);
	FAKE_MEMBER(b, "bp", word, 40);
	FAKE_MEMBER(b, "ret_addr", word, 48);
	make_regs_type(b, word);
	array = btf__add_array(b, index, word, STACK_SIZE / 8);
	assert_true(btf__add_union(b, "thread_union", STACK_SIZE) > 0);
	FAKE_MEMBER(b, "stack", array, 0);
	raw = btf__raw_data(b, &len);
	expect_ok(types_create(raw, len, &types));
	btf__free(b);
	return types;
}

static void make(struct stack *s, const struct numbers *n)
{
	*s = (struct stack){.kernel = {.types = make_types(), .cpus = 1}};
	s->kernel.memory = calloc(1, KERNEL_SIZE);
	assert_non_null(s->kernel.memory);
	make_entries(s, n);
	fake_symbol(&s->kernel, "schedule", KERNEL_BASE + SCHEDULE);
	fake_symbol(&s->kernel, "__start_orc_unwind_ip", KERNEL_BASE + IPS);
	fake_symbol(&s->kernel, "__stop_orc_unwind_ip", KERNEL_BASE + IPS + 4 * s->entries);
	fake_symbol(&s->kernel, "__start_orc_unwind", KERNEL_BASE + ENTRIES);
	fake_symbol(&s->kernel, "__stop_orc_unwind", KERNEL_BASE + ENTRIES + 6 * s->entries);
	put(s, TASK + TASK_STACK, KERNEL_BASE + STACK);
	put(s, STACK, 0x57ac6e9d);
}

/* The task was switched away from at `sp`, in `function`. */
static void switched(struct stack *s, uint64_t sp, uint64_t bp, uint64_t function)
{
	put(s, TASK + TASK_THREAD + THREAD_SP, KERNEL_BASE + sp - SWITCH_FRAME);
	put(s, sp - 16, bp);
	put(s, sp - 8, function);
}

static void walk(struct stack *s)
{
	expect_ok(unwind_create(&s->kernel, &s->unwind));
	unwind_task(s->unwind, KERNEL_BASE + TASK, &s->trace);
}

static void release(struct stack *s)
{
	unwind_destroy(s->unwind);
	types_destroy(s->kernel.types);
	free(s->kernel.memory);
}

static void expect_frames(const struct stack *s, unsigned int count, const uint64_t *ips,
			  const char *reason)
{
	for (unsigned int i = 0; i < count && i < s->trace.count; i++)
		assert_true(s->trace.frames[i].ip == ips[i]);
	assert_int_equal(s->trace.count, count);
	assert_string_equal(s->trace.end, reason);
}

#define EXPECT_FRAMES(s, reason, ...)                                                              \
	do {                                                                                       \
		const uint64_t ips_[] = {__VA_ARGS__};                                             \
		expect_frames(s, sizeof(ips_) / sizeof(ips_[0]), ips_, reason);                    \
	} while (0)

static void calls(const struct numbers *n)
{
	struct stack s;
	uint64_t sp = STACK + 0x3000;

	make(&s, n);
	switched(&s, sp, KERNEL_BASE + sp + 0x60, CODE(SCHEDULE));
	put(&s, sp + 16, CODE(BY_SP));	   /* 24 bytes */
	put(&s, sp + 24 + 8, CODE(BY_BP)); /* 16 bytes; then rbp leads on */
	put(&s, sp + 0x60, 0x1234);
	put(&s, sp + 0x68, CODE(INDIRECT));
	put(&s, sp + 0x70, KERNEL_BASE + sp + 0x100);
	put(&s, sp + 0x100, CODE(FORK));
	walk(&s);
	EXPECT_FRAMES(&s, "", CODE(SCHEDULE), CODE(BY_SP), CODE(BY_BP), CODE(INDIRECT), CODE(FORK));
	assert_true(s.trace.frames[3].sp == KERNEL_BASE + sp + 0x70);
	assert_false(s.trace.frames[2].frame_pointer || s.trace.frames[2].exact);
	release(&s);
}

static void test_calls(void **state)
{
	(void)state;
	calls(&until_7_0);
	calls(&since_7_1);
}

/* An exception in the kernel, below an interrupt from user space. */
static void test_entries(void **state)
{
	struct stack s;
	uint64_t sp = STACK + 0x2000, user = TOP - REGS_SIZE;

	(void)state;
	make(&s, &since_7_1);
	switched(&s, sp, 0, CODE(SCHEDULE));
	put(&s, sp + 16, CODE(ENTRY));
	put(&s, sp + 24 + REGS_IP, CODE(BY_BP));
	put(&s, sp + 24 + REGS_CS, 0x10);
	put(&s, sp + 24 + REGS_BP, KERNEL_BASE + user - 16);
	put(&s, sp + 24 + REGS_ORIG_AX, (uint64_t)-1);
	put(&s, sp + 24 + REGS_SP, KERNEL_BASE + sp + 0x200);
	put(&s, user - 8, CODE(ENTRY));
	put(&s, user + REGS_IP, 0x401000);
	put(&s, user + REGS_CS, 0x33);
	put(&s, user + REGS_SP, 0x7ffe0000);
	put(&s, user + REGS_ORIG_AX, 230);
	walk(&s);
	EXPECT_FRAMES(&s, "", CODE(SCHEDULE), CODE(ENTRY), CODE(BY_BP), CODE(ENTRY));
	assert_true(s.trace.frames[1].entry.present && !s.trace.frames[1].entry.user);
	assert_true(s.trace.frames[1].entry.orig_ax == -1);
	assert_true(s.trace.frames[2].exact && !s.trace.frames[2].entry.present);
	assert_true(s.trace.frames[3].entry.user && s.trace.frames[3].entry.ip == 0x401000);
	assert_true(s.trace.frames[3].entry.sp == 0x7ffe0000);
	assert_true(s.trace.frames[3].entry.orig_ax == 230);
	release(&s);
}

static void test_partial_entry(void **state)
{
	struct stack s;
	uint64_t sp = STACK + 0x2000;

	(void)state;
	make(&s, &until_7_0);
	switched(&s, sp, 0, CODE(SCHEDULE));
	put(&s, sp + 16, CODE(IRET));
	put(&s, sp + 24, CODE(FORK));
	put(&s, sp + 24 + REGS_CS - REGS_IP, 0x10);
	put(&s, sp + 24 + REGS_SP - REGS_IP, KERNEL_BASE + sp + 0x100);
	walk(&s);
	EXPECT_FRAMES(&s, "", CODE(SCHEDULE), CODE(IRET), CODE(FORK));
	assert_true(s.trace.frames[1].entry.partial);
	release(&s);
}

/* Outside the image there is no table: rbp leads out of BPF programs. */
static void test_frame_pointers(void **state)
{
	struct stack s;
	uint64_t sp = STACK + 0x2000;

	(void)state;
	make(&s, &since_7_1);
	switched(&s, sp, KERNEL_BASE + sp + 0x80, CODE(SCHEDULE));
	put(&s, sp + 16, TRAMPOLINE);
	put(&s, sp + 0x88, CODE(FORK));
	walk(&s);
	EXPECT_FRAMES(&s, "", CODE(SCHEDULE), TRAMPOLINE, CODE(FORK));
	assert_true(s.trace.frames[1].frame_pointer);
	assert_false(s.trace.frames[2].frame_pointer);
	release(&s);
}

/* One step from schedule() to `next` with rbp `bp`, which cannot be left for `reason`. */
static void damaged(uint64_t next, uint64_t bp, const char *reason)
{
	struct stack s;
	uint64_t sp = STACK + 0x2000;

	make(&s, &until_7_0);
	switched(&s, sp, bp, CODE(SCHEDULE));
	put(&s, sp + 16, next);
	walk(&s);
	EXPECT_FRAMES(&s, reason, CODE(SCHEDULE), next);
	release(&s);
}

static void test_damaged_steps(void **state)
{
	(void)state;
	damaged(CODE(BY_BP), 0x10,
		"the return address would be at 0x18, outside the task's stack "
		"0xffff888000040000-0xffff888000044000");
	damaged(CODE(BY_BP), KERNEL_BASE + TOP - 8,
		"the return address would be at 0xffff888000044000, outside the task's stack "
		"0xffff888000040000-0xffff888000044000");
	damaged(CODE(BY_BP), KERNEL_BASE + STACK + 0x2001,
		"the return address would be at 0xffff888000042009, which is not aligned");
	damaged(CODE(BY_BP), KERNEL_BASE + STACK + 0x1000,
		"the stack pointer does not move up: 0xffff888000041010 after 0xffff888000042018");
	damaged(CODE(STUCK), 0,
		"the stack pointer does not move up: 0xffff888000042018 after 0xffff888000042018");
	damaged(CODE(INDIRECT), 0,
		"the return address would be at 0x0, outside the task's stack "
		"0xffff888000040000-0xffff888000044000");
	damaged(CODE(UNDEFINED), 0, "the ORC tables do not say how 0xffff888000010810 is left");
	damaged(CODE(STRANGE), 0,
		"the ORC entry of 0xffff888000010910 finds its frame in an unknown way");
	damaged(CODE(BY_R10), 0, "the frame is found by register r10, which is not saved");
	damaged(TRAMPOLINE, 0,
		"the return address would be at 0x8, outside the task's stack "
		"0xffff888000040000-0xffff888000044000");
	damaged(CODE(BY_SP), 0, "0x0 below 0xffff888000042028 is no address of kernel code");
}

static void test_damaged_starts(void **state)
{
	struct stack s;

	(void)state;
	make(&s, &until_7_0);
	switched(&s, STACK + 0x2000, 0, CODE(FORK));
	put(&s, STACK, 0);
	walk(&s);
	EXPECT_FRAMES(&s, "the mark at the stack's end is 0x0: it has overflowed", CODE(FORK));
	put(&s, TASK + TASK_THREAD + THREAD_SP, KERNEL_BASE + TOP - 48);
	unwind_task(s.unwind, KERNEL_BASE + TASK, &s.trace);
	expect_frames(&s, 0, NULL,
		      "the frame of the switch would be at 0xffff888000044000, outside the task's "
		      "stack 0xffff888000040000-0xffff888000044000");
	put(&s, TASK + TASK_STACK, 0x1000);
	unwind_task(s.unwind, KERNEL_BASE + TASK, &s.trace);
	expect_frames(&s, 0, NULL, "0x1000 is no address of a stack");
	put(&s, TASK + TASK_STACK, 0);
	unwind_task(s.unwind, KERNEL_BASE + TASK, &s.trace);
	expect_frames(&s, 0, NULL, "the task has no stack any more");
	put(&s, TASK + TASK_STACK, KERNEL_BASE + HOLE - 0x1000);
	put(&s, TASK + TASK_THREAD + THREAD_SP, KERNEL_BASE + HOLE + 0x20);
	unwind_task(s.unwind, KERNEL_BASE + TASK, &s.trace);
	expect_frames(&s, 0, NULL, "the frame of the switch: bad address 0xffff888000080050");
	unwind_task(s.unwind, KERNEL_BASE + HOLE, &s.trace);
	expect_frames(&s, 0, NULL, "the task: bad address 0xffff888000080008");
	release(&s);
}

/* As many frames as fit into the bound, and no more. */
static void test_endless_calls(void **state)
{
	struct stack s;

	(void)state;
	make(&s, &until_7_0);
	for (uint64_t at = STACK + 0x1000; at < TOP; at += 8)
		put(&s, at, CODE(BY_SP));
	switched(&s, STACK + 0x1000, 0, CODE(BY_SP));
	walk(&s);
	assert_int_equal(s.trace.count, UNWIND_FRAMES);
	assert_string_equal(s.trace.end, "more than 128 frames");
	release(&s);
}

static void test_new_task(void **state)
{
	struct stack s;

	(void)state;
	make(&s, &since_7_1);
	fake_symbol(&s.kernel, "ret_from_fork_asm", KERNEL_BASE + FORK);
	switched(&s, STACK + 0x2000, 0, KERNEL_BASE + FORK);
	walk(&s);
	EXPECT_FRAMES(&s, "", KERNEL_BASE + FORK);
	assert_true(s.trace.frames[0].exact);
	release(&s);
}

static void test_user_entry(void **state)
{
	struct unwind_regs regs = {0};
	struct stack s;

	(void)state;
	make(&s, &since_7_1);
	switched(&s, STACK + 0x2000, 0, CODE(FORK));
	walk(&s);
	assert_false(unwind_user_entry(s.unwind, KERNEL_BASE + TASK, &regs));
	put(&s, TOP - REGS_SIZE + REGS_CS, 0x33);
	put(&s, TOP - REGS_SIZE + REGS_IP, 0x401234);
	assert_true(unwind_user_entry(s.unwind, KERNEL_BASE + TASK, &regs));
	assert_true(regs.ip == 0x401234 && regs.user);
	assert_false(unwind_user_entry(s.unwind, KERNEL_BASE + HOLE, &regs));
	release(&s);
}

static void test_kernels_without(void **state)
{
	struct stack s;
	uint8_t *first;

	(void)state;
	make(&s, &since_7_1);
	first = s.kernel.memory + ENTRIES;
	first[4] = 7;
	expect_err(unwind_create(&s.kernel, &s.unwind), ERR_ABSENT,
		   "this kernel's ORC tables are of an unknown kind: schedule() begins with "
		   "register 7 and offset 8");
	s.kernel.symbols[4].address += 6;
	expect_err_with(unwind_create(&s.kernel, &s.unwind), ERR_BAD_DATA,
			"the kernel's ORC tables have impossible bounds: 0xffff888000001000-");
	s.kernel.symbol_count = 1;
	expect_err(unwind_create(&s.kernel, &s.unwind), ERR_ABSENT,
		   "this kernel has no ORC tables (CONFIG_UNWINDER_ORC), by which stacks are "
		   "walked");
	release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),	      cmocka_unit_test(test_entries),
		cmocka_unit_test(test_partial_entry), cmocka_unit_test(test_frame_pointers),
		cmocka_unit_test(test_damaged_steps), cmocka_unit_test(test_damaged_starts),
		cmocka_unit_test(test_endless_calls), cmocka_unit_test(test_new_task),
		cmocka_unit_test(test_user_entry),    cmocka_unit_test(test_kernels_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
