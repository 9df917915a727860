/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command table: one row is the only place where a command exists. Lookup, help, completion,
 * key hints, the man page and the completeness test are made from it. Each cmd_*.c ends with its
 * rows; one explicit array in table.c lists them.
 */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include "base/err.h"
#include "base/out.h"
#include "commands/session.h"

enum command_group {
	GROUP_INSPECT,
	GROUP_CONTROL,
	GROUP_CHANGE,
	GROUP_INJECT,
	GROUP_RECORD,
	GROUP_SCREEN,
	GROUP_HOST, /* ktdbg itself: doctor, kernel, cache */
	GROUP_COUNT,
};

enum command_flags {
	CMD_GUEST = 1 << 0,    /* needs a booted guest (boots one) */
	CMD_KERNEL = 1 << 1,   /* needs the adopted kernel */
	CMD_FROZEN = 1 << 2,   /* runs inside a window: the guest is held for its duration */
	CMD_WRITES = 1 << 3,   /* changes guest or machine: refused under --readonly */
	CMD_AGENT = 1 << 4,    /* needs the agent */
	CMD_RECORDED = 1 << 5, /* reaches guest or coordinator: goes into recordings */
	CMD_BLOCK = 1 << 6,    /* opens a block that ends with `end`: command_opens_block() */
	CMD_SCREEN_ONLY = 1 << 7,
	CMD_RAW = 1 << 8,  /* uses `rest` only: no splitting, quotes mean what the command says */
	CMD_HOST = 1 << 9, /* output tells about the host: shown, never recorded nor compared */
	/* With the word --hot it runs beside the guest, without a window; the output that it then
	 * has depends on the moment and is not recorded. */
	CMD_HOT = 1 << 10,
	CMD_WAITS = 1 << 11, /* lets guest time pass and does nothing else to the guest */
};

/* What completes a word. */
enum completer {
	COMPLETE_NONE,
	COMPLETE_COMMAND,
	COMPLETE_SYMBOL,
	COMPLETE_TYPE,
	COMPLETE_PID,
	COMPLETE_CPU,
	COMPLETE_EXPRESSION,
	COMPLETE_FILE,
	COMPLETE_TARGET,
	COMPLETE_FIELD,
	COMPLETE_BPF, /* MAP, MAP.VAR */
	COMPLETE_CGROUP,
	COMPLETE_WORK,
	COMPLETE_SCHEDULER,
	COMPLETE_VIEW,
	COMPLETE_WORD, /* one of arguments' own words */
};

struct command_argument {
	const char *name; /* as in usage */
	enum completer completer;
	const char *words; /* COMPLETE_WORD: "start|stop" */
};

/* How many arguments a row can describe. */
#define COMMAND_ARGUMENTS 6

/* The words of a line, split as a shell would ('...' and "..." quote); `rest` is the raw text after
 * the command's name, for expressions. */
struct command_line {
	unsigned int count; /* words after the name */
	char *const *words; /* NULL terminated */
	const char *rest;
	char *const *block; /* the lines of a CMD_BLOCK, without `end` */
	unsigned int block_count;
};

struct command {
	const char *name;
	const char *key; /* default key of the screen, "" for none */
	enum command_group group;
	unsigned int flags;
	const char *usage;   /* "read TARGET [as TAG] [:TYPE]" */
	const char *summary; /* one line, no full stop */
	const char *help;    /* paragraphs and examples; may be NULL */
	struct command_argument arguments[COMMAND_ARGUMENTS];
	struct err *(*run)(struct session *s, const struct command_line *line, struct out *out);
	/* What can be said of `rest` without a guest; NULL: nothing. ERR_USAGE, where "column N" counts from
	 * *ret_at, which is `rest` or lies in it. */
	struct err *(*check)(const char *rest, const char **ret_at);
};

/* Every command, one word each: its row is `const struct command command_NAME` (with _ for -), at
 * the end of its file; the table holds them in this order, which is that of `help` within a group.
 */
/* clang-format off */
#define COMMANDS(X)                                                                                \
	X(cpus) X(rq) X(tasks) X(task) X(dsq) X(scx) X(cgroups) X(workers) X(phases) X(counters) X(bpf) \
	X(backtrace) X(why) X(registers) X(disassemble) X(locks)                                    \
	X(print) X(ptype) X(symbol) X(memory) X(console) X(dmesg) X(status) X(info)                \
	X(boot) X(poweroff) X(freeze) X(thaw) X(budget) X(run) X(until) X(back) X(forward) X(dump) X(vmcore) \
	X(break) X(watchpoint) X(trigger) X(delete)                                                \
	X(read) X(write) X(batch) X(undo) X(changes) X(replies)                                    \
	X(spawn) X(affinity) X(cgroup) X(payload) X(sched)                                         \
	X(stall) X(steal) X(nmi) X(checkpoint)                                                     \
	X(backdrop) X(step) X(steps) X(scenario) X(snapshot)                                       \
	X(record) X(expect) X(wait) X(let) X(note)                                                 \
	X(view) X(save_screen) X(watch) X(help) X(quit)                                            \
	X(recording) X(diff_runs) X(doctor) X(kernel) X(cache)
/* clang-format on */

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)

/* The whole table, NULL terminated. */
extern const struct command *const command_table[];

/* By name or unambiguous prefix; ERR_USAGE lists near names or the candidates. */
struct err *command_find(const char *name, const struct command **ret)
	__attribute__((warn_unused_result));

/* Whether `command` with this `rest` opens a block: one that must have words opens none without. */
bool command_opens_block(const struct command *command, const char *rest);

/* The `check` of a row whose words are one expression. */
struct err *command_check_expression(const char *rest, const char **ret_at)
	__attribute__((warn_unused_result));

/* ERR_USAGE "usage: USAGE", for a run() whose words are too few, too many or unknown. */
struct err *command_usage(const struct command *command) __attribute__((warn_unused_result));

#endif
