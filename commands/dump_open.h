/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump (commands/dump_file.h) as a machine that stands still: its memory is the guest's as far as the dump has it, so that
 * commands and views read it as they read a guest. What ktdbg itself knew and no memory has, the samples of the
 * counters, changes, replies and steps, is answered from the file.
 *
 * The file is hostile: it is checked member by member, and the memory in it is as untrusted as any guest's.
 */
#ifndef COMMANDS_DUMP_OPEN_H
#define COMMANDS_DUMP_OPEN_H

#include "base/err.h"
#include "base/out.h"
#include "vmm/machine.h"

/* Of this number are the dumps that are written and read. */
#define DUMP_VERSION 2

struct dump;

/* ERR_ENVIRONMENT: the file, and the place in it where it is no dump. */
struct err *dump_open(const char *path, struct dump **ret, struct machine **ret_machine)
	__attribute__((warn_unused_result));
void dump_close(struct dump *d); /* NULL is fine */
uint64_t dump_clock_behind(const struct dump *d);

/* The command lines whose answers are in the file only; NULL past the last. */
const char *dump_kept(unsigned int i);
/* Whether a line is one of them. */
bool dump_keeps(const char *name, const char *rest);
struct err *dump_answer(const struct dump *d, const char *name, const char *rest, struct out *out)
	__attribute__((warn_unused_result));

#endif
