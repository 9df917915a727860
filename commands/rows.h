/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words `[where EXPR] [sort KEY] [columns A,B]` for every command that lists guest objects. A
 * command says which columns it has, how to fill a row, and which guest struct stands behind it;
 * filters and columns may then name the columns and that struct's members.
 *
 * Works on plain data taken before (a model); never lets the guest run. Threads: one.
 */
#ifndef COMMANDS_ROWS_H
#define COMMANDS_ROWS_H

#include "base/err.h"
#include "base/out.h"
#include "commands/session.h"

#include <stdbool.h>

#define ROWS_COLUMNS_MAX 96

struct rows {
	const struct out_column *columns;
	unsigned int column_count; /* at most ROWS_COLUMNS_MAX */
	unsigned int row_count;
	/* Fill one value a column; strings must stay until the next call. */
	void (*fill)(void *context, unsigned int row, struct out_value *values);
	/* The guest's struct of a row; false when it has none. NULL: no row has. */
	bool (*self)(void *context, unsigned int row, struct value *ret);
	void *context;
};

/* The three clauses, cut out of a command's raw text; each "" when it is not there. */
struct row_clauses {
	char *where, *sort, *columns;
};
/* ERR_USAGE for anything else, an empty or a repeated clause. Keywords inside quotes and brackets
 * do not count. */
struct err *row_clauses_parse(const char *text, struct row_clauses *ret)
	__attribute__((warn_unused_result));
void row_clauses_deinit(struct row_clauses *c);

/* A command's `rest` of one optional word and clauses: the word (caller frees; NULL: there is none)
 * and where the clauses begin. */
struct err *rows_word(const char *rest, char **ret_word, const char **ret_clauses)
	__attribute__((warn_unused_result));

/* Write the rows that `clauses` (a command's `rest`) asks for as one table. */
struct err *rows_show(struct session *s, const struct rows *rows, const char *clauses,
		      struct out *out) __attribute__((warn_unused_result));

#endif
