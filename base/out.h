/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command output, written once as typed values and rendered as aligned text, JSON (one object a
 * line) or handed to the screen. A command writes, in any order: tables (columns, then rows),
 * records (one object of key and value), replies (the `TAG TYPE VALUE` lines of cold operations)
 * and text lines.
 *
 * Rows of a table are kept until out_table_end(), so that `sort` and `columns` work for every
 * table. Text cells are cleaned of control bytes on the way out. Not thread safe.
 */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum out_format { OUT_TEXT, OUT_JSON };

enum out_kind {
	OUT_STRING,
	OUT_U64,
	OUT_S64,
	OUT_HEX,      /* u64; JSON number, text 0x.. */
	OUT_DURATION, /* u64 nanoseconds; JSON number, text with a unit */
	OUT_BOOL,
	OUT_ABSENT, /* this kernel lacks it: <absent>; JSON null */
	OUT_NONE,   /* it has none, or the column says nothing of it: -; JSON null */
	OUT_FAULT,  /* <fault ADDR>; JSON {"fault": ADDR} */
	OUT_READY,  /* STRING's text is JSON already */
};

struct out_value {
	enum out_kind kind;
	uint64_t u64; /* U64, S64 (two's complement), HEX, DURATION, BOOL, FAULT's address */
	/* STRING's text; with any other kind, when not NULL, how text output shows the value (an
	 * enum's name for its number). Borrowed for the call, copied where kept. */
	const char *string;
};

static inline struct out_value out_string(const char *s)
{
	return (struct out_value){OUT_STRING, 0, s};
}
static inline struct out_value out_u64(uint64_t v)
{
	return (struct out_value){OUT_U64, v, NULL};
}
static inline struct out_value out_s64(int64_t v)
{
	return (struct out_value){OUT_S64, (uint64_t)v, NULL};
}
static inline struct out_value out_hex(uint64_t v)
{
	return (struct out_value){OUT_HEX, v, NULL};
}
static inline struct out_value out_duration(uint64_t v)
{
	return (struct out_value){OUT_DURATION, v, NULL};
}
static inline struct out_value out_bool(bool v)
{
	return (struct out_value){OUT_BOOL, v, NULL};
}
static inline struct out_value out_absent(void)
{
	return (struct out_value){OUT_ABSENT, 0, NULL};
}
static inline struct out_value out_none(void)
{
	return (struct out_value){OUT_NONE, 0, NULL};
}
static inline struct out_value out_json(const char *s)
{
	return (struct out_value){OUT_READY, 0, s};
}
static inline struct out_value out_fault(uint64_t a)
{
	return (struct out_value){OUT_FAULT, a, NULL};
}

struct out;

/* Receives rendered text, always whole lines with their newline. */
typedef void (*out_sink_fn)(void *context, const char *text, size_t len);

struct out *out_create(enum out_format format, out_sink_fn sink,
		       void *context); /* NULL: no memory */
void out_destroy(struct out *out);
enum out_format out_format(const struct out *out);
/* Everything written to `out` goes to `second` as well, in its own format (a recorder's text beside
 * the operator's JSON). NULL ends it. Borrowed. */
void out_set_tee(struct out *out, struct out *second);

enum out_column_flags {
	OUT_RIGHT = 1 << 0,	/* numbers: flush right in text */
	OUT_HIDDEN = 1 << 1,	/* only in JSON or when named in `columns` */
	OUT_SORT_ONLY = 1 << 2, /* never shown: there to sort by */
};
struct out_column {
	const char *name; /* JSON key and text header, lower case */
	unsigned int flags;
};

/* A table. `columns` is borrowed until out_table_end(). Text: a header line, then a line a row; a
 * JSON row is an object. */
void out_table_begin(struct out *out, const struct out_column *columns, unsigned int count);
/* Shape it before its end: a column name, "-name" for descending; a comma list of names.
 * ERR_NOT_FOUND names the columns that exist. May be called before or after the rows. */
struct err *out_table_sort(struct out *out, const char *key) __attribute__((warn_unused_result));
struct err *out_table_select(struct out *out, const char *names)
	__attribute__((warn_unused_result));
void out_row(struct out *out, const struct out_value *values); /* one a column, copied */
void out_table_end(struct out *out);			       /* renders */
void out_table_drop(struct out *out);			       /* ends it without output */

/* A record: KEY VALUE lines in text, one object in JSON. */
void out_record_begin(struct out *out);
void out_record(struct out *out, const char *key, struct out_value value);
void out_record_end(struct out *out);

/* One reply of a cold operation. `old` is NULL for a read. Text: "TAG TYPE VALUE" or
 * "TYPE OLD -> NEW"; `notes` ("queued", "hot") are appended in round brackets, may be NULL. */
void out_reply(struct out *out, const char *tag, const char *type, const struct out_value *old,
	       const struct out_value *value, const char *notes);

/* One line of prose, without its newline; JSON {"text": ...}. */
void out_text(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each line of `text` as out_text() would write it. */
void out_lines(struct out *out, const char *text);

/* One result that has a name and maybe a type ("" for none): `text` as lines, or in JSON one object
 * {"expression": NAME, "type": TYPE, "value": VALUE}. */
void out_result(struct out *out, const char *name, const char *type, const char *text,
		struct out_value value);

/* A sink that appends to the struct str in `context`. */
void out_sink_str(void *context, const char *text, size_t len);
/* A sink that writes to the stdio stream in `context` and flushes it. */
void out_sink_file(void *context, const char *text, size_t len);

/* One value as JSON, appended. */
void out_json_value(struct str *s, const struct out_value *value);
/* Render one value as text (no padding). */
void out_format_value(struct str *s, const struct out_value *value);

/* ERR_NOMEM when memory ran out while rows were kept. */
struct err *out_error(const struct out *out) __attribute__((warn_unused_result));

#endif
