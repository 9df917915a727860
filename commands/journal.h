/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that a recording is written to. Each entry is write()n at once, whole or not at all, so that
 * nothing is lost when ktdbg dies. The disk is slower: what may only be seen when the entries before
 * it are there, a command's output, is given to journal_show(), which does not wait. A thread syncs
 * the file and shows then what had gathered: as many entries share a sync as come while the last one
 * takes its time.
 *
 * Not responsible for what is written. Threads: all calls from one; one of its own, made by the first
 * journal_show(), with all signals blocked.
 */
#ifndef COMMANDS_JOURNAL_H
#define COMMANDS_JOURNAL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct journal;

/* Begin a file anew. ERR_REFUSED when it exists and does not begin with `start`; empty files and
 * special ones are fine. ERR_OS. */
struct err *journal_open(const char *path, const char *start, struct journal **ret)
	__attribute__((warn_unused_result));
/* Without a sync: journal_sync() comes first. Shows what waits. NULL is fine. */
void journal_close(struct journal *j);
const char *journal_path(const struct journal *j);

/* One entry at the end. After an error the file ends with the entry before it, or the detail says that
 * it does not. An error of an earlier sync is reported here too. ERR_OS. */
struct err *journal_add(struct journal *j, const char *text, size_t len)
	__attribute__((warn_unused_result));
/* Keep the first `len` bytes. ERR_OS, of a pipe for instance. */
struct err *journal_cut(struct journal *j, uint64_t len) __attribute__((warn_unused_result));

/* All entries are on the disk, and all that waited for them is shown. ERR_OS. */
struct err *journal_sync(struct journal *j) __attribute__((warn_unused_result));
/* Write `text` to `to`, the same at each call, when all entries so far are on the disk, and flush it. */
void journal_show(struct journal *j, const char *text, size_t len, FILE *to);

#endif
