/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a session by name: one table from which the command line, the configuration file, the
 * header lines of recordings, `--help` and the man page are made. Options that choose what ktdbg does
 * (-e, --batch, --help) are rows here too, so that help and manual know them, but only ktdbg.c acts on
 * them.
 *
 * Strings in struct options are borrowed from whoever set them.
 */
#ifndef COMMANDS_OPTIONS_H
#define COMMANDS_OPTIONS_H

#include "base/err.h"
#include "base/str.h"
#include "commands/session.h"

#include <stdbool.h>

enum option_flags {
	OPTION_RECORDED = 1 << 0, /* part of a recording's identity: a header line when not the default */
	OPTION_MODE = 1 << 1,     /* ktdbg.c's own; options_set() refuses it */
	OPTION_BATCH = 1 << 2,    /* belongs to --batch (these are OPTION_MODE as well) */
};

struct option_row {
	const char *name;      /* long name, without "--" */
	char letter;           /* short name, 0 for none */
	const char *argument;  /* "PATH", NULL for a switch */
	const char *fallback;  /* the default, as shown, "" for none */
	const char *help;      /* one sentence, no full stop */
	unsigned int flags;
	/* Apply `value` (NULL for a switch). NULL for OPTION_MODE. */
	struct err *(*set)(struct options *o, const char *value);
	/* Append the value as options_set() takes it; nothing when it is the default. May be NULL. */
	void (*format)(const struct options *o, struct str *s);
};

/* Ends with a row whose name is NULL. */
extern const struct option_row option_table[];

/* NULL when there is none. */
const struct option_row *option_find(const char *name);

/* ERR_USAGE for an unknown name (with near names) or a bad value. A switch takes NULL, "" or "on". */
struct err *options_set(struct options *o, const char *name, const char *value)
	__attribute__((warn_unused_result));

/* Lines `NAME VALUE` with # comments. `text` is cut into strings in place and must outlive `o`.
 * Errors name `path` and the line. */
struct err *options_read(struct options *o, const char *path, char *text)
	__attribute__((warn_unused_result));

/* Frees what options_set() collected (the list of --add-file). */
void options_deinit(struct options *o);

#endif
