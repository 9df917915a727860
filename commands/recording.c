/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/recording.h"

#include "base/file.h"
#include "commands/command.h"
#include "commands/recording_impl.h"
#include "commands/words.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

struct err *recording_error(const struct recording *r, unsigned int line, const char *fmt, ...)
{
	struct err *err;
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = str_vformat(fmt, ap);
	va_end(ap);
	if (!why)
		return err_nomem();
	err = err_new(ERR_USAGE, "%s:%u: %s", r->path, line, why);
	free(why);
	return err;
}

/* `text` is the line; only its beginning is shown when it is very long. */
static struct err *error_in(const struct recording *r, unsigned int line, const char *text,
			    size_t column, const char *why)
{
	struct str place = {0};
	struct err *err;

	if (column < RECORDING_SHOWN_LINE) {
		str_add_c(&place, '\n');
		str_add_caret(&place, text, RECORDING_SHOWN_LINE, column);
	}
	err = recording_error(r, line, "column %zu: %s%s", column + 1, why, str_text(&place));
	str_deinit(&place);
	return err;
}

struct err *recording_error_at(const struct recording *r, unsigned int line, size_t column,
			       const char *fmt, ...)
{
	struct err *err;
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = str_vformat(fmt, ap);
	va_end(ap);
	if (!why)
		return err_nomem();
	err = error_in(r, line, r->lines[line - 1], column, why);
	free(why);
	return err;
}

/* ---- lines ---- */

static struct err *add_line(struct recording *r, const char *text, size_t len)
{
	char **lines;

	if (r->line_count % 256 == 0) {
		lines = reallocarray(r->lines, r->line_count + 256, sizeof(*lines));
		if (!lines)
			return err_nomem();
		r->lines = lines;
	}
	r->lines[r->line_count] = strndup(text, len);
	if (!r->lines[r->line_count])
		return err_nomem();
	r->line_count++;
	return NULL;
}

/* Why the byte at `bad` is none that a line may hold. */
static void describe_byte(const char *text, size_t len, size_t bad, struct str *s)
{
	if (bad == 0 && len > 2 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		str_add(s, "the file begins with a byte order mark; it may not");
	else if (text[bad] == '\r' && bad == len - 1)
		str_add(s, "the line ends in a carriage return; lines end in a newline alone");
	else
		str_addf(s, "byte 0x%02x is no %s", (unsigned char)text[bad],
			 (unsigned char)text[bad] < 0x80 ? "text" : "UTF-8");
}

static struct err *check_line(const struct recording *r, const char *text, size_t len)
{
	unsigned int line = r->line_count + 1;
	struct str why = {0};
	struct err *err;
	char *copy;
	size_t bad;

	if (len > RECORDING_MAX_LINE)
		return recording_error(r, line, "a line of %zu bytes; at most %d are taken", len,
				       RECORDING_MAX_LINE);
	bad = r->line_count || !str_starts(text, "\xef\xbb\xbf") ? str_text_length(text, len) : 0;
	if (bad == len)
		return NULL;
	copy = strndup(text, len);
	describe_byte(text, len, bad, &why);
	err = copy ? error_in(r, line, copy, bad, str_text(&why)) : err_nomem();
	str_deinit(&why);
	free(copy);
	return err;
}

/* Lines end in '\n'; what follows the last one was cut off and does not count. */
static struct err *split_lines(struct recording *r, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		if (!newline) {
			r->cut_off = true;
			break;
		}
		ERR_TRY(check_line(r, text, (size_t)(newline - text)));
		ERR_TRY(add_line(r, text, (size_t)(newline - text)));
		text = newline + 1;
	}
	return NULL;
}

/* ---- header ---- */

static bool is_blank(const char *line)
{
	return !line[strspn(line, " \t")];
}

static bool is_comment(const char *line)
{
	return line[strspn(line, " \t")] == '#';
}

static struct err *parse_first_line(const struct recording *r)
{
	static const char start[] = "ktdbg recording ";

	if (r->line_count == 0)
		return recording_error(
			r, 1,
			r->cut_off
				? "cut off in its first line"
				: "empty: a recording begins with the line `" RECORDING_FIRST_LINE
				  "`");
	if (strcmp(r->lines[0], RECORDING_FIRST_LINE) == 0)
		return NULL;
	if (str_starts(r->lines[0], start))
		return recording_error_at(r, 1, strlen(start),
					  "this is version %.16s of the format; this ktdbg reads "
					  "version 1",
					  r->lines[0] + strlen(start));
	return recording_error_at(r, 1, 0,
				  "no recording: the first line is not `" RECORDING_FIRST_LINE "`");
}

static struct err *add_header(struct recording *r, unsigned int line, const char *text)
{
	size_t key_len = strcspn(text, " \t");
	const char *value = text + key_len + strspn(text + key_len, " \t");
	size_t value_len = strlen(value);
	struct recording_header *h;

	while (value_len && isspace((unsigned char)value[value_len - 1]))
		value_len--;
	h = reallocarray(r->headers, r->header_count + 1, sizeof(*h));
	if (!h)
		return err_nomem();
	r->headers = h;
	h += r->header_count;
	*h = (struct recording_header){strndup(text, key_len), strndup(value, value_len), line};
	r->header_count++;
	return h->key && h->value ? NULL : err_nomem();
}

/* Lines after the first up to an empty one. *ret_next is the index of the first line of the body.
 */
static struct err *parse_header(struct recording *r, unsigned int *ret_next)
{
	unsigned int i;

	for (i = 1; i < r->line_count && !is_blank(r->lines[i]); i++) {
		const char *line = r->lines[i];

		if (is_comment(line))
			continue;
		if (isspace((unsigned char)line[0]) || line[0] == '[')
			return recording_error_at(r, i + 1, 0,
					"a header line is `key value`; the body begins "
					"after an empty line");
		ERR_TRY(add_header(r, i + 1, line));
	}
	*ret_next = i;
	return recording_check_headers(r);
}

/* ---- times ---- */

/* "SECONDS" of up to ten digits and nine decimals, at line[*at]. */
static bool parse_seconds(const char *line, size_t *at, uint64_t *ret)
{
	uint64_t seconds = 0, nano = 0, unit = 100000000;
	size_t start = *at;

	while (isdigit((unsigned char)line[*at]) && *at - start < 10)
		seconds = seconds * 10 + (uint64_t)(line[(*at)++] - '0');
	if (*at == start || isdigit((unsigned char)line[*at]))
		return false;
	if (line[*at] == '.') {
		start = ++*at;
		for (; isdigit((unsigned char)line[*at]) && unit; unit /= 10)
			nano += (uint64_t)(line[(*at)++] - '0') * unit;
		if (*at == start)
			return false;
	}
	*ret = seconds * 1000000000 + nano;
	return true;
}

struct err *recording_time(const char *line, bool *ret_has, uint64_t *ret_time,
			   const char **ret_rest, size_t *ret_column)
{
	size_t at = 1;

	*ret_has = line[0] == '[';
	*ret_rest = line;
	*ret_column = 0;
	if (!*ret_has)
		return NULL;
	if (!parse_seconds(line, &at, ret_time) || line[at] != ']') {
		*ret_column = at;
		return err_new(ERR_USAGE, "a time is [SECONDS] with at most nine decimals, as in "
					  "[0.500000000]");
	}
	*ret_rest = line + at + 1;
	if (**ret_rest != ' ' && **ret_rest != '\t') {
		*ret_column = at + 1;
		return err_new(ERR_USAGE, "a blank and a command must follow the time");
	}
	*ret_rest += strspn(*ret_rest, " \t");
	return NULL;
}

/* ---- body ---- */

struct body {
	struct recording *r;
	unsigned int at; /* index of the line */
	uint64_t last_time;
};

static struct err *new_step(struct recording *r, struct recording_step **ret)
{
	if (r->step_count % 64 == 0) {
		struct recording_step *steps =
			reallocarray(r->steps, r->step_count + 64, sizeof(*steps));

		if (!steps)
			return err_nomem();
		r->steps = steps;
	}
	*ret = &r->steps[r->step_count++];
	**ret = (struct recording_step){0};
	return NULL;
}

static struct err *add_output(struct recording_step *step, unsigned int line, const char *text)
{
	struct recording_output *outputs =
		reallocarray(step->outputs, step->output_count + 1, sizeof(*outputs));

	if (!outputs)
		return err_nomem();
	step->outputs = outputs;
	outputs += step->output_count;
	*outputs = (struct recording_output){strdup(text), line};
	if (!outputs->text)
		return err_nomem();
	step->output_count++;
	return NULL;
}

/* "  | text", or "  |" alone for an empty line, since editors cut blanks at the end. */
static const char *output_text(const char *line)
{
	if (!str_starts(line, "  |"))
		return NULL;
	if (!line[3])
		return line + 3;
	return line[3] == ' ' ? line + 4 : NULL;
}

/* Not quite: no command begins with a bar. */
static bool looks_like_output(const char *line)
{
	return line[strspn(line, " \t")] == '|';
}

static struct err *parse_output(struct body *b, const char *text)
{
	struct recording *r = b->r;

	if (r->step_count == 0)
		return recording_error_at(r, b->at + 1, 2, "output before the first command");
	return add_output(&r->steps[r->step_count - 1], b->at + 1, text);
}

static bool is_end(const char *line)
{
	const char *word = line + strspn(line, " \t");

	return strncmp(word, "end", 3) == 0 && !word[3 + strspn(word + 3, " \t")];
}

/* Whether a command opens a block; unknown names do not, and are reported later. */
static bool opens_block(const char *command)
{
	const struct command *found;
	size_t len = strcspn(command, " \t");

	for (unsigned int i = 0; (found = command_table[i]); i++)
		if (strlen(found->name) == len && strncmp(found->name, command, len) == 0)
			return command_opens_block(found, command + len);
	return false;
}

/* The lines of a block up to its `end`. *ret_cut: the file ends inside it, in the middle of a line.
 */
static struct err *parse_block(struct body *b, struct str *text, bool *ret_cut)
{
	struct recording *r = b->r;
	unsigned int start = b->at;

	*ret_cut = false;
	for (b->at++; b->at < r->line_count; b->at++) {
		const char *line = r->lines[b->at];

		if (output_text(line) || looks_like_output(line))
			return recording_error_at(r, b->at + 1, strspn(line, " \t"),
					"output inside a block: it follows the `end`");
		str_addf(text, "\n%s", line + strspn(line, " \t"));
		if (is_end(line))
			return NULL;
	}
	*ret_cut = r->cut_off;
	if (*ret_cut)
		return NULL;
	return recording_error_at(r, start + 1, strspn(r->lines[start], " \t"),
				  "the block that begins here has no `end`");
}

bool recording_sets_time(const struct recording_step *step)
{
	const char *verb, *name;
	size_t len = words_first(step->command, &verb);

	return len == strlen("checkpoint") && str_starts(step->command, "checkpoint") &&
	       words_first(verb, &name) == strlen("restore") && str_starts(verb, "restore");
}

static struct err *parse_time(struct body *b, struct recording_step *step, const char **rest)
{
	struct recording *r = b->r;
	const char *line = *rest;
	size_t indent = (size_t)(line - r->lines[b->at]), column;
	struct err *err = recording_time(line, &step->has_time, &step->time, rest, &column),
		   *placed;

	if (err) {
		placed = recording_error_at(r, b->at + 1, indent + column, "%s", err_detail(err));
		err_free(err);
		return placed;
	}
	if (!step->has_time)
		return NULL;
	if (step->time < b->last_time)
		return recording_error_at(r, b->at + 1, indent + 1,
				"this time lies before that of an earlier command");
	b->last_time = step->time;
	if (!**rest)
		return recording_error_at(r, b->at + 1, strlen(r->lines[b->at]),
				"a command must follow the time");
	return NULL;
}

/* The block that a crash or a full disk cut off is no part of the recording: nor are its lines. */
static void drop_unfinished(struct body *b, unsigned int start)
{
	struct recording *r = b->r;

	free(r->steps[--r->step_count].command);
	while (r->line_count > start)
		free(r->lines[--r->line_count]);
	b->at = start;
}

static struct err *parse_command(struct body *b)
{
	struct recording *r = b->r;
	const char *rest = r->lines[b->at] + strspn(r->lines[b->at], " \t");
	struct recording_step *step;
	struct str text = {0};
	struct err *err = NULL;
	bool cut = false;

	ERR_TRY(new_step(r, &step));
	step->line = b->at + 1;
	ERR_TRY(parse_time(b, step, &rest));
	if (is_end(rest))
		return recording_error_at(r, b->at + 1, 0, "`end` without a block");
	str_add(&text, rest);
	if (opens_block(rest))
		err = parse_block(b, &text, &cut);
	step->last_line = b->at + 1;
	step->command = str_take(&text);
	if (cut) {
		drop_unfinished(b, step->line - 1);
		return NULL;
	}
	if (step->command && recording_sets_time(step))
		b->last_time = 0;
	return err || step->command ? err : err_nomem();
}

static struct err *parse_body(struct recording *r, unsigned int start)
{
	struct body b = {.r = r, .at = start};

	for (; b.at < r->line_count; b.at++) {
		const char *line = r->lines[b.at], *output = output_text(line);

		if (output)
			ERR_TRY(parse_output(&b, output));
		else if (looks_like_output(line))
			return recording_error_at(r, b.at + 1, strspn(line, " \t"),
					"output lines begin with two blanks, a bar and a blank");
		else if (!is_blank(line) && !is_comment(line))
			ERR_TRY(parse_command(&b));
	}
	return NULL;
}

static struct err *parse_all(struct recording *r, const char *text, size_t len)
{
	unsigned int body;

	ERR_TRY(split_lines(r, text, len));
	ERR_TRY(parse_first_line(r));
	ERR_TRY(parse_header(r, &body));
	return parse_body(r, body);
}

struct err *recording_parse(const char *path, const char *text, size_t len, struct recording **ret)
{
	struct recording *r = calloc(1, sizeof(*r));
	struct err *err;

	if (!r)
		return err_nomem();
	r->path = strdup(path);
	err = r->path ? parse_all(r, text, len) : err_nomem();
	if (err) {
		recording_destroy(r);
		return err;
	}
	*ret = r;
	return NULL;
}

/* Whatever is the matter with a file that was named: it is no recording. */
static struct err *as_usage(struct err *err)
{
	struct err *usage;

	if (!err || err_kind(err) == ERR_NOMEM || err_kind(err) == ERR_USAGE)
		return err;
	usage = err_new(ERR_USAGE, "%s", err_detail(err));
	err_free(err);
	return usage;
}

struct err *recording_read(const char *path, struct recording **ret)
{
	struct err *err;
	size_t len;
	char *text;

	ERR_TRY(as_usage(read_whole_file(path, RECORDING_MAX_FILE, &text, &len)));
	err = recording_parse(path, text, len, ret);
	free(text);
	return err;
}

static void step_deinit(struct recording_step *step)
{
	for (unsigned int i = 0; i < step->output_count; i++)
		free(step->outputs[i].text);
	free(step->outputs);
	free(step->command);
}

void recording_destroy(struct recording *r)
{
	if (!r)
		return;
	for (unsigned int i = 0; i < r->step_count; i++)
		step_deinit(&r->steps[i]);
	free(r->steps);
	for (unsigned int i = 0; i < r->header_count; i++) {
		free(r->headers[i].key);
		free(r->headers[i].value);
	}
	free(r->headers);
	for (unsigned int i = 0; i < r->line_count; i++)
		free(r->lines[i]);
	free(r->lines);
	free(r->build_id);
	free(r->path);
	free(r);
}
