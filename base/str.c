/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_deinit(struct str *s)
{
	free(s->data);
	*s = (struct str){0};
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->data)
		s->data[0] = '\0';
}

/* Room for `more` bytes and the NUL. */
static bool str_reserve(struct str *s, size_t more)
{
	size_t need = s->len + more + 1, size = s->size ? s->size : 64;
	char *data;

	if (s->failed)
		return false;
	if (need <= s->size)
		return true;
	while (size < need)
		size *= 2;
	data = realloc(s->data, size);
	if (!data) {
		s->failed = true;
		return false;
	}
	s->data = data;
	s->size = size;
	return true;
}

void str_add_n(struct str *s, const void *data, size_t len)
{
	if (!str_reserve(s, len))
		return;
	if (len)
		memcpy(s->data + s->len, data, len);
	s->len += len;
	s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

void str_add_c(struct str *s, char c)
{
	str_add_n(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len < 0)
		s->failed = true;
	else if (str_reserve(s, (size_t)len)) {
		vsnprintf(s->data + s->len, (size_t)len + 1, fmt, again);
		s->len += (size_t)len;
	}
	va_end(again);
	va_end(ap);
}

const char *str_text(const struct str *s)
{
	return s->data ? s->data : "";
}

char *str_take(struct str *s)
{
	char *text;

	if (!s->data && !s->failed)
		str_add_n(s, "", 0);
	text = s->failed ? NULL : s->data;
	if (!text)
		free(s->data);
	*s = (struct str){0};
	return text;
}

struct err *str_error(const struct str *s)
{
	return s->failed ? err_nomem() : NULL;
}

/* Length of the well-formed UTF-8 sequence at `text` (1..4), or 0. */
static size_t utf8_length(const unsigned char *text, size_t len)
{
	size_t n, i;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		n = 2;
	else if (text[0] >= 0xe0 && text[0] <= 0xef)
		n = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	for (i = 1; i < n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and C1 controls, which some terminals obey. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f) ||
	    (text[0] == 0xc2 && text[1] < 0xa0))
		return 0;
	return n;
}

void str_add_clean(struct str *s, const char *text, size_t max_len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = strnlen(text, max_len), i = 0;

	while (i < len) {
		size_t n = utf8_length(p + i, len - i);

		if (n == 0 || p[i] < 0x20 || p[i] == 0x7f) {
			str_addf(s, "\\x%02x", p[i]);
			n = 1;
		} else {
			str_add_n(s, p + i, n);
		}
		i += n;
	}
}

void str_add_caret(struct str *s, const char *text, size_t max_len, size_t column)
{
	struct str before = {0};
	int width = 0;

	str_add_clean(&before, text, column);
	for (size_t i = 0; i < before.len; i++)
		width += ((unsigned char)before.data[i] & 0xc0) != 0x80;
	s->failed |= before.failed;
	str_deinit(&before);
	str_add(s, "  ");
	str_add_clean(s, text, max_len);
	str_addf(s, "\n  %*s^", width, "");
}

size_t str_text_length(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0, n;

	for (; i < len; i += n) {
		n = utf8_length(p + i, len - i);
		if (n == 0 || (p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
			break;
	}
	return i;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_is_hex(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2]);
}

char *str_vformat(const char *fmt, va_list ap)
{
	char *text;

	return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

char *str_format(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = str_vformat(fmt, ap);
	va_end(ap);
	return text;
}

/* Levenshtein distance of two names of at most 63 bytes; UINT_MAX for longer ones. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[64], la = (unsigned int)strlen(a), lb = (unsigned int)strlen(b);

	if (la > 63 || lb > 63)
		return UINT_MAX;
	for (unsigned int j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= la; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= lb; j++) {
			unsigned int up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = up;
			row[j] = best;
		}
	}
	return row[lb];
}

void nearest_init(struct nearest *n, const char *wanted)
{
	*n = (struct nearest){.wanted = wanted};
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	unsigned int limit = (unsigned int)strlen(n->wanted) / 3 + 1, at;
	unsigned int distance = edit_distance(n->wanted, candidate);

	if (distance > limit && n->wanted[0] && strstr(candidate, n->wanted))
		distance = limit;
	if (distance > limit || strlen(candidate) >= sizeof(n->best[0].name))
		return;
	for (at = 0; at < n->count; at++) {
		if (strcmp(n->best[at].name, candidate) == 0)
			return;
		if (n->best[at].distance > distance)
			break;
	}
	if (at == 3)
		return;
	if (n->count < 3)
		n->count++;
	memmove(&n->best[at + 1], &n->best[at], (n->count - 1 - at) * sizeof(n->best[0]));
	strcpy(n->best[at].name, candidate);
	n->best[at].distance = distance;
}

void nearest_add(const struct nearest *n, struct str *s)
{
	for (unsigned int i = 0; i < n->count; i++)
		str_addf(s, "%s%s", i ? ", " : "; near: ", n->best[i].name);
}
