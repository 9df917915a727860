/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/expr_internal.h"

#include "commands/session.h"
#include "coord/coord.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values that are missing ---- */

void eval_missing(struct eval *ev, enum expr_missing missing, const char *fmt, ...)
{
	va_list ap;

	if (ev->missing != EXPR_COMPLETE)
		return;
	ev->missing = missing;
	va_start(ap, fmt);
	vsnprintf(ev->why, sizeof(ev->why), fmt, ap);
	va_end(ap);
}

bool value_is_missing(const struct value *v)
{
	return v->kind == VALUE_ABSENT || v->kind == VALUE_FAULT;
}

/* A member that no kernel of this one's kind has is a misspelt one. */
static void note_absent(struct eval *ev, const struct node *n, const struct value *v)
{
	struct str text = {0};
	const char *near = NULL;

	if (ev->kernel && v->type) {
		value_absent_text(ev->kernel, v, &text);
		near = strstr(str_text(&text), "; near: ");
	}
	eval_missing(ev, EXPR_ABSENT, "this kernel has no `%.*s`%s", (int)(n->end - n->start),
		     ev->expr->text + n->start, near ? near : "");
	str_deinit(&text);
}

/* Notes a value that came up missing at `n`. */
void eval_note_value(struct eval *ev, const struct node *n, const struct value *v)
{
	int len = (int)(n->end - n->start);

	if (v->kind == VALUE_FAULT)
		eval_missing(ev, EXPR_FAULT, "`%.*s` lies at a bad address, 0x%" PRIx64, len,
			     ev->expr->text + n->start, v->address);
	else if (v->kind == VALUE_ABSENT)
		note_absent(ev, n, v);
}

struct err *eval_at_node(struct eval *ev, const struct node *n, struct err *err)
{
	struct err *placed;

	if (!err || err_kind(err) == ERR_NOMEM)
		return err;
	placed = eval_error(ev, err_kind(err), n, "%s", err_detail(err));
	err_free(err);
	return placed;
}

/* ---- operands ---- */

void operand_set(struct operand *o, struct value v)
{
	*o = (struct operand){.value = v};
}

void operand_set_bool(struct operand *o, bool b)
{
	operand_set(o, value_number(b));
}

struct source *eval_source(const struct eval *ev)
{
	return ev->context->session ? session_source(ev->context->session) : NULL;
}

struct err *eval_need_kernel(struct eval *ev, const struct node *n)
{
	if (ev->kernel)
		return NULL;
	return eval_error(ev, ev->kernel_error ? err_kind(ev->kernel_error) : ERR_NOT_FOUND, n,
			  "%s",
			  ev->kernel_error ? err_detail(ev->kernel_error) : "no guest is running");
}

static struct err *no_number(struct eval *ev, const struct node *n, const char *what)
{
	return eval_error(ev, ERR_USAGE, n, "%s is no number", what);
}

static struct err *load_object(struct eval *ev, const struct node *n, const struct value *v,
			       struct value *ret)
{
	enum type_kind kind = types_kind(ev->types, v->type);

	if (kind == TYPE_ARRAY) {
		/* As in C, an array counts as the address of its first element. */
		*ret = value_unsigned(v->address);
		return NULL;
	}
	if (kind == TYPE_STRUCT || kind == TYPE_UNION)
		return no_number(ev, n, "a struct");
	return eval_at_node(ev, n, value_load(ev->kernel, v, ret));
}

struct err *eval_scalar(struct eval *ev, const struct node *n, const struct operand *o,
			struct value *ret)
{
	if (o->record != RECORD_NONE)
		return no_number(ev, n, "a record");
	switch (o->value.kind) {
	case VALUE_STRING:
		return no_number(ev, n, "a text");
	case VALUE_OBJECT:
		ERR_TRY(load_object(ev, n, &o->value, ret));
		eval_note_value(ev, n, ret);
		return NULL;
	default:
		*ret = o->value;
		return NULL;
	}
}

struct err *eval_number(struct eval *ev, struct node *n, struct value *ret)
{
	struct operand o;

	ERR_TRY(eval_node(ev, n, &o));
	return eval_scalar(ev, n, &o, ret);
}

/* The type that a number points to; 0 when it is no typed pointer. */
uint32_t eval_pointee(const struct eval *ev, const struct value *v)
{
	if (v->type == 0 || !ev->types || types_kind(ev->types, v->type) != TYPE_POINTER)
		return 0;
	return types_target(ev->types, v->type);
}

/* Promotion: only 64-bit unsigned operands count as unsigned. */
bool eval_counts_unsigned(const struct eval *ev, const struct value *v)
{
	if (v->type == 0 || !ev->types)
		return v->is_unsigned;
	if (types_kind(ev->types, v->type) == TYPE_POINTER)
		return true;
	return types_size(ev->types, v->type) == 8 && !types_signed(ev->types, v->type);
}

struct value eval_plain(uint64_t number, bool is_unsigned)
{
	return is_unsigned ? value_unsigned(number) : value_number((int64_t)number);
}

/* ---- logic ---- */

/* Truth: a number that is not 0, a text that is not empty. Missing values pass through. */
struct err *eval_truth(struct eval *ev, struct node *n, const struct operand *o, struct value *ret)
{
	if (o->record == RECORD_NONE && o->value.kind == VALUE_STRING) {
		*ret = value_number(o->value.string[0] != '\0');
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n, o, ret));
	if (!value_is_missing(ret))
		*ret = value_number(ret->number != 0);
	return NULL;
}

static struct err *eval_logic(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand side;
	struct value truth;

	for (unsigned int i = 0; i < 2; i++) {
		ERR_TRY(eval_node(ev, n->child[i], &side));
		ERR_TRY(eval_truth(ev, n->child[i], &side, &truth));
		if (value_is_missing(&truth) || (truth.number != 0) == (n->op == OP_OR_OR))
			break;
	}
	operand_set(ret, truth);
	return NULL;
}

static struct err *eval_binary(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand left, right;

	if (n->op == OP_AND_AND || n->op == OP_OR_OR)
		return eval_logic(ev, n, ret);
	ERR_TRY(eval_node(ev, n->child[0], &left));
	ERR_TRY(eval_node(ev, n->child[1], &right));
	if (n->op == OP_TILDE &&
	    (value_is_missing(&left.value) || value_is_missing(&right.value))) {
		operand_set_bool(ret, false);
		return NULL;
	}
	switch (n->op) {
	case OP_TILDE:
		return eval_match(ev, n, &left, &right, ret);
	case OP_EQUAL:
	case OP_NOT_EQUAL:
	case OP_LESS:
	case OP_LESS_EQUAL:
	case OP_GREATER:
	case OP_GREATER_EQUAL:
		if (value_is_missing(&left.value) || value_is_missing(&right.value)) {
			operand_set_bool(ret, n->op == OP_NOT_EQUAL);
			return NULL;
		}
		return eval_compare(ev, n, &left, &right, ret);
	default:
		return eval_arithmetic(ev, n, &left, &right, ret);
	}
}

static struct err *eval_unary(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;
	struct value v;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	if (n->op == OP_NOT) {
		ERR_TRY(eval_truth(ev, n->child[0], &o, &v));
		operand_set(ret, value_is_missing(&v) ? v : value_number(v.number == 0));
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n->child[0], &o, &v));
	if (!value_is_missing(&v)) {
		uint64_t number = n->op == OP_SUBTRACT ? 0 - v.number
				  : n->op == OP_TILDE  ? ~v.number
						       : v.number;

		v = eval_plain(number, eval_counts_unsigned(ev, &v));
	}
	operand_set(ret, v);
	return NULL;
}

static struct err *eval_conditional(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand condition;
	struct value truth;

	ERR_TRY(eval_node(ev, n->child[0], &condition));
	ERR_TRY(eval_truth(ev, n->child[0], &condition, &truth));
	if (value_is_missing(&truth)) {
		operand_set(ret, truth);
		return NULL;
	}
	return eval_node(ev, n->child[truth.number ? 1 : 2], ret);
}

/* ---- the rest of the tree ---- */

static struct err *eval_call(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand args[EXPR_MAX_ARGS];

	for (unsigned int i = 0; i < n->child_count; i++) {
		ERR_TRY(eval_node(ev, n->child[i], &args[i]));
		if (args[i].record == RECORD_NONE && value_is_missing(&args[i].value)) {
			operand_set(ret, args[i].value);
			return NULL;
		}
	}
	return n->function->run(ev, n, args, n->child_count, ret);
}

static struct err *eval_kind(struct eval *ev, struct node *n, struct operand *ret)
{
	switch (n->kind) {
	case NODE_NUMBER:
		operand_set(ret, eval_plain(n->number, n->is_unsigned));
		return NULL;
	case NODE_STRING:
		operand_set(ret, value_string(n->text));
		return NULL;
	case NODE_NAME:
		return eval_name(ev, n, ret);
	case NODE_VARIABLE:
		return eval_variable(ev, n, ret);
	case NODE_CALL:
		return eval_call(ev, n, ret);
	case NODE_MEMBER:
		return eval_member(ev, n, ret);
	case NODE_INDEX:
		return eval_index(ev, n, ret);
	case NODE_DEREF:
		return eval_deref(ev, n, ret);
	case NODE_ADDRESS:
		return eval_address(ev, n, ret);
	case NODE_UNARY:
		return eval_unary(ev, n, ret);
	case NODE_CAST:
		return eval_cast(ev, n, ret);
	case NODE_SIZEOF:
		return eval_sizeof(ev, n, ret);
	case NODE_SIZEOF_TYPE:
		return eval_sizeof_type(ev, n, n->text, ret);
	case NODE_BINARY:
		return eval_binary(ev, n, ret);
	default:
		return eval_conditional(ev, n, ret);
	}
}

/* The innermost part that is missing is the one that is told about. */
struct err *eval_node(struct eval *ev, struct node *n, struct operand *ret)
{
	ERR_TRY(eval_kind(ev, n, ret));
	if (ret->record == RECORD_NONE)
		eval_note_value(ev, n, &ret->value);
	return NULL;
}

/* ---- the outside ---- */

struct expr_context expr_session_context(struct session *s)
{
	return (struct expr_context){.session = s, .coord = session_coord(s)};
}

void eval_init(struct eval *ev, const struct expr *e, const struct expr_context *c)
{
	*ev = (struct eval){.expr = e, .context = c, .kernel = c->kernel};
	if (!ev->kernel && c->coord)
		ev->kernel_error = coord_kernel(c->coord, &ev->kernel);
	if (ev->kernel)
		ev->types = kernel_types(ev->kernel);
}

void eval_deinit(struct eval *ev)
{
	err_free(ev->kernel_error);
	free(ev->console);
}

/* A record has no value of its own; shown, it is the list of its members. */
struct err *eval_finish(struct eval *ev, const struct operand *o, struct value *ret)
{
	struct str s = {0};
	struct err *err;

	if (o->record == RECORD_NONE) {
		*ret = o->value;
		return NULL;
	}
	err = eval_record_text(ev, o, &s);
	if (!err)
		err = str_error(&s);
	if (!err)
		*ret = value_string(str_text(&s));
	str_deinit(&s);
	return err;
}

void eval_result(const struct eval *ev, const struct value *v, struct expr_result *ret)
{
	*ret = (struct expr_result){.value = *v, .missing = ev->missing};
	memcpy(ret->why, ev->why, sizeof(ret->why));
}

struct err *expr_eval_result(const struct expr *e, const struct expr_context *c,
			     struct expr_result *ret)
{
	struct operand o;
	struct eval ev;
	struct value v;
	struct err *err;

	eval_init(&ev, e, c);
	err = eval_node(&ev, e->root, &o);
	if (!err)
		err = eval_finish(&ev, &o, &v);
	if (!err)
		eval_result(&ev, &v, ret);
	eval_deinit(&ev);
	return err;
}

struct err *expr_eval(const struct expr *e, const struct expr_context *c, struct value *ret)
{
	struct expr_result result;

	ERR_TRY(expr_eval_result(e, c, &result));
	*ret = result.value;
	return NULL;
}

struct err *expr_test(const struct expr *e, const struct expr_context *c, struct expr_test *ret)
{
	struct operand o;
	struct eval ev;
	struct value truth;
	struct err *err;

	eval_init(&ev, e, c);
	err = eval_node(&ev, e->root, &o);
	if (!err)
		err = eval_truth(&ev, e->root, &o, &truth);
	if (!err) {
		*ret = (struct expr_test){.holds = !value_is_missing(&truth) && truth.number != 0,
					  .missing = ev.missing};
		memcpy(ret->why, ev.why, sizeof(ret->why));
	}
	eval_deinit(&ev);
	return err;
}

struct err *expr_true(const struct expr *e, const struct expr_context *c, bool *ret)
{
	struct expr_test test;

	ERR_TRY(expr_test(e, c, &test));
	*ret = test.holds;
	return NULL;
}
