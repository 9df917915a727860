/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion of command lines, for the prompt and for the screen's `:` line: a line and a cursor go in,
 * the candidates for the word under the cursor come out. What may stand there is found in the
 * command's row. Never boots a guest and never lets one run: without a guest, guest names are simply missing.
 */
#ifndef COMMANDS_COMPLETION_H
#define COMMANDS_COMPLETION_H

#include "base/err.h"
#include "commands/session.h"

#include <stdbool.h>
#include <stddef.h>

struct completion {
	size_t start;           /* where the word under the cursor begins in the line */
	char **candidates;      /* sorted, each a whole word, NULL terminated */
	unsigned int count;
	bool files;             /* the word is a file name: candidates are the caller's business */
	bool nospace;           /* more may follow directly: append no blank after a single candidate */
	bool truncated;         /* there were more than COMPLETION_MAX */
};
#define COMPLETION_MAX 500

struct err *completion_find(struct session *s, const char *line, size_t cursor,
			    struct completion *ret) __attribute__((warn_unused_result));
void completion_deinit(struct completion *c);

#endif
