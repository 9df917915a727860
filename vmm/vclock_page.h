/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control page of the virtual clock: one memfd page shared by ktdbg (vmm/vclock.c) and the plugin
 * inside QEMU (vmm/plugin/vclock_plugin.c), which are built apart: the layout is asserted, and
 * the plugin refuses another version.
 *
 * Points. The plugin owns a timer on QEMU's virtual clock. Its expiries are the points, and only at a
 * point does the guest stop. Which instants are points depends on the guest's own history and the
 * quantum alone, never on what the host asks for: that is why a hold leaves no trace.
 *
 * Epochs. The guest runs in epoch `go`. When the plugin stands at a point it stores that epoch to
 * `held` and sleeps until `go` changes: the guest is held exactly while held == go. Both are futex
 * words. The fields marked "held" are written by the host only while the guest is held (or before
 * QEMU starts); `hold` and `paced` at any time.
 */
#ifndef VMM_VCLOCK_PAGE_H
#define VMM_VCLOCK_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define VCLOCK_PAGE_SIZE 4096
#define VCLOCK_MAGIC UINT32_C(0x6b746362)
#define VCLOCK_VERSION 6
#define VCLOCK_NEVER UINT64_MAX
#define VCLOCK_QUANTUM_DEFAULT UINT64_C(100000)

enum vclock_reason { VCLOCK_HELD = 1, VCLOCK_TIME, VCLOCK_WATCH, VCLOCK_WRITE, VCLOCK_BREAK };

struct vclock_page {
	uint32_t magic;
	uint32_t version;

	/* Host to plugin. */
	uint32_t go;           /* epoch; bumped and woken to let the guest run */
	uint32_t hold;         /* not 0: stand at the next point; woken when set (ends a pacing sleep) */
	uint32_t paced;        /* not 0: guest time does not run ahead of host time */
	uint32_t watch_piece;  /* held: 0 none, else 1 + index of the RAM piece */
	uint64_t watch_offset; /* held: of the u32 in that piece, 4-byte aligned */
	uint32_t watch_value;  /* held */
	uint32_t unlocked;     /* held: not 0: stand so that QEMU's main loop goes on, see below */
	uint64_t stop_time;    /* held: guest ns; stand at the first point at or after it */
	uint64_t origin;       /* held: QEMU's virtual ns at guest time 0 */
	uint64_t quantum;      /* held: ns between points; 0: random */
	uint64_t seed;         /* held: of the random points */

	/* Plugin to host. */
	uint32_t held;         /* epoch in which it stands */
	uint32_t reason;       /* enum vclock_reason of the last stand */
	uint64_t now;          /* guest ns of the last point; with origin 0 QEMU's virtual ns */
	uint64_t points;       /* how many so far */
	uint32_t problem;      /* errno of the plugin's own work, ENOSYS: QEMU hides its timers */
	uint32_t registers;    /* host: 1 asks for the registers while held; plugin: 0, they are here */
};

_Static_assert(offsetof(struct vclock_page, watch_offset) == 24, "layout");
_Static_assert(offsetof(struct vclock_page, stop_time) == 40, "layout");
_Static_assert(offsetof(struct vclock_page, held) == 72, "layout");
_Static_assert(offsetof(struct vclock_page, now) == 80, "layout");
_Static_assert(offsetof(struct vclock_page, problem) == 96, "layout");
_Static_assert(sizeof(struct vclock_page) == 104, "layout");
_Static_assert(sizeof(struct vclock_page) <= VCLOCK_PAGE_SIZE, "layout");

/*
 * Behind the page: each vCPU's registers as of the last request, in the order that gdb numbers them:
 * rax rbx rcx rdx rsi rdi rbp rsp r8 to r15 rip eflags cs ss ds es fs gs.
 */
#define VCLOCK_REGISTERS 24
#define VCLOCK_REGISTER_RIP 16
#define VCLOCK_CPUS_MAX 256
struct vclock_cpu {
	uint64_t present; /* 0: this vCPU does not exist, or QEMU does not tell */
	uint64_t value[VCLOCK_REGISTERS];
};

/*
 * Behind the registers: breaks. A run that heeds them also stands between two instructions, in a vCPU's
 * turn: before the one at a break's address, behind one that wrote to watched memory, or after so many of
 * one vCPU. `now` is then the guest time of that very instruction, off the grid, and the registers of the
 * vCPU are those of that moment. What is asked for at such a stand happens at the next point, as all acts.
 * None of it changes what the guest does: see vmm/plugin/breaks.c.
 */
enum vclock_break_kind {
	VCLOCK_BREAK_ENTRY,  /* where control arrives by a jump or a call only: costs nothing elsewhere */
	VCLOCK_BREAK_INSIDE, /* any instruction; its page runs slower */
	VCLOCK_BREAK_WRITE,  /* `length` bytes of kernel memory; the whole kernel runs slower */
	VCLOCK_BREAK_STEP,   /* of a stand only */
};
struct vclock_break {
	uint64_t address;
	uint32_t length;
	uint32_t kind;
};
#define VCLOCK_BREAKS_MAX 64
struct vclock_breaks {
	uint32_t able;	    /* plugin: 0: this QEMU cannot */
	uint32_t heeded;    /* held */
	uint32_t version;   /* held: of the list; 0: there never was one */
	uint32_t count;	    /* held */
	uint64_t steps;	    /* held: stand after so many instructions of step_cpu; 0: not */
	uint32_t step_cpu;  /* held */
	uint32_t kind;	    /* plugin: of the last stand with VCLOCK_BREAK, */
	uint64_t pc, data;  /* at this instruction, having written here */
	uint32_t cpu;
	uint32_t left;	    /* held; plugin: of the steps, those to come */
	struct vclock_break list[VCLOCK_BREAKS_MAX]; /* held */
};
_Static_assert(offsetof(struct vclock_breaks, list) == 56, "layout");

#define VCLOCK_BREAKS_OFFSET (VCLOCK_PAGE_SIZE + VCLOCK_CPUS_MAX * sizeof(struct vclock_cpu))
#define VCLOCK_SIZE (VCLOCK_BREAKS_OFFSET + sizeof(struct vclock_breaks))

static inline struct vclock_cpu *vclock_cpus(struct vclock_page *page)
{
	return (struct vclock_cpu *)((char *)page + VCLOCK_PAGE_SIZE);
}

static inline struct vclock_breaks *vclock_breaks(struct vclock_page *page)
{
	return (struct vclock_breaks *)((char *)page + VCLOCK_BREAKS_OFFSET);
}

/*
 * Acts, in the same page behind its own fields: what the host asks for while the guest is held, and what
 * is done to the machine at that very instant, as it goes on. A stalled vCPU executes nothing, with
 * whatever it held, until the first point at or after its time; the others run, and guest time
 * passes also when all of them stand.
 */
enum vclock_able { VCLOCK_CAN_STALL = 1 << 0, VCLOCK_CAN_NMI = 1 << 1 };
#define VCLOCK_ACTS_OFFSET 1024
struct vclock_acts {
	uint32_t able;   /* plugin: enum vclock_able, what this QEMU lets it do */
	uint32_t nmi;    /* held: not 0: an NMI to every vCPU; the plugin sets it back */
	uint32_t stalls; /* held: how many of the following are not 0; the plugin counts down */
	uint32_t reserved;
	uint64_t stalled_until[VCLOCK_CPUS_MAX]; /* held: guest ns, 0: not stalled; the plugin sets it back */
};
_Static_assert(sizeof(struct vclock_page) <= VCLOCK_ACTS_OFFSET, "layout");
_Static_assert(VCLOCK_ACTS_OFFSET + sizeof(struct vclock_acts) <= VCLOCK_PAGE_SIZE, "layout");

static inline struct vclock_acts *vclock_acts(struct vclock_page *page)
{
	return (struct vclock_acts *)((char *)page + VCLOCK_ACTS_OFFSET);
}

/*
 * Spies, in the same page: guest memory at whose writes the guest stands, right behind the instruction that
 * wrote, in the middle of a turn: the one stand that is at no point. It leaves no trace either, since nothing
 * moves meanwhile. Only kernel code is looked at, from the first spy on, which costs it some speed.
 */
#define VCLOCK_SPIES_OFFSET 3200
#define VCLOCK_SPIES 4
struct vclock_spies {
	uint32_t able;       /* plugin: not 0: this QEMU lets it spy */
	uint32_t generation; /* held: another number whenever the ranges have changed */
	uint32_t count;      /* held: of `range` */
	uint32_t hit;        /* plugin: whose write it stands at */
	uint64_t every;      /* held: guest ns that pass at least between two stands; all writes count */
	struct {
		uint64_t address, len; /* held: kernel virtual */
		uint64_t writes;       /* plugin: since the ranges changed */
	} range[VCLOCK_SPIES];
};
_Static_assert(VCLOCK_ACTS_OFFSET + sizeof(struct vclock_acts) <= VCLOCK_SPIES_OFFSET, "layout");
_Static_assert(VCLOCK_SPIES_OFFSET + sizeof(struct vclock_spies) <= VCLOCK_PAGE_SIZE, "layout");

static inline struct vclock_spies *vclock_spies(struct vclock_page *page)
{
	return (struct vclock_spies *)((char *)page + VCLOCK_SPIES_OFFSET);
}

/*
 * Standing unlocked. A stand at a point has QEMU's big lock and blocks its main loop too, so QEMU cannot be
 * told to stop there by QMP without letting the guest run for a moment that the host decides. `unlocked`
 * stands at the same instant, but as work that QEMU does between two turns without the lock: `stop` sent
 * then takes effect before any vCPU executes another instruction, so that a saved machine is that of the
 * point, on every host.
 */

/* While the guest idles there is at least one point every so often, so that a hold is served. */
#define VCLOCK_IDLE_MAX UINT64_C(4000000)
/* Random points lie on this grid, at most 64 steps apart. */
#define VCLOCK_RANDOM_GRID UINT64_C(10000)
#define VCLOCK_RANDOM_STEPS 64

/* splitmix64's finalizer: a fixed, well mixed function of its argument. */
static inline uint64_t vclock_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/*
 * Whether step `step` of the random grid is a point. A pure function of seed and time; how dense the
 * points are (one step in 1, 2, 4, .. 32 on average) itself changes every 5 ms, so that one run sees
 * fine and coarse interleaving. Every 64th step is a point, which bounds the search.
 */
static inline int vclock_random_point(uint64_t seed, uint64_t step)
{
	uint64_t density = vclock_mix(seed ^ vclock_mix(step / 500)) % 6;

	return step % VCLOCK_RANDOM_STEPS == 0 ||
	       (vclock_mix(vclock_mix(seed) + step) & ((UINT64_C(1) << density) - 1)) == 0;
}

/* The first point after guest time `t` (strictly). */
static inline uint64_t vclock_next_point(uint64_t quantum, uint64_t seed, uint64_t t)
{
	uint64_t step;

	if (quantum)
		return (t / quantum + 1) * quantum;
	step = t / VCLOCK_RANDOM_GRID + 1;
	while (!vclock_random_point(seed, step))
		step++;
	return step * VCLOCK_RANDOM_GRID;
}

#endif
