/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be said of a recording's commands and matchers without a guest. */
#include "commands/command.h"
#include "commands/recording_impl.h"
#include "commands/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where `text`, which was taken from line `line`, begins in it. */
static size_t column_of(const struct recording *r, unsigned int line, const char *text)
{
	const char *at = strstr(r->lines[line - 1], text);

	return at ? (size_t)(at - r->lines[line - 1]) : 0;
}

/* An error about the part of `line` that begins at `column`; its detail may say "column N: WHY" of that
 * part and show it. Takes `err`. */
static struct err *place(const struct recording *r, unsigned int line, size_t column, struct err *err)
{
	const char *detail;
	unsigned int inner;
	struct err *placed;
	int skip = 0;

	if (!err || err_kind(err) == ERR_NOMEM)
		return err;
	detail = err_detail(err);
	if (sscanf(detail, "column %u: %n", &inner, &skip) == 1 && skip)
		column += inner - 1;
	detail += skip;
	placed = recording_error_at(r, line, column, "%.*s", (int)strcspn(detail, "\n"), detail);
	err_free(err);
	return placed;
}

bool recording_expects_error(const struct recording_step *step)
{
	for (unsigned int i = 0; i < step->output_count; i++)
		if (str_starts(step->outputs[i].text, "error: "))
			return true;
	return false;
}

/* ---- commands ---- */

static struct err *check_name(const char *name, const struct command **ret)
{
	ERR_TRY(command_find(name, ret));
	if (strcmp((*ret)->name, name) != 0)
		return err_new(ERR_USAGE, "recordings have full names: `%s`", (*ret)->name);
	if ((*ret)->flags & (CMD_SCREEN_ONLY | CMD_HOST))
		return err_new(ERR_USAGE, "`%s` has no place in a recording", name);
	return NULL;
}

/* What follows the name: an expression, or words. */
static struct err *check_rest(const struct command *command, const char *rest, const char **ret_at)
{
	struct words words;

	*ret_at = rest;
	if (command->check)
		return command->check(rest, ret_at);
	if (command->flags & CMD_RAW)
		return NULL;
	ERR_TRY(words_split(rest, &words));
	words_deinit(&words);
	return NULL;
}

/* One command line, of `len` bytes, in line `line`. A wrong rest may be there to be refused. */
static struct err *check_line(const struct recording *r, unsigned int line, const char *text,
			      size_t len, bool may_fail)
{
	const struct command *command;
	const char *rest, *at;
	char *copy = strndup(text, len), *name;
	struct err *err;

	if (!copy)
		return err_nomem();
	name = strndup(copy, words_first(copy, &rest));
	err = name ? place(r, line, column_of(r, line, copy), check_name(name, &command))
		   : err_nomem();
	if (!err && !may_fail) {
		err = check_rest(command, rest, &at);
		err = place(r, line, err ? column_of(r, line, at) : 0, err);
	}
	free(name);
	free(copy);
	return err;
}

/* A line of a block that is no command of the table: `def`, the `end`, or nothing. */
static bool is_of_block(const char *text, size_t len)
{
	size_t word = strcspn(text, " \t\n");

	return len == 0 || *text == '#' || (word == 3 && strncmp(text, "def", 3) == 0) ||
	       (word == 3 && strncmp(text, "end", 3) == 0);
}

static struct err *check_step(const struct recording *r, const struct recording_step *step)
{
	bool may_fail = recording_expects_error(step);
	const char *at = step->command;

	for (unsigned int line = step->line; *at; line++) {
		size_t len = strcspn(at, "\n");

		/* The lines of a block that is to be refused are as wrong as their author likes. */
		if (line == step->line || (!may_fail && !is_of_block(at, len)))
			ERR_TRY(check_line(r, line, at, len, may_fail));
		at += len + (at[len] == '\n');
	}
	return NULL;
}

struct err *recording_check_commands(const struct recording *r)
{
	for (unsigned int i = 0; i < r->step_count; i++)
		ERR_TRY(check_step(r, &r->steps[i]));
	return NULL;
}

/* ---- matchers ---- */

static struct err *check_output(const struct recording *r, const struct recording_output *output)
{
	struct match match;
	struct err *err = match_compile(output->text, &match);

	if (!err)
		match_deinit(&match);
	return place(r, output->line, err ? column_of(r, output->line, output->text) : 0, err);
}

struct err *recording_check_matchers(const struct recording *r)
{
	for (unsigned int i = 0; i < r->step_count; i++)
		for (unsigned int j = 0; j < r->steps[i].output_count; j++)
			ERR_TRY(check_output(r, &r->steps[i].outputs[j]));
	return NULL;
}
