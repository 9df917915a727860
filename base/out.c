/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/out.h"
#include "base/parse.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cell {
	struct out_value value; /* value.string is owned */
};

struct table {
	bool open;
	const struct out_column *columns;
	unsigned int column_count;
	struct cell *cells; /* row after row */
	size_t row_count, row_size;
	int sort; /* column, -1: none */
	bool descending;
	unsigned int *selected; /* column numbers in the order wanted, NULL: the visible ones */
	unsigned int selected_count;
};

struct pair {
	char *key;
	struct out_value value;
};

struct record {
	bool open;
	struct pair *pairs;
	size_t count, size;
};

struct out {
	enum out_format format;
	out_sink_fn sink;
	void *context;
	struct out *tee;
	struct table table;
	struct record record;
	struct str line; /* the line being built */
	bool failed;
};

struct out *out_create(enum out_format format, out_sink_fn sink, void *context)
{
	struct out *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->format = format;
	out->sink = sink;
	out->context = context;
	out->table.sort = -1;
	return out;
}

static void free_value(struct out_value *value)
{
	free((char *)value->string);
	value->string = NULL;
}

static void table_reset(struct table *t)
{
	for (size_t i = 0; i < t->row_count * t->column_count; i++)
		free_value(&t->cells[i].value);
	free(t->cells);
	free(t->selected);
	*t = (struct table){.sort = -1};
}

static void record_reset(struct record *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->pairs[i].key);
		free_value(&r->pairs[i].value);
	}
	free(r->pairs);
	*r = (struct record){0};
}

void out_destroy(struct out *out)
{
	if (!out)
		return;
	table_reset(&out->table);
	record_reset(&out->record);
	str_deinit(&out->line);
	free(out);
}

enum out_format out_format(const struct out *out)
{
	return out->format;
}

void out_set_tee(struct out *out, struct out *second)
{
	out->tee = second;
}

/* Hand the line to the sink, with its newline, and start the next. */
static void emit_line(struct out *out)
{
	str_add_c(&out->line, '\n');
	if (out->line.failed) {
		out->failed = true;
		str_deinit(&out->line);
		return;
	}
	out->sink(out->context, out->line.data, out->line.len);
	str_clear(&out->line);
}

static bool copy_value(struct out *out, const struct out_value *from, struct out_value *ret)
{
	char *copy = NULL;

	if (from->string) {
		copy = strdup(from->string);
		if (!copy) {
			out->failed = true;
			return false;
		}
	}
	*ret = *from;
	ret->string = copy;
	return true;
}

/* ---- values ---- */

static bool is_missing(const struct out_value *v)
{
	return v->kind == OUT_ABSENT || v->kind == OUT_NONE || v->kind == OUT_FAULT;
}

void out_format_value(struct str *s, const struct out_value *value)
{
	char text[DURATION_TEXT];

	if (value->string && !is_missing(value)) {
		str_add_clean(s, value->string, SIZE_MAX);
		return;
	}
	switch (value->kind) {
	case OUT_STRING:
	case OUT_READY:
		break;
	case OUT_U64:
		str_addf(s, "%" PRIu64, value->u64);
		break;
	case OUT_S64:
		str_addf(s, "%" PRId64, (int64_t)value->u64);
		break;
	case OUT_HEX:
		str_addf(s, "0x%" PRIx64, value->u64);
		break;
	case OUT_DURATION:
		str_add(s, format_duration(value->u64, text));
		break;
	case OUT_BOOL:
		str_add(s, value->u64 ? "yes" : "no");
		break;
	case OUT_ABSENT:
		str_add(s, "<absent>");
		break;
	case OUT_NONE:
		str_add(s, "-");
		break;
	case OUT_FAULT:
		str_addf(s, "<fault 0x%" PRIx64 ">", value->u64);
		break;
	}
}

/* Escaped, a control byte does a terminal no harm, and a program gets the byte itself. */
static void json_string(struct str *s, const char *text)
{
	struct str clean = {0};

	str_add_c(s, '"');
	while (*text) {
		size_t len = 0;

		while ((unsigned char)text[len] >= ' ')
			len++;
		str_clear(&clean);
		str_add_clean(&clean, text, len);
		for (const char *p = str_text(&clean); *p; p++) {
			if (*p == '"' || *p == '\\')
				str_add_c(s, '\\');
			str_add_c(s, *p);
		}
		if (text[len])
			str_addf(s, "\\u%04x", (unsigned char)text[len++]);
		text += len;
	}
	str_add_c(s, '"');
	s->failed |= clean.failed;
	str_deinit(&clean);
}

void out_json_value(struct str *s, const struct out_value *value)
{
	switch (value->kind) {
	case OUT_STRING:
		json_string(s, value->string ? value->string : "");
		break;
	case OUT_U64:
	case OUT_HEX:
	case OUT_DURATION:
		str_addf(s, "%" PRIu64, value->u64);
		break;
	case OUT_S64:
		str_addf(s, "%" PRId64, (int64_t)value->u64);
		break;
	case OUT_BOOL:
		str_add(s, value->u64 ? "true" : "false");
		break;
	case OUT_ABSENT:
	case OUT_NONE:
		str_add(s, "null");
		break;
	case OUT_FAULT:
		str_addf(s, "{\"fault\": %" PRIu64 "}", value->u64);
		break;
	case OUT_READY:
		str_add(s, value->string);
		break;
	}
}

static void json_pair(struct str *s, const char *key, const struct out_value *value)
{
	str_add(s, s->len ? ", " : "{");
	json_string(s, key);
	str_add(s, ": ");
	out_json_value(s, value);
}

/* Columns that a terminal needs for cleaned text: code points, as all of it is well-formed UTF-8.
 */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* ---- tables ---- */

void out_table_begin(struct out *out, const struct out_column *columns, unsigned int count)
{
	table_reset(&out->table);
	out->table.open = true;
	out->table.columns = columns;
	out->table.column_count = count;
	if (out->tee)
		out_table_begin(out->tee, columns, count);
}

static struct err *no_column(const struct table *t, const char *name, size_t len)
{
	struct str names = {0};
	struct err *err;

	for (unsigned int i = 0; i < t->column_count; i++)
		str_addf(&names, "%s%s", i ? " " : "", t->columns[i].name);
	err = err_new(ERR_NOT_FOUND, "no column %.*s; there are: %s", (int)len, name,
		      str_text(&names));
	str_deinit(&names);
	return err;
}

static struct err *find_column(const struct table *t, const char *name, size_t len,
			       unsigned int *ret)
{
	for (unsigned int i = 0; i < t->column_count; i++) {
		if (strlen(t->columns[i].name) == len && !memcmp(t->columns[i].name, name, len)) {
			*ret = i;
			return NULL;
		}
	}
	return no_column(t, name, len);
}

struct err *out_table_sort(struct out *out, const char *key)
{
	struct table *t = &out->table;
	bool descending = key[0] == '-';
	unsigned int column;

	ERR_TRY(find_column(t, key + descending, strlen(key + descending), &column));
	t->sort = (int)column;
	t->descending = descending;
	return out->tee ? out_table_sort(out->tee, key) : NULL;
}

struct err *out_table_select(struct out *out, const char *names)
{
	struct table *t = &out->table;
	unsigned int *selected = calloc(strlen(names) + 1, sizeof(*selected)), count = 0;

	if (!selected)
		return err_nomem();
	for (const char *p = names;; p++) {
		size_t len = strcspn(p, ",");
		struct err *err = find_column(t, p, len, &selected[count]);

		if (err) {
			free(selected);
			return err;
		}
		count++;
		p += len;
		if (!*p)
			break;
	}
	free(t->selected);
	t->selected = selected;
	t->selected_count = count;
	return out->tee ? out_table_select(out->tee, names) : NULL;
}

static bool table_grow(struct table *t)
{
	size_t size = t->row_size ? t->row_size * 2 : 64;
	struct cell *cells = reallocarray(t->cells, size * t->column_count, sizeof(*cells));

	if (!cells)
		return false;
	t->cells = cells;
	t->row_size = size;
	return true;
}

void out_row(struct out *out, const struct out_value *values)
{
	struct table *t = &out->table;
	struct cell *row;

	if (out->tee)
		out_row(out->tee, values);
	if (t->row_count == t->row_size && !table_grow(t)) {
		out->failed = true;
		return;
	}
	row = t->cells + t->row_count * t->column_count;
	for (unsigned int i = 0; i < t->column_count; i++) {
		if (!copy_value(out, &values[i], &row[i].value)) {
			while (i-- > 0)
				free_value(&row[i].value);
			return;
		}
	}
	t->row_count++;
}

static int compare_values(const struct out_value *a, const struct out_value *b)
{
	if (a->kind == OUT_STRING || b->kind == OUT_STRING)
		return strcmp(a->string ? a->string : "", b->string ? b->string : "");
	if (a->kind == OUT_S64 && b->kind == OUT_S64)
		return ((int64_t)a->u64 > (int64_t)b->u64) - ((int64_t)a->u64 < (int64_t)b->u64);
	return (a->u64 > b->u64) - (a->u64 < b->u64);
}

/* Missing values come last whichever way the rest is sorted; equal rows keep their order. */
static int compare_rows(const void *a, const void *b, void *context)
{
	const struct table *t = context;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const struct out_value *v = &t->cells[x * t->column_count + (unsigned int)t->sort].value;
	const struct out_value *w = &t->cells[y * t->column_count + (unsigned int)t->sort].value;
	int order;

	if (is_missing(v) || is_missing(w))
		order = is_missing(v) - is_missing(w);
	else
		order = t->descending ? compare_values(w, v) : compare_values(v, w);
	return order ? order : (x > y) - (x < y);
}

static size_t *table_order(const struct table *t)
{
	size_t *order = calloc(t->row_count + 1, sizeof(*order));

	if (!order)
		return NULL;
	for (size_t i = 0; i < t->row_count; i++)
		order[i] = i;
	if (t->sort >= 0)
		qsort_r(order, t->row_count, sizeof(*order), compare_rows, (void *)t);
	return order;
}

/* The columns that text shows when none were named. */
static bool select_visible(struct table *t)
{
	if (t->selected)
		return true;
	t->selected = calloc(t->column_count + 1, sizeof(*t->selected));
	if (!t->selected)
		return false;
	for (unsigned int i = 0; i < t->column_count; i++)
		if (!(t->columns[i].flags & (OUT_HIDDEN | OUT_SORT_ONLY)))
			t->selected[t->selected_count++] = i;
	return true;
}

static const struct out_value *table_cell(const struct table *t, size_t row, unsigned int column)
{
	return &t->cells[row * t->column_count + column].value;
}

static size_t column_width(struct str *scratch, const struct table *t, unsigned int column)
{
	size_t width = strlen(t->columns[column].name);

	for (size_t row = 0; row < t->row_count; row++) {
		size_t w;

		str_clear(scratch);
		out_format_value(scratch, table_cell(t, row, column));
		w = text_width(str_text(scratch));
		if (w > width)
			width = w;
	}
	return width;
}

static void add_padded(struct str *s, const char *text, size_t width, bool right, bool last)
{
	size_t have = text_width(text), pad = have < width ? width - have : 0;

	if (right)
		str_addf(s, "%*s", (int)pad, "");
	str_add(s, text);
	if (!right && !last)
		str_addf(s, "%*s", (int)pad, "");
	if (!last)
		str_add(s, "  ");
}

/* Blanks at the end of a line would be lost by the first editor that sees a recording. */
static void trim_line(struct str *line)
{
	while (line->len && line->data[line->len - 1] == ' ')
		line->data[--line->len] = '\0';
}

/* One text line: the header when `row` is SIZE_MAX. */
static void text_row(struct out *out, size_t row, const size_t *widths)
{
	const struct table *t = &out->table;
	struct str cell = {0};

	for (unsigned int i = 0; i < t->selected_count; i++) {
		unsigned int column = t->selected[i];

		str_clear(&cell);
		if (row == SIZE_MAX)
			str_add(&cell, t->columns[column].name);
		else
			out_format_value(&cell, table_cell(t, row, column));
		out->failed |= cell.failed;
		add_padded(&out->line, str_text(&cell), widths[i],
			   t->columns[column].flags & OUT_RIGHT, i + 1 == t->selected_count);
	}
	trim_line(&out->line);
	emit_line(out);
	str_deinit(&cell);
}

static void text_table(struct out *out, const size_t *order)
{
	struct table *t = &out->table;
	struct str scratch = {0};
	size_t *widths;

	widths = select_visible(t) ? calloc(t->selected_count + 1, sizeof(*widths)) : NULL;
	if (!widths) {
		out->failed = true;
		return;
	}
	for (unsigned int i = 0; i < t->selected_count; i++)
		widths[i] = column_width(&scratch, t, t->selected[i]);
	str_deinit(&scratch);
	text_row(out, SIZE_MAX, widths);
	for (size_t i = 0; i < t->row_count; i++)
		text_row(out, order[i], widths);
	free(widths);
}

static void json_row(struct out *out, size_t row)
{
	const struct table *t = &out->table;
	unsigned int count = t->selected ? t->selected_count : t->column_count;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int column = t->selected ? t->selected[i] : i;

		if (t->columns[column].flags & OUT_SORT_ONLY)
			continue;
		json_pair(&out->line, t->columns[column].name, table_cell(t, row, column));
	}
	str_add_c(&out->line, '}');
	emit_line(out);
}

void out_table_end(struct out *out)
{
	struct table *t = &out->table;
	size_t *order;

	if (!t->open)
		return;
	order = table_order(t);
	if (!order)
		out->failed = true;
	else if (out->format == OUT_TEXT)
		text_table(out, order);
	else
		for (size_t i = 0; i < t->row_count; i++)
			json_row(out, order[i]);
	free(order);
	table_reset(t);
	if (out->tee)
		out_table_end(out->tee);
}

void out_table_drop(struct out *out)
{
	table_reset(&out->table);
	if (out->tee)
		out_table_drop(out->tee);
}

/* ---- records ---- */

void out_record_begin(struct out *out)
{
	record_reset(&out->record);
	out->record.open = true;
	if (out->tee)
		out_record_begin(out->tee);
}

static bool record_grow(struct record *r)
{
	size_t size = r->size ? r->size * 2 : 16;
	struct pair *pairs = reallocarray(r->pairs, size, sizeof(*pairs));

	if (!pairs)
		return false;
	r->pairs = pairs;
	r->size = size;
	return true;
}

void out_record(struct out *out, const char *key, struct out_value value)
{
	struct record *r = &out->record;
	struct pair *pair;

	if (out->tee)
		out_record(out->tee, key, value);
	if (r->count == r->size && !record_grow(r)) {
		out->failed = true;
		return;
	}
	pair = &r->pairs[r->count];
	pair->key = strdup(key);
	if (!pair->key) {
		out->failed = true;
		return;
	}
	if (!copy_value(out, &value, &pair->value)) {
		free(pair->key);
		return;
	}
	r->count++;
}

static void text_record(struct out *out)
{
	const struct record *r = &out->record;
	size_t width = 0;

	for (size_t i = 0; i < r->count; i++)
		if (text_width(r->pairs[i].key) > width)
			width = text_width(r->pairs[i].key);
	for (size_t i = 0; i < r->count; i++) {
		add_padded(&out->line, r->pairs[i].key, width, false, false);
		out_format_value(&out->line, &r->pairs[i].value);
		trim_line(&out->line);
		emit_line(out);
	}
}

static void json_record(struct out *out)
{
	const struct record *r = &out->record;

	if (!r->count)
		str_add_c(&out->line, '{');
	for (size_t i = 0; i < r->count; i++)
		json_pair(&out->line, r->pairs[i].key, &r->pairs[i].value);
	str_add_c(&out->line, '}');
	emit_line(out);
}

void out_record_end(struct out *out)
{
	if (!out->record.open)
		return;
	if (out->format == OUT_TEXT)
		text_record(out);
	else
		json_record(out);
	record_reset(&out->record);
	if (out->tee)
		out_record_end(out->tee);
}

/* ---- replies and prose ---- */

static void json_reply(struct str *s, const char *tag, const char *type,
		       const struct out_value *old, const struct out_value *value,
		       const char *notes)
{
	struct out_value text = out_string(tag);

	if (tag && tag[0])
		json_pair(s, "tag", &text);
	text = out_string(type);
	json_pair(s, "type", &text);
	if (old)
		json_pair(s, "old", old);
	json_pair(s, "value", value);
	text = out_string(notes);
	if (notes && notes[0])
		json_pair(s, "notes", &text);
	str_add_c(s, '}');
}

static void text_reply(struct str *s, const char *tag, const char *type,
		       const struct out_value *old, const struct out_value *value,
		       const char *notes)
{
	if (tag && tag[0])
		str_addf(s, "%s ", tag);
	str_addf(s, "%s ", type);
	if (old) {
		out_format_value(s, old);
		str_add(s, " -> ");
	}
	out_format_value(s, value);
	if (notes && notes[0])
		str_addf(s, " (%s)", notes);
}

void out_reply(struct out *out, const char *tag, const char *type, const struct out_value *old,
	       const struct out_value *value, const char *notes)
{
	if (out->format == OUT_TEXT)
		text_reply(&out->line, tag, type, old, value, notes);
	else
		json_reply(&out->line, tag, type, old, value, notes);
	emit_line(out);
	if (out->tee)
		out_reply(out->tee, tag, type, old, value, notes);
}

/* Cleaned text with tabs laid out: a tab is the one control byte that prose may hold. */
static void add_prose(struct str *s, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\t");

		str_add_clean(s, text, len);
		text += len;
		if (*text) {
			str_addf(s, "%*s", (int)(8 - text_width(str_text(s)) % 8), "");
			text++;
		}
	}
}

static void text_line(struct out *out, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	struct out_value value = out_string(copy);

	if (!copy) {
		out->failed = true;
		return;
	}
	if (out->format == OUT_TEXT) {
		add_prose(&out->line, copy);
	} else {
		json_pair(&out->line, "text", &value);
		str_add_c(&out->line, '}');
	}
	emit_line(out);
	free(copy);
	if (out->tee)
		text_line(out->tee, text, len);
}

void out_text(struct out *out, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = str_vformat(fmt, ap);
	va_end(ap);
	if (!text) {
		out->failed = true;
		return;
	}
	text_line(out, text, strlen(text));
	free(text);
}

void out_lines(struct out *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		text_line(out, text, len);
		text += len;
		if (*text)
			text++;
	}
}

static void json_result(struct str *s, const char *name, const char *type,
			const struct out_value *value)
{
	struct out_value text = out_string(name);

	json_pair(s, "expression", &text);
	text = out_string(type);
	if (type[0])
		json_pair(s, "type", &text);
	json_pair(s, "value", value);
	str_add_c(s, '}');
}

void out_result(struct out *out, const char *name, const char *type, const char *text,
		struct out_value value)
{
	struct out *tee = out->tee;

	if (out->format == OUT_JSON) {
		json_result(&out->line, name, type, &value);
		emit_line(out);
	} else {
		/* text_line() would give the second one plain text, whatever its format. */
		out->tee = NULL;
		out_lines(out, text);
		out->tee = tee;
	}
	if (tee)
		out_result(tee, name, type, text, value);
}

void out_sink_str(void *context, const char *text, size_t len)
{
	str_add_n(context, text, len);
}

void out_sink_file(void *context, const char *text, size_t len)
{
	fwrite(text, 1, len, context);
	fflush(context);
}

struct err *out_error(const struct out *out)
{
	return out->failed || out->line.failed ? err_nomem() : NULL;
}
