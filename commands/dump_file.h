/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The failure dump: one JSON file of what the commands answer about one frozen instant of the guest. Its
 * sections are command lines, and their content is what those print with --json, so that whatever a command
 * shows is in it and nothing is written twice. docs/dump.schema.json describes the file.
 *
 * Beside them is the memory that they were read from, so that --open-dump can ask again, and other things: a dump is a guest
 * that stands. Not responsible for all of memory: that is `vmcore`.
 */
#ifndef COMMANDS_DUMP_FILE_H
#define COMMANDS_DUMP_FILE_H

#include "base/err.h"
#include "commands/session.h"

#include <stdint.h>

struct dump_done {
	uint64_t bytes;  /* of the file */
	uint64_t freeze; /* host ns for which the guest was held */
};

/* Holds the guest while it looks, not while it writes. The file is on the disk under its name whole or not
 * at all; an older one is replaced. Commands that fail leave their error in it. */
struct err *dump_file_write(struct session *s, const char *path, struct dump_done *ret)
	__attribute__((warn_unused_result));

#endif
