/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/match.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATTERN 4096
#define MAX_SIZE 8192 /* characters and sets, copies counted */
#define MAX_GROUPS 32

static const struct {
	const char *suffix;
	enum match_kind kind;
} suffixes[] = {
	{" (any)", MATCH_ANY},
	{" (re)", MATCH_REGEX},
	{" (glob)", MATCH_GLOB},
};
#define SUFFIX_COUNT (sizeof(suffixes) / sizeof(suffixes[0]))

/* The matcher at the end of `line`; *ret_len is the length of the text before it. */
static enum match_kind find_suffix(const char *line, size_t *ret_len)
{
	size_t len = strlen(line);

	*ret_len = len;
	for (size_t i = 0; i < SUFFIX_COUNT; i++) {
		size_t n = strlen(suffixes[i].suffix);

		/* "(any)" alone on its line is one too: editors cut the blanks before it. */
		if (len == n - 1 && strcmp(line, suffixes[i].suffix + 1) == 0) {
			*ret_len = 0;
			return suffixes[i].kind;
		}
		if (len >= n && strcmp(line + len - n, suffixes[i].suffix) == 0) {
			*ret_len = len - n;
			return suffixes[i].kind;
		}
	}
	return MATCH_EXACT;
}

/* The larger number of "{m,n}" at `p`; an open end counts as the smaller one plus 1. */
static unsigned long repetition(const char *p)
{
	char *end;
	unsigned long low = strtoul(p + 1, &end, 10), high = low;

	if (*end == ',')
		high = isdigit((unsigned char)end[1]) ? strtoul(end + 1, NULL, 10) : low + 1;
	return high > low ? high : low;
}

/*
 * How large a pattern becomes when it is compiled: a part with a count is copied that often, one
 * with
 * `+` twice, with all the copies inside it.
 */
struct pattern_size {
	unsigned long groups[MAX_GROUPS]; /* so far, of each group that is open */
	unsigned int depth;
	unsigned long last; /* of the part that a repetition would copy */
};

static const char *add_part(struct pattern_size *s, unsigned long size)
{
	s->last = size;
	s->groups[s->depth] += size;
	return s->groups[s->depth] > MAX_SIZE ? "the pattern's repetition counts are too large"
					      : NULL;
}

static const char *repeat_part(struct pattern_size *s, unsigned long times)
{
	unsigned long last = s->last;
	const char *problem;

	if (times > MAX_SIZE)
		times = MAX_SIZE;
	problem = times > 1 ? add_part(s, last * (times - 1)) : NULL;
	s->last = last * times;
	return problem;
}

static const char *open_group(struct pattern_size *s)
{
	if (s->depth + 1 == MAX_GROUPS)
		return "the pattern is nested too deeply";
	s->groups[++s->depth] = 0;
	return NULL;
}

static const char *close_group(struct pattern_size *s)
{
	unsigned long size = s->groups[s->depth] + 1;

	/* One too many is regcomp()'s to report. */
	if (s->depth > 0)
		s->depth--;
	return add_part(s, size);
}

/* The last byte of the set that opens at `p`. */
static const char *set_end(const char *p)
{
	p += p[1] == '^';
	p += p[1] == ']';
	while (p[1] && p[1] != ']')
		p++;
	return p[1] ? p + 1 : p;
}

/* One piece of a pattern; *p is left at its last byte. */
static const char *measure(struct pattern_size *s, const char **p)
{
	switch (**p) {
	case '\\':
		if ((*p)[1] >= '1' && (*p)[1] <= '9')
			return "patterns have no back references";
		*p += (*p)[1] != '\0';
		return add_part(s, 1);
	case '[':
		*p = set_end(*p);
		return add_part(s, 1);
	case '(':
		return open_group(s);
	case ')':
		return close_group(s);
	case '{':
		return repeat_part(s, repetition(*p));
	case '+':
		return repeat_part(s, 2);
	case '*':
	case '?':
		return NULL;
	default:
		return add_part(s, 1);
	}
}

const char *match_pattern_problem(const char *pattern)
{
	struct pattern_size size = {0};
	const char *problem = NULL;

	if (strlen(pattern) > MAX_PATTERN)
		return "the pattern is too long";
	for (const char *p = pattern; *p && !problem; p++)
		problem = measure(&size, &p);
	return problem;
}

/* Anchored at both ends, whatever alternatives the pattern has. */
static struct err *compile_regex(const char *pattern, regex_t *ret)
{
	const char *problem = match_pattern_problem(pattern);
	char why[128], *anchored;
	int status;

	if (problem)
		return err_new(ERR_USAGE, "%s", problem);
	anchored = str_format("^(%s)$", pattern);
	if (!anchored)
		return err_nomem();
	status = regcomp(ret, anchored, REG_EXTENDED | REG_NOSUB);
	free(anchored);
	if (status == 0)
		return NULL;
	regerror(status, ret, why, sizeof(why));
	return err_new(ERR_USAGE, "bad pattern: %s", why);
}

struct err *match_compile(const char *line, struct match *ret)
{
	struct match m = {0};
	struct err *err = NULL;
	size_t len;

	m.kind = find_suffix(line, &len);
	m.text = strndup(line, len);
	if (!m.text)
		return err_nomem();
	if (m.kind == MATCH_REGEX)
		err = compile_regex(m.text, &m.regex);
	if (err) {
		free(m.text);
		return err;
	}
	*ret = m;
	return NULL;
}

void match_deinit(struct match *m)
{
	if (m->kind == MATCH_REGEX && m->text)
		regfree(&m->regex);
	free(m->text);
	*m = (struct match){0};
}

/* One pattern character against one of the text; *pattern moves past an escape's backslash. */
static bool same_character(const char **pattern, char c)
{
	if (**pattern == '?')
		return true;
	if (**pattern == '\\' && (*pattern)[1])
		++*pattern;
	return **pattern == c;
}

/* Only the last star is ever tried again: at worst the product of both lengths. */
static bool glob_test(const char *pattern, const char *text)
{
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern && same_character(&pattern, *text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool match_test(const struct match *m, const char *actual)
{
	switch (m->kind) {
	case MATCH_ANY:
		return true;
	case MATCH_REGEX:
		return regexec(&m->regex, actual, 0, NULL, 0) == 0;
	case MATCH_GLOB:
		return glob_test(m->text, actual);
	default:
		return strcmp(m->text, actual) == 0;
	}
}

void match_quote(const char *actual, struct str *s)
{
	size_t len;

	if (find_suffix(actual, &len) == MATCH_EXACT) {
		str_add(s, actual);
		return;
	}
	for (const char *p = actual; *p; p++) {
		if (strchr("*?\\", *p))
			str_add_c(s, '\\');
		str_add_c(s, *p);
	}
	str_add(s, " (glob)");
}
