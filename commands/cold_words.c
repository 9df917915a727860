/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/cold_words.h"

#include "base/parse.h"
#include "base/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cold_words {
	unsigned int count, at;
	char *const *words;
	const struct cold_resolver *resolver;
};

#define USAGE_TARGET                                                                               \
	"want task PID FIELD, percpu SYMBOL[.FIELD] cpu N, symbol NAME[.FIELD], bpf MAP.VAR, "     \
	"kva ADDR or direct ADDR"

/* The next word that belongs to the target or the value. */
static struct err *next_word(struct cold_words *w, const char *what, const char **ret)
{
	if (w->at == w->count)
		return err_new(ERR_USAGE, "%s is missing", what);
	*ret = w->words[w->at++];
	return NULL;
}

static struct err *copy_word(char *to, size_t size, const char *from, size_t len, const char *what)
{
	if (len >= size)
		return err_new(ERR_USAGE, "%s: longer than %zu characters", what, size - 1);
	memcpy(to, from, len);
	to[len] = '\0';
	return NULL;
}

static struct err *number_word(const struct cold_words *w, const char *word, int64_t *ret)
{
	return w->resolver->number(w->resolver->context, word, ret);
}

/* "PID" or "PID@START_NS". */
static struct err *take_pid(const struct cold_words *w, const char *word, struct target *t)
{
	const char *at = strrchr(word, '@');
	int64_t pid;
	char *first;
	struct err *err;

	/* worker(@runner,0) has an @ of its own. */
	if (at && !isdigit((unsigned char)at[1]))
		at = NULL;
	first = strndup(word, at ? (size_t)(at - word) : strlen(word));
	if (!first)
		return err_nomem();
	err = number_word(w, first, &pid);
	free(first);
	ERR_TRY(err);
	if (pid < 1 || pid > INT32_MAX)
		return err_new(ERR_USAGE, "%s: %" PRId64 " is no pid", word, pid);
	t->pid = (int)pid;
	return at ? err_wrap(parse_u64(at + 1, &t->start_ns), "start time") : NULL;
}

static struct err *task_target(struct cold_words *w, struct target *t)
{
	const char *pid, *field;

	t->kind = TARGET_TASK;
	ERR_TRY(next_word(w, "task: PID", &pid));
	ERR_TRY(next_word(w, "task: FIELD", &field));
	ERR_TRY(take_pid(w, pid, t));
	return copy_word(t->field, sizeof(t->field), field, strlen(field), "FIELD");
}

/* "runqueues.cfs.nr_queued" into the symbol and the path after it. */
static struct err *take_symbol(const char *word, struct target *t)
{
	size_t len = strcspn(word, ".[-");
	const char *field = word + len;

	if (!len)
		return err_new(ERR_USAGE, "'%s' is no symbol's name", word);
	ERR_TRY(copy_word(t->name, sizeof(t->name), word, len, "SYMBOL"));
	if (*field == '.')
		field++;
	return copy_word(t->field, sizeof(t->field), field, strlen(field), "FIELD");
}

static struct err *symbol_target(struct cold_words *w, struct target *t)
{
	const char *word;

	t->kind = TARGET_SYMBOL;
	ERR_TRY(next_word(w, "symbol: NAME", &word));
	return take_symbol(word, t);
}

static struct err *percpu_target(struct cold_words *w, struct target *t)
{
	const char *word, *number;
	int64_t cpu;

	t->kind = TARGET_PERCPU;
	ERR_TRY(next_word(w, "percpu: SYMBOL", &word));
	ERR_TRY(take_symbol(word, t));
	ERR_TRY(next_word(w, "percpu: cpu N", &word));
	if (str_starts(word, "cpu:")) {
		number = word + 4;
	} else {
		if (strcmp(word, "cpu") != 0)
			return err_new(ERR_USAGE, "percpu: '%s' where cpu N was wanted", word);
		ERR_TRY(next_word(w, "percpu: the number after cpu", &number));
	}
	ERR_TRY(number_word(w, number, &cpu));
	if (cpu < 0 || cpu > INT32_MAX)
		return err_new(ERR_NOT_FOUND, "percpu: %" PRId64 " is no CPU", cpu);
	t->cpu = (unsigned int)cpu;
	return NULL;
}

static struct err *address_target(struct cold_words *w, enum target_kind kind, struct target *t)
{
	const char *word;
	int64_t number;

	t->kind = kind;
	ERR_TRY(next_word(w, "ADDR", &word));
	if (kind == TARGET_KVA)
		ERR_TRY(w->resolver->address(w->resolver->context, word, &number));
	else
		ERR_TRY(number_word(w, word, &number));
	t->address = (uint64_t)number;
	return NULL;
}

static struct err *bpf_target(struct cold_words *w, struct target *t)
{
	const char *word;

	t->kind = TARGET_BPF;
	ERR_TRY(next_word(w, "bpf: MAP.VAR", &word));
	return copy_word(t->field, sizeof(t->field), word, strlen(word), "MAP.VAR");
}

static struct err *take_target(struct cold_words *w, struct target *t)
{
	const char *kind;

	if (w->at == w->count)
		return err_new(ERR_USAGE, "no target: " USAGE_TARGET);
	kind = w->words[w->at++];
	if (strcmp(kind, "task") == 0)
		return task_target(w, t);
	if (strcmp(kind, "percpu") == 0)
		return percpu_target(w, t);
	if (strcmp(kind, "symbol") == 0)
		return symbol_target(w, t);
	if (strcmp(kind, "bpf") == 0)
		return bpf_target(w, t);
	if (strcmp(kind, "kva") == 0)
		return address_target(w, TARGET_KVA, t);
	if (strcmp(kind, "direct") == 0)
		return address_target(w, TARGET_DIRECT, t);
	return err_new(ERR_USAGE, "'%s' is no target: " USAGE_TARGET, kind);
}

/* Words that the operation takes as they are: numbers, enum names, true and false, bytes. */
static bool is_literal(const char *word, const struct width *width)
{
	struct err *err;
	uint64_t u;
	int64_t s;

	if (width->kind == WIDTH_BYTES)
		return true;
	if (isalpha((unsigned char)word[0]) || word[0] == '_')
		return word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234"
					 "56789_")] == '\0';
	err = parse_u64(word, &u);
	if (!err)
		return true;
	err_free(err);
	err = parse_s64(word, &s);
	if (!err)
		return true;
	err_free(err);
	return word[0] == '"';
}

static struct err *take_value(const struct cold_words *w, const char *word, struct cold_op *op)
{
	int64_t number;

	if (is_literal(word, &op->width))
		return copy_word(op->value, sizeof(op->value), word, strlen(word), "VALUE");
	ERR_TRY(number_word(w, word, &number));
	snprintf(op->value, sizeof(op->value), number < 0 ? "0x%" PRIx64 : "%" PRIu64,
		 (uint64_t)number);
	return NULL;
}

static struct err *take_tag(struct cold_words *w, struct cold_op *op)
{
	const char *tag;

	ERR_TRY(next_word(w, "as: TAG", &tag));
	for (const char *p = tag; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return err_new(ERR_USAGE, "as: '%s' is no tag: want letters, digits and _",
				       tag);
	if (isdigit((unsigned char)tag[0]) || !tag[0])
		return err_new(ERR_USAGE, "as: '%s' is no tag: it begins with a letter", tag);
	return copy_word(op->tag, sizeof(op->tag), tag, strlen(tag), "TAG");
}

/* A word that begins with "--". */
static struct err *take_flag(struct cold_words *w, const char *flag, bool write, struct cold_op *op)
{
	const char *layers;
	unsigned int flags = 0;

	if (strcmp(flag, "--hot") == 0) {
		op->flags |= COLD_HOT;
		return NULL;
	}
	if (!write)
		return err_new(ERR_USAGE, "%s: read knows --hot only", flag);
	if (strcmp(flag, "--dry-run") == 0) {
		op->flags |= COLD_DRY_RUN;
		return NULL;
	}
	if (strcmp(flag, "--force") != 0)
		return err_new(ERR_USAGE, "%s: write knows --dry-run, --force L4,L5 and --hot",
			       flag);
	ERR_TRY(next_word(w, "--force: layers or FIELD", &layers));
	ERR_TRY(cold_force_parse(layers, &flags));
	op->flags |= flags;
	return NULL;
}

/* Whether the word belongs to neither target nor value; takes it then, with what follows it. */
static struct err *take_option(struct cold_words *w, bool write, struct cold_op *op, bool *taken)
{
	const char *word = w->words[w->at];

	*taken = true;
	if (str_starts(word, "--")) {
		w->at++;
		return take_flag(w, word, write, op);
	}
	if (word[0] == ':') {
		w->at++;
		return width_parse(word + 1, &op->width);
	}
	if (strcmp(word, "as") == 0) {
		w->at++;
		return take_tag(w, op);
	}
	*taken = false;
	return NULL;
}

static struct err *take_options(struct cold_words *w, bool write, struct cold_op *op)
{
	bool taken = true;

	while (taken && w->at < w->count)
		ERR_TRY(take_option(w, write, op, &taken));
	return NULL;
}

struct err *cold_words_parse(bool write, unsigned int count, char *const *words,
			     const struct cold_resolver *resolver, struct cold_op *ret)
{
	struct cold_words w = {.count = count, .words = words, .resolver = resolver};
	struct cold_op op = {.flags = write ? COLD_WRITE : 0};
	const char *value = NULL;

	ERR_TRY(take_options(&w, write, &op));
	ERR_TRY(take_target(&w, &op.target));
	ERR_TRY(take_options(&w, write, &op));
	if (write) {
		ERR_TRY(next_word(&w, "VALUE", &value));
		ERR_TRY(take_options(&w, write, &op));
	}
	if (w.at < w.count)
		return err_new(ERR_USAGE, "'%s' is one word too many", w.words[w.at]);
	/* After all options: the width says what a value may look like. */
	if (write)
		ERR_TRY(take_value(&w, value, &op));
	*ret = op;
	return NULL;
}
