/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/expr_internal.h"

#include <stdlib.h>
#include <string.h>

struct parser {
	struct lexer lexer;
	struct expr *expr;
	unsigned int depth;
};

static struct err *parse_expression(struct parser *p, struct node **ret);
static struct err *parse_unary(struct parser *p, struct node **ret);

static struct err *error_here(struct parser *p, const char *why)
{
	return expr_error(ERR_USAGE, p->lexer.text, p->lexer.token.column, "%s", why);
}

static bool at_operator(const struct parser *p, enum operator op)
{
	return p->lexer.token.kind == TOKEN_OPERATOR && p->lexer.token.op == op;
}

static struct err *expect_operator(struct parser *p, enum operator op, const char *where)
{
	if (!at_operator(p, op))
		return expr_error(ERR_USAGE, p->lexer.text, p->lexer.token.column,
				  "`%s` is missing %s", operator_text(op), where);
	return lexer_next(&p->lexer);
}

/* A node at the current token, owned by the expression. */
static struct err *new_node(struct parser *p, enum node_kind kind, struct node **ret)
{
	struct node *n;

	if (p->expr->node_count == EXPR_MAX_NODES)
		return error_here(p, "the expression has too many parts");
	n = calloc(1, sizeof(*n));
	if (!n)
		return err_nomem();
	n->kind = kind;
	n->column = n->start = p->lexer.token.column;
	n->end = p->lexer.token.end;
	n->next = p->expr->nodes;
	p->expr->nodes = n;
	p->expr->node_count++;
	*ret = n;
	return NULL;
}

static void add_child(struct node *n, struct node *child)
{
	n->child[n->child_count++] = child;
	if (child->start < n->start)
		n->start = child->start;
	if (child->end > n->end)
		n->end = child->end;
}

static struct err *set_text(struct node *n, const char *text)
{
	n->text = strdup(text);
	return n->text ? NULL : err_nomem();
}

/* ---- types ---- */

static const char *const type_keywords[] = {
	"struct", "union", "enum",  "const",  "volatile", "unsigned", "signed",	   "int",   "char",
	"long",	  "short", "void",  "bool",   "_Bool",	  "u8",	      "u16",	   "u32",   "u64",
	"s8",	  "s16",   "s32",   "s64",    "__u8",	  "__u16",    "__u32",	   "__u64", "__s8",
	"__s16",  "__s32", "__s64", "size_t", "ssize_t",  "pid_t",    "uintptr_t",
};

static bool is_type_keyword(const char *name)
{
	for (size_t i = 0; i < sizeof(type_keywords) / sizeof(type_keywords[0]); i++)
		if (strcmp(type_keywords[i], name) == 0)
			return true;
	return false;
}

/* Whether the current token can only begin an operand, so that `(name) token` is a cast. */
static bool begins_operand(const struct parser *p)
{
	const struct token *t = &p->lexer.token;

	if (t->kind == TOKEN_OPERATOR)
		return t->op == OP_OPEN || t->op == OP_NOT;
	return t->kind != TOKEN_END;
}

/* Words of a type, stars and an array's length, up to `)`. False when it cannot be one. */
static struct err *scan_type(struct parser *p, struct str *s, bool *certain, bool *ret)
{
	unsigned int words = 0, stars = 0;

	*certain = *ret = false;
	while (p->lexer.token.kind == TOKEN_NAME) {
		*certain |= is_type_keyword(p->lexer.token.text);
		str_addf(s, "%s%s", words++ ? " " : "", p->lexer.token.text);
		ERR_TRY(lexer_next(&p->lexer));
	}
	if (words == 0 || (words > 1 && !*certain))
		return NULL;
	while (at_operator(p, OP_MULTIPLY)) {
		str_add(s, stars++ ? "*" : " *");
		ERR_TRY(lexer_next(&p->lexer));
	}
	if (at_operator(p, OP_INDEX) && *certain) {
		ERR_TRY(lexer_next(&p->lexer));
		if (p->lexer.token.kind != TOKEN_NUMBER)
			return error_here(p, "an array type needs its length");
		str_addf(s, " [%llu]", (unsigned long long)p->lexer.token.number);
		ERR_TRY(lexer_next(&p->lexer));
		ERR_TRY(expect_operator(p, OP_INDEX_END, "after the array's length"));
	}
	*certain |= stars > 0;
	*ret = at_operator(p, OP_CLOSE);
	return NULL;
}

/*
 * With `(` as the current token: "(TYPE)" is consumed and named in `type`; otherwise nothing is
 * consumed and *ret is false. A lone word in brackets is a type only where no operator can follow
 * it, since
 * `(a) - b` must stay a subtraction.
 */
static struct err *try_type(struct parser *p, bool lone_word, struct str *type, bool *ret)
{
	struct lexer saved = p->lexer;
	bool certain, closed;
	struct err *err;

	*ret = false;
	ERR_TRY(lexer_next(&p->lexer));
	err = scan_type(p, type, &certain, &closed);
	if (!err && closed)
		err = lexer_next(&p->lexer);
	if (!err && closed && (certain || (lone_word && begins_operand(p)))) {
		*ret = true;
		return str_error(type);
	}
	if (!err && certain && !closed)
		err = error_here(p, "`)` is missing after the type");
	/* An error in what follows comes up again when it is read as an expression. */
	if (err && certain)
		return err;
	err_free(err);
	p->lexer = saved;
	str_clear(type);
	return NULL;
}

/* ---- operands ---- */

static struct err *parse_number(struct parser *p, struct node **ret)
{
	ERR_TRY(new_node(p, NODE_NUMBER, ret));
	(*ret)->number = p->lexer.token.number;
	(*ret)->is_unsigned = p->lexer.token.is_unsigned;
	return lexer_next(&p->lexer);
}

static struct err *parse_text(struct parser *p, enum node_kind kind, struct node **ret)
{
	ERR_TRY(new_node(p, kind, ret));
	ERR_TRY(set_text(*ret, p->lexer.token.text));
	return lexer_next(&p->lexer);
}

/* One argument; the lexer stands at the `(` or `,` before it. */
static struct err *parse_argument(struct parser *p, char letter, struct node **ret)
{
	if (letter == 'n') {
		ERR_TRY(lexer_next(&p->lexer));
		return parse_expression(p, ret);
	}
	ERR_TRY(lexer_next_word(&p->lexer));
	if (p->lexer.token.kind == TOKEN_VARIABLE)
		return parse_text(p, NODE_VARIABLE, ret);
	return parse_text(p, NODE_STRING, ret);
}

static struct err *argument_count_error(const struct parser *p, const struct node *n)
{
	return expr_error(ERR_USAGE, p->lexer.text, n->column, "%s() takes %s", n->text,
			  strcmp(n->function->signature, "w|n") == 0 ? "one or two arguments"
			  : strlen(n->function->signature) == 1	     ? "one argument"
								     : "two arguments");
}

/* NAME was consumed and is a function's; the lexer stands at `(`. */
static struct err *parse_call(struct parser *p, struct node *n)
{
	const char *signature = n->function->signature;
	bool optional = false;

	for (; *signature; signature++) {
		struct node *argument;

		if (*signature == '|') {
			optional = true;
			continue;
		}
		if (!at_operator(p, n->child_count ? OP_COMMA : OP_OPEN)) {
			if (optional)
				break;
			return argument_count_error(p, n);
		}
		ERR_TRY(parse_argument(p, *signature, &argument));
		add_child(n, argument);
	}
	if (at_operator(p, OP_COMMA))
		return argument_count_error(p, n);
	n->end = p->lexer.token.end;
	return expect_operator(p, OP_CLOSE, "after the arguments");
}

static struct err *unknown_function(struct parser *p, const struct node *n)
{
	struct str near = {0};
	struct nearest nearest;
	struct err *err;

	nearest_init(&nearest, n->text);
	for (const struct expr_function *f = expr_functions; f->name; f++)
		nearest_offer(&nearest, f->name);
	nearest_add(&nearest, &near);
	err = expr_error(ERR_NOT_FOUND, p->lexer.text, n->column, "no function %s()%s", n->text,
			 str_text(&near));
	str_deinit(&near);
	return err;
}

static struct err *parse_name(struct parser *p, struct node **ret)
{
	struct node *n;

	ERR_TRY(parse_text(p, NODE_NAME, &n));
	*ret = n;
	if (!at_operator(p, OP_OPEN))
		return NULL;
	n->function = expr_function_find(n->text);
	if (!n->function)
		return unknown_function(p, n);
	n->kind = NODE_CALL;
	return parse_call(p, n);
}

static struct err *parse_brackets(struct parser *p, struct node **ret)
{
	size_t start = p->lexer.token.column;

	ERR_TRY(lexer_next(&p->lexer));
	ERR_TRY(parse_expression(p, ret));
	if (at_operator(p, OP_CLOSE)) {
		(*ret)->start = start;
		(*ret)->end = p->lexer.token.end;
	}
	return expect_operator(p, OP_CLOSE, "here");
}

static struct err *parse_primary(struct parser *p, struct node **ret)
{
	switch (p->lexer.token.kind) {
	case TOKEN_NUMBER:
		return parse_number(p, ret);
	case TOKEN_STRING:
		return parse_text(p, NODE_STRING, ret);
	case TOKEN_VARIABLE:
		return parse_text(p, NODE_VARIABLE, ret);
	case TOKEN_NAME:
		return parse_name(p, ret);
	case TOKEN_END:
		return error_here(p, "an operand is missing at the end");
	default:
		if (at_operator(p, OP_OPEN))
			return parse_brackets(p, ret);
		return error_here(p, "an operand is missing here");
	}
}

static struct err *parse_member(struct parser *p, struct node **operand)
{
	struct node *n;

	ERR_TRY(lexer_next(&p->lexer));
	if (p->lexer.token.kind != TOKEN_NAME)
		return error_here(p, "a member's name is missing here");
	ERR_TRY(parse_text(p, NODE_MEMBER, &n));
	add_child(n, *operand);
	*operand = n;
	return NULL;
}

static struct err *parse_index(struct parser *p, struct node **operand)
{
	struct node *n, *index;

	ERR_TRY(new_node(p, NODE_INDEX, &n));
	add_child(n, *operand);
	ERR_TRY(lexer_next(&p->lexer));
	ERR_TRY(parse_expression(p, &index));
	add_child(n, index);
	n->end = p->lexer.token.end;
	*operand = n;
	return expect_operator(p, OP_INDEX_END, "after the index");
}

static struct err *parse_postfix(struct parser *p, struct node **ret)
{
	ERR_TRY(parse_primary(p, ret));
	for (;;) {
		if (at_operator(p, OP_DOT) || at_operator(p, OP_ARROW))
			ERR_TRY(parse_member(p, ret));
		else if (at_operator(p, OP_INDEX))
			ERR_TRY(parse_index(p, ret));
		else
			return NULL;
	}
}

static struct err *parse_prefix(struct parser *p, enum node_kind kind, struct node **ret)
{
	struct node *n, *operand;

	ERR_TRY(new_node(p, kind, &n));
	n->op = p->lexer.token.op;
	ERR_TRY(lexer_next(&p->lexer));
	ERR_TRY(parse_unary(p, &operand));
	add_child(n, operand);
	*ret = n;
	return NULL;
}

/* `sizeof` was read: a type in brackets, or an operand, which may turn out to be a type's name. */
static struct err *parse_sizeof(struct parser *p, struct node **ret)
{
	struct str type = {0};
	struct node *n, *operand;
	struct err *err = NULL;
	bool is_type = false;

	ERR_TRY(new_node(p, NODE_SIZEOF, &n));
	ERR_TRY(lexer_next(&p->lexer));
	if (at_operator(p, OP_OPEN))
		err = try_type(p, false, &type, &is_type);
	if (!err && is_type) {
		n->kind = NODE_SIZEOF_TYPE;
		err = set_text(n, str_text(&type));
	}
	str_deinit(&type);
	*ret = n;
	if (err || is_type)
		return err;
	ERR_TRY(parse_unary(p, &operand));
	add_child(n, operand);
	return NULL;
}

/* `(`: a cast, or an expression in brackets. */
static struct err *parse_cast(struct parser *p, struct node **ret)
{
	struct str type = {0};
	struct node *n = NULL, *operand;
	bool is_type = false;
	struct err *err;
	size_t column = p->lexer.token.column;

	err = try_type(p, true, &type, &is_type);
	if (!err && is_type)
		err = new_node(p, NODE_CAST, &n);
	if (!err && is_type)
		err = set_text(n, str_text(&type));
	str_deinit(&type);
	if (err)
		return err;
	if (!is_type)
		return parse_postfix(p, ret);
	n->column = n->start = column;
	ERR_TRY(parse_unary(p, &operand));
	add_child(n, operand);
	*ret = n;
	return NULL;
}

static struct err *parse_unary_operator(struct parser *p, struct node **ret)
{
	if (p->lexer.token.kind == TOKEN_NAME && strcmp(p->lexer.token.text, "sizeof") == 0)
		return parse_sizeof(p, ret);
	if (p->lexer.token.kind != TOKEN_OPERATOR)
		return parse_postfix(p, ret);
	switch (p->lexer.token.op) {
	case OP_MULTIPLY:
		return parse_prefix(p, NODE_DEREF, ret);
	case OP_AND:
		return parse_prefix(p, NODE_ADDRESS, ret);
	case OP_SUBTRACT:
	case OP_ADD:
	case OP_NOT:
	case OP_TILDE:
		return parse_prefix(p, NODE_UNARY, ret);
	case OP_OPEN:
		return parse_cast(p, ret);
	default:
		return parse_postfix(p, ret);
	}
}

static struct err *parse_unary(struct parser *p, struct node **ret)
{
	struct err *err;

	if (p->depth == EXPR_MAX_DEPTH)
		return error_here(p, "the expression is nested too deeply");
	p->depth++;
	err = parse_unary_operator(p, ret);
	p->depth--;
	return err;
}

/* ---- operators ---- */

/* How tightly a binary operator binds, 0 for what is none; C's order, `~` beside ==. */
static unsigned int precedence(const struct parser *p)
{
	if (p->lexer.token.kind != TOKEN_OPERATOR)
		return 0;
	switch (p->lexer.token.op) {
	case OP_OR_OR:
		return 1;
	case OP_AND_AND:
		return 2;
	case OP_OR:
		return 3;
	case OP_XOR:
		return 4;
	case OP_AND:
		return 5;
	case OP_EQUAL:
	case OP_NOT_EQUAL:
	case OP_TILDE:
		return 6;
	case OP_LESS:
	case OP_LESS_EQUAL:
	case OP_GREATER:
	case OP_GREATER_EQUAL:
		return 7;
	case OP_LEFT:
	case OP_RIGHT:
		return 8;
	case OP_ADD:
	case OP_SUBTRACT:
		return 9;
	case OP_MULTIPLY:
	case OP_DIVIDE:
	case OP_MODULO:
		return 10;
	default:
		return 0;
	}
}

static struct err *parse_binary(struct parser *p, unsigned int at_least, struct node **ret)
{
	struct node *left, *right, *n;
	unsigned int binds;

	ERR_TRY(parse_unary(p, &left));
	while ((binds = precedence(p)) >= at_least && binds > 0) {
		ERR_TRY(new_node(p, NODE_BINARY, &n));
		n->op = p->lexer.token.op;
		ERR_TRY(lexer_next(&p->lexer));
		ERR_TRY(parse_binary(p, binds + 1, &right));
		add_child(n, left);
		add_child(n, right);
		left = n;
	}
	*ret = left;
	return NULL;
}

static struct err *parse_conditional(struct parser *p, struct node **ret)
{
	struct node *condition, *n, *branch;

	ERR_TRY(parse_binary(p, 1, &condition));
	if (!at_operator(p, OP_QUESTION)) {
		*ret = condition;
		return NULL;
	}
	ERR_TRY(new_node(p, NODE_CONDITIONAL, &n));
	add_child(n, condition);
	ERR_TRY(lexer_next(&p->lexer));
	ERR_TRY(parse_expression(p, &branch));
	add_child(n, branch);
	ERR_TRY(expect_operator(p, OP_COLON, "between the two choices"));
	ERR_TRY(parse_expression(p, &branch));
	add_child(n, branch);
	*ret = n;
	return NULL;
}

static struct err *parse_expression(struct parser *p, struct node **ret)
{
	struct err *err;

	if (p->depth == EXPR_MAX_DEPTH)
		return error_here(p, "the expression is nested too deeply");
	p->depth++;
	err = parse_conditional(p, ret);
	p->depth--;
	return err;
}

/* The height of the tree, which bounds the evaluator's recursion: a + a + a ... is deep too. */
static unsigned int tree_depth(const struct node *n)
{
	unsigned int deepest = 0;

	for (unsigned int i = 0; i < n->child_count; i++) {
		unsigned int depth = tree_depth(n->child[i]);

		if (depth > deepest)
			deepest = depth;
	}
	return deepest + 1;
}

static struct err *parse_all(struct parser *p)
{
	ERR_TRY(lexer_init(&p->lexer, p->expr->text));
	if (p->lexer.token.kind == TOKEN_END)
		return err_new(ERR_USAGE, "an expression is missing");
	ERR_TRY(parse_expression(p, &p->expr->root));
	if (p->lexer.token.kind != TOKEN_END)
		return error_here(p, "an operator is missing here, or this is too much");
	if (tree_depth(p->expr->root) > EXPR_MAX_TREE)
		return err_new(ERR_USAGE,
			       "the expression has too many operators in a row (%d at most)",
			       EXPR_MAX_TREE);
	return NULL;
}

struct err *expr_parse(const char *text, struct expr **ret)
{
	struct parser p = {0};
	struct err *err;

	p.expr = calloc(1, sizeof(*p.expr));
	if (!p.expr)
		return err_nomem();
	p.expr->text = strdup(text + strspn(text, " \t"));
	err = p.expr->text ? parse_all(&p) : err_nomem();
	if (err) {
		expr_destroy(p.expr);
		return err;
	}
	*ret = p.expr;
	return NULL;
}

static void node_free(struct node *n)
{
	if (n->regex) {
		regfree(n->regex);
		free(n->regex);
	}
	free(n->text);
	free(n);
}

void expr_destroy(struct expr *e)
{
	if (!e)
		return;
	while (e->nodes) {
		struct node *n = e->nodes;

		e->nodes = n->next;
		node_free(n);
	}
	free(e->text);
	free(e);
}

const char *expr_text(const struct expr *e)
{
	return e->text;
}
