/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values and verdicts in words. */
#include "commands/expr_internal.h"

#include "coord/coord.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN_TEXT 1024 /* bytes of a text that a message shows */

/* ---- shown ---- */

static void show_text(const char *text, struct str *s)
{
	str_add_c(s, '"');
	str_add_clean(s, text, SHOWN_TEXT);
	str_add_c(s, '"');
}

void expr_show_value(const struct expr_context *c, const struct value *v, struct str *s)
{
	struct kernel *kernel = c->kernel;

	if (!kernel && c->coord)
		err_free(coord_kernel(c->coord, &kernel));
	switch (v->kind) {
	case VALUE_STRING:
		show_text(v->string, s);
		return;
	case VALUE_ABSENT:
		str_add(s, "<absent>");
		return;
	case VALUE_FAULT:
		str_addf(s, "<fault 0x%" PRIx64 ">", v->address);
		return;
	case VALUE_NUMBER:
		if (v->type && kernel)
			value_format(kernel, v, 0, s);
		else if (v->is_unsigned)
			str_addf(s, "%" PRIu64, v->number);
		else
			str_addf(s, "%" PRId64, (int64_t)v->number);
		return;
	case VALUE_OBJECT:
		if (kernel)
			value_format(kernel, v, 0, s);
		return;
	}
}

static struct err *show_operand(struct eval *ev, const struct operand *o, unsigned int depth,
				struct value *v, struct str *s)
{
	ERR_TRY(eval_finish(ev, o, v));
	if (o->record != RECORD_NONE)
		return eval_record_text(ev, o, s);
	if (v->kind == VALUE_OBJECT)
		value_format(ev->kernel, v, depth, s);
	else
		expr_show_value(ev->context, v, s);
	return NULL;
}

struct err *expr_show(const struct expr *e, const struct expr_context *c, unsigned int depth,
		      struct str *s, struct expr_result *ret)
{
	struct operand o;
	struct eval ev;
	struct value v;
	struct err *err;

	eval_init(&ev, e, c);
	err = eval_node(&ev, e->root, &o);
	if (!err)
		err = show_operand(&ev, &o, depth, &v, s);
	if (!err)
		err = str_error(s);
	if (!err)
		eval_result(&ev, &v, ret);
	eval_deinit(&ev);
	return err;
}

/* ---- explanations ---- */

static struct err *show_node(struct eval *ev, struct node *n, struct str *s)
{
	struct operand o;
	struct value v;

	ERR_TRY(eval_node(ev, n, &o));
	if (o.long_text) {
		str_addf(s, "a text of %zu bytes", strlen(o.long_text));
		return NULL;
	}
	ERR_TRY(eval_finish(ev, &o, &v));
	expr_show_value(ev->context, &v, s);
	return NULL;
}

/* The first operand of && that is not true. */
static struct err *culprit(struct eval *ev, struct node *n, struct node **ret)
{
	while (n->kind == NODE_BINARY && n->op == OP_AND_AND) {
		struct operand o;
		struct value truth;

		ERR_TRY(eval_node(ev, n->child[0], &o));
		ERR_TRY(eval_truth(ev, n->child[0], &o, &truth));
		n = n->child[!value_is_missing(&truth) && truth.number ? 1 : 0];
	}
	*ret = n;
	return NULL;
}

static bool is_comparison(const struct node *n)
{
	return n->kind == NODE_BINARY &&
	       (n->op == OP_TILDE || (n->op >= OP_LESS && n->op <= OP_NOT_EQUAL));
}

static struct err *explain(struct eval *ev, struct str *s)
{
	struct node *n;

	ERR_TRY(culprit(ev, ev->expr->root, &n));
	str_add_c(s, '`');
	str_add_clean(s, ev->expr->text + n->start, n->end - n->start);
	str_add(s, "` is false");
	if (!is_comparison(n)) {
		str_add(s, ": it is ");
		return show_node(ev, n, s);
	}
	str_add(s, ": left ");
	ERR_TRY(show_node(ev, n->child[0], s));
	str_add(s, ", right ");
	return show_node(ev, n->child[1], s);
}

struct err *expr_explain(const struct expr *e, const struct expr_context *c, struct str *s)
{
	struct eval ev;
	struct err *err;

	eval_init(&ev, e, c);
	err = explain(&ev, s);
	eval_deinit(&ev);
	return err ? err : str_error(s);
}
