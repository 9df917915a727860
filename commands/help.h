/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Help and manual, made from the command table and the option table: what `help`, `--help` and
 * ktdbg(1) say. No texts about single commands here: they stand in the commands' rows.
 */
#ifndef COMMANDS_HELP_H
#define COMMANDS_HELP_H

#include "base/out.h"
#include "base/str.h"
#include "commands/command.h"

const char *command_group_name(enum command_group group); /* "Inspect" */

/* All commands by group: a line each. */
void help_overview(struct out *out);
/* One command: usage, summary, help text, what it needs. */
void help_command(const struct command *command, struct out *out);
/* What `help` knows besides commands ("expressions"): the text, NULL when there is none; and the
 * names in turn, NULL past the end. */
const char *help_topic(const char *name);
const char *help_topic_name(unsigned int i);
/* The text of `ktdbg --help`. */
void help_options(struct str *s);
/* ktdbg(1) as roff. */
void help_man(struct str *s);

#endif
