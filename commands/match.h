/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expected output lines and their matchers. A line of a recording matches one line of output: the same
 * text, or what the matcher at its end says:
 *   TEXT (any)      every line
 *   PATTERN (re)    a POSIX extended regular expression for the whole line
 *   PATTERN (glob)  `*` any text, `?` one character, `\` takes the next one literally
 *
 * Patterns come from files that anyone may have written: those whose cost explodes are refused.
 */
#ifndef COMMANDS_MATCH_H
#define COMMANDS_MATCH_H

#include "base/err.h"
#include "base/str.h"

#include <regex.h>
#include <stdbool.h>

enum match_kind { MATCH_EXACT, MATCH_ANY, MATCH_REGEX, MATCH_GLOB };

struct match {
	enum match_kind kind;
	char *text;     /* without the matcher */
	regex_t regex;  /* REGEX */
};

/* ERR_USAGE for a pattern that is wrong or refused. */
struct err *match_compile(const char *line, struct match *ret) __attribute__((warn_unused_result));
void match_deinit(struct match *m);
bool match_test(const struct match *m, const char *actual);

/* `actual` as a line that matches it and nothing else: itself, or a (glob) when it happens to end like
 * a matcher. */
void match_quote(const char *actual, struct str *s);

/* Why a regular expression is refused, NULL when it is not: back references, and repetitions that make it
 * grow beyond all bounds when it is compiled. */
const char *match_pattern_problem(const char *pattern);

#endif
