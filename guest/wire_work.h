/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of work: the one table of names, parameters, defaults and help, included by the host
 * (which parses `work=TYPE(ARGS)` and refuses what is wrong before anything is created) and by the
 * agent (which runs them: guest/work/). A new type is a row here, a function in guest/work/, and
 * its line in guest/work/table.c.
 */
#ifndef GUEST_WIRE_WORK_H
#define GUEST_WIRE_WORK_H

#include "guest/wire.h"

enum wire_work_id {
	WORK_SPIN = 1,
	WORK_YIELD = 2,
	WORK_MIXED = 3,
	WORK_ALU = 4,
	WORK_BURSTY = 5,
	WORK_PIPE = 6,
	WORK_FUTEX = 7,
	WORK_SLEEP = 8,
	WORK_FORK_EXIT = 9,
	WORK_MUTEX = 10,
	WORK_SEQUENCE = 11,
	WORK_IO = 12,
	WORK_SMT_SPIN = 13,
	WORK_IPC_VARIANCE = 14,
	WORK_IO_SYNC = 15,
	WORK_IO_RAND = 16,
	WORK_IO_CONVOY = 17,
	WORK_IDLE_CHURN = 18,
	WORK_TIMER_LATENCY = 19,
	WORK_CACHE_PRESSURE = 20,
	WORK_CACHE_YIELD = 21,
	WORK_CACHE_PIPE = 22,
	WORK_FUTEX_FANOUT = 23,
	WORK_FANOUT_COMPUTE = 24,
	WORK_THUNDERING_HERD = 25,
	WORK_WAKE_CHAIN = 26,
	WORK_ASYMMETRIC_WAKER = 27,
	WORK_EPOLL_STORM = 28,
	WORK_SIGNAL_STORM = 29,
	WORK_PRODUCER_CONSUMER = 30,
	WORK_NICE_SWEEP = 31,
	WORK_AFFINITY_CHURN = 32,
	WORK_CROSS_AFFINITY_CHURN = 33,
	WORK_POLICY_CHURN = 34,
	WORK_PAGE_FAULT = 35,
	WORK_NUMA_SWEEP = 36,
	WORK_NUMA_MIGRATION = 37,
	WORK_PRIORITY_INVERSION = 38,
	WORK_RT_STARVATION = 39,
	WORK_PREEMPT_STORM = 40,
	WORK_SCHBENCH = 41,
	WORK_CGROUP_CHURN = 42,
	WORK_CGROUP_ATTACH_STORM = 43,
	WORK_COUNT,
};

enum wire_work_flags {
	WORK_PAIRS = 1 << 0, /* workers 2i and 2i + 1 have two pipes between them: a group of 2 */
	WORK_PHASE = 1 << 1, /* may be a phase of a sequence, with a duration */
	WORK_COMMON = 1 << 2, /* all workers of the spawn have one pipe, which does not block */
	WORK_CGROUP = 1 << 3, /* each makes a cgroup of its own, which the agent removes after it; root's work */
};

enum wire_param_kind {
	PARAM_COUNT = 1, /* a plain number */
	PARAM_TIME = 2,  /* nanoseconds, written with a unit */
	PARAM_SIZE = 3,  /* bytes, written with K, M, G or without */
};

struct wire_param {
	const char *name;
	uint32_t kind; /* enum wire_param_kind */
	uint64_t value, min, max; /* default, and inclusive bounds */
};

struct wire_work_type {
	uint32_t id; /* enum wire_work_id; row i has id i + 1 */
	uint32_t flags;
	const char *name;
	const char *help;
	struct wire_param params[WIRE_WORK_PARAMS]; /* ends at a NULL name */
	uint32_t group; /* workers that belong together: their number is a multiple. 0: each alone */
	uint32_t least; /* workers: one leads, the others follow. 0: any number */
	const char *alias; /* another name of it, or NULL */
};

#define WORK_MS 1000000ULL
#define WORK_S 1000000000ULL

static const struct wire_work_type wire_work_types[] = {
	{WORK_SPIN, WORK_PHASE, "spin", "burns CPU; an iteration is a loop of `loops` steps",
	 .params = {{"loops", PARAM_COUNT, 20000, 1, 1000000000}}},
	{WORK_YIELD, WORK_PHASE, "yield", "a short loop of `loops` steps, then sched_yield()",
	 .params = {{"loops", PARAM_COUNT, 1000, 0, 1000000000}}},
	{WORK_MIXED, 0, "mixed", "`cpu` of CPU time, then a sleep of `sleep`",
	 .params = {{"cpu", PARAM_TIME, WORK_MS, 1000, 3600 * WORK_S}, {"sleep", PARAM_TIME, WORK_MS, 1000, 3600 * WORK_S}}},
	{WORK_ALU, WORK_PHASE, "alu", "a chain of `ops` dependent multiplications, divisions and shifts",
	 .params = {{"ops", PARAM_COUNT, 20000, 1, 1000000000}}},
	{WORK_BURSTY, 0, "bursty",
	 "bursts of CPU of about `burst` with pauses of about `pause`, both varied by `jitter` per cent, from `seed`",
	 .params = {{"burst", PARAM_TIME, 5 * WORK_MS, 1000, 3600 * WORK_S}, {"pause", PARAM_TIME, 20 * WORK_MS, 1000, 3600 * WORK_S},
	  {"jitter", PARAM_COUNT, 50, 0, 100}, {"seed", PARAM_COUNT, 1, 0, UINT32_MAX}}},
	{WORK_PIPE, WORK_PAIRS, "pipe", "pairs of workers send `bytes` bytes to and fro through two pipes",
	 .params = {{"bytes", PARAM_SIZE, 1, 1, 4096}}, .group = 2},
	{WORK_FUTEX, 0, "futex", "pairs of workers wake each other through a futex", .params = {{0}}, .group = 2,
	 .alias = "futex-pingpong"},
	{WORK_SLEEP, WORK_PHASE, "sleep", "sleeps `time`, again and again; measures wake-up latency",
	 .params = {{"time", PARAM_TIME, 10 * WORK_MS, 1000, 86400 * WORK_S}}},
	{WORK_FORK_EXIT, 0, "fork-exit", "forks a child that runs `loops` steps and exits, and waits for it",
	 .params = {{"loops", PARAM_COUNT, 1000, 0, 1000000000}}},
	{WORK_MUTEX, 0, "mutex", "all workers of the spawn take one mutex, hold it for `hold` of CPU, then think for `think`",
	 .params = {{"hold", PARAM_TIME, 50000, 0, WORK_S}, {"think", PARAM_TIME, 50000, 0, WORK_S}}},
	{WORK_SEQUENCE, 0, "sequence",
	 "phases TYPE:DURATION one after the other, for ever: sequence(spin:10ms,sleep:5ms); types: spin sleep yield io alu",
	 .params = {{0}}},
	{WORK_IO, WORK_PHASE, "io", "writes and reads back `bytes` bytes of a file in memory",
	 .params = {{"bytes", PARAM_SIZE, 4096, 1, 1048576}}},
	{WORK_SMT_SPIN, 0, "smt-spin",
	 "pairs burn CPU, each on the two hardware threads of one core where there are such",
	 .params = {{"loops", PARAM_COUNT, 20000, 1, 1000000000}}, .group = 2},
	{WORK_IPC_VARIANCE, 0, "ipc-variance",
	 "by turns many independent operations, and loads that each need the one before",
	 .params = {{"ops", PARAM_COUNT, 40000, 8, 1000000000},
	  {"bytes", PARAM_SIZE, 1048576, 4096, 1ULL << 30}}},
	{WORK_IO_SYNC, 0, "io-sync",
	 "writes `bytes`, fdatasync(), and waits `latency` as for a device",
	 .params = {{"bytes", PARAM_SIZE, 4096, 1, 1048576},
	  {"latency", PARAM_TIME, 200000, 1000, 10 * WORK_S}}},
	{WORK_IO_RAND, 0, "io-rand",
	 "writes a block at a random place of a file of `bytes`, waits `latency` as for a device",
	 .params = {{"bytes", PARAM_SIZE, 1048576, 4096, 16777216},
	  {"latency", PARAM_TIME, 200000, 1000, 10 * WORK_S}}},
	{WORK_IO_CONVOY, 0, "io-convoy",
	 "all of the spawn take one lock, write `bytes` and wait `latency` inside, then think",
	 .params = {{"bytes", PARAM_SIZE, 4096, 1, 1048576},
	  {"latency", PARAM_TIME, 200000, 1000, 10 * WORK_S},
	  {"think", PARAM_TIME, 50000, 0, 10 * WORK_S}}},
	{WORK_IDLE_CHURN, 0, "idle-churn",
	 "very short bursts of CPU and very short sleeps: in and out of idle",
	 .params = {{"cpu", PARAM_TIME, 5000, 1000, 10 * WORK_S},
	  {"sleep", PARAM_TIME, 100000, 1000, 10 * WORK_S}}},
	{WORK_TIMER_LATENCY, 0, "timer-latency",
	 "wakes up every `period` on a fixed grid; measures how late",
	 .params = {{"period", PARAM_TIME, WORK_MS, 10000, 10 * WORK_S}}},
	{WORK_CACHE_PRESSURE, 0, "cache-pressure",
	 "changes a byte every `stride` bytes of `bytes` of memory",
	 .params = {{"bytes", PARAM_SIZE, 1048576, 4096, 1ULL << 30},
	  {"stride", PARAM_SIZE, 64, 1, 1048576}}},
	{WORK_CACHE_YIELD, 0, "cache-yield",
	 "as cache-pressure, then sched_yield()",
	 .params = {{"bytes", PARAM_SIZE, 262144, 4096, 1ULL << 30},
	  {"stride", PARAM_SIZE, 64, 1, 1048576}}},
	{WORK_CACHE_PIPE, WORK_PAIRS, "cache-pipe",
	 "as cache-pressure, then a byte to and from its partner",
	 .params = {{"bytes", PARAM_SIZE, 262144, 4096, 1ULL << 30},
	  {"stride", PARAM_SIZE, 64, 1, 1048576}}, .group = 2},
	{WORK_FUTEX_FANOUT, 0, "futex-fanout",
	 "the first worker wakes all others, waits until all ran, then burns `cpu`",
	 .params = {{"cpu", PARAM_TIME, 50000, 0, 10 * WORK_S}}, .least = 2},
	{WORK_FANOUT_COMPUTE, 0, "fanout-compute",
	 "the first worker wakes all others, each computes `ops` steps, and it waits for all",
	 .params = {{"ops", PARAM_COUNT, 20000, 1, 1000000000}}, .least = 2},
	{WORK_THUNDERING_HERD, 0, "thundering-herd",
	 "every `pause` all are woken at once and want one lock, held for `hold`",
	 .params = {{"pause", PARAM_TIME, 2 * WORK_MS, 1000, 10 * WORK_S},
	  {"hold", PARAM_TIME, 20000, 0, 10 * WORK_S}}, .least = 2},
	{WORK_WAKE_CHAIN, 0, "wake-chain",
	 "a token goes round: who has it burns `cpu` and wakes the next",
	 .params = {{"cpu", PARAM_TIME, 50000, 0, 10 * WORK_S}}, .least = 2},
	{WORK_ASYMMETRIC_WAKER, 0, "asymmetric-waker",
	 "pairs wake each other by turns; one burns `slow` at nice `nice`, the other `fast`",
	 .params = {{"slow", PARAM_TIME, 500000, 0, 10 * WORK_S},
	  {"fast", PARAM_TIME, 20000, 0, 10 * WORK_S},
	  {"nice", PARAM_COUNT, 10, 0, 19}}, .group = 2},
	{WORK_EPOLL_STORM, WORK_COMMON, "epoll-storm",
	 "every `pause` the first worker writes `bytes` bytes, which all others epoll; a byte is `cpu`",
	 .params = {{"bytes", PARAM_SIZE, 4, 1, 4096},
	  {"pause", PARAM_TIME, WORK_MS, 1000, 10 * WORK_S},
	  {"cpu", PARAM_TIME, 20000, 0, 10 * WORK_S}}, .least = 2},
	{WORK_SIGNAL_STORM, 0, "signal-storm",
	 "pairs send each other `burst` signals, then burn `cpu`",
	 .params = {{"burst", PARAM_COUNT, 8, 1, 1000000},
	  {"cpu", PARAM_TIME, 50000, 0, 10 * WORK_S}}, .group = 2},
	{WORK_PRODUCER_CONSUMER, 0, "producer-consumer",
	 "pairs with a queue of `depth`: one puts in after `produce`, the other takes out and burns `consume`",
	 .params = {{"depth", PARAM_COUNT, 8, 1, 1000000},
	  {"produce", PARAM_TIME, 50000, 0, 10 * WORK_S},
	  {"consume", PARAM_TIME, 50000, 0, 10 * WORK_S}}, .group = 2},
	{WORK_NICE_SWEEP, 0, "nice-sweep",
	 "nice from -20 to 19 and again, `cpu` at each",
	 .params = {{"cpu", PARAM_TIME, 500000, 0, 10 * WORK_S}}},
	{WORK_AFFINITY_CHURN, 0, "affinity-churn",
	 "binds itself to another CPU, then burns `cpu`",
	 .params = {{"cpu", PARAM_TIME, 500000, 0, 10 * WORK_S}}},
	{WORK_CROSS_AFFINITY_CHURN, 0, "cross-affinity-churn",
	 "binds the next worker of the spawn to another CPU, then burns `cpu`",
	 .params = {{"cpu", PARAM_TIME, 500000, 0, 10 * WORK_S}}, .least = 2},
	{WORK_POLICY_CHURN, 0, "policy-churn",
	 "normal, batch, idle and, with `rt`, fifo and rr by turns, `cpu` under each",
	 .params = {{"cpu", PARAM_TIME, 500000, 0, 10 * WORK_S},
	  {"rt", PARAM_COUNT, 1, 0, 1}}},
	{WORK_PAGE_FAULT, 0, "page-fault",
	 "touches `pages` pages of memory and gives them back",
	 .params = {{"pages", PARAM_COUNT, 64, 1, 262144}}},
	{WORK_NUMA_SWEEP, 0, "numa-sweep",
	 "`pages` pages of new memory on one NUMA node after the other",
	 .params = {{"pages", PARAM_COUNT, 64, 1, 262144}}},
	{WORK_NUMA_MIGRATION, 0, "numa-migration",
	 "the worker and its `pages` pages of memory move from one NUMA node to the next",
	 .params = {{"pages", PARAM_COUNT, 64, 1, 262144}}},
	{WORK_PRIORITY_INVERSION, 0, "priority-inversion",
	 "threes on one CPU: low holds a lock for `hold`, middle burns `burn`, high wants the lock; `pi`: inherits",
	 .params = {{"pi", PARAM_COUNT, 0, 0, 1},
	  {"hold", PARAM_TIME, WORK_MS, 0, 10 * WORK_S},
	  {"burn", PARAM_TIME, 4 * WORK_MS, 0, 10 * WORK_S},
	  {"rest", PARAM_TIME, 4 * WORK_MS, 10000, 10 * WORK_S}}, .group = 3},
	{WORK_RT_STARVATION, 0, "rt-starvation",
	 "all on one CPU: the first is fifo and burns `burn` with `rest` between, the others spin",
	 .params = {{"burn", PARAM_TIME, 20 * WORK_MS, 0, 10 * WORK_S},
	  {"rest", PARAM_TIME, 10 * WORK_MS, 1000, 10 * WORK_S}}, .least = 2},
	{WORK_PREEMPT_STORM, 0, "preempt-storm",
	 "all on one CPU: the first is fifo and interrupts the others for `burn` every `rest`",
	 .params = {{"burn", PARAM_TIME, 20000, 0, 10 * WORK_S},
	  {"rest", PARAM_TIME, 200000, 1000, 10 * WORK_S}}, .least = 2},
	{WORK_SCHBENCH, 0, "schbench",
	 "the first worker hands out work, the others take it, pause and burn `cpu`; measures wake-ups",
	 .params = {{"cpu", PARAM_TIME, 200000, 0, 10 * WORK_S},
	  {"pause", PARAM_TIME, 50000, 0, 10 * WORK_S}}, .least = 2, .alias = "schbench-like"},
	{WORK_CGROUP_CHURN, WORK_CGROUP, "cgroup-churn",
	 "makes a cgroup, gives it a weight, burns `cpu`, removes it",
	 .params = {{"cpu", PARAM_TIME, 50000, 0, 10 * WORK_S}}},
	{WORK_CGROUP_ATTACH_STORM, WORK_CGROUP, "cgroup-attach-storm",
	 "moves itself to a cgroup of its own and back, and burns `cpu` in each",
	 .params = {{"cpu", PARAM_TIME, 50000, 0, 10 * WORK_S}}},
};
_Static_assert(sizeof(wire_work_types) / sizeof(wire_work_types[0]) == WORK_COUNT - 1,
	       "a row for each type");

#endif
