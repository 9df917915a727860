/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: one QEMU process with its memory, clock and console. Everything above this header
 * sees a guest that is either held (no vCPU executes an instruction, no guest clock moves) or
 * running, and a guest time in nanoseconds since the agent was ready.
 *
 * Two clocks. VIRTUAL: single-threaded TCG under icount; a plugin inside QEMU owns a timer on the
 * virtual clock, and holding means that its callback blocks there, at an exact nanosecond. REAL:
 * KVM or multi-threaded TCG; holding is QMP stop/cont.
 *
 * Not responsible for: kernel structures (coord/), what the operator calls frozen (coord/ too; a
 * hold is also used around every command), reporting. Leaves nothing in the file system: QEMU gets
 * every channel as an inherited descriptor, and dies with this process (PDEATHSIG).
 *
 * Threads: all calls from the thread that called machine_boot(), which must be one that lives as
 * long as the machine.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "base/err.h"
#include "vmm/budget.h"
#include "vmm/ram.h"
#include "vmm/runstate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum accel { ACCEL_AUTO, ACCEL_KVM, ACCEL_TCG };
enum clock_kind { CLOCK_AUTO, CLOCK_REAL, CLOCK_VIRTUAL };
/* Whether the kernel chooses its addresses at boot. AUTO: as the kernel likes under the real clock;
 * not under the virtual one, whose addresses are then the same on every host. */
enum kaslr { KASLR_AUTO, KASLR_ON, KASLR_OFF };

/* As `--topology NnLlCcTt`: LLCs in all, cores per LLC, threads per core. */
struct topology {
	unsigned int nodes, llcs, cores, threads;
};
struct err *topology_parse(const char *text, struct topology *ret)
	__attribute__((warn_unused_result));
unsigned int topology_cpus(const struct topology *t); /* llcs * cores * threads, 1..256 */
#define TOPOLOGY_TEXT 64
const char *topology_format(const struct topology *t, char buffer[TOPOLOGY_TEXT]);

struct quantum {
	uint64_t ns;   /* fixed quantum, 10 us..100 ms; 0: random */
	uint64_t seed; /* of random:SEED */
};
struct err *quantum_parse(const char *text, struct quantum *ret) __attribute__((warn_unused_result));

/* All strings are borrowed for the duration of machine_boot() only. */
struct machine_config {
	const char *kernel;          /* path of a bzImage */
	const char *const *initrds;  /* cpio archives, laid one after the other */
	unsigned int initrd_count;
	const char *append;          /* added to the kernel command line, or NULL */
	const char *qemu;            /* program, NULL: $KTDBG_QEMU, else qemu-system-x86_64 on PATH */
	struct topology topology;
	uint64_t memory;             /* bytes */
	enum accel accel;
	enum clock_kind clock;
	struct quantum quantum;
	unsigned int cpu_budget;     /* host CPUs for all of QEMU; 0: not confined */
	bool pin;                    /* a host CPU for each vCPU, where there are enough */
	bool cold_boot;              /* neither use nor make the warm-start cache */
	enum kaslr kaslr;            /* what was chosen at boot stays in the saved machine */
	const char *gdb_socket;      /* path for QEMU's debug stub, or NULL */
	uint64_t boot_timeout_ns;    /* host time, 0: 120 s */
};

/* Progress of a boot, for the screen: what happens now, in a few words. May be NULL. */
struct machine_callbacks {
	void (*progress)(void *context, const char *what);
	void *context;
};

struct machine;

/*
 * Boot (or warm-start) a guest and return when its agent is ready, the machine HELD at guest time 0.
 * Blocks; honours interrupted(). ERR_ENVIRONMENT when QEMU or the kernel is missing or the guest did
 * not come up: the detail then has the reason and the console's last lines.
 */
struct err *machine_boot(const struct machine_config *config, const struct machine_callbacks *callbacks,
			 struct machine **ret) __attribute__((warn_unused_result));
/*
 * A machine around a QEMU that somebody else started, by its QMP socket; HELD, at guest time 0. It has the
 * real clock, no agent, and no console that we see. Its memory is used as it lies where QEMU shares it, else
 * copied page by page out of the process. ERR_ENVIRONMENT says what is in the way.
 */
struct err *machine_attach(const char *socket, struct machine **ret) __attribute__((warn_unused_result));
/* Kills QEMU and waits for its end; one that was attached to goes on as it was found. NULL is fine. */
void machine_destroy(struct machine *m);

enum machine_state { MACHINE_HELD, MACHINE_RUNNING, MACHINE_DEAD };
enum machine_state machine_state(struct machine *m); /* notices a QEMU that died */
/* Why it is dead, as one sentence ("qemu was killed by signal 9"), NULL while it lives. Borrowed. */
const char *machine_death(struct machine *m);

/* Guest nanoseconds since ready. Exact while held; while running a recent value that never goes back. */
uint64_t machine_time(struct machine *m);
/* The grid on which holds happen (the fixed quantum, 10 us for a random one; 1 under the real clock). */
uint64_t machine_grid(const struct machine *m);

/* What ends a run by itself. */
struct machine_stop {
	uint64_t time;         /* guest ns since ready; UINT64_MAX: none. Exact under the virtual clock:
				* the first point at or after it (a fixed quantum: rounded up to the
				* grid). Not before it under the real clock */
	uint64_t watch_phys;   /* 4-byte aligned guest-physical address of a u32; 0: none */
	uint32_t watch_value;  /* stop at the first point where it equals this, which may be at once */
	bool breaks;           /* heed those of vmm/breaks.h */
	unsigned int step_cpu;
	uint64_t steps;        /* stop when this vCPU has executed so many instructions; 0: do not count */
};
#define MACHINE_STOP_NONE ((struct machine_stop){.time = UINT64_MAX})

enum machine_stop_reason { STOP_HELD, STOP_TIME, STOP_WATCH, STOP_WRITE, STOP_BREAK };

/* Let a held machine run; returns at once. A no-op error-free call when it runs already (the new
 * `stop` then replaces the old one). `stop` NULL: none. */
struct err *machine_run(struct machine *m, const struct machine_stop *stop)
	__attribute__((warn_unused_result));
/* Block until the machine is held by its `stop` (or was held already). ERR_TIMEOUT after
 * `host_timeout_ns` (the machine then still runs), ERR_GUEST_DIED, ERR_INTERRUPTED. */
struct err *machine_wait(struct machine *m, uint64_t host_timeout_ns, enum machine_stop_reason *ret)
	__attribute__((warn_unused_result));
/* Hold as soon as possible: virtual, at the next timer point; real, QMP stop. ERR_TIMEOUT names how
 * many of how many vCPUs stopped and leaves the machine running. */
struct err *machine_hold(struct machine *m, uint64_t host_timeout_ns)
	__attribute__((warn_unused_result));

/* A piece of kernel virtual memory. */
struct machine_spy {
	uint64_t address, len;
};
/*
 * Held, virtual clock: from now on the guest stands, by itself and right behind the instruction, whenever it
 * writes to one of these, though not more often than every `every` ns of guest time; machine_wait() gives
 * STOP_WRITE. `count` 0 ends it. ERR_ABSENT under the real clock, and with a QEMU that cannot; ERR_REFUSED
 * for too many.
 */
struct err *machine_spy(struct machine *m, const struct machine_spy *spies, unsigned int count,
			uint64_t every) __attribute__((warn_unused_result));
/* Held: true when it stands at such a write; *ret is which. */
bool machine_spied(struct machine *m, unsigned int *ret);
/* How many writes there were to the i-th since machine_spy(). */
uint64_t machine_spy_writes(const struct machine *m, unsigned int i);
/*
 * Hold so that the guest's clock runs on meanwhile, as a vCPU finds it when its host gave the CPU to
 * somebody else; only under the real clock (ERR_REFUSED). Nothing that needs QMP works until
 * machine_run().
 */
struct err *machine_hold_as_gap(struct machine *m) __attribute__((warn_unused_result));
/* ns by which the guest's clock has moved without the guest since the last call: by such a hold, or
 * across a restore. Whoever lets the machine run has to account for them. */
uint64_t machine_take_gap(struct machine *m);

/* Under the virtual clock: keep guest time from running ahead of host time (the screen). */
void machine_set_paced(struct machine *m, bool paced);

/* For a poll loop: readable when QEMU ends or QMP has something; call machine_state() then. */
int machine_poll_fd(const struct machine *m);

struct ram *machine_ram(struct machine *m);
/* Guest-physical address of the agent's mailbox header (guest/wire.h); MACHINE_NO_MAILBOX: there is no
 * agent, the machine was attached to. */
#define MACHINE_NO_MAILBOX UINT64_MAX
uint64_t machine_mailbox(const struct machine *m);

/* Console bytes so far: copies at most `size` - 1 of the newest into `buffer` with a NUL; returns the
 * total ever received, so that a caller sees whether there is news. Keeps the newest 1 MiB. */
uint64_t machine_console(struct machine *m, char *buffer, size_t size);

struct machine_info {
	enum accel accel;           /* never AUTO */
	const char *accel_reason;   /* why this one, a sentence */
	enum clock_kind clock;      /* never AUTO */
	const char *qemu_version;   /* "7.2.22 (Debian ...)" */
	const char *kernel;         /* path */
	const char *image_hash;     /* of the guest image, 64 hex digits */
	const char *saved_hash;     /* of the saved machine that it began as, the same; "" after a cold
				     * boot and under the real clock */
	bool warm;                  /* started from the cache */
	uint64_t boot_ns;           /* host ns from machine_boot() to held-and-ready */
	struct topology topology;
	uint64_t memory;
	struct quantum quantum;
	int pid;                    /* of QEMU */
	bool still;                 /* there is no process: one instant of a machine (vmm/still.h) */
	bool attached;              /* somebody else started it, */
	bool found_stopped;         /* and it did not run when we came */
};
const struct machine_info *machine_info(const struct machine *m);

/* Host thread ids of the vCPUs, in CPU order; returns how many, at most `max`. */
unsigned int machine_vcpu_threads(struct machine *m, int *tids, unsigned int max);

/* The CPU budget (vmm/budget.h), only under the real clock. `cpus` 0: all that are allowed. */
struct err *machine_set_budget(struct machine *m, unsigned int cpus, bool pin)
	__attribute__((warn_unused_result));
/* What is in force, after the host's CPUs were looked at anew; NULL: nothing is confined. */
struct err *machine_budget(struct machine *m, const struct budget **ret)
	__attribute__((warn_unused_result));
void machine_vcpu_place(struct machine *m, unsigned int vcpu, struct budget_place *ret);

/* The account of each vCPU up to now, in CPU order; borrowed, until the next call. ERR_ABSENT under the
 * virtual clock. */
struct err *machine_runstates(struct machine *m, const struct vcpu_runstate **ret,
			      unsigned int *ret_count) __attribute__((warn_unused_result));

/* Non-maskable interrupt to all CPUs. Virtual: held; it comes at this instant of guest time. ERR_ABSENT. */
struct err *machine_nmi(struct machine *m) __attribute__((warn_unused_result));

/*
 * Under the virtual clock, held: vCPU `cpu` executes nothing from this instant until guest time `until`
 * (rounded up to the grid); the others go on, and time passes though all stand. ERR_ABSENT under the real
 * clock and where QEMU cannot, ERR_NOT_FOUND.
 */
struct err *machine_stall(struct machine *m, unsigned int cpu, uint64_t until)
	__attribute__((warn_unused_result));
/* When its stall ends, 0: it is not stalled. */
uint64_t machine_stalled_until(const struct machine *m, unsigned int cpu);

#endif
