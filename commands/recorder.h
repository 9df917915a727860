/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder: keeps what a session did since its guest's boot, and writes it to a file in the format
 * of ktdbg-recording(5) as it happens. `record start` in the middle of a session first writes what was
 * done since boot, because a replay starts there.
 *
 * A command goes to the file before it runs; its output follows when it has run. An entry is written
 * whole or cut off again, so that a file is valid up to its last line whatever happens. It is on the disk
 * after recorder_sync(), and before recorder_show() lets anybody see what came of it. When writing fails
 * the file ends there, which is said once, and the history goes on in memory.
 *
 * Not responsible for what is recorded: the session decides. Threads: one.
 */
#ifndef COMMANDS_RECORDER_H
#define COMMANDS_RECORDER_H

#include "base/err.h"
#include "base/str.h"
#include "commands/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct recorder;

struct err *recorder_create(struct recorder **ret) __attribute__((warn_unused_result));
void recorder_destroy(struct recorder *r); /* finishes the file; NULL is fine */

/* A guest has just been booted: forget the history and take the header lines from it. A file that was
 * started before the boot gets its header now; one that holds an earlier guest is finished. `coord` is
 * borrowed until the next boot or the end; commands are recorded only while it lives. */
struct err *recorder_boot(struct recorder *r, const struct options *options, struct coord *coord)
	__attribute__((warn_unused_result));

/* Before a command runs: its full line, at guest time `time`; a block's lines are joined by '\n'. The
 * pid of one of our workers becomes worker(CGROUP,I) (commands/worker_names.h).
 * A file that cannot be written any more is no error here: see recorder_problem(). */
struct err *recorder_command(struct recorder *r, uint64_t time, const char *line)
	__attribute__((warn_unused_result));
/* Append one line of it as it will be recorded. */
void recorder_name_workers(struct recorder *r, const char *line, size_t len, struct str *s);
/* After it ran: its output, whole lines; may be called more than once. */
struct err *recorder_output(struct recorder *r, const char *text, size_t len)
	__attribute__((warn_unused_result));
/* Its error, as the line `error: DETAIL` of its output. */
struct err *recorder_error(struct recorder *r, const struct err *error)
	__attribute__((warn_unused_result));

/* All of it is on the disk, and all that recorder_show() was given is shown. */
void recorder_sync(struct recorder *r);
/* Write `text` to `to`, the same at each call, and flush it: at once when there is no file, else when what was
 * recorded so far is on the disk. Does not wait for that (commands/journal.h). */
void recorder_show(struct recorder *r, const char *text, size_t len, FILE *to);

/* Why the file ended by itself (a full disk): a sentence, given once; the caller frees. Else NULL. */
char *recorder_problem(struct recorder *r) __attribute__((warn_unused_result));

/* Whether that has happened to any file: a script that was to be recorded has failed then. */
bool recorder_was_cut(const struct recorder *r);

/* Begin a file (made anew; ERR_REFUSED when it exists and is no recording, or one is open). */
struct err *recorder_start(struct recorder *r, const char *path) __attribute__((warn_unused_result));
/* Finish it; ERR_USAGE when there is none. */
struct err *recorder_stop(struct recorder *r) __attribute__((warn_unused_result));
const char *recorder_path(const struct recorder *r); /* NULL when no file is open */
/* How many lines the history holds, and the i-th (the screen's recording view). Borrowed. */
size_t recorder_lines(const struct recorder *r);
const char *recorder_line(const struct recorder *r, size_t i);

/* The recording that `record start` would write now. ERR_REFUSED when the history was too long to keep. */
struct err *recorder_text(const struct recorder *r, struct str *ret) __attribute__((warn_unused_result));
/* How many lines of it the header takes, with the empty one. */
unsigned int recorder_header_lines(const struct recorder *r);
/* Time travel: only the first `count` lines of the history have happened. Also in the file. */
void recorder_truncate(struct recorder *r, size_t count);
/* Time travel: lines as they stand in a recording, which had their effect in another way. */
struct err *recorder_append(struct recorder *r, const char *text) __attribute__((warn_unused_result));
/* The file that `from` writes is now that of `to`, the history of the same guest at another time. */
void recorder_take_file(struct recorder *to, struct recorder *from);

#endif
