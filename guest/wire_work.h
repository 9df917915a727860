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
	WORK_COUNT,
};

enum wire_work_flags {
	WORK_PAIRS = 1 << 0, /* workers 2i and 2i + 1 work with each other: an even number is needed */
	WORK_PHASE = 1 << 1, /* may be a phase of a sequence, with a duration */
};

enum wire_param_kind {
	PARAM_COUNT = 1, /* a plain number */
	PARAM_TIME = 2,  /* nanoseconds, written with a unit */
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
};

#define WORK_MS 1000000ULL
#define WORK_S 1000000000ULL

static const struct wire_work_type wire_work_types[] = {
	{WORK_SPIN, WORK_PHASE, "spin", "burns CPU; an iteration is a loop of `loops` steps",
	 {{"loops", PARAM_COUNT, 20000, 1, 1000000000}}},
	{WORK_YIELD, WORK_PHASE, "yield", "a short loop of `loops` steps, then sched_yield()",
	 {{"loops", PARAM_COUNT, 1000, 0, 1000000000}}},
	{WORK_MIXED, 0, "mixed", "`cpu` of CPU time, then a sleep of `sleep`",
	 {{"cpu", PARAM_TIME, WORK_MS, 1000, 3600 * WORK_S}, {"sleep", PARAM_TIME, WORK_MS, 1000, 3600 * WORK_S}}},
	{WORK_ALU, WORK_PHASE, "alu", "a chain of `ops` dependent multiplications, divisions and shifts",
	 {{"ops", PARAM_COUNT, 20000, 1, 1000000000}}},
	{WORK_BURSTY, 0, "bursty",
	 "bursts of CPU of about `burst` with pauses of about `pause`, both varied by `jitter` per cent, from `seed`",
	 {{"burst", PARAM_TIME, 5 * WORK_MS, 1000, 3600 * WORK_S}, {"pause", PARAM_TIME, 20 * WORK_MS, 1000, 3600 * WORK_S},
	  {"jitter", PARAM_COUNT, 50, 0, 100}, {"seed", PARAM_COUNT, 1, 0, UINT32_MAX}}},
	{WORK_PIPE, WORK_PAIRS, "pipe", "pairs of workers send `bytes` bytes to and fro through two pipes",
	 {{"bytes", PARAM_COUNT, 1, 1, 4096}}},
	{WORK_FUTEX, WORK_PAIRS, "futex", "pairs of workers wake each other through a futex", {{0}}},
	{WORK_SLEEP, WORK_PHASE, "sleep", "sleeps `time`, again and again; measures wake-up latency",
	 {{"time", PARAM_TIME, 10 * WORK_MS, 1000, 86400 * WORK_S}}},
	{WORK_FORK_EXIT, 0, "fork-exit", "forks a child that runs `loops` steps and exits, and waits for it",
	 {{"loops", PARAM_COUNT, 1000, 0, 1000000000}}},
	{WORK_MUTEX, 0, "mutex", "all workers of the spawn take one mutex, hold it for `hold` of CPU, then think for `think`",
	 {{"hold", PARAM_TIME, 50000, 0, WORK_S}, {"think", PARAM_TIME, 50000, 0, WORK_S}}},
	{WORK_SEQUENCE, 0, "sequence",
	 "phases TYPE:DURATION one after the other, for ever: sequence(spin:10ms,sleep:5ms); types: spin sleep yield io alu",
	 {{0}}},
	{WORK_IO, WORK_PHASE, "io", "writes and reads back `bytes` bytes of a file in memory",
	 {{"bytes", PARAM_COUNT, 4096, 1, 1048576}}},
};
_Static_assert(sizeof(wire_work_types) / sizeof(wire_work_types[0]) == WORK_COUNT - 1,
	       "a row for each type");

#endif
