/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU translates code by blocks and calls us at the beginning of those that we choose as they are
 * translated. A new break must have blocks translated that exist already:
 * - at a point no vCPU is within a block, and all of them are thrown away;
 * - at a stand in a block they cannot be. Until the next point QEMU then makes blocks of one
 * instruction, which it keeps apart from the longer ones, and all of which we look at. The latter
 * are also how steps are counted, and how a break in the middle of a block is approached from the
 * block's beginning.
 *
 * QEMU's own (accel/tcg, include/exec), by their names in 7.2, 10 and 11.
 */
#include "vmm/plugin/breaks.h"

#include <dlfcn.h>
#include <string.h>

struct qemu_plugin_insn;
typedef uint32_t qemu_plugin_meminfo_t;

#define QEMU_PLUGIN_CB_R_REGS 1
#define QEMU_PLUGIN_MEM_W 2
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int vcpu, void *userdata), int flags,
					  void *userdata);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int vcpu, qemu_plugin_meminfo_t info,
						 uint64_t address, void *userdata),
				      int flags, int rw, void *userdata);

static struct {
	bool (*restore_state)(void *cpu, uintptr_t host_pc);
	void (*loop_exit)(void *cpu);
	void (*icount_update)(void *cpu);
	int64_t (*icount_to_ns)(int64_t icount);
	void (*start_exclusive)(void);
	void (*end_exclusive)(void);
	void (*flush_of)(void *cpu);	    /* up to 10 */
	void (*flush)(void);		    /* 11 */
	void (*forget_pointers)(void *cpu); /* 7.2 */
	int *single_int;		    /* 7.2 */
	bool *single_bool;		    /* later */
} qemu;

static struct {
	struct vclock_breaks *asked; /* shared; NULL: this QEMU cannot */
	struct breaks_clock clock;
	/* As of the list's version: copies, because the page is written by another process. */
	uint32_t version;
	uint32_t count;
	struct vclock_break list[VCLOCK_BREAKS_MAX];
	uint64_t watch_low, watch_high; /* [low, high) holds all that is watched; equal: nothing */
	bool stale;			/* there are blocks from before this version */
	bool spied;			/* the clock's half wants to hear of every write */
	bool all;			/* blocks tell of their beginning and every write */
	uint64_t stepped;		/* instructions, of asked->steps */
	/* By single instructions towards a break within [near_low, near_high]. */
	bool near;
	uint64_t near_low, near_high;
	/* The guest goes on from a stand of this vCPU at this instruction; NULL: it does not. */
	void *resumed;
	uint64_t resumed_pc;
	/* This one stands behind a write; NULL: none does. */
	void *wrote;
	uint64_t wrote_pc;
} breaks;

static bool watching(void)
{
	return breaks.watch_low != breaks.watch_high;
}

/* NULL: none. */
static const struct vclock_break *break_at(uint64_t pc)
{
	for (uint32_t i = 0; i < breaks.count; i++)
		if (breaks.list[i].address == pc && breaks.list[i].kind != VCLOCK_BREAK_WRITE)
			return &breaks.list[i];
	return NULL;
}

/* The last break in the `length` bytes behind the beginning of a block; 0: none. */
static uint64_t break_behind(uint64_t pc, uint32_t length)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < breaks.count; i++) {
		const struct vclock_break *b = &breaks.list[i];

		if (b->kind == VCLOCK_BREAK_INSIDE && b->address > pc && b->address - pc < length &&
		    b->address > last)
			last = b->address;
	}
	return last;
}

/* The vCPU whose turn it is. QEMU's word for it is not taken: where one thread runs them all, QEMU
 * 9 and 10 name the one for which the block was translated, and they share blocks. */
static void *running(void)
{
	static __thread void **current;

	if (!current)
		current = dlsym(RTLD_DEFAULT, "current_cpu");
	return *current;
}

static int index_of(void *cpu)
{
	int i = 0;

	while (i < VCLOCK_CPUS_MAX - 1 && breaks.clock.get_cpu(i) != cpu)
		i++;
	return i;
}

static bool single(void)
{
	return qemu.single_int ? *qemu.single_int : *qemu.single_bool;
}

static void set_single(bool on)
{
	if (qemu.single_int)
		*qemu.single_int = on;
	else
		*qemu.single_bool = on;
}

/* ---- the list ---- */

static void find_watched(void)
{
	breaks.watch_low = breaks.watch_high = 0;
	for (uint32_t i = 0; i < breaks.count; i++) {
		const struct vclock_break *b = &breaks.list[i];

		if (b->kind != VCLOCK_BREAK_WRITE)
			continue;
		if (!watching() || b->address < breaks.watch_low)
			breaks.watch_low = b->address;
		if (b->address + b->length > breaks.watch_high)
			breaks.watch_high = b->address + b->length;
	}
}

static bool wants_all(void)
{
	return watching() || breaks.spied;
}

/* Blocks that tell of everything know of every break. */
static void find_stale(void)
{
	breaks.stale = !breaks.all || !wants_all();
}

static void take_list(void)
{
	if (breaks.asked->version == breaks.version)
		return;
	breaks.version = breaks.asked->version;
	breaks.count =
		breaks.asked->count < VCLOCK_BREAKS_MAX ? breaks.asked->count : VCLOCK_BREAKS_MAX;
	memcpy(breaks.list, breaks.asked->list, sizeof(breaks.list));
	find_watched();
	find_stale();
}

void breaks_spy(bool on)
{
	breaks.spied = on;
	find_stale();
}

/* QEMU up to 7 keeps pointers into the block in which a vCPU idles. */
static void forget_pointers(void)
{
	void *cpu;

	for (int i = 0; qemu.forget_pointers && (cpu = breaks.clock.get_cpu(i)); i++)
		qemu.forget_pointers(cpu);
}

/* Throw every block away, outside of all of them. */
static void flush_blocks(void)
{
	void **current = dlsym(RTLD_DEFAULT, "current_cpu"); /* of this thread */
	void *saved = *current, *cpu = breaks.clock.get_cpu(0);

	*current = cpu;
	qemu.start_exclusive();
	forget_pointers();
	if (qemu.flush)
		qemu.flush();
	else
		qemu.flush_of(cpu);
	qemu.end_exclusive();
	*current = saved;
	breaks.stale = false;
	breaks.all = wants_all();
}

void breaks_at_point(bool stood)
{
	if (!breaks.asked)
		return;
	if (stood)
		breaks.stepped = 0;
	take_list();
	if (breaks.stale)
		flush_blocks();
	set_single(breaks.asked->steps);
}

/* ---- stands ---- */

/* After a stand in a block. */
static void go_on(void)
{
	take_list();
	breaks.stepped = 0;
	breaks.near = false;
	set_single(breaks.asked->steps || breaks.stale);
}

/* With the registers; `behind`: of the instruction that it stands behind, or 0. */
static void publish(int cpu, uint64_t behind, uint64_t data, enum vclock_break_kind kind)
{
	breaks.asked->cpu = (uint32_t)cpu;
	breaks.asked->pc = breaks.clock.registers(cpu, behind);
	breaks.asked->data = data;
	breaks.asked->kind = kind;
}

/* At the beginning of a block that was called from `host_pc`: does not return. */
static void stop_before(uint64_t pc, enum vclock_break_kind kind, uintptr_t host_pc)
{
	void *cpu = running();

	qemu.restore_state(cpu, host_pc);
	qemu.icount_update(cpu);
	publish(index_of(cpu), 0, 0, kind);
	breaks.clock.stand(breaks.clock.now());
	go_on();
	breaks.resumed = cpu;
	breaks.resumed_pc = pc;
	qemu.loop_exit(cpu);
}

/* True when the guest comes from a stand at this very instruction. */
static bool comes_from_stand(uint64_t pc)
{
	if (!breaks.resumed || breaks.resumed != running())
		return false;
	breaks.resumed = NULL;
	return breaks.resumed_pc == pc;
}

static bool is_stepping(void)
{
	return breaks.asked->steps &&
	       breaks.clock.get_cpu((int)breaks.asked->step_cpu) == running();
}

static void at_beginning(uint64_t pc, uintptr_t host_pc)
{
	bool stepping = is_stepping(), again = comes_from_stand(pc);
	const struct vclock_break *at = breaks.asked->heeded && !again ? break_at(pc) : NULL;

	if (stepping && breaks.stepped == breaks.asked->steps)
		stop_before(pc, VCLOCK_BREAK_STEP, host_pc);
	if (at)
		stop_before(pc, at->kind, host_pc);
	if (!stepping)
		return;
	breaks.stepped++;
	breaks.asked->left--;
}

/* In the vCPU's thread, without the big lock. */
static void at_instruction(unsigned int vcpu, void *userdata)
{
	uint64_t pc = (uint64_t)(uintptr_t)userdata;

	(void)vcpu;
	if (breaks.near && (pc < breaks.near_low || pc > breaks.near_high)) {
		breaks.near = false;
		set_single(breaks.asked->steps || breaks.stale);
	}
	at_beginning(pc, (uintptr_t)__builtin_return_address(0) - 2);
}

static void approach(uint64_t pc, uint32_t length)
{
	uint64_t last = breaks.asked->heeded ? break_behind(pc, length) : 0;

	if (!last)
		return;
	breaks.near = true;
	breaks.near_low = pc;
	breaks.near_high = last;
	set_single(true);
}

static void at_long_block(uint64_t pc, uint32_t length, uintptr_t host_pc)
{
	approach(pc, length);
	/* As a longer block it is not wanted; blocks that were chained before come here, too. */
	if (single()) {
		qemu.restore_state(running(), host_pc);
		qemu.loop_exit(running());
	}
	at_beginning(pc, host_pc);
}

static void at_user_block(unsigned int vcpu, void *pc)
{
	(void)vcpu;
	at_long_block((uint64_t)(uintptr_t)pc, 0, (uintptr_t)__builtin_return_address(0) - 2);
}

/* A kernel's code lies in the topmost 4 GiB, which leaves room for how much of the block is left.
 */
#define KERNEL_CODE UINT64_C(0xffffffff00000000)

static void *pack(uint64_t pc, uint64_t left)
{
	return (void *)(uintptr_t)(left << 32 | (uint32_t)pc);
}

static uint64_t packed_pc(void *packed)
{
	return KERNEL_CODE | (uint32_t)(uintptr_t)packed;
}

static uint32_t packed_left(void *packed)
{
	return (uint32_t)((uintptr_t)packed >> 32);
}

static void at_kernel_block(unsigned int vcpu, void *packed)
{
	(void)vcpu;
	at_long_block(packed_pc(packed), packed_left(packed),
		      (uintptr_t)__builtin_return_address(0) - 2);
}

static bool is_watched(uint64_t address, uint64_t size)
{
	if (address >= breaks.watch_high || address + size <= breaks.watch_low)
		return false;
	for (uint32_t i = 0; i < breaks.count; i++) {
		const struct vclock_break *b = &breaks.list[i];

		if (b->kind == VCLOCK_BREAK_WRITE && address < b->address + b->length &&
		    b->address < address + size)
			return true;
	}
	return false;
}

/* `left` instructions of the block, which are accounted, are not executed yet. */
static void stop_behind(uint64_t pc, uint64_t address, size_t left)
{
	qemu.icount_update(running());
	publish(index_of(running()), pc, address, VCLOCK_BREAK_WRITE);
	breaks.clock.stand(breaks.clock.now() - (uint64_t)qemu.icount_to_ns((int64_t)left));
}

/*
 * Behind a store. QEMU has the other registers in memory, where a fault of the store would have
 * needed them, but the instruction is not one that could be begun anew: the block goes on.
 */
static void at_store(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *packed)
{
	uint64_t size = UINT64_C(1) << qemu_plugin_mem_size_shift(info);
	uint64_t pc = packed_pc(packed);
	bool stood;

	(void)vcpu;
	/* Some versions of QEMU call this for loads, too. */
	if (!qemu_plugin_mem_is_store(info))
		return;
	breaks.wrote = running();
	breaks.wrote_pc = pc;
	stood = breaks.clock.wrote(address, size);
	if (breaks.asked->heeded && is_watched(address, size)) {
		stop_behind(pc, address, packed_left(packed));
		stood = true;
	}
	breaks.wrote = NULL;
	if (stood)
		go_on();
}

uint64_t breaks_rip(int index)
{
	return breaks.wrote && breaks.clock.get_cpu(index) == breaks.wrote ? breaks.wrote_pc : 0;
}

/* ---- translation ---- */

static void watch_stores(struct qemu_plugin_tb *tb, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		qemu_plugin_register_vcpu_mem_cb(insn, at_store, QEMU_PLUGIN_CB_R_REGS,
						 QEMU_PLUGIN_MEM_W,
						 pack(qemu_plugin_insn_vaddr(insn), count - 1 - i));
	}
}

static bool has_break(struct qemu_plugin_tb *tb, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (break_at(qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i))))
			return true;
	return false;
}

static void watch_block(struct qemu_plugin_tb *tb, size_t count, uint64_t pc)
{
	uint64_t last = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, count - 1));

	if (pc >= KERNEL_CODE)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, at_kernel_block, QEMU_PLUGIN_CB_R_REGS,
						     pack(pc, last - pc + 1));
	else
		qemu_plugin_register_vcpu_tb_exec_cb(tb, at_user_block, QEMU_PLUGIN_CB_R_REGS,
						     (void *)(uintptr_t)pc);
}

/* Blocks of one instruction outlive what they were made for. */
void breaks_translate(struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);
	uint64_t pc = qemu_plugin_tb_vaddr(tb);

	if (count == 1 && (breaks.version || breaks.all))
		qemu_plugin_register_vcpu_tb_exec_cb(tb, at_instruction, QEMU_PLUGIN_CB_R_REGS,
						     (void *)(uintptr_t)pc);
	else if (breaks.all || (breaks.count && has_break(tb, count)))
		watch_block(tb, count, pc);
	if (breaks.all && pc >= KERNEL_CODE)
		watch_stores(tb, count);
}

/* ---- start ---- */

static bool find_symbols(void)
{
	*(void **)&qemu.restore_state = dlsym(RTLD_DEFAULT, "cpu_restore_state");
	*(void **)&qemu.loop_exit = dlsym(RTLD_DEFAULT, "cpu_loop_exit");
	*(void **)&qemu.icount_update = dlsym(RTLD_DEFAULT, "icount_update");
	*(void **)&qemu.icount_to_ns = dlsym(RTLD_DEFAULT, "icount_to_ns");
	*(void **)&qemu.start_exclusive = dlsym(RTLD_DEFAULT, "start_exclusive");
	*(void **)&qemu.end_exclusive = dlsym(RTLD_DEFAULT, "end_exclusive");
	*(void **)&qemu.flush_of = dlsym(RTLD_DEFAULT, "tb_flush");
	*(void **)&qemu.flush = dlsym(RTLD_DEFAULT, "tb_flush__exclusive_or_serial");
	*(void **)&qemu.forget_pointers = dlsym(RTLD_DEFAULT, "qemu_plugin_disable_mem_helpers");
	qemu.single_int = dlsym(RTLD_DEFAULT, "singlestep");
	qemu.single_bool = dlsym(RTLD_DEFAULT, "one_insn_per_tb");
	return qemu.restore_state && qemu.loop_exit && qemu.icount_update && qemu.icount_to_ns &&
	       qemu.start_exclusive && qemu.end_exclusive && (qemu.flush_of || qemu.flush) &&
	       (qemu.single_int || qemu.single_bool) && dlsym(RTLD_DEFAULT, "current_cpu");
}

bool breaks_init(struct vclock_page *page, const struct breaks_clock *clock)
{
	breaks.clock = *clock;
	if (!clock->get_cpu || !clock->registers || !find_symbols())
		return false;
	breaks.asked = vclock_breaks(page);
	breaks.asked->able = 1;
	return true;
}
