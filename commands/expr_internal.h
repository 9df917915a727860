/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the expression evaluator share: tokens (expr_lex.c), the tree
 * (expr_parse.c), evaluation (expr_eval.c, operators in expr_ops.c and expr_memory.c), names
 * (expr_names.c), functions (expr_functions.c, expr_find.c), records (expr_records.c), and how it is all
 * shown (expr_show.c). For these files and their tests only; everyone else includes commands/expr.h.
 */
#ifndef COMMANDS_EXPR_INTERNAL_H
#define COMMANDS_EXPR_INTERNAL_H

#include "commands/expr.h"

#include <regex.h>

#define EXPR_MAX_DEPTH 64   /* of nesting */
#define EXPR_MAX_NODES 1024
#define EXPR_MAX_TREE 256  /* height of the tree */
#define EXPR_MAX_ARGS 2
#define EXPR_MAX_NAME 128   /* bytes of a name, with its NUL */
#define EXPR_MAX_PATTERN 256

/* ---- tokens ---- */

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_STRING, TOKEN_NAME, TOKEN_VARIABLE, TOKEN_OPERATOR };

enum operator {
	OP_NONE,
	OP_OPEN, OP_CLOSE, OP_INDEX, OP_INDEX_END, OP_COMMA, OP_DOT, OP_ARROW, OP_QUESTION, OP_COLON,
	OP_NOT, OP_TILDE,
	OP_MULTIPLY, OP_DIVIDE, OP_MODULO, OP_ADD, OP_SUBTRACT, OP_LEFT, OP_RIGHT,
	OP_LESS, OP_LESS_EQUAL, OP_GREATER, OP_GREATER_EQUAL, OP_EQUAL, OP_NOT_EQUAL,
	OP_AND, OP_XOR, OP_OR, OP_AND_AND, OP_OR_OR,
};

struct token {
	enum token_kind kind;
	enum operator op;
	size_t column;          /* offset of its first byte, from 0 */
	size_t end;             /* offset after its last byte */
	uint64_t number;
	bool is_unsigned;
	char text[256];         /* NAME and VARIABLE: at most EXPR_MAX_NAME; STRING: unquoted */
};

struct lexer {
	const char *text;
	size_t at;
	struct token token;     /* the current one */
};

/* Starts at the first token. Errors have column and caret. */
struct err *lexer_init(struct lexer *l, const char *text) __attribute__((warn_unused_result));
struct err *lexer_next(struct lexer *l) __attribute__((warn_unused_result));
/* With '(' or ',' as the current token: reads what follows as one bare word (a cgroup's, counter's or
 * symbol's name) into a STRING token, or leaves a quoted string or a `$name` as it is. */
struct err *lexer_next_word(struct lexer *l) __attribute__((warn_unused_result));
const char *operator_text(enum operator op);

/* "column N: WHY", the text, and a caret below byte `column` of it. */
struct err *expr_error(enum err_kind kind, const char *text, size_t column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), warn_unused_result));

/* ---- the tree ---- */

enum node_kind {
	NODE_NUMBER, NODE_STRING, NODE_NAME, NODE_VARIABLE, NODE_CALL, NODE_MEMBER, NODE_INDEX,
	NODE_DEREF, NODE_ADDRESS, NODE_UNARY, NODE_CAST, NODE_SIZEOF, NODE_SIZEOF_TYPE, NODE_BINARY,
	NODE_CONDITIONAL,
};

struct expr_function;
struct measured; /* coord/measure.h */

struct node {
	enum node_kind kind;
	enum operator op;                  /* UNARY, BINARY */
	size_t column;                     /* of its operator or name, for messages */
	size_t start, end;                 /* the part of the text that it covers */
	struct node *child[3];
	unsigned int child_count;
	uint64_t number;
	bool is_unsigned;
	char *text;                        /* name, string, type; owned */
	const struct expr_function *function;
	struct node *next;                 /* all nodes of the expression */

	/* Look-up caches; they belong to one kernel, see expr_names.c. */
	const struct kernel *cached_kernel;
	uint64_t cached_stamp;
	bool cached_name;
	uint32_t not_member_of;            /* a struct that has no member of this name */
	struct value cached_value;
	regex_t *regex;                    /* a literal pattern's; owned */
};

struct expr {
	char *text;
	struct node *root;
	struct node *nodes;
	unsigned int node_count;
};

/* ---- evaluation ---- */

/* Things that have members but are no guest objects. */
enum record_kind { RECORD_NONE, RECORD_SCX, RECORD_WORKERS, RECORD_CPU, RECORD_RUNSTATE, RECORD_STEP };

struct operand {
	struct value value;
	enum record_kind record;
	unsigned int record_cpu;           /* RECORD_CPU; RECORD_STEP: number of the step */
	char record_name[EXPR_MAX_NAME];   /* RECORD_WORKERS: the cgroup; RECORD_STEP: or "" */
	const char *long_text;             /* a text longer than value.string, else NULL */
};

struct eval {
	const struct expr *expr;
	const struct expr_context *context;
	struct kernel *kernel;             /* NULL: arithmetic only */
	const struct types *types;
	struct err *kernel_error;          /* why there is none; owned */
	enum expr_missing missing;
	char why[256];
	char *console;                     /* owned; one copy an evaluation */
};

void eval_init(struct eval *ev, const struct expr *e, const struct expr_context *c);
void eval_deinit(struct eval *ev);
struct err *eval_node(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
/* The operand as a number; *ret is NUMBER, ABSENT or FAULT. */
struct err *eval_scalar(struct eval *ev, const struct node *n, const struct operand *o,
			struct value *ret) __attribute__((warn_unused_result));
struct err *eval_number(struct eval *ev, struct node *n, struct value *ret)
	__attribute__((warn_unused_result));
/* Truth: a number that is not 0, a text that is not empty. Missing values pass through. */
struct err *eval_truth(struct eval *ev, struct node *n, const struct operand *o, struct value *ret)
	__attribute__((warn_unused_result));
/* The value of a whole expression; a record becomes a text. */
struct err *eval_finish(struct eval *ev, const struct operand *o, struct value *ret)
	__attribute__((warn_unused_result));
void eval_result(const struct eval *ev, const struct value *v, struct expr_result *ret);

void operand_set(struct operand *o, struct value v);
void operand_set_bool(struct operand *o, bool b);
bool value_is_missing(const struct value *v);
/* An untyped number. */
struct value eval_plain(uint64_t number, bool is_unsigned);
/* The type that a number points to; 0 when it is no typed pointer. */
uint32_t eval_pointee(const struct eval *ev, const struct value *v);
/* After promotion: only 64-bit unsigned operands count as unsigned. */
bool eval_counts_unsigned(const struct eval *ev, const struct value *v);
/* A pointer of type `type *` to the object; untyped when BTF cannot name such a type. */
struct err *eval_address_of(struct eval *ev, const struct value *object, uint32_t type,
			    struct value *ret) __attribute__((warn_unused_result));

/* expr_ops.c: both sides are evaluated and present. */
struct err *eval_match(struct eval *ev, struct node *n, const struct operand *left,
		       const struct operand *right, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_compare(struct eval *ev, struct node *n, const struct operand *left,
			 const struct operand *right, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_arithmetic(struct eval *ev, struct node *n, const struct operand *left,
			    const struct operand *right, struct operand *ret)
	__attribute__((warn_unused_result));

/* expr_memory.c */
struct err *eval_cast(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_sizeof(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_sizeof_type(struct eval *ev, struct node *n, const char *name, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_address(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_deref(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_index(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_member(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));

/* Puts `err`, which says nothing about the text, at a node. NULL stays NULL. */
struct err *eval_at_node(struct eval *ev, const struct node *n, struct err *err)
	__attribute__((warn_unused_result));
/* An error at a node. */
#define eval_error(ev, kind, n, ...) expr_error(kind, (ev)->expr->text, (n)->column, __VA_ARGS__)
/* The vmlinux that was given, NULL without one. */
struct source *eval_source(const struct eval *ev);
/* Error when no kernel is adopted. */
struct err *eval_need_kernel(struct eval *ev, const struct node *n) __attribute__((warn_unused_result));
/* Remember that something was missing: the first one is what is told. */
void eval_note_value(struct eval *ev, const struct node *n, const struct value *v);
void eval_missing(struct eval *ev, enum expr_missing missing, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A function of the language. `signature` has a letter an argument: w a bare word, n a number; what
 * follows '|' may be left out. */
struct expr_function {
	const char *name;
	const char *signature;
	struct err *(*run)(struct eval *ev, const struct node *n, const struct operand *args,
			   unsigned int count, struct operand *ret);
};
extern const struct expr_function expr_functions[]; /* ends with a NULL name */
const struct expr_function *expr_function_find(const char *name);

/* A plain name, by all rules. */
struct err *eval_name(struct eval *ev, struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
struct err *eval_variable(struct eval *ev, const struct node *n, struct operand *ret)
	__attribute__((warn_unused_result));
/* record.NAME; `n` names the member. */
struct err *eval_record_member(struct eval *ev, const struct node *n, const struct operand *record,
			       struct operand *ret) __attribute__((warn_unused_result));
/* Kernel objects; *found false (and no error) when there is no such one now. */
struct err *expr_find_dsq(struct kernel *k, uint64_t id, bool *found, uint64_t *ret)
	__attribute__((warn_unused_result));
struct err *expr_find_cgroup(struct kernel *k, const char *path, bool *found, uint64_t *ret)
	__attribute__((warn_unused_result));
/* expr_steps.c: the members of step(N) and step(N, CGROUP), and what workers(CGROUP) says of workers that
 * ended with their step. *found false: no such member, or no such worker. */
const char *const *expr_step_members(const struct operand *record);
struct err *expr_step_member(struct eval *ev, const struct operand *record, const char *name, bool *found,
			     struct value *ret) __attribute__((warn_unused_result));
bool expr_ended_workers(const struct eval *ev, const char *cgroup, struct measured *ret);
struct err *expr_function_step(struct eval *ev, const struct node *n, const struct operand *args,
			       unsigned int count, struct operand *ret)
	__attribute__((warn_unused_result));
/* All members of a record as one line of text. */
struct err *eval_record_text(struct eval *ev, const struct operand *record, struct str *s)
	__attribute__((warn_unused_result));

#endif
