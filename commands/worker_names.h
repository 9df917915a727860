/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pids in a command line by names that mean the same task in every history. A number is a pid
 * where a task is named: as a word behind `task`, `why` and `backtrace`, and in task(PID) and why(PID) anywhere
 * but in quotes. Remarks are left as they are. Pure.
 */
#ifndef COMMANDS_WORKER_NAMES_H
#define COMMANDS_WORKER_NAMES_H

#include "base/str.h"

/* Appends the name of the task that has `pid`; false, and nothing, when it has none. */
typedef bool (*worker_name_fn)(void *context, unsigned long pid, struct str *s);

/* Appends the first `len` bytes of `line`, one command, to `s`. */
void worker_names_add(const char *line, size_t len, worker_name_fn name, void *context, struct str *s);

#endif
