/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All state of one ktdbg: options, the coordinator, the recorder, variables. The one door for
 * commands, wherever they come from: session_execute() takes a command line, looks it up in the
 * table (commands/command.h), opens the window it needs, runs it, records it.
 *
 * Not responsible for where lines come from or where output goes: the prompt, the screen, batch and
 * ktdbg.c do that. Threads: one.
 */
#ifndef COMMANDS_SESSION_H
#define COMMANDS_SESSION_H

#include "base/err.h"
#include "base/out.h"
#include "coord/coord.h"
#include "coord/value.h"
#include "vmm/machine.h"

#include <stdbool.h>

struct options {
	const char *kernel; /* --kernel as given, or NULL */
	const char *vmlinux;
	struct topology topology;
	uint64_t memory;
	enum accel accel;
	enum clock_kind clock;
	struct quantum quantum;
	enum kaslr kaslr;
	unsigned int cpu_budget;
	bool pin;
	const char *scheduler; /* NAME|PATH [ARGS] */
	bool cold_boot, readonly, json, ascii, plain;
	const char *record;
	const char *append;
	const char **add_files; /* HOST:GUEST */
	unsigned int add_file_count;
	const char *gdb_socket, *theme;
	const char *attach; /* QMP socket of somebody else's QEMU */
	const char *dump_dir; /* where a trigger leaves its dump */
	const char *open_dump; /* file of `dump` to look at in a guest's stead */
};
void options_init(struct options *o); /* SPEC section 1's defaults */

struct session;
struct recorder; /* commands/recorder.h */
struct scenario; /* commands/scenario.h */
struct source;	 /* coord/source.h */
struct dump;	 /* commands/dump_open.h */

struct err *session_create(const struct options *options, struct session **ret)
	__attribute__((warn_unused_result));
void session_destroy(struct session *s);

const struct options *session_options(const struct session *s);
/* NULL until `boot` (or the first command that needs a guest) has made one. */
struct coord *session_coord(struct session *s);
struct err *session_boot(struct session *s) __attribute__((warn_unused_result));
/* The same with a machine that is there already; takes it, also when it fails. */
struct err *session_take(struct session *s, struct machine *machine) __attribute__((warn_unused_result));
/* The dump that --open-dump has opened; NULL: it is a guest. */
struct dump *session_dump(const struct session *s);
struct err *session_poweroff(struct session *s) __attribute__((warn_unused_result));

/*
 * Time travel (commands/travel.h): exchange the guests of two sessions with all that belongs to each, its
 * history and its variables. A recording that is being written stays with `a`, and is from then on one of
 * the guest that `a` has got. Both guests are held.
 */
void session_exchange(struct session *a, struct session *b);
/* What it keeps between two travels; ends with the guest. */
struct travel;
struct travel **session_travel(struct session *s);

/* How a command line arrives, which decides pacing and recording. */
enum session_mode { MODE_SCRIPT, MODE_PROMPT, MODE_SCREEN, MODE_BATCH };
void session_set_mode(struct session *s, enum session_mode mode);
enum session_mode session_mode(const struct session *s);

/*
 * Run one command line (no newline). An optional "[SECONDS] " prefix lets guest time pass to that
 * moment first. Blocks like `batch ... end` collect lines until their `end`: *more is then true and
 * nothing has run yet. Output goes to `out`; the error is the command's own and is not printed.
 */
struct err *session_execute(struct session *s, const char *line, struct out *out, bool *more)
	__attribute__((warn_unused_result));
/* "NAME: DETAIL" for showing an error of session_execute(), unless the detail begins with the name
 * or is not about the command (no such command, a guest that did not come up). Takes and returns
 * `err`. */
struct err *session_name_error(const struct session *s, struct err *err)
	__attribute__((warn_unused_result));
bool session_quit(const struct session *s); /* `quit` was run */
void session_set_quit(struct session *s);
/* The line that opened a block which waits for its `end`, NULL when none does. */
const char *session_open_block(const struct session *s);
void session_drop_block(struct session *s); /* Ctrl-C at the prompt, or an error in a script */

/* The session's recorder (commands/recorder.h): the session tells it about every boot and every
 * CMD_RECORDED command; `record` and the screen use it. Never NULL. */
struct recorder *session_recorder(struct session *s);

/* The scenario that runs, or the last one that did (commands/scenario.h). Never NULL. */
struct scenario *session_scenario(struct session *s);

/* For a command that runs others: one line that is no block, in the command's own window, not recorded.
 * The error begins with the name of the command in `line`. */
struct err *session_run_line(struct session *s, const char *line, struct out *out)
	__attribute__((warn_unused_result));

/* What a long wait (a boot, a run) is doing, in a few words, for whoever draws it; NULL: nobody.
 * `what` is NULL when it is over. */
void session_set_progress(struct session *s, void (*progress)(void *context, const char *what),
			  void *context);
void session_progress(struct session *s, const char *what);

/* The adopted kernel, with the error that a command reports when there is none. For run() of
 * commands with CMD_KERNEL. */
struct err *session_kernel(struct session *s, struct kernel **ret)
	__attribute__((warn_unused_result));

/* Source lines of --vmlinux; NULL without it, and before the kernel is adopted. */
struct source *session_source(struct session *s);

/*
 * What the open screen does for commands with CMD_SCREEN_ONLY (view, save-screen, watch). Without a
 * screen those are refused. The table is borrowed until it is replaced; NULL: the screen was
 * closed.
 */
struct screen_ops {
	/* Show the view of that name; ERR_NOT_FOUND lists those that exist. `argument` may be NULL.
	 */
	struct err *(*view)(void *context, const char *name, const char *argument);
	/* Write what the screen shows to `path`, as text. */
	struct err *(*save)(void *context, const char *path);
	/* Show the value of an expression in the watch lines; NULL removes all of them. */
	struct err *(*watch)(void *context, const char *expression);
	/* Names of views, for completion: NULL past the end. */
	const char *(*view_name)(void *context, unsigned int i);
};
void session_set_screen(struct session *s, const struct screen_ops *ops, void *context);
const struct screen_ops *session_screen(const struct session *s, void **ret_context); /* or NULL */

/* Variables of `let`, and what `$name` finds (variables first, then reply tags). */
struct err *session_let(struct session *s, const char *name, const struct value *value)
	__attribute__((warn_unused_result));
bool session_variable(struct session *s, const char *name, struct value *ret);
/* The names of `let`, until `visit` returns false: for completion. */
void session_names_each(struct session *s, bool (*visit)(void *context, const char *name),
			void *context);

#endif
