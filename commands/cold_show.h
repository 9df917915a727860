/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands that read and write one place share: their words with the session's names and
 * expressions in them, and the line that a reply is shown as.
 */
#ifndef COMMANDS_COLD_SHOW_H
#define COMMANDS_COLD_SHOW_H

#include "base/err.h"
#include "base/out.h"
#include "commands/session.h"
#include "coord/cold.h"

/* The words after `read` or `write` as an operation. */
struct err *cold_show_parse(struct session *s, bool write, unsigned int count, char *const *words,
			    struct cold_op *ret) __attribute__((warn_unused_result));
void cold_show_reply(const struct cold_reply *reply, struct out *out);
/* Parse, run, show. */
struct err *cold_show_run(struct session *s, bool write, unsigned int count, char *const *words,
			  struct out *out) __attribute__((warn_unused_result));

#endif
