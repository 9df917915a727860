/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings as text (ktdbg-recording(5)): parsed with the place of everything, so that a message can
 * point at it and --bless can rewrite output lines and leave the rest of the file as its author wrote it.
 *
 * Not responsible for running anything, nor for files that grow (commands/recorder.h). Files are
 * untrusted: length of lines, number of lines and bytes in them are checked.
 */
#ifndef COMMANDS_RECORDING_H
#define COMMANDS_RECORDING_H

#include "base/err.h"
#include "base/str.h"
#include "commands/match.h"
#include "commands/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDING_FIRST_LINE "ktdbg recording 1"
#define RECORDING_OUTPUT "  | "       /* before an output line */
#define RECORDING_MAX_LINE 65536      /* bytes */
#define RECORDING_MAX_FILE (64 << 20) /* bytes */

struct recording_header {
	char *key, *value;     /* value "" for a switch */
	unsigned int line;
};

/* One expected line of output. */
struct recording_output {
	char *text;            /* after "  | ", with its matcher; see match.h */
	unsigned int line;
};

struct recording_step {
	unsigned int line;     /* of its command, from 1 */
	bool has_time;
	uint64_t time;         /* guest ns since ready */
	char *command;         /* without the time; a block's lines joined by '\n', with its `end` */
	struct recording_output *outputs;
	unsigned int output_count;
	unsigned int last_line; /* of the command itself: a block's `end` */
};

struct recording {
	char *path;
	char **lines;          /* the file, without newlines; line N is lines[N - 1] */
	unsigned int line_count;
	struct recording_header *headers;
	unsigned int header_count;
	struct recording_step *steps;
	unsigned int step_count;
	char *build_id;        /* of the kernel line, NULL when it has none */
	bool cut_off;          /* what follows the last newline was dropped */
};

/* ERR_USAGE "PATH:LINE: column N: WHY" for a malformed text, with the line and a caret below it; without
 * column where there is no line. */
struct err *recording_parse(const char *path, const char *text, size_t len, struct recording **ret)
	__attribute__((warn_unused_result));
/* Reads and parses a file; ERR_USAGE also when it cannot be read. */
struct err *recording_read(const char *path, struct recording **ret) __attribute__((warn_unused_result));
void recording_destroy(struct recording *r); /* NULL is fine */

/* Every command must be in the table, by its full name, and may be used in a recording; so those of a
 * block. Their expressions and quotes must be right, unless an error is expected. */
struct err *recording_check_commands(const struct recording *r) __attribute__((warn_unused_result));

/* True for a `checkpoint restore`: guest time goes on from there, earlier or later. */
bool recording_sets_time(const struct recording_step *step);

/* Whether its command is to fail, which is output like any other. */
bool recording_expects_error(const struct recording_step *step);

/* How the error of a command stands in its output: "error: DETAIL" and its further lines, each a whole
 * line. */
void recording_error_text(const struct err *err, struct str *s);

/* Every pattern of an output line must be one. */
struct err *recording_check_matchers(const struct recording *r) __attribute__((warn_unused_result));

/* A step's expected output beside what it gave. */
struct recording_compare {
	struct match *expected;
	unsigned int expected_count;
	char **actual;
	unsigned int actual_count;
	unsigned int *pairs;   /* which actual line stands for each expected one, or DIFF_NONE (diff.h) */
	bool equal;            /* line for line */
	bool matchers_hold;    /* each expected line that has a matcher stands for some line */
};
/* `actual` is whole lines. */
struct err *recording_compare(const struct recording_step *step, const char *actual,
			      struct recording_compare *ret) __attribute__((warn_unused_result));
void recording_compare_deinit(struct recording_compare *c);

/* The value of a header line, NULL when there is none. */
const char *recording_header_value(const struct recording *r, const char *key);
/* Lay the header over `options`, whose new strings are the recording's own. ERR_USAGE "PATH:LINE: WHY". */
struct err *recording_options(const struct recording *r, struct options *options)
	__attribute__((warn_unused_result));

/* "[1.5] rest": the time and where the rest begins; *ret_has false when there is no such prefix.
 * *ret_column is where an error is, from 0. */
struct err *recording_time(const char *line, bool *ret_has, uint64_t *ret_time, const char **ret_rest,
			   size_t *ret_column) __attribute__((warn_unused_result));

/* The same file with the output of each step replaced. outputs[i] is what step i gave, whole
 * lines; NULL keeps the old ones. */
struct err *recording_bless(const struct recording *r, const char *const *outputs, struct str *ret)
	__attribute__((warn_unused_result));
/* The same file with the header lines that `options` come to: those that a header records and that are
 * not the default. So it makes the same guest whatever the command line says. */
struct err *recording_pin(const struct recording *r, const struct options *options, struct str *ret)
	__attribute__((warn_unused_result));
/* The file in its canonical layout, for `recording fmt`. */
struct err *recording_format(const struct recording *r, struct str *ret) __attribute__((warn_unused_result));

#endif
