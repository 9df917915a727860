/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel of one megabyte: an arena at KERNEL_BASE with a page that is not mapped, a few symbols,
 * and the types of a small scheduler as BTF. For tests of what reads a kernel; defines all of
 * coord/kernel.h, so that the real one is not linked. Include in one file of a program.
 */
#ifndef TESTS_FAKE_KERNEL_H
#define TESTS_FAKE_KERNEL_H

#include "tests/expect.h"

#include "coord/kernel.h"
#include "coord/types.h"

#include <bpf/btf.h>
#include <stdio.h>

#define KERNEL_BASE 0xffff888000000000ull
#define KERNEL_SIZE (1u << 20)
#define HOLE 0x80000u /* offset of the page that is not mapped */

struct kernel {
	struct types *types;
	struct kernel_info info;
	uint8_t *memory;
	struct {
		const char *name;
		uint64_t address;
	} symbols[32];
	unsigned int symbol_count;
	unsigned int cpus;
	uint64_t percpu_step;
};

/* --- memory --- */

void *kernel_at(struct kernel *k, uint64_t va, size_t len)
{
	uint64_t offset = va - KERNEL_BASE;

	if (va < KERNEL_BASE || offset >= KERNEL_SIZE || offset / 4096 == HOLE / 4096 ||
	    offset % 4096 + len > 4096)
		return NULL;
	return k->memory + offset;
}

static struct err *fake_copy(struct kernel *k, uint64_t va, void *buffer, size_t len, bool write)
{
	for (size_t i = 0; i < len; i++)
		if (!kernel_at(k, va + i, 1))
			return err_fault(va + i);
	if (write)
		memcpy(k->memory + (va - KERNEL_BASE), buffer, len);
	else
		memcpy(buffer, k->memory + (va - KERNEL_BASE), len);
	return NULL;
}

struct err *kernel_read(struct kernel *k, uint64_t va, void *buffer, size_t len)
{
	return fake_copy(k, va, buffer, len, false);
}

struct err *kernel_write(struct kernel *k, uint64_t va, const void *buffer, size_t len)
{
	return fake_copy(k, va, (void *)(uintptr_t)buffer, len, true);
}

struct err *kernel_read_u64(struct kernel *k, uint64_t va, uint64_t *ret)
{
	return kernel_read(k, va, ret, 8);
}

struct err *kernel_read_u32(struct kernel *k, uint64_t va, uint32_t *ret)
{
	return kernel_read(k, va, ret, 4);
}

struct err *kernel_read_string(struct kernel *k, uint64_t va, char *buffer, size_t size)
{
	memset(buffer, 0, size);
	return kernel_read(k, va, buffer, size - 1);
}

struct err *kernel_translate(struct kernel *k, uint64_t va, uint64_t *ret_phys)
{
	if (!kernel_at(k, va, 1))
		return err_fault(va);
	*ret_phys = va - KERNEL_BASE;
	return NULL;
}

uint64_t kernel_direct_map(const struct kernel *k, uint64_t phys)
{
	(void)k;
	return KERNEL_BASE + phys;
}

bool kernel_in_image(const struct kernel *k, uint64_t address)
{
	(void)k;
	return address >= KERNEL_BASE && address < KERNEL_BASE + KERNEL_SIZE;
}

void kernel_window_begin(struct kernel *k)
{
	(void)k;
}

/* --- names --- */

static inline void fake_symbol(struct kernel *k, const char *name, uint64_t address)
{
	k->symbols[k->symbol_count].name = name;
	k->symbols[k->symbol_count++].address = address;
}

bool kernel_find_symbol(struct kernel *k, const char *name, uint64_t *ret)
{
	for (unsigned int i = 0; i < k->symbol_count; i++) {
		if (strcmp(k->symbols[i].name, name) == 0) {
			*ret = k->symbols[i].address;
			return true;
		}
	}
	return false;
}

struct err *kernel_symbol(struct kernel *k, const char *name, uint64_t *ret)
{
	return kernel_find_symbol(k, name, ret) ? NULL
						: err_new(ERR_NOT_FOUND, "no symbol '%s'", name);
}

struct err *kernel_symbol_at(struct kernel *k, uint64_t address, char *name, size_t size,
			     uint64_t *ret_offset)
{
	for (unsigned int i = 0; i < k->symbol_count; i++) {
		if (k->symbols[i].address == address) {
			snprintf(name, size, "%s", k->symbols[i].name);
			*ret_offset = 0;
			return NULL;
		}
	}
	return err_new(ERR_NOT_FOUND, "no symbol there");
}

uint64_t kernel_symbol_span(struct kernel *k, uint64_t address)
{
	(void)k;
	(void)address;
	return 0;
}

void kernel_symbols_each(struct kernel *k, const char *prefix,
			 bool (*visit)(void *context, const char *name, uint64_t address,
				       char kind),
			 void *context)
{
	(void)k;
	(void)prefix;
	(void)visit;
	(void)context;
}

/* --- the rest --- */

const struct kernel_info *kernel_info(const struct kernel *k)
{
	return &k->info;
}

const struct types *kernel_types(const struct kernel *k)
{
	return k->types;
}

unsigned int kernel_cpus(const struct kernel *k)
{
	return k->cpus;
}

bool kernel_cpu_online(struct kernel *k, unsigned int cpu)
{
	return cpu < k->cpus;
}

struct err *kernel_percpu(struct kernel *k, uint64_t symbol, unsigned int cpu, uint64_t *ret)
{
	if (cpu >= k->cpus)
		return err_new(ERR_NOT_FOUND, "no CPU %u: the guest has 0 to %u", cpu, k->cpus - 1);
	*ret = symbol + cpu * k->percpu_step;
	return NULL;
}

/* --- types --- */

static inline int fake_type(struct btf *b, const char *name)
{
	int id = btf__find_by_name(b, name);

	assert_true(id > 0);
	return id;
}

#define FAKE_MEMBER(b, name, type, byte)                                                           \
	assert_int_equal(btf__add_field(b, name, type, (byte)*8, 0), 0)
#define FAKE_BITS(b, name, type, bit, bits)                                                        \
	assert_int_equal(btf__add_field(b, name, type, bit, bits), 0)

/* Offsets in struct task_struct of the fake. */
enum {
	TASK_STATE = 0,
	TASK_ON_CPU = 4,
	TASK_ON_RQ = 8,
	TASK_POLICY = 12,
	TASK_BITS = 16,
	TASK_CPU = 20,
	TASK_PID = 24,
	TASK_TGID = 28,
	TASK_COMM = 32,
	TASK_START = 48,
	TASK_BOOT = 56,
	TASK_CLASS = 64,
	TASK_SIGNAL = 72,
	TASK_TASKS = 80,
	TASK_THREAD_NODE = 96,
	TASK_PID_LINKS = 112,
	TASK_SE = 128,
	TASK_SCX = 256,
	TASK_SIZE = 384,
	SE_NODE = 0,
	SE_VRUNTIME = 24,
	SE_ON_RQ = 32,
	SE_MY_Q = 40,
	SE_AVG = 48,
	SE_SIZE = 64,
	SCX_DSQ = 0,
	SCX_RUNNABLE = 8,
	SCX_PRIQ = 24,
	SCX_VTIME = 48,
	SCX_SIZE = 64,
	SIGNAL_HEAD = 0,
	RQ_LOCK = 0,
	RQ_NR = 4,
	RQ_CURR = 8,
	RQ_IDLE = 16,
	RQ_CFS = 24,
	RQ_SIZE = 64,
	CFS_NR = 0,
	CFS_TREE = 8,
	CFS_CURR = 16,
	NS_HEAD = 0,
	NODE_SHIFT = 0,
	NODE_SLOTS = 8,
};

static inline void fake_links(struct btf *b)
{
	int u8 = btf__add_int(b, "unsigned char", 1, 0), list, hnode, rb;

	assert_true(btf__add_typedef(b, "u8", u8) > 0);
	assert_true(btf__add_int(b, "char", 1, BTF_INT_CHAR) > 0);
	assert_true(btf__add_int(b, "int", 4, BTF_INT_SIGNED) > 0);
	assert_true(btf__add_int(b, "unsigned int", 4, 0) > 0);
	assert_true(btf__add_int(b, "long unsigned int", 8, 0) > 0);
	assert_true(btf__add_typedef(b, "u64", fake_type(b, "long unsigned int")) > 0);
	assert_true(btf__add_int(b, "_Bool", 1, BTF_INT_BOOL) > 0);
	assert_true(btf__add_ptr(b, 0) > 0);
	list = btf__add_struct(b, "list_head", 16);
	FAKE_MEMBER(b, "next", list + 1, 0);
	FAKE_MEMBER(b, "prev", list + 1, 8);
	assert_int_equal(btf__add_ptr(b, list), list + 1);
	hnode = btf__add_struct(b, "hlist_node", 8);
	FAKE_MEMBER(b, "next", hnode + 1, 0);
	assert_int_equal(btf__add_ptr(b, hnode), hnode + 1);
	rb = btf__add_struct(b, "rb_node", 24);
	FAKE_MEMBER(b, "__rb_parent_color", fake_type(b, "long unsigned int"), 0);
	FAKE_MEMBER(b, "rb_right", rb + 1, 8);
	FAKE_MEMBER(b, "rb_left", rb + 1, 16);
	assert_int_equal(btf__add_ptr(b, rb), rb + 1);
	rb = btf__add_struct(b, "rb_root", 8);
	FAKE_MEMBER(b, "rb_node", rb - 1, 0);
	btf__add_struct(b, "raw_spinlock", 4);
	FAKE_MEMBER(b, "val", fake_type(b, "int"), 0);
	btf__add_struct(b, "sched_avg", 16);
	FAKE_MEMBER(b, "load_sum", fake_type(b, "u64"), 0);
	FAKE_MEMBER(b, "util_avg", fake_type(b, "u64"), 8);
	btf__add_enum(b, "mood", 4);
	btf__add_enum_value(b, "CALM", 0);
	btf__add_enum_value(b, "ANGRY", 3);
}

static inline void fake_entities(struct btf *b)
{
	int pointer;

	btf__add_struct(b, "cfs_rq", 32);
	FAKE_MEMBER(b, "h_nr_queued", fake_type(b, "unsigned int"), CFS_NR);
	FAKE_MEMBER(b, "tasks_timeline", fake_type(b, "rb_root"), CFS_TREE);
	FAKE_MEMBER(b, "curr", fake_type(b, "cfs_rq") + 2, CFS_CURR);
	pointer = btf__add_ptr(b, fake_type(b, "cfs_rq"));
	assert_int_equal(btf__add_ptr(b, pointer + 2), pointer + 1);
	btf__add_struct(b, "sched_entity", SE_SIZE);
	FAKE_MEMBER(b, "run_node", fake_type(b, "rb_node"), SE_NODE);
	FAKE_MEMBER(b, "vruntime", fake_type(b, "u64"), SE_VRUNTIME);
	FAKE_MEMBER(b, "on_rq", fake_type(b, "unsigned int"), SE_ON_RQ);
	FAKE_MEMBER(b, "my_q", pointer, SE_MY_Q);
	FAKE_MEMBER(b, "avg", fake_type(b, "sched_avg"), SE_AVG);
	btf__add_struct(b, "scx_dispatch_q", 8);
	FAKE_MEMBER(b, "id", fake_type(b, "u64"), 0);
	pointer = btf__add_ptr(b, fake_type(b, "scx_dispatch_q"));
	btf__add_struct(b, "sched_ext_entity", SCX_SIZE);
	FAKE_MEMBER(b, "dsq", pointer, SCX_DSQ);
	FAKE_MEMBER(b, "runnable_node", fake_type(b, "list_head"), SCX_RUNNABLE);
	FAKE_MEMBER(b, "dsq_priq", fake_type(b, "rb_node"), SCX_PRIQ);
	FAKE_MEMBER(b, "dsq_vtime", fake_type(b, "u64"), SCX_VTIME);
}

static inline void fake_task(struct btf *b)
{
	int comm = btf__add_array(b, fake_type(b, "int"), fake_type(b, "char"), 16);
	int links = btf__add_array(b, fake_type(b, "int"), fake_type(b, "hlist_node"), 2);
	int class, signal, inner;

	btf__add_struct(b, "sched_class", 8);
	FAKE_MEMBER(b, "word", fake_type(b, "u64"), 0);
	class = btf__add_ptr(b, fake_type(b, "sched_class"));
	btf__add_struct(b, "signal_struct", 16);
	FAKE_MEMBER(b, "thread_head", fake_type(b, "list_head"), SIGNAL_HEAD);
	signal = btf__add_ptr(b, fake_type(b, "signal_struct"));
	/* An anonymous struct, as task_struct and rq have them. */
	inner = btf__add_struct(b, NULL, 8);
	FAKE_MEMBER(b, "pid", fake_type(b, "int"), 0);
	FAKE_MEMBER(b, "tgid", fake_type(b, "int"), 4);
	btf__add_struct(b, "task_struct", TASK_SIZE);
	FAKE_MEMBER(b, "__state", fake_type(b, "unsigned int"), TASK_STATE);
	FAKE_MEMBER(b, "on_cpu", fake_type(b, "int"), TASK_ON_CPU);
	FAKE_MEMBER(b, "on_rq", fake_type(b, "u8"), TASK_ON_RQ);
	FAKE_MEMBER(b, "policy", fake_type(b, "unsigned int"), TASK_POLICY);
	FAKE_BITS(b, "frozen", fake_type(b, "unsigned int"), TASK_BITS * 8 + 3, 1);
	FAKE_BITS(b, "level", fake_type(b, "int"), TASK_BITS * 8 + 6, 5);
	FAKE_MEMBER(b, "cpu", fake_type(b, "unsigned int"), TASK_CPU);
	FAKE_MEMBER(b, NULL, inner, TASK_PID);
	FAKE_MEMBER(b, "comm", comm, TASK_COMM);
	FAKE_MEMBER(b, "start_time", fake_type(b, "u64"), TASK_START);
	FAKE_MEMBER(b, "start_boottime", fake_type(b, "u64"), TASK_BOOT);
	FAKE_MEMBER(b, "sched_class", class, TASK_CLASS);
	FAKE_MEMBER(b, "signal", signal, TASK_SIGNAL);
	FAKE_MEMBER(b, "tasks", fake_type(b, "list_head"), TASK_TASKS);
	FAKE_MEMBER(b, "thread_node", fake_type(b, "list_head"), TASK_THREAD_NODE);
	FAKE_MEMBER(b, "pid_links", links, TASK_PID_LINKS);
	FAKE_MEMBER(b, "se", fake_type(b, "sched_entity"), TASK_SE);
	FAKE_MEMBER(b, "scx", fake_type(b, "sched_ext_entity"), TASK_SCX);
}

static inline void fake_rest(struct btf *b)
{
	int task = btf__add_ptr(b, fake_type(b, "task_struct"));
	int slots = btf__add_array(b, fake_type(b, "int"), fake_type(b, "u64"), 64);

	btf__add_struct(b, "rq", RQ_SIZE);
	FAKE_MEMBER(b, "__lock", fake_type(b, "raw_spinlock"), RQ_LOCK);
	FAKE_MEMBER(b, "nr_running", fake_type(b, "unsigned int"), RQ_NR);
	FAKE_MEMBER(b, "curr", task, RQ_CURR);
	FAKE_MEMBER(b, "idle", task, RQ_IDLE);
	FAKE_MEMBER(b, "cfs", fake_type(b, "cfs_rq"), RQ_CFS);
	btf__add_struct(b, "xarray", 8);
	FAKE_MEMBER(b, "xa_head", fake_type(b, "u64"), 0);
	btf__add_struct(b, "idr", 8);
	FAKE_MEMBER(b, "idr_rt", fake_type(b, "xarray"), 0);
	btf__add_struct(b, "pid_namespace", 8);
	FAKE_MEMBER(b, "idr", fake_type(b, "idr"), NS_HEAD);
	btf__add_struct(b, "xa_node", 8 + 64 * 8);
	FAKE_MEMBER(b, "shift", fake_type(b, "u8"), NODE_SHIFT);
	FAKE_MEMBER(b, "slots", slots, NODE_SLOTS);
	btf__add_struct(b, "pid", 8);
	FAKE_MEMBER(b, "tasks", fake_type(b, "hlist_node"), 0);
}

static inline struct kernel *fake_kernel(void)
{
	struct kernel *k = calloc(1, sizeof(*k));
	struct btf *b = btf__new_empty();
	const void *raw;
	uint32_t size;

	assert_non_null(k);
	fake_links(b);
	fake_entities(b);
	fake_task(b);
	fake_rest(b);
	raw = btf__raw_data(b, &size);
	assert_non_null(raw);
	expect_ok(types_create(raw, size, &k->types));
	btf__free(b);
	k->memory = calloc(1, KERNEL_SIZE);
	assert_non_null(k->memory);
	k->info.release = "0.0-fake";
	k->info.sched_ext = true;
	k->cpus = 2;
	k->percpu_step = 0x1000;
	return k;
}

static inline void fake_kernel_free(struct kernel *k)
{
	types_destroy(k->types);
	free(k->memory);
	free(k);
}

static inline void fake_put(struct kernel *k, uint64_t va, uint64_t value, size_t len)
{
	memcpy(k->memory + (va - KERNEL_BASE), &value, len);
}

/* An empty list. */
static inline void fake_list(struct kernel *k, uint64_t head)
{
	fake_put(k, head, head, 8);
	fake_put(k, head + 8, head, 8);
}

static inline void fake_list_add(struct kernel *k, uint64_t head, uint64_t node)
{
	uint64_t last;

	expect_ok(kernel_read_u64(k, head + 8, &last));
	fake_put(k, node, head, 8);
	fake_put(k, node + 8, last, 8);
	fake_put(k, last, node, 8);
	fake_put(k, head + 8, node, 8);
}

#endif
