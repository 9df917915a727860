/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header's meaning, and recordings written anew: blessed and formatted. */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/diff.h"
#include "commands/match.h"
#include "commands/options.h"
#include "commands/recording_impl.h"

#include <stdlib.h>
#include <string.h>

/* ---- header ---- */

/* Keys that are no options: what the run was made with. */
static const char *const identity_keys[] = {"image", "qemu", "saved-machine", NULL};

/* Options that say how ktdbg is used, not what guest is made. */
static const char *const foreign_options[] = {"record", "json", "plain", "ascii",
					      "theme",	"gdb",	NULL};

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static bool may_repeat(const char *key)
{
	return strcmp(key, "add-file") == 0;
}

/* The value stands behind the key. */
static size_t value_column(const struct recording *r, const struct recording_header *h)
{
	const char *line = r->lines[h->line - 1], *blank = line + strcspn(line, " \t");

	return (size_t)(blank + strspn(blank, " \t") - line);
}

static bool is_command(const char *word)
{
	for (const struct command *const *c = command_table; *c; c++)
		if (strcmp((*c)->name, word) == 0)
			return true;
	return false;
}

static struct err *unknown_key(const struct recording *r, const struct recording_header *h)
{
	struct nearest nearest;
	struct str near = {0}, clean = {0};
	struct err *err;

	if (is_command(h->key))
		return recording_error_at(r, h->line, 0,
					  "`%s` is a command; the body begins after an empty line",
					  h->key);
	str_add_clean(&clean, h->key, 64);
	nearest_init(&nearest, str_text(&clean));
	for (const struct option_row *row = option_table; row->name; row++)
		if (!(row->flags & OPTION_MODE) && !is_one_of(foreign_options, row->name))
			nearest_offer(&nearest, row->name);
	for (const char *const *name = identity_keys; *name; name++)
		nearest_offer(&nearest, *name);
	nearest_add(&nearest, &near);
	err = recording_error_at(r, h->line, 0, "no header line `%s`%s", str_text(&clean),
				 str_text(&near));
	str_deinit(&near);
	str_deinit(&clean);
	return err;
}

static struct err *check_key(const struct recording *r, const struct recording_header *h)
{
	const struct option_row *row = option_find(h->key);

	if (is_one_of(identity_keys, h->key))
		return *h->value ? NULL
				 : recording_error_at(r, h->line, strlen(h->key), "%s: needs a value",
						      h->key);
	if (!row)
		return unknown_key(r, h);
	if ((row->flags & OPTION_MODE) || is_one_of(foreign_options, h->key))
		return recording_error_at(r, h->line, 0, "`%s` does not belong into a recording",
					  h->key);
	return NULL;
}

static struct err *check_repeated(const struct recording *r, unsigned int i)
{
	const struct recording_header *h = &r->headers[i];

	for (unsigned int j = 0; j < i; j++)
		if (strcmp(r->headers[j].key, h->key) == 0 && !may_repeat(h->key))
			return recording_error_at(r, h->line, 0,
						  "`%s` again; it is in line %u already", h->key,
						  r->headers[j].line);
	return NULL;
}

/* "kernel VERSION|PATH BUILD-ID": the build id becomes a member of its own. A path may have blanks. */
static struct err *cut_build_id(struct recording *r, struct recording_header *h)
{
	char *blank = strrchr(h->value, ' ');
	const char *build_id = blank ? blank + 1 : "";

	if (!blank)
		return NULL;
	if (strlen(build_id) != strspn(build_id, "0123456789abcdef")) {
		if (*h->value == '/')
			return NULL;
		return recording_error_at(r, h->line,
					  value_column(r, h) + (size_t)(build_id - h->value),
					  "a kernel line is `kernel VERSION BUILD-ID`, the build id "
					  "in lower-case hexadecimal digits");
	}
	r->build_id = strdup(build_id);
	if (!r->build_id)
		return err_nomem();
	while (blank > h->value && (blank[-1] == ' ' || blank[-1] == '\t'))
		blank--;
	*blank = '\0';
	return NULL;
}

struct err *recording_options(const struct recording *r, struct options *options)
{
	for (unsigned int i = 0; i < r->header_count; i++) {
		const struct recording_header *h = &r->headers[i];
		struct err *err = NULL, *placed;

		if (is_one_of(identity_keys, h->key))
			continue;
		err = options_set(options, h->key, h->value);
		if (!err)
			continue;
		placed = recording_error_at(r, h->line, value_column(r, h), "%s", err_detail(err));
		err_free(err);
		return placed;
	}
	return NULL;
}

struct err *recording_check_headers(struct recording *r)
{
	struct options scratch;
	struct err *err;

	for (unsigned int i = 0; i < r->header_count; i++) {
		ERR_TRY(check_key(r, &r->headers[i]));
		ERR_TRY(check_repeated(r, i));
		if (strcmp(r->headers[i].key, "kernel") == 0)
			ERR_TRY(cut_build_id(r, &r->headers[i]));
	}
	options_init(&scratch);
	err = recording_options(r, &scratch);
	options_deinit(&scratch);
	return err;
}

const char *recording_header_value(const struct recording *r, const char *key)
{
	for (unsigned int i = 0; i < r->header_count; i++)
		if (strcmp(r->headers[i].key, key) == 0)
			return r->headers[i].value;
	return NULL;
}

/* ---- output ---- */

void recording_error_text(const struct err *err, struct str *s)
{
	const char *detail = err_detail(err);
	struct str clean = {0};

	for (bool first = true; *detail; first = false) {
		size_t len = strcspn(detail, "\n");

		str_clear(&clean);
		str_add_clean(&clean, detail, len);
		str_addf(s, "%s%s\n", first ? "error: " : "", str_text(&clean));
		detail += len + (detail[len] == '\n');
	}
	str_deinit(&clean);
}

/* ---- bless ---- */

static void add_output_line(struct str *s, const char *text)
{
	str_add(s, *text ? RECORDING_OUTPUT : "  |");
	str_add(s, text);
	str_add_c(s, '\n');
}

/* The lines of the old output that stand for a line of the new one keep their matchers. */
static struct err *bless_step(const struct recording_step *step, const char *actual, struct str *s)
{
	struct recording_compare compare;

	ERR_TRY(recording_compare(step, actual, &compare));
	for (unsigned int i = 0, next = 0; i < compare.actual_count; i++) {
		while (next < step->output_count && compare.pairs[next] == DIFF_NONE)
			next++;
		if (next < step->output_count && compare.pairs[next] == i) {
			add_output_line(s, step->outputs[next++].text);
		} else {
			struct str quoted = {0};

			match_quote(compare.actual[i], &quoted);
			add_output_line(s, str_text(&quoted));
			str_deinit(&quoted);
		}
	}
	recording_compare_deinit(&compare);
	return NULL;
}

/* Lines [from, to) of the file, by index, but for the output lines of `step`. */
static void copy_lines(const struct recording *r, unsigned int from, unsigned int to, struct str *s)
{
	for (unsigned int i = from; i < to; i++) {
		str_add(s, r->lines[i]);
		str_add_c(s, '\n');
	}
}

/* From the first output line of a step to its last; comments between them go after the new ones. */
static struct err *replace_output(const struct recording *r, const struct recording_step *step,
				  const char *actual, unsigned int *at, struct str *s)
{
	unsigned int next = 0, first = step->outputs[0].line - 1;
	unsigned int last = step->outputs[step->output_count - 1].line - 1;

	copy_lines(r, *at, first, s);
	ERR_TRY(bless_step(step, actual, s));
	for (unsigned int i = first; i <= last; i++) {
		if (i + 1 == step->outputs[next].line)
			next++;
		else
			copy_lines(r, i, i + 1, s);
	}
	*at = last + 1;
	return NULL;
}

struct err *recording_bless(const struct recording *r, const char *const *outputs, struct str *ret)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < r->step_count; i++)
		if (outputs[i] && r->steps[i].output_count)
			ERR_TRY(replace_output(r, &r->steps[i], outputs[i], &at, ret));
	copy_lines(r, at, r->line_count, ret);
	return str_error(ret);
}

/* ---- pinning ---- */

/* The value that a header line would have, "" for the default. */
static struct err *recorded_value(const struct option_row *row, const struct options *options,
				  struct str *ret)
{
	if ((row->flags & OPTION_RECORDED) && row->format)
		row->format(options, ret);
	return str_error(ret);
}

static struct err *pin_line(const struct recording *r, const struct recording_header *h,
			    const struct options *options, struct str *s)
{
	const struct option_row *row = option_find(h->key);
	struct str value = {0};
	struct err *err = row ? recorded_value(row, options, &value) : NULL;

	if (!err && value.len)
		str_addf(s, "%s %s\n", h->key, str_text(&value));
	else
		copy_lines(r, h->line - 1, h->line, s);
	str_deinit(&value);
	return err;
}

static struct err *pin_missing(const struct recording *r, const struct options *options,
			       struct str *s)
{
	for (const struct option_row *row = option_table; row->name; row++) {
		struct str value = {0};
		struct err *err = recorded_value(row, options, &value);

		if (value.len && !recording_header_value(r, row->name))
			str_addf(s, "%s %s\n", row->name, str_text(&value));
		str_deinit(&value);
		ERR_TRY(err);
	}
	return NULL;
}

struct err *recording_pin(const struct recording *r, const struct options *options, struct str *ret)
{
	unsigned int at = 1;

	copy_lines(r, 0, 1, ret);
	for (unsigned int i = 0; i < r->header_count; i++) {
		const struct recording_header *h = &r->headers[i];

		copy_lines(r, at, h->line - 1, ret); /* comments */
		ERR_TRY(pin_line(r, h, options, ret));
		at = h->line;
	}
	ERR_TRY(pin_missing(r, options, ret));
	copy_lines(r, at, r->line_count, ret);
	return str_error(ret);
}

/* ---- comparison ---- */

static unsigned int count_lines(const char *text)
{
	unsigned int count = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		count++;
	return count;
}

static struct err *split_actual(const char *text, struct recording_compare *c)
{
	unsigned int count = count_lines(text);

	c->actual = calloc(count + 1, sizeof(*c->actual));
	if (!c->actual)
		return err_nomem();
	for (; *text; text += *text == '\n') {
		size_t len = strcspn(text, "\n");

		c->actual[c->actual_count] = strndup(text, len);
		if (!c->actual[c->actual_count])
			return err_nomem();
		c->actual_count++;
		text += len;
	}
	return NULL;
}

static struct err *compile_expected(const struct recording_step *step, struct recording_compare *c)
{
	c->expected = calloc(step->output_count + 1, sizeof(*c->expected));
	c->pairs = calloc(step->output_count + 1, sizeof(*c->pairs));
	if (!c->expected || !c->pairs)
		return err_nomem();
	for (; c->expected_count < step->output_count; c->expected_count++)
		ERR_TRY(match_compile(step->outputs[c->expected_count].text,
				      &c->expected[c->expected_count]));
	return NULL;
}

static bool same_line(void *context, unsigned int a, unsigned int b)
{
	const struct recording_compare *c = context;

	return match_test(&c->expected[a], c->actual[b]);
}

struct err *recording_compare(const struct recording_step *step, const char *actual,
			      struct recording_compare *ret)
{
	struct recording_compare c = {0};
	struct err *err = split_actual(actual, &c);

	if (!err)
		err = compile_expected(step, &c);
	if (!err)
		err = diff_align(c.expected_count, c.actual_count, same_line, &c, c.pairs);
	if (err) {
		recording_compare_deinit(&c);
		return err;
	}
	c.equal = c.expected_count == c.actual_count;
	c.matchers_hold = true;
	for (unsigned int i = 0; i < c.expected_count; i++) {
		if (c.pairs[i] != DIFF_NONE)
			continue;
		c.equal = false;
		c.matchers_hold &= c.expected[i].kind == MATCH_EXACT;
	}
	*ret = c;
	return NULL;
}

void recording_compare_deinit(struct recording_compare *c)
{
	for (unsigned int i = 0; i < c->actual_count; i++)
		free(c->actual[i]);
	for (unsigned int i = 0; i < c->expected_count; i++)
		match_deinit(&c->expected[i]);
	free(c->actual);
	free(c->expected);
	free(c->pairs);
	*c = (struct recording_compare){0};
}

/* ---- format ---- */

static void format_key(const struct recording *r, const struct recording_header *h, struct str *s)
{
	str_add(s, h->key);
	if (*h->value)
		str_addf(s, " %s", h->value);
	if (r->build_id && strcmp(h->key, "kernel") == 0)
		str_addf(s, " %s", r->build_id);
	str_add_c(s, '\n');
}

/* With its comments. Returns the index of the first line of the body. */
static unsigned int format_header(const struct recording *r, struct str *s)
{
	unsigned int i, next = 0;

	str_add(s, RECORDING_FIRST_LINE "\n");
	for (i = 1; i < r->line_count && r->lines[i][strspn(r->lines[i], " \t")]; i++) {
		if (next < r->header_count && r->headers[next].line == i + 1)
			format_key(r, &r->headers[next++], s);
		else
			str_addf(s, "%s\n", r->lines[i] + strspn(r->lines[i], " \t"));
	}
	str_add_c(s, '\n');
	return i;
}

/* "[0.500000000] command", a block's inner lines set in by two blanks. */
static void format_step(const struct recording_step *step, struct str *s)
{
	const char *p = step->command;
	char time[DURATION_TEXT];
	bool block = strchr(p, '\n') != NULL;

	if (step->has_time)
		str_addf(s, "[%s] ", format_seconds(step->time, time));
	for (bool first = true; *p; first = false) {
		size_t len = strcspn(p, "\n"), shown = len;
		bool last = !p[len];

		while (shown && (p[shown - 1] == ' ' || p[shown - 1] == '\t'))
			shown--;
		if (block && !first && !last && shown)
			str_add(s, "  ");
		str_add_n(s, p, shown);
		str_add_c(s, '\n');
		p += len + (p[len] == '\n');
	}
	for (unsigned int i = 0; i < step->output_count; i++)
		add_output_line(s, step->outputs[i].text);
}

/* Comments stay where they are, empty lines in a row become one. */
static void format_between(const struct recording *r, unsigned int from, unsigned int to,
			   bool *blank, struct str *s)
{
	for (unsigned int i = from; i < to; i++) {
		const char *line = r->lines[i] + strspn(r->lines[i], " \t");

		if (*line == '#') {
			str_addf(s, "%s\n", line);
			*blank = false;
		} else if (!*line && !*blank) {
			str_add_c(s, '\n');
			*blank = true;
		}
	}
}

struct err *recording_format(const struct recording *r, struct str *ret)
{
	unsigned int at = format_header(r, ret);
	bool blank = true;

	for (unsigned int i = 0; i < r->step_count; i++) {
		const struct recording_step *step = &r->steps[i];

		format_between(r, at, step->line - 1, &blank, ret);
		format_step(step, ret);
		blank = false;
		/* Output lines are passed over; comments between them follow the last one. */
		at = step->last_line;
	}
	format_between(r, at, r->line_count, &blank, ret);
	while (ret->len > 2 && strcmp(ret->data + ret->len - 2, "\n\n") == 0)
		ret->data[--ret->len] = '\0';
	return str_error(ret);
}
