/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line up to the point where a guest would be needed: recordings come from other people.
 */
#include "tests/fuzz/fuzz.h"

#include "commands/cold_words.h"
#include "commands/completion.h"
#include "commands/rows.h"
#include "commands/session.h"
#include "commands/words.h"

static struct err *number(void *context, const char *word, int64_t *ret)
{
	(void)context;
	*ret = (int64_t)strlen(word);
	return NULL;
}

static void check(int good)
{
	if (!good)
		abort();
}

/* What is accepted fits the operation's buffers, and quoting gives the words back. */
static void try_words(const char *text)
{
	const struct cold_resolver resolver = {number, number, NULL};
	struct words words, again;
	struct cold_op op;
	struct str s = {0};
	struct err *err = words_split(text, &words);

	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; i < words.count; i++) {
		str_add_c(&s, ' ');
		words_quote(&s, words.words[i]);
	}
	err = words_split(str_text(&s), &again);
	check(!err && again.count == words.count);
	for (unsigned int i = 0; i < words.count; i++)
		check(strcmp(words.words[i], again.words[i]) == 0);
	for (int write = 0; write < 2; write++) {
		err = cold_words_parse(write, words.count, words.words, &resolver, &op);
		if (!err)
			check(strlen(op.tag) < sizeof(op.tag) &&
			      strlen(op.value) < sizeof(op.value) &&
			      strlen(op.target.field) < sizeof(op.target.field) &&
			      strlen(op.target.name) < sizeof(op.target.name));
		err_free(err);
	}
	words_deinit(&again);
	words_deinit(&words);
	str_deinit(&s);
}

static void try_clauses(const char *text)
{
	struct row_clauses clauses;
	struct err *err = row_clauses_parse(text, &clauses);

	if (!err)
		row_clauses_deinit(&clauses);
	err_free(err);
}

static void try_completion(const char *text)
{
	struct options options;
	struct session *session;
	struct completion completion;
	struct err *err;

	options_init(&options);
	err = session_create(&options, &session);
	check(!err);
	err = completion_find(session, text, strlen(text), &completion);
	check(!err);
	check(completion.start <= strlen(text) && completion.count <= COMPLETION_MAX);
	completion_deinit(&completion);
	session_destroy(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	try_words(text);
	try_clauses(text);
	/* Words that open files belong to no fuzzer. */
	if (!strstr(text, "ker"))
		try_completion(text);
	free(text);
	return 0;
}
