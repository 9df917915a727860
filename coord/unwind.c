/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/unwind_impl.h"

#include "coord/object.h"
#include "coord/types.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a frame or rbp is found by. The kernel's numbers for them (ORC_REG_* of
 * arch/x86/include/asm/ orc_types.h) are macros, in no BTF, and were changed between 7.0 and 7.1.
 */
enum orc_reg {
	ORC_UNKNOWN,
	ORC_UNDEFINED,
	ORC_PREV_SP,
	ORC_AX,
	ORC_DX,
	ORC_DI,
	ORC_BP,
	ORC_SP,
	ORC_R10,
	ORC_R13,
	ORC_BP_INDIRECT,
	ORC_SP_INDIRECT,
};

#define ORC_REGS 16
struct orc_numbering {
	unsigned int sp; /* the number of ORC_SP, by which one is told from the other */
	enum orc_reg regs[ORC_REGS];
};
static const struct orc_numbering orc_numberings[] = {
	{5,
	 {ORC_UNDEFINED, ORC_PREV_SP, ORC_DX, ORC_DI, ORC_BP, ORC_SP, ORC_R10, ORC_R13,
	  ORC_BP_INDIRECT, ORC_SP_INDIRECT}},
	{3,
	 {ORC_UNDEFINED, ORC_AX, ORC_DX, ORC_SP, ORC_BP, ORC_DI, ORC_R10, ORC_R13, ORC_PREV_SP,
	  ORC_SP_INDIRECT, ORC_BP_INDIRECT}},
};
#define ORC_NUMBERINGS (sizeof(orc_numberings) / sizeof(orc_numberings[0]))

enum orc_type { ORC_TYPE_UNDEFINED, ORC_TYPE_END, ORC_TYPE_CALL, ORC_TYPE_REGS, ORC_TYPE_PARTIAL };

struct orc {
	int64_t sp_offset, bp_offset;
	enum orc_reg sp_reg, bp_reg;
	unsigned int type;
	bool signal;
};

/* How code with frame pointers and without ORC data is left (the kernel's orc_fp_entry). */
static const struct orc orc_frame_pointer = {16, -16, ORC_BP, ORC_PREV_SP, ORC_TYPE_CALL, false};

#define ORC_ENTRY 6 /* bytes */
#define ORC_ENTRIES_MAX (64u << 20)
#define STACK_END_MAGIC 0x57AC6E9Du
#define KERNEL_HALF 0xff00000000000000ull
#define STACK_SIZE_MAX (1u << 20)

struct regs_layout {
	struct field ip, sp, bp, cs, orig_ax, r10, r13, di, dx, ax;
	uint32_t size;
};

struct unwind {
	struct kernel *kernel;
	uint64_t ips, entries, text_start, text_end, fork;
	uint32_t count; /* of table entries */
	const struct orc_numbering *numbering;
	uint32_t stack_size, padding, frame_size;
	struct field sp_offset, bp_offset, sp_reg, bp_reg, type, signal;
	struct field stack, thread_sp, frame_bp, frame_ret;
	struct regs_layout regs;
};

/* ---- what this kernel has ---- */

static void field_or(const struct types *t, const char *name, struct field known, struct field *ret)
{
	field_find(t, "struct orc_entry", name, ret);
	if (!ret->present)
		*ret = known;
}

/* The layout is the same since 6.4, but BTF does not have to know the struct. */
static void find_entry_layout(struct unwind *u, const struct types *t)
{
	const struct field number = {.present = true, .is_signed = true, .size = 2};
	struct field f = number;

	field_or(t, "sp_offset", f, &u->sp_offset);
	f.offset = 2;
	field_or(t, "bp_offset", f, &u->bp_offset);
	f = (struct field){.present = true, .offset = 4, .size = 1, .bit_size = 4};
	field_or(t, "sp_reg", f, &u->sp_reg);
	f.bit_shift = 4;
	field_or(t, "bp_reg", f, &u->bp_reg);
	f = (struct field){.present = true, .offset = 5, .size = 1, .bit_size = 3};
	field_or(t, "type", f, &u->type);
	f.bit_shift = 3;
	f.bit_size = 1;
	field_or(t, "signal", f, &u->signal);
}

static void find_regs_layout(struct regs_layout *r, const struct types *t)
{
	static const char name[] = "struct pt_regs";
	uint32_t id;

	field_find(t, name, "ip", &r->ip);
	field_find(t, name, "sp", &r->sp);
	field_find(t, name, "bp", &r->bp);
	field_find(t, name, "cs", &r->cs);
	field_find(t, name, "orig_ax", &r->orig_ax);
	field_find(t, name, "r10", &r->r10);
	field_find(t, name, "r13", &r->r13);
	field_find(t, name, "di", &r->di);
	field_find(t, name, "dx", &r->dx);
	field_find(t, name, "ax", &r->ax);
	err_free(types_parse(t, name, &id));
	r->size = r->ip.present ? (uint32_t)types_size(t, id) : 0;
}

static uint32_t size_of(const struct types *t, const char *name, uint32_t otherwise)
{
	struct err *err;
	uint32_t id;

	err = types_parse(t, name, &id);
	if (!err)
		return (uint32_t)types_size(t, id);
	err_free(err);
	return otherwise;
}

static struct err *find_layout(struct unwind *u, const struct types *t)
{
	find_entry_layout(u, t);
	find_regs_layout(&u->regs, t);
	field_find(t, "struct task_struct", "stack", &u->stack);
	field_find(t, "struct task_struct", "thread.sp", &u->thread_sp);
	field_find(t, "struct inactive_task_frame", "bp", &u->frame_bp);
	field_find(t, "struct inactive_task_frame", "ret_addr", &u->frame_ret);
	u->frame_size = size_of(t, "struct inactive_task_frame", 0);
	/* THREAD_SIZE is a constant; the union is as large as it says. */
	u->stack_size = size_of(t, "union thread_union", 16384);
	/* TOP_OF_KERNEL_STACK_PADDING is what FRED pushes above the registers. */
	u->padding = size_of(t, "struct fred_frame", 0) ? 16 : 0;
	if (!u->stack.present || !u->thread_sp.present || !u->frame_bp.present ||
	    !u->frame_ret.present || !u->regs.ip.present || !u->regs.sp.present ||
	    !u->regs.cs.present || !u->regs.bp.present || !u->regs.orig_ax.present)
		return err_new(ERR_ABSENT, "this kernel's types do not describe a task's stack");
	if (u->stack_size < 4096 || u->stack_size > STACK_SIZE_MAX)
		return err_new(ERR_BAD_DATA, "a stack of %u bytes is impossible", u->stack_size);
	return NULL;
}

static struct err *find_tables(struct unwind *u)
{
	uint64_t ips_end, entries_end;

	if (!kernel_find_symbol(u->kernel, "__start_orc_unwind_ip", &u->ips) ||
	    !kernel_find_symbol(u->kernel, "__stop_orc_unwind_ip", &ips_end) ||
	    !kernel_find_symbol(u->kernel, "__start_orc_unwind", &u->entries) ||
	    !kernel_find_symbol(u->kernel, "__stop_orc_unwind", &entries_end))
		return err_new(ERR_ABSENT,
			       "this kernel has no ORC tables (CONFIG_UNWINDER_ORC), by which "
			       "stacks are walked");
	if (ips_end <= u->ips || ips_end - u->ips > ORC_ENTRIES_MAX ||
	    (ips_end - u->ips) / 4 != (entries_end - u->entries) / ORC_ENTRY)
		return err_new(ERR_BAD_DATA,
			       "the kernel's ORC tables have impossible bounds: 0x%" PRIx64
			       "-0x%" PRIx64 " and 0x%" PRIx64 "-0x%" PRIx64,
			       u->ips, ips_end, u->entries, entries_end);
	u->count = (uint32_t)((ips_end - u->ips) / 4);
	if (!kernel_find_symbol(u->kernel, "ret_from_fork_asm", &u->fork))
		u->fork = 0;
	return NULL;
}

/* ---- the tables ---- */

/* The address at which entry `i` begins to count: kept relative to its own place. */
static bool entry_address(struct unwind *u, uint32_t i, uint64_t *ret)
{
	uint64_t at = u->ips + 4ull * i;
	uint32_t offset;
	struct err *err = kernel_read_u32(u->kernel, at, &offset);

	if (err) {
		err_free(err);
		return false;
	}
	*ret = at + (uint64_t)(int64_t)(int32_t)offset;
	return true;
}

/* The last entry at or below `ip`; the table is sorted. False: none, or it cannot be read. */
static bool find_entry(struct unwind *u, uint64_t ip, uint32_t *ret)
{
	uint32_t low = 0, high = u->count;
	uint64_t address;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (!entry_address(u, middle, &address))
			return false;
		if (address <= ip)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low - 1;
	return low > 0;
}

static bool find_orc(struct unwind *u, uint64_t ip, struct orc *ret)
{
	struct object o;
	uint32_t i;

	if (!kernel_in_image(u->kernel, ip) || !find_entry(u, ip, &i))
		return false;
	object_init(&o, u->kernel, u->entries + (uint64_t)i * ORC_ENTRY);
	*ret = (struct orc){
		.sp_offset = (int64_t)object_read(&o, &u->sp_offset),
		.bp_offset = (int64_t)object_read(&o, &u->bp_offset),
		.sp_reg = u->numbering->regs[object_read(&o, &u->sp_reg) % ORC_REGS],
		.bp_reg = u->numbering->regs[object_read(&o, &u->bp_reg) % ORC_REGS],
		.type = (unsigned int)object_read(&o, &u->type),
		.signal = object_read(&o, &u->signal),
	};
	return !o.faulted;
}

/* At a function's first instruction the caller's stack pointer is 8 above this one. */
static struct err *find_numbering(struct unwind *u)
{
	struct object o;
	uint64_t schedule;
	unsigned int sp;
	uint32_t i;

	ERR_TRY(kernel_symbol(u->kernel, "schedule", &schedule));
	if (!find_entry(u, schedule, &i))
		return err_new(ERR_BAD_DATA, "the kernel's ORC tables do not know schedule()");
	object_init(&o, u->kernel, u->entries + (uint64_t)i * ORC_ENTRY);
	sp = (unsigned int)object_read(&o, &u->sp_reg);
	if (o.faulted)
		return err_fault(o.fault);
	for (i = 0; i < ORC_NUMBERINGS; i++)
		if (orc_numberings[i].sp == sp)
			u->numbering = &orc_numberings[i];
	if (!u->numbering || object_read(&o, &u->sp_offset) != 8)
		return err_new(ERR_ABSENT,
			       "this kernel's ORC tables are of an unknown kind: schedule() begins "
			       "with register %u and offset %" PRId64,
			       sp, (int64_t)object_read(&o, &u->sp_offset));
	return NULL;
}

struct err *unwind_create(struct kernel *k, struct unwind **ret)
{
	struct unwind *u = calloc(1, sizeof(*u));
	struct err *err;

	if (!u)
		return err_nomem();
	u->kernel = k;
	err = find_tables(u);
	if (!err)
		err = find_layout(u, kernel_types(k));
	if (!err)
		err = find_numbering(u);
	if (err) {
		free(u);
		return err;
	}
	*ret = u;
	return NULL;
}

void unwind_destroy(struct unwind *u)
{
	free(u);
}

/* ---- one walk ---- */

struct walker {
	struct unwind *u;
	struct unwind_trace *trace;
	uint64_t low, high; /* the stack that is walked, `high` excluded */
	struct stack_ranges stacks; /* those that may come after it */
	bool switched;		    /* the step led to another of them */
	uint64_t ip, sp, bp;
	uint64_t full; /* where an entry saved all registers of this frame; 0: none did */
	const struct cpu_registers *live; /* this frame's are still in the CPU */
	bool signal;   /* `ip` is exact */
};

static bool end(struct walker *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Ends the walk with a reason. Always false. */
static bool end(struct walker *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(w->trace->end, sizeof(w->trace->end), fmt, args);
	va_end(args);
	return false;
}

static bool in_range(uint64_t low, uint64_t high, uint64_t at, uint64_t len)
{
	return at >= low && at < high && high - at >= len;
}

/* On the stack that is walked, or on another one, which is then walked from here on. */
static bool on_stack(struct walker *w, uint64_t at, uint64_t len)
{
	if (in_range(w->low, w->high, at, len))
		return true;
	for (unsigned int i = 0; i < w->stacks.count; i++) {
		struct stack_range *r = &w->stacks.ranges[i];

		if (!in_range(r->low, r->high, at, len))
			continue;
		w->low = r->low;
		w->high = r->high;
		w->switched = true;
		*r = (struct stack_range){0}; /* not a second time */
		return true;
	}
	return false;
}

static bool stack_read(struct walker *w, uint64_t at, const char *what, uint64_t *ret)
{
	struct err *err;

	if (!on_stack(w, at, 8))
		return end(w,
			   "%s would be at 0x%" PRIx64 ", outside the task's stack 0x%" PRIx64
			   "-0x%" PRIx64,
			   what, at, w->low, w->high);
	if (at % 8)
		return end(w, "%s would be at 0x%" PRIx64 ", which is not aligned", what, at);
	err = kernel_read_u64(w->u->kernel, at, ret);
	if (!err)
		return true;
	err_free(err);
	return end(w, "%s: bad address 0x%" PRIx64, what, at);
}

/* A register as the last entry into the kernel saved it, or as the CPU has it. */
static bool saved_register(struct walker *w, const struct field *f, enum cpu_register live,
			   uint64_t *ret)
{
	const char *name = cpu_register_name(live);

	if (w->live) {
		*ret = w->live->value[live];
		return true;
	}
	if (!w->full || !f->present)
		return end(w, "the frame is found by register %s, which is not saved", name);
	return stack_read(w, w->full + f->offset, name, ret);
}

/* The stack pointer as it was in the caller. */
static bool caller_sp(struct walker *w, const struct orc *orc, uint64_t *ret)
{
	const struct regs_layout *r = &w->u->regs;
	uint64_t offset = (uint64_t)orc->sp_offset;

	switch (orc->sp_reg) {
	case ORC_SP:
		*ret = w->sp + offset;
		return true;
	case ORC_BP:
		*ret = w->bp + offset;
		return true;
	case ORC_SP_INDIRECT:
		if (!stack_read(w, w->sp, "the saved stack pointer", ret))
			return false;
		*ret += offset;
		return true;
	case ORC_BP_INDIRECT:
		return stack_read(w, w->bp + offset, "the saved stack pointer", ret);
	case ORC_R10:
		return saved_register(w, &r->r10, REG_R10, ret);
	case ORC_R13:
		return saved_register(w, &r->r13, REG_R13, ret);
	case ORC_DI:
		return saved_register(w, &r->di, REG_RDI, ret);
	case ORC_DX:
		return saved_register(w, &r->dx, REG_RDX, ret);
	case ORC_AX:
		return saved_register(w, &r->ax, REG_RAX, ret);
	default:
		return end(w, "the ORC entry of 0x%" PRIx64 " finds its frame in an unknown way",
			   w->ip);
	}
}

static bool read_field(struct walker *w, uint64_t regs, const struct field *f, uint64_t *ret)
{
	return stack_read(w, regs + f->offset, "a saved register", ret);
}

/* The registers at `regs`; only those from ip on when `partial`. */
static bool read_regs(struct walker *w, uint64_t regs, bool partial, struct unwind_regs *ret)
{
	const struct regs_layout *l = &w->u->regs;
	uint64_t cs, orig_ax = 0, di = 0;

	if (!read_field(w, regs, &l->ip, &ret->ip) || !read_field(w, regs, &l->sp, &ret->sp) ||
	    !read_field(w, regs, &l->cs, &cs))
		return false;
	if (!partial && (!read_field(w, regs, &l->orig_ax, &orig_ax) ||
			 (l->di.present && !read_field(w, regs, &l->di, &di))))
		return false;
	ret->di = di;
	ret->orig_ax = (int64_t)orig_ax;
	ret->user = (cs & 3) == 3;
	ret->partial = partial;
	ret->present = true;
	return true;
}

/* The frame was made by an entry: what it interrupted comes next. */
static bool step_regs(struct walker *w, uint64_t regs, bool partial, struct unwind_frame *frame)
{
	if (!read_regs(w, regs, partial, &frame->entry))
		return false;
	/* Caught in its first instructions: what the tables describe is not there yet. */
	if (!frame->entry.user && frame->entry.sp < KERNEL_HALF) {
		frame->entry.present = false;
		return end(w, "the entry has not saved its registers yet");
	}
	w->ip = frame->entry.ip;
	w->sp = frame->entry.sp;
	if (!partial)
		w->full = regs;
	return true;
}

static bool step_call(struct walker *w, uint64_t sp)
{
	if (!stack_read(w, sp - 8, "the return address", &w->ip))
		return false;
	w->sp = sp;
	w->full = 0;
	/* A task that begins was not called from there. */
	if (w->ip == w->u->fork)
		w->signal = true;
	return true;
}

static bool caller_bp(struct walker *w, const struct orc *orc, uint64_t sp)
{
	uint64_t offset = (uint64_t)orc->bp_offset;

	switch (orc->bp_reg) {
	case ORC_UNDEFINED: /* unchanged, but for what an entry saved */
		return !w->full || saved_register(w, &w->u->regs.bp, REG_RBP, &w->bp);
	case ORC_PREV_SP:
		return stack_read(w, sp + offset, "the saved rbp", &w->bp);
	case ORC_BP:
		return stack_read(w, w->bp + offset, "the saved rbp", &w->bp);
	default:
		return end(w, "the ORC entry of 0x%" PRIx64 " finds rbp in an unknown way", w->ip);
	}
}

static bool step_by(struct walker *w, const struct orc *orc, struct unwind_frame *frame)
{
	uint64_t sp, before = w->sp;
	bool ok;

	w->switched = false;
	if (!caller_sp(w, orc, &sp))
		return false;
	if (orc->type == ORC_TYPE_REGS)
		ok = step_regs(w, sp, false, frame);
	else if (orc->type == ORC_TYPE_PARTIAL)
		ok = step_regs(w, sp - w->u->regs.ip.offset, true, frame);
	else
		ok = step_call(w, sp);
	if (!ok || frame->entry.user || !caller_bp(w, orc, sp))
		return false;
	w->live = NULL;
	if (w->sp <= before && !w->switched)
		return end(w, "the stack pointer does not move up: 0x%" PRIx64 " after 0x%" PRIx64,
			   w->sp, before);
	if (!on_stack(w, w->sp - 8, 8))
		return end(w,
			   "the stack pointer 0x%" PRIx64 " leaves the task's stack 0x%" PRIx64
			   "-0x%" PRIx64,
			   w->sp, w->low, w->high);
	return true;
}

/*
 * A retpoline has no entry, since it may be patched. It is jumped to like a function; past its first
 * instruction, a call, there is one word more on the stack.
 */
static bool leave_thunk(struct walker *w, struct orc *ret)
{
	uint64_t offset;
	char name[64];
	struct err *err = kernel_symbol_at(w->u->kernel, w->ip, name, sizeof(name), &offset);
	bool found = !err && strstr(name, "__x86_indirect_");

	err_free(err);
	if (!w->live || !found)
		return false;
	*ret = (struct orc){offset ? 16 : 8, 0, ORC_SP, ORC_UNDEFINED, ORC_TYPE_CALL, false};
	return true;
}

/* From `frame` to its caller; false at the end of the stack, and when there is no going on. */
static bool step(struct walker *w, struct unwind_frame *frame)
{
	struct orc orc = orc_frame_pointer;

	if (!find_orc(w->u, w->signal ? w->ip : w->ip - 1, &orc))
		frame->frame_pointer = true;
	if (orc.type == ORC_TYPE_END)
		return false;
	if (orc.type == ORC_TYPE_UNDEFINED && !leave_thunk(w, &orc))
		return end(w, "the ORC tables do not say how 0x%" PRIx64 " is left", w->ip);
	if (orc.type > ORC_TYPE_PARTIAL)
		return end(w, "the ORC entry of 0x%" PRIx64 " has an unknown type (%u)", w->ip,
			   orc.type);
	w->signal = orc.signal;
	return step_by(w, &orc, frame);
}

static void walk(struct walker *w)
{
	struct unwind_trace *trace = w->trace;
	struct unwind_frame *frame;

	do {
		if (w->ip < KERNEL_HALF) {
			end(w, "0x%" PRIx64 " below 0x%" PRIx64 " is no address of kernel code",
			    w->ip, w->sp);
			return;
		}
		if (trace->count == UNWIND_FRAMES) {
			end(w, "more than %d frames", UNWIND_FRAMES);
			return;
		}
		frame = &trace->frames[trace->count++];
		*frame = (struct unwind_frame){.ip = w->ip, .sp = w->sp, .exact = w->signal};
	} while (step(w, frame));
}

/* ---- the task ---- */

static bool find_stack(struct walker *w, uint64_t task, uint64_t *ret_sp)
{
	struct object o;
	uint64_t stack;

	object_init(&o, w->u->kernel, task);
	stack = object_read(&o, &w->u->stack);
	*ret_sp = object_read(&o, &w->u->thread_sp);
	if (o.faulted)
		return end(w, "the task: bad address 0x%" PRIx64, o.fault);
	if (!stack)
		return end(w, "the task has no stack any more");
	if (stack < KERNEL_HALF || stack % 4096 || stack > UINT64_MAX - w->u->stack_size)
		return end(w, "0x%" PRIx64 " is no address of a stack", stack);
	w->low = stack;
	w->high = stack + w->u->stack_size;
	return true;
}

/* The kernel writes a mark at the stack's end, which an overflow destroys. */
static void check_mark(struct walker *w)
{
	struct err *err;
	uint32_t mark;

	err = kernel_read_u32(w->u->kernel, w->low, &mark);
	if (!err && mark != STACK_END_MAGIC && !w->trace->end[0])
		end(w, "the mark at the stack's end is 0x%x: it has overflowed", mark);
	err_free(err);
}

void unwind_task(struct unwind *u, uint64_t task, struct unwind_trace *ret)
{
	struct walker w = {.u = u, .trace = ret};
	uint64_t frame;

	ret->count = 0;
	ret->end[0] = '\0';
	if (!find_stack(&w, task, &frame))
		return;
	if (!stack_read(&w, frame + u->frame_ret.offset, "the frame of the switch", &w.ip) ||
	    !stack_read(&w, frame + u->frame_bp.offset, "the frame of the switch", &w.bp))
		return;
	w.sp = frame + u->frame_size;
	/* A task that never ran yet is not behind a call: the address is where it will begin. */
	w.signal = w.ip == u->fork;
	walk(&w);
	check_mark(&w);
}

bool unwind_is_on(struct unwind *u, uint64_t task, uint64_t sp)
{
	struct unwind_trace unused;
	struct walker w = {.u = u, .trace = &unused};
	uint64_t saved;

	return find_stack(&w, task, &saved) && in_range(w.low, w.high, sp, 8);
}

void unwind_running(struct unwind *u, uint64_t task, unsigned int cpu,
		    const struct cpu_registers *registers, struct unwind_trace *ret)
{
	struct walker w = {.u = u, .trace = ret, .live = registers, .signal = true};
	uint64_t saved;

	ret->count = 0;
	ret->end[0] = '\0';
	if (registers_in_user(registers) || !find_stack(&w, task, &saved))
		return;
	unwind_cpu_stacks(u->kernel, cpu, &w.stacks);
	w.ip = registers->value[REG_RIP];
	w.sp = registers->value[REG_RSP];
	w.bp = registers->value[REG_RBP];
	/* The first instructions of an entry are still on the stack of user space. */
	if (w.sp < KERNEL_HALF) {
		ret->frames[ret->count++] =
			(struct unwind_frame){.ip = w.ip, .sp = w.sp, .exact = true};
		return;
	}
	/* An interrupt's stack comes before the task's own. */
	if (!in_range(w.low, w.high, w.sp, 8) && w.stacks.count < STACK_RANGES)
		w.stacks.ranges[w.stacks.count++] = (struct stack_range){w.low, w.high};
	/* A stack may be empty. */
	if (!on_stack(&w, w.sp, 8) && !on_stack(&w, w.sp - 8, 8)) {
		end(&w, "the stack pointer 0x%" PRIx64 " lies in no stack of the task or of cpu %u",
		    w.sp, cpu);
		return;
	}
	walk(&w);
}

bool unwind_user_entry(struct unwind *u, uint64_t task, struct unwind_regs *ret)
{
	struct unwind_regs regs = {0};
	struct unwind_trace unused;
	struct walker w = {.u = u, .trace = &unused};
	uint64_t sp;

	if (!find_stack(&w, task, &sp) ||
	    !read_regs(&w, w.high - u->padding - u->regs.size, false, &regs) || !regs.user)
		return false;
	*ret = regs;
	return true;
}
