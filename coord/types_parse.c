/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C type names to ids. */
#include "coord/types_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 128

/* The words of an integer type in any order, counted. */
struct words {
	unsigned int longs, shorts, ints, chars, is_signed, is_unsigned;
};

struct parser {
	const struct types *types;
	const char *text; /* all of it, for messages */
	const char *at;
	char word[WORD_MAX];
};

static void skip_space(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

/* The next identifier into p->word, which is "" when something else is next. */
static void next_word(struct parser *p)
{
	size_t len = 0;

	skip_space(p);
	while (isalnum((unsigned char)p->at[len]) || p->at[len] == '_')
		len++;
	if (len >= WORD_MAX)
		len = WORD_MAX - 1;
	memcpy(p->word, p->at, len);
	p->word[len] = '\0';
	p->at += len;
}

static bool is_qualifier(const char *word)
{
	return strcmp(word, "const") == 0 || strcmp(word, "volatile") == 0 ||
	       strcmp(word, "restrict") == 0;
}

static bool count_word(struct words *w, const char *word)
{
	if (strcmp(word, "long") == 0)
		w->longs++;
	else if (strcmp(word, "short") == 0)
		w->shorts++;
	else if (strcmp(word, "int") == 0)
		w->ints++;
	else if (strcmp(word, "char") == 0)
		w->chars++;
	else if (strcmp(word, "signed") == 0)
		w->is_signed++;
	else if (strcmp(word, "unsigned") == 0)
		w->is_unsigned++;
	else
		return false;
	return true;
}

/* As compilers spell it in debug information, which is how BTF has it. NULL: no such type. */
static const char *canonical(const struct words *w)
{
	bool u = w->is_unsigned;

	if (w->longs > 2 || w->shorts > 1 || w->ints > 1 || w->chars > 1 ||
	    w->is_signed + w->is_unsigned > 1 || (w->longs && w->shorts))
		return NULL;
	if (w->chars) {
		if (w->longs || w->shorts || w->ints)
			return NULL;
		return u ? "unsigned char" : w->is_signed ? "signed char" : "char";
	}
	if (w->longs == 2)
		return u ? "long long unsigned int" : "long long int";
	if (w->longs == 1)
		return u ? "long unsigned int" : "long int";
	if (w->shorts)
		return u ? "short unsigned int" : "short int";
	return u ? "unsigned int" : "int";
}

static bool offer(void *context, const char *name)
{
	struct nearest *near = context;

	/* Cheap tests first: a kernel has some ten thousand type names. */
	if (name[0] == near->wanted[0] || strstr(name, near->wanted))
		nearest_offer(near, name);
	return true;
}

static struct err *no_type(const struct types *t, const char *kind, const char *name)
{
	struct nearest near;
	struct str text = {0};
	struct err *err;

	nearest_init(&near, name);
	types_names_each(t, "", offer, &near);
	nearest_add(&near, &text);
	err = err_new(ERR_NOT_FOUND, "no type '%s%s'%s", kind, name, str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *parse_tagged(struct parser *p, const char *kind, uint32_t kinds, uint32_t *ret)
{
	next_word(p);
	if (!p->word[0])
		return err_new(ERR_USAGE, "'%s': a name is missing after '%s'", p->text, kind);
	*ret = types_find(p->types, p->word, kinds);
	if (!*ret) {
		char tag[16];

		strcpy(tag, kind);
		strcat(tag, " ");
		return no_type(p->types, tag, p->word);
	}
	return NULL;
}

/* A bare name: a typedef or basic type; else the struct, union or enum of that name. */
static struct err *parse_bare(struct parser *p, uint32_t *ret)
{
	const uint32_t plain = KIND(TYPEDEF) | KIND(INT) | KIND(FLOAT);

	*ret = types_find(p->types, p->word, plain);
	if (!*ret && strcmp(p->word, "bool") == 0)
		*ret = types_find(p->types, "_Bool", KIND(INT));
	if (!*ret)
		*ret = types_find(p->types, p->word, KINDS_NAMED);
	return *ret ? NULL : no_type(p->types, "", p->word);
}

static struct err *parse_integer(struct parser *p, uint32_t *ret)
{
	struct words words = {0};
	const char *before = p->at, *name;

	count_word(&words, p->word);
	for (;;) {
		before = p->at;
		next_word(p);
		if (!count_word(&words, p->word) && !is_qualifier(p->word))
			break;
	}
	p->at = before;
	name = canonical(&words);
	if (!name)
		return err_new(ERR_USAGE, "'%s' is no C type", p->text);
	*ret = types_find(p->types, name, KIND(INT));
	return *ret ? NULL : no_type(p->types, "", name);
}

static struct err *parse_base(struct parser *p, uint32_t *ret)
{
	struct words words = {0};

	do
		next_word(p);
	while (is_qualifier(p->word));
	if (!p->word[0] || isdigit((unsigned char)p->word[0]))
		return err_new(ERR_USAGE, "'%s' is no type name", p->text);
	if (strcmp(p->word, "struct") == 0)
		return parse_tagged(p, "struct", KIND(STRUCT), ret);
	if (strcmp(p->word, "union") == 0)
		return parse_tagged(p, "union", KIND(UNION), ret);
	if (strcmp(p->word, "enum") == 0)
		return parse_tagged(p, "enum", KIND(ENUM) | KIND(ENUM64), ret);
	if (strcmp(p->word, "void") == 0) {
		*ret = 0;
		return NULL;
	}
	if (count_word(&words, p->word))
		return parse_integer(p, ret);
	return parse_bare(p, ret);
}

/* "[2][3]" behind a type: arrays are made from the last to the first. */
static struct err *parse_arrays(struct parser *p, unsigned int depth, uint32_t *id)
{
	unsigned long count;
	char *end;

	skip_space(p);
	if (*p->at != '[')
		return NULL;
	if (depth == 8)
		return err_new(ERR_USAGE, "'%s': too many dimensions", p->text);
	count = strtoul(p->at + 1, &end, 0);
	while (isspace((unsigned char)*end))
		end++;
	if (end == p->at + 1 || *end != ']' || count > UINT32_MAX || p->at[1] == '-')
		return err_new(ERR_USAGE, "'%s': expected an array length such as [16]", p->text);
	p->at = end + 1;
	ERR_TRY(parse_arrays(p, depth + 1, id));
	return types_array_of(p->types, *id, (uint32_t)count, id);
}

static struct err *parse_pointers(struct parser *p, uint32_t *id)
{
	const char *before;

	for (unsigned int i = 0;; i++) {
		skip_space(p);
		before = p->at;
		if (*p->at == '*') {
			if (i >= 8)
				return err_new(ERR_USAGE, "'%s': too many pointers", p->text);
			p->at++;
			ERR_TRY(types_pointer_to(p->types, *id, id));
			continue;
		}
		next_word(p);
		if (!is_qualifier(p->word)) {
			p->at = before;
			return NULL;
		}
	}
}

struct err *types_parse(const struct types *t, const char *name, uint32_t *ret)
{
	struct parser p = {.types = t, .text = name, .at = name};
	uint32_t id;

	ERR_TRY(parse_base(&p, &id));
	ERR_TRY(parse_pointers(&p, &id));
	skip_space(&p);
	if (*p.at == '[' && !id)
		return err_new(ERR_USAGE, "'%s': an array of nothing", name);
	ERR_TRY(parse_arrays(&p, 0, &id));
	skip_space(&p);
	if (*p.at)
		return err_new(ERR_USAGE, "'%s': cannot read '%s' in a type name", name, p.at);
	*ret = id;
	return NULL;
}

void types_names_each(const struct types *t, const char *prefix,
		      bool (*visit)(void *context, const char *name), void *context)
{
	for (uint32_t id = 1; id < t->base_count; id++) {
		const struct btf_type *type = types_raw(t, id);
		const char *name = types_text(t, type->name_off);

		if (*name && KINDS_NAMED >> btf_kind(type) & 1 && str_starts(name, prefix) &&
		    !visit(context, name))
			return;
	}
}
