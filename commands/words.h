/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command line split as a shell would: blanks separate, '...' and "..." quote (in the latter a
 * backslash escapes '"' and itself), a backslash outside quotes escapes one character. Nothing is expanded.
 */
#ifndef COMMANDS_WORDS_H
#define COMMANDS_WORDS_H

#include "base/err.h"
#include "base/str.h"

struct words {
	unsigned int count;
	char **words; /* NULL terminated */
};

/* ERR_USAGE for a quote that is not closed. */
struct err *words_split(const char *text, struct words *ret) __attribute__((warn_unused_result));
void words_deinit(struct words *w);

/* Appends `word`, quoted when it has to be, so that words_split() gives it back. */
void words_quote(struct str *s, const char *word);

/* The first word of `text` ends here, and the text after it with leading blanks skipped. Quotes have
 * no meaning: for command names. */
size_t words_first(const char *text, const char **rest);

#endif
