/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/rows.h"

#include "commands/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the clauses ---- */

static const char *skip_quoted(const char *p)
{
	const char quote = *p++;

	while (*p && *p != quote)
		p += *p == '\\' && p[1] ? 2 : 1;
	return *p ? p + 1 : p;
}

/* Skips one character, one quoted text, or a bracket with all that it holds. */
static const char *skip_unit(const char *p)
{
	unsigned int depth = 0;

	do {
		if (*p == '"' || *p == '\'') {
			p = skip_quoted(p);
			continue;
		}
		if (strchr("([{", *p))
			depth++;
		else if (depth && strchr(")]}", *p))
			depth--;
		p++;
	} while (depth && *p);
	return p;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_word(const char *p, const char *word)
{
	size_t len = strlen(word);

	return strncmp(p, word, len) == 0 && (!p[len] || is_blank(p[len]));
}

static char **clause_at(struct row_clauses *c, const char *p, size_t *len)
{
	if (is_word(p, "where"))
		return *len = 5, &c->where;
	if (is_word(p, "sort"))
		return *len = 4, &c->sort;
	if (is_word(p, "columns"))
		return *len = 7, &c->columns;
	return NULL;
}

/* The end of a clause's text that starts at `p`: the next keyword or the end of the line. */
static const char *clause_end(struct row_clauses *c, const char *p)
{
	size_t len;

	for (bool boundary = true; *p;) {
		if (boundary && clause_at(c, p, &len))
			return p;
		boundary = is_blank(*p);
		p = skip_unit(p);
	}
	return p;
}

static struct err *take_clause(char **slot, const char *keyword, size_t keyword_len,
			       const char *end)
{
	const char *start = keyword + keyword_len;

	while (is_blank(*start))
		start++;
	while (end > start && is_blank(end[-1]))
		end--;
	if (**slot)
		return err_new(ERR_USAGE, "%.*s: given twice", (int)keyword_len, keyword);
	if (end <= start)
		return err_new(ERR_USAGE, "%.*s: nothing follows it", (int)keyword_len, keyword);
	free(*slot);
	*slot = strndup(start, (size_t)(end - start));
	return *slot ? NULL : err_nomem();
}

static struct err *parse_clauses(const char *p, struct row_clauses *c)
{
	while (is_blank(*p))
		p++;
	while (*p) {
		size_t len;
		char **slot = clause_at(c, p, &len);
		const char *end;

		if (!slot)
			return err_new(ERR_USAGE, "'%s': want where EXPR, sort KEY or columns A,B",
				       p);
		end = clause_end(c, p + len);
		ERR_TRY(take_clause(slot, p, len, end));
		p = end;
	}
	return NULL;
}

struct err *row_clauses_parse(const char *text, struct row_clauses *ret)
{
	struct row_clauses c = {strdup(""), strdup(""), strdup("")};
	struct err *err;

	err = c.where && c.sort && c.columns ? parse_clauses(text, &c) : err_nomem();
	if (err)
		row_clauses_deinit(&c);
	else
		*ret = c;
	return err;
}

void row_clauses_deinit(struct row_clauses *c)
{
	free(c->where);
	free(c->sort);
	free(c->columns);
	*c = (struct row_clauses){0};
}

struct err *rows_word(const char *rest, char **ret_word, const char **ret_clauses)
{
	struct row_clauses none = {0};
	const char *end;
	char *word = NULL;
	size_t len;

	while (is_blank(*rest))
		rest++;
	for (end = rest; *end && !is_blank(*end);)
		end = skip_unit(end);
	if (end > rest && !clause_at(&none, rest, &len)) {
		word = strndup(rest, (size_t)(end - rest));
		if (!word)
			return err_nomem();
		rest = end;
	}
	*ret_word = word;
	*ret_clauses = rest;
	return NULL;
}

/* ---- expressions over a row ---- */

/* A column of the table to be: one of the command's own, or an expression. */
struct shown {
	int column; /* index, -1: the expression */
	struct expr *expr;
	char *name; /* as the operator wrote it */
};

struct view {
	const struct rows *rows;
	struct kernel *kernel;
	struct expr_context context;
	struct expr *where;
	struct shown shown[ROWS_COLUMNS_MAX];
	struct out_column columns[ROWS_COLUMNS_MAX];
	unsigned int count;
	unsigned int row; /* the one being evaluated */
	char missing[64]; /* the last name that is no column's */
	struct value self;
	struct out_value values[ROWS_COLUMNS_MAX];
};

static int find_column(const struct rows *rows, const char *name)
{
	for (unsigned int i = 0; i < rows->column_count; i++)
		if (strcmp(rows->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

static struct value cell_value(const struct out_value *cell)
{
	struct value v = {.kind = VALUE_ABSENT};

	switch (cell->kind) {
	case OUT_STRING:
	case OUT_READY:
		return value_string(cell->string ? cell->string : "");
	case OUT_S64:
		return value_number((int64_t)cell->u64);
	case OUT_U64:
	case OUT_HEX:
	case OUT_DURATION:
		return value_unsigned(cell->u64);
	case OUT_BOOL:
		return value_number(cell->u64 != 0);
	case OUT_FAULT:
		v.kind = VALUE_FAULT;
		v.address = cell->u64;
		return v;
	case OUT_ABSENT:
	case OUT_NONE:
		break;
	}
	return v;
}

static struct err *row_name(void *context, const char *name, bool *found, struct value *ret)
{
	struct view *view = context;
	int column = find_column(view->rows, name);

	*found = column >= 0;
	if (!*found) {
		snprintf(view->missing, sizeof(view->missing), "%s", name);
		return NULL;
	}
	*ret = cell_value(&view->values[column]);
	if (ret->kind == VALUE_ABSENT)
		strncpy(ret->string, name, sizeof(ret->string) - 1);
	return NULL;
}

/* Make `row` the one that expressions see. */
static void look_at(struct view *view, unsigned int row)
{
	const struct rows *rows = view->rows;

	view->row = row;
	rows->fill(rows->context, row, view->values);
	view->context.self = NULL;
	if (rows->self && rows->self(rows->context, row, &view->self))
		view->context.self = &view->self;
}

/* ---- columns ---- */

static struct err *add_shown(struct view *view, const char *name, size_t len)
{
	struct shown *shown = &view->shown[view->count];
	struct out_column *column = &view->columns[view->count];

	if (view->count == ROWS_COLUMNS_MAX)
		return err_new(ERR_USAGE, "more than %d columns", ROWS_COLUMNS_MAX);
	shown->name = strndup(name, len);
	if (!shown->name)
		return err_nomem();
	view->count++;
	shown->column = find_column(view->rows, shown->name);
	*column = (struct out_column){.name = shown->name, .flags = OUT_RIGHT};
	if (shown->column >= 0) {
		column->flags =
			view->rows->columns[shown->column].flags & ~(unsigned int)OUT_HIDDEN;
		return NULL;
	}
	return err_wrap(expr_parse(shown->name, &shown->expr), "`%s`", shown->name);
}

static struct err *named_columns(struct view *view, const char *names)
{
	for (const char *p = names;; p++) {
		const char *end = p;

		while (*end && *end != ',')
			end = skip_unit(end);
		while (is_blank(*p))
			p++;
		if (end <= p)
			return err_new(ERR_USAGE, "columns: an empty name in '%s'", names);
		ERR_TRY(add_shown(view, p, (size_t)(end - p)));
		if (!*end)
			return NULL;
		p = end;
	}
}

static struct err *own_columns(struct view *view)
{
	for (unsigned int i = 0; i < view->rows->column_count; i++) {
		const struct out_column *column = &view->rows->columns[i];

		ERR_TRY(add_shown(view, column->name, strlen(column->name)));
		view->columns[i].flags = column->flags;
	}
	return NULL;
}

/* The key's column, added out of sight when it is not among those shown. */
static struct err *sort_column(struct view *view, const char *key)
{
	const char *name = key + (key[0] == '-');

	for (unsigned int i = 0; i < view->count; i++)
		if (strcmp(view->columns[i].name, name) == 0)
			return NULL;
	ERR_TRY(add_shown(view, name, strlen(name)));
	view->columns[view->count - 1].flags |= OUT_SORT_ONLY;
	return NULL;
}

/* ---- the table ---- */

struct cell_text {
	char text[256];
};

static struct err *shown_cell(struct view *view, const struct shown *shown, struct cell_text *text,
			      struct out_value *ret)
{
	struct value v;

	if (shown->column >= 0) {
		*ret = view->values[shown->column];
		return NULL;
	}
	ERR_TRY(err_wrap(expr_eval(shown->expr, &view->context, &v), "`%s`", shown->name));
	*ret = value_out(view->kernel, &v, text->text);
	return NULL;
}

static struct err *write_row(struct view *view, struct out *out)
{
	struct cell_text texts[ROWS_COLUMNS_MAX];
	struct out_value cells[ROWS_COLUMNS_MAX];

	for (unsigned int i = 0; i < view->count; i++)
		ERR_TRY(shown_cell(view, &view->shown[i], &texts[i], &cells[i]));
	out_row(out, cells);
	return NULL;
}

static struct err *write_rows(struct view *view, struct out *out)
{
	for (unsigned int row = 0; row < view->rows->row_count; row++) {
		bool wanted = true;

		look_at(view, row);
		if (view->where)
			ERR_TRY(err_wrap(expr_true(view->where, &view->context, &wanted), "where"));
		if (wanted)
			ERR_TRY(write_row(view, out));
	}
	return NULL;
}

#define LIST_WIDTH 78

/* The names of the columns, in lines of a terminal's width. */
static void list_columns(const struct rows *rows, struct str *s)
{
	size_t line = s->len;

	str_add(s, "\n  columns:");
	for (unsigned int i = 0; i < rows->column_count; i++) {
		const char *name = rows->columns[i].name;

		if (s->len - line + strlen(name) > LIST_WIDTH) {
			line = s->len;
			str_add(s, "\n   ");
		}
		str_addf(s, " %s", name);
	}
}

/* An unknown name may be a column's, misspelt: those near it, or else all that there are. */
static struct err *with_columns(const struct view *view, struct err *err)
{
	const struct rows *rows = view->rows;
	struct nearest near;
	struct str names = {0};
	struct err *longer;

	if (!err || err_kind(err) != ERR_NOT_FOUND)
		return err;
	nearest_init(&near, view->missing);
	for (unsigned int i = 0; i < rows->column_count && view->missing[0]; i++)
		nearest_offer(&near, rows->columns[i].name);
	for (unsigned int i = 0; i < near.count; i++)
		str_addf(&names, "%s%s", i ? ", " : "\n  columns near it: ", near.best[i].name);
	if (!near.count)
		list_columns(rows, &names);
	longer = err_new(ERR_NOT_FOUND, "%s%s", err_detail(err), str_text(&names));
	str_deinit(&names);
	err_free(err);
	return longer;
}

static struct err *write_table(struct view *view, const char *sort, struct out *out)
{
	struct err *err;

	out_table_begin(out, view->columns, view->count);
	err = *sort ? out_table_sort(out, sort) : NULL;
	if (!err)
		err = with_columns(view, write_rows(view, out));
	if (err)
		out_table_drop(out);
	else
		out_table_end(out);
	return err;
}

static struct err *prepare(struct view *view, const struct row_clauses *c)
{
	if (*c->where)
		ERR_TRY(err_wrap(expr_parse(c->where, &view->where), "where"));
	ERR_TRY(*c->columns ? named_columns(view, c->columns) : own_columns(view));
	return *c->sort ? sort_column(view, c->sort) : NULL;
}

static void view_deinit(struct view *view)
{
	for (unsigned int i = 0; i < view->count; i++) {
		expr_destroy(view->shown[i].expr);
		free(view->shown[i].name);
	}
	expr_destroy(view->where);
}

static struct err *show(struct session *s, const struct rows *rows, const struct row_clauses *c,
			struct out *out)
{
	struct view *view = calloc(1, sizeof(*view));
	struct err *err;

	if (!view)
		return err_nomem();
	view->rows = rows;
	view->context = expr_session_context(s);
	view->context.name = row_name;
	view->context.row = view;
	err = session_kernel(s, &view->kernel);
	if (!err)
		err = prepare(view, c);
	if (!err)
		err = write_table(view, c->sort, out);
	view_deinit(view);
	free(view);
	return err;
}

struct err *rows_show(struct session *s, const struct rows *rows, const char *clauses,
		      struct out *out)
{
	struct row_clauses c;
	struct err *err;

	ERR_TRY(row_clauses_parse(clauses, &c));
	err = show(s, rows, &c, out);
	row_clauses_deinit(&c);
	return err;
}
