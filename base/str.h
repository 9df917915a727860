/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growable strings and small text helpers. A str is owned by its caller and is all zeros when empty.
 * Running out of memory while a string grows sets `failed` and is reported once, by str_take() or
 * str_error(), so that code which builds text need not test each step. Not thread safe.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
	char *data;  /* NUL terminated once anything was added; NULL before */
	size_t len;  /* bytes without the NUL */
	size_t size; /* bytes allocated */
	bool failed; /* memory ran out */
};

void str_deinit(struct str *s);
void str_clear(struct str *s); /* keeps the memory */
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const void *data, size_t len);
void str_add_c(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text, "" when nothing was added. Borrowed until the next change. */
const char *str_text(const struct str *s);
/* Hands the text over (caller frees) and empties `s`; NULL when memory ran out. */
char *str_take(struct str *s);
/* ERR_NOMEM when memory ran out, else NULL. */
struct err *str_error(const struct str *s) __attribute__((warn_unused_result));

/* Guest text for a terminal: control bytes, DEL and bytes that are not valid UTF-8 become '?' or \xNN. */
void str_add_clean(struct str *s, const char *text, size_t max_len);
/* Two lines for a message: the first `max_len` bytes of `text`, cleaned, and a caret below byte `column` of it
 * (one column of a terminal a code point). */
void str_add_caret(struct str *s, const char *text, size_t max_len, size_t column);

/* How many of the `len` bytes are text, from the first on: well-formed UTF-8 without control bytes, but tabs. */
size_t str_text_length(const char *text, size_t len);

bool str_starts(const char *text, const char *prefix);
bool str_is_hex(const char *text); /* begins with 0x and a hexadecimal digit */

/* The copy of a formatted text, caller frees, NULL when out of memory. */
char *str_format(const char *fmt, ...) __attribute__((format(printf, 1, 2), warn_unused_result));
char *str_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0), warn_unused_result));

/*
 * Names near `wanted` for error messages: call once per candidate, then nearest_text().
 * Keeps the three with the smallest edit distance; distances above a third of the length do not count,
 * names that contain `wanted` or start alike do.
 */
struct nearest {
	const char *wanted;
	struct {
		char name[64];
		unsigned int distance;
	} best[3];
	unsigned int count;
};
void nearest_init(struct nearest *n, const char *wanted); /* borrows `wanted` */
void nearest_offer(struct nearest *n, const char *candidate);
/* Appends "; near: a, b, c" to `s`, or nothing. */
void nearest_add(const struct nearest *n, struct str *s);

#endif
