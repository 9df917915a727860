/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/worker_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Whether `what` stands before `end` as a word of its own. */
static bool ends_in(const char *line, const char *end, const char *what)
{
	size_t len = strlen(what);

	return (size_t)(end - line) >= len && strncmp(end - len, what, len) == 0 &&
	       ((size_t)(end - line) == len || !is_word(end[-(ptrdiff_t)len - 1]));
}

/* The command takes `task PID`, or PID itself, as words. */
static bool takes_words(const char *line)
{
	static const char *const names[] = {"task ", "why ", "backtrace ", "read ", "write "};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_starts(line, names[i]))
			return true;
	return false;
}

static bool is_pid(const char *line, const char *at, const char *end, bool words)
{
	const char *before = at;

	while (before > line && before[-1] == ' ')
		before--;
	if (ends_in(line, before, "task(") || ends_in(line, before, "why("))
		return *end == ')' || *end == ' ';
	if (!words || before == at || (*end && *end != ' '))
		return false;
	return ends_in(line, before, "task") || ends_in(line, before, "why") ||
	       ends_in(line, before, "backtrace");
}

void worker_names_add(const char *line, size_t len, worker_name_fn name, void *context, struct str *s)
{
	char *copy = strndup(line, len), *at, *end;
	bool quoted = false, words;

	if (!copy) {
		s->failed = true;
		return;
	}
	words = takes_words(copy);
	for (at = copy; *at; at = end) {
		end = at + 1;
		quoted ^= *at == '"';
		if (isdigit((unsigned char)*at) && (at == copy || !is_word(at[-1])) && !quoted &&
		    !str_starts(copy, "note ")) {
			unsigned long pid = strtoul(at, &end, 10);

			if (is_pid(copy, at, end, words) && name(context, pid, s))
				continue;
		}
		str_add_n(s, at, (size_t)(end - at));
	}
	free(copy);
}
