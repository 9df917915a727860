/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel stacks, by the ORC tables that the kernel itself unwinds with
 * (__start_orc_unwind_ip and __start_orc_unwind), read from guest memory: arch/x86/kernel/
 * unwind_orc.c says what its entries mean. The walk begins at task->thread.sp, where
 * __switch_to_asm() left a struct inactive_task_frame.
 *
 * A task that runs on a CPU has no such frame: unwind_running() begins with that CPU's registers,
 * which the machine tells, and also crosses the stacks that a CPU keeps for interrupts and
 * exceptions. Without registers unwind_user_entry() says at least where it came from.
 *
 * Stacks and tables are hostile: every read lies in one of those stacks, every step moves towards the
 * top of its own, and no stack is entered twice. Not responsible for names and lines. Inside a window. Threads: one at a time.
 */
#ifndef COORD_UNWIND_H
#define COORD_UNWIND_H

#include "base/err.h"
#include "coord/kernel.h"
#include "vmm/registers.h"

#include <stdbool.h>
#include <stdint.h>

struct unwind;

/* Borrows `k`. ERR_ABSENT: a kernel without ORC (CONFIG_UNWINDER_ORC), or whose types do not
 * describe a stack; ERR_BAD_DATA: the tables' bounds are impossible. */
struct err *unwind_create(struct kernel *k, struct unwind **ret)
	__attribute__((warn_unused_result));
void unwind_destroy(struct unwind *u); /* NULL is fine */

/* Registers that an entry into the kernel saved on the stack (struct pt_regs). */
struct unwind_regs {
	bool present;
	bool partial; /* only ip, cs and sp were saved yet */
	bool user;    /* of user space: the stack ends here */
	uint64_t ip, sp;
	int64_t orig_ax; /* the system call's number, -1 for interrupts; 0 when partial */
	uint64_t di;	 /* its first argument; 0 when partial */
};

struct unwind_frame {
	uint64_t ip; /* return address into the function, or where it was interrupted */
	uint64_t sp;
	bool exact;	    /* `ip` is the next instruction itself, not what follows a call */
	bool frame_pointer; /* no ORC entry for `ip` (BPF, modules): the step after it trusts rbp */
	struct unwind_regs entry; /* the function is an entry that saved what it interrupted */
};

#define UNWIND_FRAMES 128

struct unwind_trace {
	struct unwind_frame frames[UNWIND_FRAMES]; /* innermost first */
	unsigned int count;
	char end[200]; /* why the walk ended too early; "" when it reached the stack's end */
};

/* The stack of the task at `task` (struct task_struct), which must not run on a CPU. Always gives
 * what could be walked. */
void unwind_task(struct unwind *u, uint64_t task, struct unwind_trace *ret);

/* The stack of the task at `task`, which is current on CPU `cpu` with these registers. In user space
 * it has none: no frames. */
void unwind_running(struct unwind *u, uint64_t task, unsigned int cpu,
		    const struct cpu_registers *registers, struct unwind_trace *ret);

/* Whether `sp` lies on the stack of the task at `task`. While a CPU switches, its current task is
 * already the next one and its stack still that of the last. */
bool unwind_is_on(struct unwind *u, uint64_t task, uint64_t sp);

/* What user space's last entry into the kernel left at the top of the task's stack. False: nothing
 * of the kind is there (kernel threads), or it cannot be read. */
bool unwind_user_entry(struct unwind *u, uint64_t task, struct unwind_regs *ret);

#endif
