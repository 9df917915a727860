/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions: C over the guest's types (SPEC section 4), parsed once and evaluated many times. One
 * evaluator serves print, expect, wait, until, let, filters and columns.
 *
 * Arithmetic is 64 bits wide. Whatever is narrower, signed or not, counts as signed 64 bits (as C
 * promotes to int); a 64-bit unsigned operand makes the result unsigned. `~` between two operands
 * matches a text against a POSIX extended regular expression.
 *
 * What a kernel lacks and what cannot be read are values, VALUE_ABSENT and VALUE_FAULT: they pass
 * through every operator, equal nothing, and are not true. struct expr_result says that one took part.
 *
 * Evaluation is bounded: text, depth, nodes, regular expressions. Nothing here lets guest time pass;
 * the caller holds the guest. Not responsible for printing results. Threads: one at a time for each
 * expression, which keeps look-up caches.
 */
#ifndef COMMANDS_EXPR_H
#define COMMANDS_EXPR_H

#include "base/err.h"
#include "base/str.h"
#include "coord/value.h"

#include <stdbool.h>

struct coord;
struct session;
struct expr;

#define EXPR_MAX_TEXT 4096  /* bytes of one expression */

/* ERR_USAGE: "column N: WHY", then the text and a caret on lines of their own. `text` is copied. */
struct err *expr_parse(const char *text, struct expr **ret) __attribute__((warn_unused_result));
void expr_destroy(struct expr *e); /* NULL is fine */
const char *expr_text(const struct expr *e);

/*
 * What an expression may refer to; any member may be NULL. `coord` gives the kernel and the functions
 * (task(), rq() ...), `session` what `$name` finds. Row filters and columns add names of their own,
 * which win over everything else: first `name` is asked, then the members of `self`.
 */
struct expr_context {
	struct session *session;
	struct coord *coord;
	struct kernel *kernel;      /* set when there is no coord (tests, dumps) */
	const struct value *self;   /* a struct or a pointer to one: `tasks where on_rq == 1` */
	/* Gives the value of a row's name; *found false when it is not one. */
	struct err *(*name)(void *row, const char *name, bool *found, struct value *ret);
	void *row;
};

/* The context of a session's commands: its coordinator (NULL before boot) and its variables. */
struct expr_context expr_session_context(struct session *s);

/* What took part in an evaluation and was not there. */
enum expr_missing {
	EXPR_COMPLETE,
	EXPR_ABSENT,    /* a member or facility that this kernel lacks */
	EXPR_FAULT,     /* a bad address */
	EXPR_GONE,      /* no such task, worker, cgroup or queue (now) */
};
struct expr_result {
	struct value value;
	enum expr_missing missing;
	char why[256];  /* one sentence when something was missing, else "" */
};

/* Errors: unknown names (ERR_NOT_FOUND, with near names), wrong kinds of operand (ERR_USAGE), each
 * with column and caret; no kernel; out of memory. Objects stay objects: value_load() reads them. */
struct err *expr_eval_result(const struct expr *e, const struct expr_context *c,
			     struct expr_result *ret) __attribute__((warn_unused_result));
struct err *expr_eval(const struct expr *e, const struct expr_context *c, struct value *ret)
	__attribute__((warn_unused_result));
/* Whether it is true; absent and fault are not. */
struct expr_test {
	bool holds;
	enum expr_missing missing;
	char why[256];  /* as in expr_result */
};
struct err *expr_test(const struct expr *e, const struct expr_context *c, struct expr_test *ret)
	__attribute__((warn_unused_result));
struct err *expr_true(const struct expr *e, const struct expr_context *c, bool *ret)
	__attribute__((warn_unused_result));

/* Why a false expression is false, for people: the first false operand of &&, and the values of both
 * sides of a comparison. "`a == b` is false: left 3, right 4". Evaluates again. */
struct err *expr_explain(const struct expr *e, const struct expr_context *c, struct str *s)
	__attribute__((warn_unused_result));

/* One value as the shortest text that a message needs: 3, "text", <absent>, <fault 0x10>. */
void expr_show_value(const struct expr_context *c, const struct value *v, struct str *s);

/* Evaluates and shows: structs with `depth` levels of nested ones, over several lines; a record (scx,
 * cpu(N), workers(CGROUP)) with all its members. */
struct err *expr_show(const struct expr *e, const struct expr_context *c, unsigned int depth,
		      struct str *s, struct expr_result *ret) __attribute__((warn_unused_result));

/* Names of functions and words of the language that start with `prefix`, for completion. */
void expr_words_each(const char *prefix, bool (*visit)(void *context, const char *word), void *context);

#endif
