/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/expr_internal.h"

#include "commands/match.h"
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

static bool is_missing(const struct value *v)
{
	return v->kind == VALUE_ABSENT || v->kind == VALUE_FAULT;
}

/* Notes a value that came up missing at `n`. */
static void note_value(struct eval *ev, const struct node *n, const struct value *v)
{
	int len = (int)(n->end - n->start);

	if (v->kind == VALUE_FAULT)
		eval_missing(ev, EXPR_FAULT, "`%.*s` lies at a bad address, 0x%" PRIx64, len,
			     ev->expr->text + n->start, v->address);
	else if (v->kind == VALUE_ABSENT)
		eval_missing(ev, EXPR_ABSENT, "this kernel has no `%.*s`", len,
			     ev->expr->text + n->start);
}

static struct err *at_node(struct eval *ev, const struct node *n, struct err *err)
{
	struct err *placed;

	if (!err || err_kind(err) == ERR_NOMEM)
		return err;
	placed = eval_error(ev, err_kind(err), n, "%s", err_detail(err));
	err_free(err);
	return placed;
}

/* ---- operands ---- */

static void set_value(struct operand *o, struct value v)
{
	*o = (struct operand){.value = v};
}

static void set_bool(struct operand *o, bool b)
{
	set_value(o, value_number(b));
}

struct err *eval_need_kernel(struct eval *ev, const struct node *n)
{
	if (ev->kernel)
		return NULL;
	return eval_error(ev, ev->kernel_error ? err_kind(ev->kernel_error) : ERR_NOT_FOUND, n, "%s",
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
	return at_node(ev, n, value_load(ev->kernel, v, ret));
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
		note_value(ev, n, ret);
		return NULL;
	default:
		*ret = o->value;
		return NULL;
	}
}

static struct err *eval_number(struct eval *ev, struct node *n, struct value *ret)
{
	struct operand o;

	ERR_TRY(eval_node(ev, n, &o));
	return eval_scalar(ev, n, &o, ret);
}

/* The type that a number points to; 0 when it is no typed pointer. */
static uint32_t pointee(const struct eval *ev, const struct value *v)
{
	if (v->type == 0 || !ev->types || types_kind(ev->types, v->type) != TYPE_POINTER)
		return 0;
	return types_target(ev->types, v->type);
}

/* Promotion: only 64-bit unsigned operands count as unsigned. */
static bool counts_unsigned(const struct eval *ev, const struct value *v)
{
	if (v->type == 0 || !ev->types)
		return v->is_unsigned;
	if (types_kind(ev->types, v->type) == TYPE_POINTER)
		return true;
	return types_size(ev->types, v->type) == 8 && !types_signed(ev->types, v->type);
}

static struct value plain(uint64_t number, bool is_unsigned)
{
	return is_unsigned ? value_unsigned(number) : value_number((int64_t)number);
}

/* ---- texts ---- */

static bool is_text(const struct eval *ev, const struct operand *o)
{
	if (o->value.kind == VALUE_STRING)
		return true;
	return o->value.kind == VALUE_OBJECT && ev->kernel && o->value.type &&
	       value_is_text(ev->kernel, &o->value);
}

/* Whether a comparison is one of texts because of this side: char pointers alone compare as numbers. */
static bool wants_text(const struct eval *ev, const struct operand *o)
{
	if (o->value.kind == VALUE_STRING)
		return true;
	return is_text(ev, o) && types_kind(ev->types, o->value.type) == TYPE_ARRAY;
}

/* The text in *ret, which borrows from the operand or `buffer`; NULL when it lies at a bad address. */
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

		note_value(ev, n, &fault);
		err_free(err);
		*ret = NULL;
		return NULL;
	}
	return at_node(ev, n, err);
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

static struct err *eval_match(struct eval *ev, struct node *n, const struct operand *left,
			      const struct operand *right, struct operand *ret)
{
	char text_buffer[TEXT_MAX], pattern_buffer[EXPR_MAX_PATTERN + 2];
	const char *text, *pattern;
	bool matches = false;

	if (!is_text(ev, left))
		return eval_error(ev, ERR_USAGE, n->child[0], "the left side of ~ is no text");
	if (!is_text(ev, right))
		return eval_error(ev, ERR_USAGE, n->child[1], "the right side of ~ is no text");
	ERR_TRY(operand_text(ev, n->child[0], left, text_buffer, sizeof(text_buffer), &text));
	ERR_TRY(operand_text(ev, n->child[1], right, pattern_buffer, sizeof(pattern_buffer), &pattern));
	if (text && pattern)
		ERR_TRY(match_pattern(ev, n->child[1], text, pattern, &matches));
	set_bool(ret, matches);
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

static struct err *eval_compare(struct eval *ev, struct node *n, const struct operand *left,
				const struct operand *right, struct operand *ret)
{
	struct value a, b;
	int cmp;

	if (wants_text(ev, left) || wants_text(ev, right)) {
		bool missing;

		if (!is_text(ev, left) || !is_text(ev, right))
			return eval_error(ev, ERR_USAGE, n, "a text and a number cannot be compared");
		ERR_TRY(compare_texts(ev, n, left, right, &missing, &cmp));
		set_bool(ret, missing ? n->op == OP_NOT_EQUAL : holds(n->op, cmp));
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n->child[0], left, &a));
	ERR_TRY(eval_scalar(ev, n->child[1], right, &b));
	if (is_missing(&a) || is_missing(&b)) {
		set_bool(ret, n->op == OP_NOT_EQUAL);
		return NULL;
	}
	cmp = order(a.number, b.number, counts_unsigned(ev, &a) || counts_unsigned(ev, &b));
	set_bool(ret, holds(n->op, cmp));
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

/* pointer + n, n + pointer, pointer - n and pointer - pointer count in elements. */
static bool pointer_arithmetic(struct eval *ev, const struct node *n, const struct value *a,
			       const struct value *b, struct value *ret)
{
	uint32_t left = pointee(ev, a), right = n->op == OP_ADD ? pointee(ev, b) : 0;
	uint32_t other = pointee(ev, b);
	uint64_t size;

	if ((n->op != OP_ADD && n->op != OP_SUBTRACT) || (!left && !right) || (left && right))
		return false;
	size = types_size(ev->types, left ? left : right);
	if (size == 0)
		return false;
	if (n->op == OP_SUBTRACT && other) {
		*ret = value_number((int64_t)(a->number - b->number) / (int64_t)size);
		return true;
	}
	*ret = left ? *a : *b;
	if (n->op == OP_SUBTRACT)
		ret->number = a->number - b->number * size;
	else
		ret->number = left ? a->number + b->number * size : b->number + a->number * size;
	return true;
}

/* `array` decays to a typed pointer so that array + 1 is the second element. */
static struct err *address_of(struct eval *ev, const struct value *object, uint32_t type,
			      struct value *ret);

static struct err *arithmetic_operand(struct eval *ev, struct node *n, const struct operand *o,
				      struct value *ret)
{
	if (o->value.kind == VALUE_OBJECT && ev->types && o->value.type &&
	    types_kind(ev->types, o->value.type) == TYPE_ARRAY)
		return address_of(ev, &o->value, types_target(ev->types, o->value.type), ret);
	return eval_scalar(ev, n, o, ret);
}

static struct err *eval_arithmetic(struct eval *ev, struct node *n, const struct operand *left,
				   const struct operand *right, struct operand *ret)
{
	struct value a, b, result;
	bool is_unsigned;
	uint64_t number;

	ERR_TRY(arithmetic_operand(ev, n->child[0], left, &a));
	ERR_TRY(arithmetic_operand(ev, n->child[1], right, &b));
	if (is_missing(&a) || is_missing(&b)) {
		set_value(ret, is_missing(&a) ? a : b);
		return NULL;
	}
	if (pointer_arithmetic(ev, n, &a, &b, &result)) {
		set_value(ret, result);
		return NULL;
	}
	is_unsigned = counts_unsigned(ev, &a);
	if (n->op == OP_LEFT || n->op == OP_RIGHT) {
		ERR_TRY(shift(ev, n, a.number, b.number, is_unsigned, &number));
	} else {
		is_unsigned |= counts_unsigned(ev, &b);
		ERR_TRY(calculate(ev, n, a.number, b.number, is_unsigned, &number));
	}
	set_value(ret, plain(number, is_unsigned));
	return NULL;
}

/* ---- logic ---- */

/* Truth: a number that is not 0, a text that is not empty. Missing values pass through. */
static struct err *eval_truth(struct eval *ev, struct node *n, const struct operand *o,
			      struct value *ret)
{
	if (o->record == RECORD_NONE && o->value.kind == VALUE_STRING) {
		*ret = value_number(o->value.string[0] != '\0');
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n, o, ret));
	if (!is_missing(ret))
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
		if (is_missing(&truth) || (truth.number != 0) == (n->op == OP_OR_OR))
			break;
	}
	set_value(ret, truth);
	return NULL;
}

static struct err *eval_binary(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand left, right;

	if (n->op == OP_AND_AND || n->op == OP_OR_OR)
		return eval_logic(ev, n, ret);
	ERR_TRY(eval_node(ev, n->child[0], &left));
	ERR_TRY(eval_node(ev, n->child[1], &right));
	if (n->op == OP_TILDE && (is_missing(&left.value) || is_missing(&right.value))) {
		set_bool(ret, false);
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
		if (is_missing(&left.value) || is_missing(&right.value)) {
			set_bool(ret, n->op == OP_NOT_EQUAL);
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
		set_value(ret, is_missing(&v) ? v : value_number(v.number == 0));
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n->child[0], &o, &v));
	if (!is_missing(&v)) {
		uint64_t number = n->op == OP_SUBTRACT ? 0 - v.number :
				  n->op == OP_TILDE    ? ~v.number :
							 v.number;

		v = plain(number, counts_unsigned(ev, &v));
	}
	set_value(ret, v);
	return NULL;
}

static struct err *eval_conditional(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand condition;
	struct value truth;

	ERR_TRY(eval_node(ev, n->child[0], &condition));
	ERR_TRY(eval_truth(ev, n->child[0], &condition, &truth));
	if (is_missing(&truth)) {
		set_value(ret, truth);
		return NULL;
	}
	return eval_node(ev, n->child[truth.number ? 1 : 2], ret);
}

/* ---- types ---- */

/* The integer types that need no kernel. */
static const struct builtin_type {
	const char *name;
	unsigned int bits;
	bool is_unsigned;
} builtin_types[] = {
	{"u8", 8, true},	 {"u16", 16, true},	      {"u32", 32, true},
	{"u64", 64, true},	 {"s8", 8, false},	      {"s16", 16, false},
	{"s32", 32, false},	 {"s64", 64, false},	      {"int", 32, false},
	{"unsigned", 32, true},	 {"unsigned int", 32, true},  {"long", 64, false},
	{"unsigned long", 64, true}, {"char", 8, false},      {"unsigned char", 8, true},
	{"signed char", 8, false}, {"short", 16, false},      {"unsigned short", 16, true},
	{"long long", 64, false}, {"unsigned long long", 64, true},
};

static const struct builtin_type *find_builtin(const char *name)
{
	for (size_t i = 0; i < sizeof(builtin_types) / sizeof(builtin_types[0]); i++)
		if (strcmp(builtin_types[i].name, name) == 0)
			return &builtin_types[i];
	return NULL;
}

static struct value cast_builtin(const struct builtin_type *type, uint64_t number)
{
	unsigned int drop = 64 - type->bits;

	if (type->is_unsigned)
		return plain(number << drop >> drop, type->bits == 64);
	return value_number((int64_t)(number << drop) >> drop);
}

static struct err *find_type(struct eval *ev, const struct node *n, const char *name, uint32_t *ret)
{
	ERR_TRY(eval_need_kernel(ev, n));
	return at_node(ev, n, types_parse(ev->types, name, ret));
}

static struct err *eval_cast(struct eval *ev, struct node *n, struct operand *ret)
{
	const struct builtin_type *builtin = find_builtin(n->text);
	struct value v, result;
	uint32_t type;

	ERR_TRY(eval_number(ev, n->child[0], &v));
	if (is_missing(&v)) {
		set_value(ret, v);
		return NULL;
	}
	if (builtin) {
		set_value(ret, cast_builtin(builtin, v.number));
		return NULL;
	}
	ERR_TRY(find_type(ev, n, n->text, &type));
	ERR_TRY(at_node(ev, n, value_cast(ev->kernel, &v, type, &result)));
	set_value(ret, result);
	return NULL;
}

static struct err *sizeof_type(struct eval *ev, struct node *n, const char *name,
			       struct operand *ret)
{
	const struct builtin_type *builtin = find_builtin(name);
	uint32_t type;

	if (builtin) {
		set_value(ret, value_unsigned(builtin->bits / 8));
		return NULL;
	}
	ERR_TRY(find_type(ev, n, name, &type));
	set_value(ret, value_unsigned(types_size(ev->types, type)));
	return NULL;
}

static struct err *sizeof_value(struct eval *ev, struct node *n, const struct operand *o,
				struct operand *ret)
{
	if (is_missing(&o->value)) {
		set_value(ret, o->value);
		return NULL;
	}
	if (o->record != RECORD_NONE)
		return eval_error(ev, ERR_USAGE, n, "a record has no size");
	if (o->value.kind == VALUE_STRING)
		set_value(ret, value_unsigned(strlen(o->value.string) + 1));
	else if (o->value.type && ev->types)
		set_value(ret, value_unsigned(types_size(ev->types, o->value.type)));
	else
		set_value(ret, value_unsigned(8));
	return NULL;
}

/* `sizeof task_struct`: a name that is no value may be a type. */
static struct err *eval_sizeof(struct eval *ev, struct node *n, struct operand *ret)
{
	struct node *child = n->child[0];
	struct operand o;
	struct err *err;
	uint32_t type;

	if (child->kind == NODE_NAME && ev->types) {
		err = types_parse(ev->types, child->text, &type);
		if (!err) {
			set_value(ret, value_unsigned(types_size(ev->types, type)));
			return NULL;
		}
		err_free(err);
	}
	ERR_TRY(eval_node(ev, child, &o));
	return sizeof_value(ev, child, &o, ret);
}

/* ---- memory ---- */

/* A pointer of type `type *` to the object; untyped when BTF cannot name such a type. */
static struct err *address_of(struct eval *ev, const struct value *object, uint32_t type,
			      struct value *ret)
{
	struct str name = {0};
	uint32_t pointer = 0;
	struct err *err;

	types_name(ev->types, type, &name);
	str_add(&name, " *");
	err = str_error(&name);
	if (!err)
		err = types_parse(ev->types, str_text(&name), &pointer);
	str_deinit(&name);
	if (err && err_kind(err) == ERR_NOMEM)
		return err;
	*ret = err ? value_unsigned(object->address) : value_typed(pointer, object->address);
	err_free(err);
	return NULL;
}

static struct err *eval_address(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;
	struct value pointer;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	if (is_missing(&o.value)) {
		set_value(ret, o.value);
		return NULL;
	}
	if (o.record != RECORD_NONE || o.value.kind != VALUE_OBJECT)
		return eval_error(ev, ERR_USAGE, n, "only what lies in guest memory has an address");
	if (o.value.bit_size)
		return eval_error(ev, ERR_USAGE, n, "a bit-field has no address");
	ERR_TRY(address_of(ev, &o.value, o.value.type, &pointer));
	set_value(ret, pointer);
	return NULL;
}

static struct err *element(struct eval *ev, struct node *n, const struct operand *o, int64_t index,
			   struct operand *ret)
{
	struct value v, result;
	uint32_t target;

	if (o->value.kind == VALUE_OBJECT && types_kind(ev->types, o->value.type) == TYPE_ARRAY) {
		ERR_TRY(at_node(ev, n, value_index(ev->kernel, &o->value, index, &result)));
		set_value(ret, result);
		return NULL;
	}
	ERR_TRY(eval_scalar(ev, n->child[0], o, &v));
	if (is_missing(&v)) {
		set_value(ret, v);
		return NULL;
	}
	target = pointee(ev, &v);
	if (!target || types_size(ev->types, target) == 0)
		return eval_error(ev, ERR_USAGE, n,
				  "this is no pointer to something of known size: cast it, (u64 *)x");
	set_value(ret, value_object(target, v.number + (uint64_t)index * types_size(ev->types, target)));
	return NULL;
}

static struct err *eval_deref(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	if (is_missing(&o.value)) {
		set_value(ret, o.value);
		return NULL;
	}
	return element(ev, n, &o, 0, ret);
}

static struct err *eval_index(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;
	struct value index;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	ERR_TRY(eval_number(ev, n->child[1], &index));
	if (is_missing(&o.value) || is_missing(&index)) {
		set_value(ret, is_missing(&o.value) ? o.value : index);
		return NULL;
	}
	return element(ev, n, &o, (int64_t)index.number, ret);
}

static struct err *eval_member(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand o;
	struct value member;

	ERR_TRY(eval_node(ev, n->child[0], &o));
	if (o.record != RECORD_NONE)
		return eval_record_member(ev, n, &o, ret);
	if (is_missing(&o.value)) {
		set_value(ret, o.value);
		return NULL;
	}
	if (o.value.kind == VALUE_STRING || o.value.type == 0)
		return eval_error(ev, ERR_USAGE, n, "`%.*s` is no struct and has no member `%s`",
				  (int)(n->child[0]->end - n->child[0]->start),
				  ev->expr->text + n->child[0]->start, n->text);
	ERR_TRY(at_node(ev, n, value_member(ev->kernel, &o.value, n->text, &member)));
	set_value(ret, member);
	return NULL;
}

/* ---- the rest of the tree ---- */

static struct err *eval_call(struct eval *ev, struct node *n, struct operand *ret)
{
	struct operand args[EXPR_MAX_ARGS];

	for (unsigned int i = 0; i < n->child_count; i++) {
		ERR_TRY(eval_node(ev, n->child[i], &args[i]));
		if (args[i].record == RECORD_NONE && is_missing(&args[i].value)) {
			set_value(ret, args[i].value);
			return NULL;
		}
	}
	return n->function->run(ev, n, args, n->child_count, ret);
}

static struct err *eval_kind(struct eval *ev, struct node *n, struct operand *ret)
{
	switch (n->kind) {
	case NODE_NUMBER:
		set_value(ret, plain(n->number, n->is_unsigned));
		return NULL;
	case NODE_STRING:
		set_value(ret, value_string(n->text));
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
		return sizeof_type(ev, n, n->text, ret);
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
		note_value(ev, n, &ret->value);
	return NULL;
}

/* ---- the outside ---- */

struct expr_context expr_session_context(struct session *s)
{
	return (struct expr_context){.session = s, .coord = session_coord(s)};
}

static void eval_init(struct eval *ev, const struct expr *e, const struct expr_context *c)
{
	*ev = (struct eval){.expr = e, .context = c, .kernel = c->kernel};
	if (!ev->kernel && c->coord)
		ev->kernel_error = coord_kernel(c->coord, &ev->kernel);
	if (ev->kernel)
		ev->types = kernel_types(ev->kernel);
}

static void eval_deinit(struct eval *ev)
{
	err_free(ev->kernel_error);
	free(ev->console);
}

/* A record has no value of its own; shown, it is the list of its members. */
static struct err *finish_operand(struct eval *ev, const struct operand *o, struct value *ret)
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

static void fill_result(const struct eval *ev, const struct value *v, struct expr_result *ret)
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
		err = finish_operand(&ev, &o, &v);
	if (!err)
		fill_result(&ev, &v, ret);
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
		*ret = (struct expr_test){.holds = !is_missing(&truth) && truth.number != 0,
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

/* ---- shown ---- */

static void show_text(const char *text, struct str *s)
{
	str_add_c(s, '"');
	str_add_clean(s, text, TEXT_MAX);
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
	ERR_TRY(finish_operand(ev, o, v));
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
		fill_result(&ev, &v, ret);
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
	ERR_TRY(finish_operand(ev, &o, &v));
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
		n = n->child[!is_missing(&truth) && truth.number ? 1 : 0];
	}
	*ret = n;
	return NULL;
}

static bool is_comparison(const struct node *n)
{
	return n->kind == NODE_BINARY && (n->op == OP_TILDE || (n->op >= OP_LESS && n->op <= OP_NOT_EQUAL));
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
