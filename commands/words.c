/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/words.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One quoted stretch from the quote at *p; leaves *p behind the closing one, false when there is
 * none. */
static bool take_quoted(struct str *word, const char **p)
{
	const char quote = *(*p)++;

	for (; **p && **p != quote; (*p)++) {
		if (quote == '"' && **p == '\\' && ((*p)[1] == '"' || (*p)[1] == '\\'))
			(*p)++;
		str_add_c(word, **p);
	}
	if (!**p)
		return false;
	(*p)++;
	return true;
}

/* The word at *p, which is not blank. */
static struct err *take_word(struct str *word, const char **p)
{
	while (**p && !is_blank(**p)) {
		if (**p == '\'' || **p == '"') {
			const char *start = *p;

			if (!take_quoted(word, p))
				return err_new(ERR_USAGE, "no closing %c for: %s", *start, start);
			continue;
		}
		if (**p == '\\' && (*p)[1])
			(*p)++;
		str_add_c(word, *(*p)++);
	}
	return NULL;
}

static struct err *append_word(struct words *w, struct str *word)
{
	char **words = reallocarray(w->words, w->count + 2, sizeof(*words));

	if (words)
		w->words = words;
	if (!words || !(words[w->count] = str_take(word)))
		return err_nomem();
	words[++w->count] = NULL;
	return NULL;
}

struct err *words_split(const char *text, struct words *ret)
{
	struct words w = {0};
	struct err *err = NULL;

	w.words = calloc(1, sizeof(*w.words));
	if (!w.words)
		return err_nomem();
	for (;;) {
		struct str word = {0};

		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		err = take_word(&word, &text);
		if (!err)
			err = append_word(&w, &word);
		str_deinit(&word);
		if (err) {
			words_deinit(&w);
			return err;
		}
	}
	*ret = w;
	return NULL;
}

void words_deinit(struct words *w)
{
	for (unsigned int i = 0; i < w->count; i++)
		free(w->words[i]);
	free(w->words);
	*w = (struct words){0};
}

void words_quote(struct str *s, const char *word)
{
	if (*word && !strpbrk(word, " \t'\"\\")) {
		str_add(s, word);
		return;
	}
	str_add_c(s, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			str_add_c(s, '\\');
		str_add_c(s, *word);
	}
	str_add_c(s, '"');
}

size_t words_first(const char *text, const char **rest)
{
	size_t len = strcspn(text, " \t");

	*rest = text + len + strspn(text + len, " \t");
	return len;
}
