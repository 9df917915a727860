/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain names, in the order in which they win: the row's own names, the members of the row's
 * object, the words of the language, kernel symbols, enumerators.
 */
#include "commands/expr_internal.h"

#include "commands/session.h"
#include "coord/coord.h"
#include "coord/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the row ---- */

/* The struct behind `self`, 0 when it is none. */
static uint32_t self_struct(const struct eval *ev, const struct value *self)
{
	uint32_t type = types_resolve(ev->types, self->type);

	if (types_kind(ev->types, type) == TYPE_POINTER)
		type = types_resolve(ev->types, types_target(ev->types, type));
	switch (types_kind(ev->types, type)) {
	case TYPE_STRUCT:
	case TYPE_UNION:
		return type;
	default:
		return 0;
	}
}

/* A member of the row's object. That a struct lacks one is remembered: a filter asks for each row.
 */
static struct err *self_member(struct eval *ev, struct node *n, bool *found, struct value *ret)
{
	const struct value *self = ev->context->self;
	uint32_t type;
	struct member member;
	struct err *err;

	*found = false;
	if (!self || !ev->kernel)
		return NULL;
	type = self_struct(ev, self);
	if (!type || n->not_member_of == type)
		return NULL;
	err = types_member(ev->types, type, n->text, &member);
	if (err) {
		bool absent = err_kind(err) == ERR_ABSENT;

		if (!absent)
			return err;
		err_free(err);
		n->not_member_of = type;
		return NULL;
	}
	*found = true;
	return value_member(ev->kernel, self, n->text, ret);
}

static struct err *row_name(struct eval *ev, struct node *n, bool *found, struct operand *ret)
{
	struct value v;

	*found = false;
	if (ev->context->name)
		ERR_TRY(ev->context->name(ev->context->row, n->text, found, &v));
	if (!*found)
		ERR_TRY(self_member(ev, n, found, &v));
	if (*found)
		operand_set(ret, v);
	return NULL;
}

/* ---- words of the language ---- */

static struct err *need_coord(struct eval *ev, const struct node *n)
{
	if (ev->context->coord)
		return NULL;
	return eval_error(ev, ERR_NOT_FOUND, n, "no guest is running");
}

static struct err *word_time(struct eval *ev, const struct node *n, struct operand *ret)
{
	ERR_TRY(need_coord(ev, n));
	operand_set(ret, value_unsigned(coord_time(ev->context->coord)));
	return NULL;
}

static struct err *word_ncpus(struct eval *ev, const struct node *n, struct operand *ret)
{
	ERR_TRY(eval_need_kernel(ev, n));
	operand_set(ret, value_number(kernel_cpus(ev->kernel)));
	return NULL;
}

static struct err *word_frozen(struct eval *ev, const struct node *n, struct operand *ret)
{
	ERR_TRY(need_coord(ev, n));
	operand_set(ret, value_number(coord_frozen(ev->context->coord)));
	return NULL;
}

#define CONSOLE_MAX (1 << 20)

/* The console may be longer than a value's text: matched whole, shown by its end. */
static struct err *word_console(struct eval *ev, const struct node *n, struct operand *ret)
{
	size_t len, tail = 0;

	ERR_TRY(need_coord(ev, n));
	if (!ev->console) {
		ev->console = calloc(1, CONSOLE_MAX + 1);
		if (!ev->console)
			return err_nomem();
		machine_console(coord_machine(ev->context->coord), ev->console, CONSOLE_MAX + 1);
	}
	len = strlen(ev->console);
	if (len >= sizeof(ret->value.string))
		tail = len - sizeof(ret->value.string) + 1;
	operand_set(ret, value_string(ev->console + tail));
	ret->long_text = ev->console;
	return NULL;
}

static struct err *word_scx(struct eval *ev, const struct node *n, struct operand *ret)
{
	ERR_TRY(need_coord(ev, n));
	ERR_TRY(eval_need_kernel(ev, n));
	if (!kernel_info(ev->kernel)->sched_ext) {
		eval_missing(ev, EXPR_ABSENT, "this kernel has no sched_ext");
		operand_set(ret, (struct value){.kind = VALUE_ABSENT, .string = "sched_ext"});
		return NULL;
	}
	*ret = (struct operand){.record = RECORD_SCX};
	return NULL;
}

static struct err *word_true(struct eval *ev, const struct node *n, struct operand *ret)
{
	operand_set(ret, value_number(1));
	return NULL;
}

static struct err *word_zero(struct eval *ev, const struct node *n, struct operand *ret)
{
	operand_set(ret, value_number(0));
	return NULL;
}

static const struct word_row {
	const char *name;
	struct err *(*run)(struct eval *ev, const struct node *n, struct operand *ret);
} words[] = {
	{"time", word_time},	   {"ncpus", word_ncpus}, {"frozen", word_frozen},
	{"console", word_console}, {"scx", word_scx},	  {"true", word_true},
	{"false", word_zero},	   {"NULL", word_zero},
};
#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

static const struct word_row *find_word(const char *name)
{
	for (size_t i = 0; i < WORD_COUNT; i++)
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

void expr_words_each(const char *prefix, bool (*visit)(void *context, const char *word),
		     void *context)
{
	for (size_t i = 0; i < WORD_COUNT; i++)
		if (str_starts(words[i].name, prefix) && !visit(context, words[i].name))
			return;
	for (const struct expr_function *f = expr_functions; f->name; f++)
		if (str_starts(f->name, prefix) && !visit(context, f->name))
			return;
}

/* ---- the kernel's names ---- */

/* Whether `address` is one in the per-CPU template, which holds no CPU's values. */
static bool is_percpu(struct eval *ev, uint64_t address)
{
	uint64_t start, end;
	struct err *err = kernel_symbol(ev->kernel, "__per_cpu_start", &start);

	if (!err)
		err = kernel_symbol(ev->kernel, "__per_cpu_end", &end);
	if (err) {
		err_free(err);
		return false;
	}
	return address >= start && address < end;
}

/* An address without a type: as `void *` it is shown in hexadecimal and with its symbol. */
static struct value untyped_address(const struct types *types, uint64_t address)
{
	uint32_t type;
	struct err *err = types_parse(types, "void *", &type);

	if (!err)
		return value_typed(type, address);
	err_free(err);
	return value_unsigned(address);
}

/* Typed when the type is known, the address otherwise. */
static struct err *symbol_value(struct eval *ev, const struct node *n, uint64_t address,
				struct value *ret)
{
	uint32_t type;
	struct err *err;

	if (is_percpu(ev, address))
		return eval_error(ev, ERR_USAGE, n, "%s is a per-CPU variable: percpu(%s, CPU)",
				  n->text, n->text);
	err = source_global_type(eval_source(ev), ev->types, n->text, address, &type);
	if (err && err_kind(err) == ERR_NOMEM)
		return err;
	if (err || types_kind(ev->types, type) == TYPE_FUNCTION)
		*ret = untyped_address(ev->types, address);
	else
		*ret = value_object(type, address);
	err_free(err);
	return NULL;
}

/* Appends the names of an error's own "; near: ...". */
static void add_near(struct str *near, const struct err *err)
{
	const char *names = strstr(err_detail(err), "; near: ");

	if (names)
		str_addf(near, "%s%s", near->len ? ", " : "; near: ", names + strlen("; near: "));
}

/* Members of the row's object, which a filter most likely meant. */
static void add_near_members(struct eval *ev, const struct node *n, struct str *near)
{
	uint32_t type = ev->context->self ? self_struct(ev, ev->context->self) : 0;
	struct member member;
	struct err *err = type ? types_member(ev->types, type, n->text, &member) : NULL;

	if (err)
		add_near(near, err);
	err_free(err);
}

static void add_near_words(const struct node *n, struct str *near)
{
	struct nearest nearest;
	struct str names = {0};

	nearest_init(&nearest, n->text);
	for (size_t i = 0; i < WORD_COUNT; i++)
		nearest_offer(&nearest, words[i].name);
	for (const struct expr_function *f = expr_functions; f->name; f++)
		nearest_offer(&nearest, f->name);
	nearest_add(&nearest, &names);
	if (names.len)
		str_addf(near, "%s%s", near->len ? ", " : "; near: ",
			 str_text(&names) + strlen("; near: "));
	str_deinit(&names);
}

static struct err *unknown_name(struct eval *ev, const struct node *n,
				const struct err *symbol_error)
{
	struct str near = {0};
	struct err *err;

	add_near_members(ev, n, &near);
	add_near_words(n, &near);
	add_near(&near, symbol_error);
	err = eval_error(ev, ERR_NOT_FOUND, n, "no %ssymbol, enumerator or function `%s`%s",
			 ev->context->self ? "member, " : "", n->text, str_text(&near));
	str_deinit(&near);
	return err;
}

/* Enumerators first: a name that is none costs a search for near names in the symbol table. */
static struct err *kernel_name(struct eval *ev, const struct node *n, struct value *ret)
{
	uint64_t address;
	bool is_unsigned;
	int64_t number;
	struct err *err = types_constant(ev->types, n->text, &number, &is_unsigned);

	if (!err) {
		*ret = is_unsigned ? value_unsigned((uint64_t)number) : value_number(number);
		return NULL;
	}
	err_free(err);
	err = kernel_symbol(ev->kernel, n->text, &address);
	if (!err)
		return symbol_value(ev, n, address, ret);
	if (err_kind(err) == ERR_NOT_FOUND) {
		struct err *unknown = unknown_name(ev, n, err);

		err_free(err);
		return unknown;
	}
	return err;
}

/* Symbols do not move while a kernel lives; the stamp tells it from another at the same address. */
static struct err *cached_kernel_name(struct eval *ev, struct node *n, struct operand *ret)
{
	uint64_t stamp;

	if (!ev->kernel) {
		if (ev->context->coord)
			return eval_need_kernel(ev, n);
		return eval_error(ev, ERR_NOT_FOUND, n,
				  "unknown name `%s`, and no guest is running", n->text);
	}
	stamp = kernel_info(ev->kernel)->adopt_ns;
	if (n->cached_kernel != ev->kernel || n->cached_stamp != stamp) {
		ERR_TRY(kernel_name(ev, n, &n->cached_value));
		n->cached_kernel = ev->kernel;
		n->cached_stamp = stamp;
	}
	operand_set(ret, n->cached_value);
	return NULL;
}

struct err *eval_name(struct eval *ev, struct node *n, struct operand *ret)
{
	const struct word_row *word;
	bool found;

	ERR_TRY(row_name(ev, n, &found, ret));
	if (found)
		return NULL;
	word = find_word(n->text);
	if (word)
		return word->run(ev, n, ret);
	if (expr_function_find(n->text))
		return eval_error(ev, ERR_USAGE, n, "%s is a function: %s(...)", n->text, n->text);
	return cached_kernel_name(ev, n, ret);
}

/* A row may know variables of its own, `$arg0`. */
static struct err *row_variable(struct eval *ev, const struct node *n, bool *found, struct value *ret)
{
	char name[64];

	*found = false;
	if (!ev->context->name || strlen(n->text) > sizeof(name) - 2)
		return NULL;
	snprintf(name, sizeof(name), "$%s", n->text);
	return ev->context->name(ev->context->row, name, found, ret);
}

struct err *eval_variable(struct eval *ev, const struct node *n, struct operand *ret)
{
	struct value v;
	bool found;

	ERR_TRY(row_variable(ev, n, &found, &v));
	if (found) {
		operand_set(ret, v);
		return NULL;
	}
	if (!ev->context->session || !session_variable(ev->context->session, n->text, &v))
		return eval_error(ev, ERR_NOT_FOUND, n,
				  "no `$%s`: neither `let %s` nor a reply with that tag", n->text,
				  n->text);
	operand_set(ret, v);
	return NULL;
}
