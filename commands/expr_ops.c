/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operators on numbers and texts: matching, comparison, arithmetic. */
#include "commands/expr_internal.h"

#include "commands/match.h"

#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

static bool operand_is_text(const struct eval *ev, const struct operand *o)
{
	if (o->value.kind == VALUE_STRING)
		return true;
	return o->value.kind == VALUE_OBJECT && ev->kernel && o->value.type &&
	       value_is_text(ev->kernel, &o->value);
}

/* Whether a comparison is one of texts because of this side: char pointers alone compare as
 * numbers. */
static bool wants_text(const struct eval *ev, const struct operand *o)
{
	if (o->value.kind == VALUE_STRING)
		return true;
	return operand_is_text(ev, o) && types_kind(ev->types, o->value.type) == TYPE_ARRAY;
}

/* The text in *ret, which borrows from the operand or `buffer`; NULL when it lies at a bad address.
 */
static struct err *operand_text(struct eval *ev, const struct node *n, const struct operand *o,
				char *buffer, size_t size, const char **ret)
{
	struct err *err;

	*ret = o->long_text ? o->long_text : o->value.string;
	if (o->value.kind == VALUE_STRING)
		return NULL;
	err = value_text(ev->kernel, &o->value, buffer, size);
	*ret = buffer;
	if (err && err_kind(err) == ERR_FAULT) {
		struct value fault = {.kind = VALUE_FAULT, .address = err_address(err)};

		eval_note_value(ev, n, &fault);
		err_free(err);
		*ret = NULL;
		return NULL;
	}
	return eval_at_node(ev, n, err);
}

#define TEXT_MAX 1024

static struct err *compare_texts(struct eval *ev, const struct node *n, const struct operand *left,
				 const struct operand *right, bool *missing, int *ret)
{
	char left_buffer[TEXT_MAX], right_buffer[TEXT_MAX];
	const char *a, *b;

	ERR_TRY(operand_text(ev, n->child[0], left, left_buffer, sizeof(left_buffer), &a));
	ERR_TRY(operand_text(ev, n->child[1], right, right_buffer, sizeof(right_buffer), &b));
	*missing = !a || !b;
	*ret = *missing ? 0 : strcmp(a, b);
	return NULL;
}

/* ---- regular expressions ---- */

static struct err *compile_pattern(struct eval *ev, const struct node *n, const char *pattern,
				   regex_t **ret)
{
	const char *problem = match_pattern_problem(pattern);
	regex_t *regex;
	char why[128];
	int status;

	if (problem)
		return eval_error(ev, ERR_USAGE, n, "%s", problem);
	regex = malloc(sizeof(*regex));
	if (!regex)
		return err_nomem();
	status = regcomp(regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (status == 0) {
		*ret = regex;
		return NULL;
	}
	regerror(status, regex, why, sizeof(why));
	free(regex);
	return eval_error(ev, ERR_USAGE, n, "bad pattern: %s", why);
}

/* A literal's pattern is compiled once. */
static struct err *match_pattern(struct eval *ev, struct node *n, const char *text,
				 const char *pattern, bool *ret)
{
	regex_t *regex = n->regex;

	if (!regex)
		ERR_TRY(compile_pattern(ev, n, pattern, &regex));
	*ret = regexec(regex, text, 0, NULL, 0) == 0;
	if (n->kind == NODE_STRING) {
		n->regex = regex;
		return NULL;
	}
	regfree(regex);
	free(regex);
	return NULL;
}

struct err *eval_match(struct eval *ev, struct node *n, const struct operand *left,
		       const struct operand *right, struct operand *ret)
{
	char text_buffer[TEXT_MAX], pattern_buffer[EXPR_MAX_PATTERN + 2];
	const char *text, *pattern;
	bool matches = false;

	if (!operand_is_text(ev, left))
		return eval_error(ev, ERR_USAGE, n->child[0], "the left side of ~ is no text");
	if (!operand_is_text(ev, right))
		return eval_error(ev, ERR_USAGE, n->child[1], "the right side of ~ is no text");
	ERR_TRY(operand_text(ev, n->child[0], left, text_buffer, sizeof(text_buffer), &text));
	ERR_TRY(operand_text(ev, n->child[1], right, pattern_buffer, sizeof(pattern_buffer),
			     &pattern));
	if (text && pattern)
		ERR_TRY(match_pattern(ev, n->child[1], text, pattern, &matches));
	operand_set_bool(ret, matches);
	return NULL;
}

/* ---- comparison ---- */

static int order(uint64_t a, uint64_t b, bool is_unsigned)
{
	if (a == b)
		return 0;
	if (is_unsigned)
		return a < b ? -1 : 1;
	return (int64_t)a < (int64_t)b ? -1 : 1;
}

static bool holds(enum operator op, int cmp)
{
	switch (op) {
	case OP_EQUAL:
		return cmp == 0;
	case OP_NOT_EQUAL:
		return cmp != 0;
	case OP_LESS:
		return cmp < 0;
	case OP_LESS_EQUAL:
		return cmp <= 0;
	case OP_GREATER:
		return cmp > 0;
	default:
		return cmp >= 0;
	}
}

struct err *eval_compare(struct eval *ev, struct node *n, const struct operand *left,
			 const struct operand *right, struct operand *ret)
{
	struct value a, b;
	int cmp;

	if (wants_text(ev, left) || wants_text(ev, right)) {
		bool missing;

		if (!operand_is_text(ev, left) || !operand_is_text(ev, right))
			return eval_error(ev, ERR_USAGE, n,
					  "a text and a number cannot be compared");
		ERR_TRY(compare_texts(ev, n, left, right, &missing, &cmp));
		operand_set_bool(ret, missing ? n->op == OP_NOT_EQUAL : holds(n->op, cmp));
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n->child[0], left, &a));
	ERR_TRY(eval_scalar(ev, n->child[1], right, &b));
	if (value_is_missing(&a) || value_is_missing(&b)) {
		operand_set_bool(ret, n->op == OP_NOT_EQUAL);
		return NULL;
	}
	cmp = order(a.number, b.number,
		    eval_counts_unsigned(ev, &a) || eval_counts_unsigned(ev, &b));
	operand_set_bool(ret, holds(n->op, cmp));
	return NULL;
}

/* ---- arithmetic ---- */

static struct err *divide(struct eval *ev, const struct node *n, uint64_t a, uint64_t b,
			  bool is_unsigned, uint64_t *ret)
{
	bool modulo = n->op == OP_MODULO;

	if (b == 0)
		return eval_error(ev, ERR_USAGE, n, "division by zero");
	if (is_unsigned)
		*ret = modulo ? a % b : a / b;
	else if (b == UINT64_MAX) /* by -1, which overflows for the smallest number */
		*ret = modulo ? 0 : 0 - a;
	else
		*ret = (uint64_t)(modulo ? (int64_t)a % (int64_t)b : (int64_t)a / (int64_t)b);
	return NULL;
}

static struct err *shift(struct eval *ev, const struct node *n, uint64_t a, uint64_t b,
			 bool is_unsigned, uint64_t *ret)
{
	if (b > 63)
		return eval_error(ev, ERR_USAGE, n, "a shift must be by 0 to 63 bits");
	if (n->op == OP_LEFT)
		*ret = a << b;
	else
		*ret = is_unsigned ? a >> b : (uint64_t)((int64_t)a >> b);
	return NULL;
}

static struct err *calculate(struct eval *ev, const struct node *n, uint64_t a, uint64_t b,
			     bool is_unsigned, uint64_t *ret)
{
	switch (n->op) {
	case OP_MULTIPLY:
		*ret = a * b;
		return NULL;
	case OP_DIVIDE:
	case OP_MODULO:
		return divide(ev, n, a, b, is_unsigned, ret);
	case OP_ADD:
		*ret = a + b;
		return NULL;
	case OP_SUBTRACT:
		*ret = a - b;
		return NULL;
	case OP_AND:
		*ret = a & b;
		return NULL;
	case OP_XOR:
		*ret = a ^ b;
		return NULL;
	default:
		*ret = a | b;
		return NULL;
	}
}

/* How far a pointer moves by 1: bytes where the size is not known, as for void. 0: no pointer. */
static uint64_t stride(const struct eval *ev, const struct value *v)
{
	uint64_t size;

	if (v->type == 0 || !ev->types || types_kind(ev->types, v->type) != TYPE_POINTER)
		return 0;
	size = types_size(ev->types, types_target(ev->types, v->type));
	return size ? size : 1;
}

/* pointer + n, n + pointer, pointer - n and pointer - pointer count in elements. */
static bool pointer_arithmetic(struct eval *ev, const struct node *n, const struct value *a,
			       const struct value *b, struct value *ret)
{
	uint64_t left = stride(ev, a), right = stride(ev, b);

	if (n->op == OP_SUBTRACT && left && right) {
		*ret = value_number((int64_t)(a->number - b->number) / (int64_t)left);
		return true;
	}
	if (n->op == OP_SUBTRACT && left) {
		*ret = *a;
		ret->number -= b->number * left;
		return true;
	}
	if (n->op != OP_ADD || !left == !right)
		return false;
	*ret = left ? *a : *b;
	ret->number += left ? b->number * left : a->number * right;
	return true;
}

/* `array` decays to a typed pointer so that array + 1 is the second element. */
static struct err *arithmetic_operand(struct eval *ev, struct node *n, const struct operand *o,
				      struct value *ret)
{
	if (o->value.kind == VALUE_OBJECT && ev->types && o->value.type &&
	    types_kind(ev->types, o->value.type) == TYPE_ARRAY)
		return eval_address_of(ev, &o->value, types_target(ev->types, o->value.type), ret);
	return eval_scalar(ev, n, o, ret);
}

struct err *eval_arithmetic(struct eval *ev, struct node *n, const struct operand *left,
			    const struct operand *right, struct operand *ret)
{
	struct value a, b, result;
	bool is_unsigned;
	uint64_t number;

	ERR_TRY(arithmetic_operand(ev, n->child[0], left, &a));
	ERR_TRY(arithmetic_operand(ev, n->child[1], right, &b));
	if (value_is_missing(&a) || value_is_missing(&b)) {
		operand_set(ret, value_is_missing(&a) ? a : b);
		return NULL;
	}
	if (pointer_arithmetic(ev, n, &a, &b, &result)) {
		operand_set(ret, result);
		return NULL;
	}
	is_unsigned = eval_counts_unsigned(ev, &a);
	if (n->op == OP_LEFT || n->op == OP_RIGHT) {
		ERR_TRY(shift(ev, n, a.number, b.number, is_unsigned, &number));
	} else {
		is_unsigned |= eval_counts_unsigned(ev, &b);
		ERR_TRY(calculate(ev, n, a.number, b.number, is_unsigned, &number));
	}
	operand_set(ret, eval_plain(number, is_unsigned));
	return NULL;
}
