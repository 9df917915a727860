/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines: taken apart, gathered into blocks, and run. */
#include "commands/session_impl.h"

#include "commands/recording.h"
#include "commands/travel.h"
#include "commands/words.h"

#include <stdlib.h>
#include <string.h>

/* Lines that a block may hold. */
#define BLOCK_MAX 10000

/* ---- blocks ---- */

void session_drop_block(struct session *s)
{
	for (unsigned int i = 0; i < s->block.count; i++)
		free(s->block.lines[i]);
	free(s->block.lines);
	free(s->block.line);
	s->block = (struct open_block){0};
}

const char *session_open_block(const struct session *s)
{
	return s->block.line;
}

/* ---- lines ---- */

static bool is_nothing(const char *line)
{
	line += strspn(line, " \t");
	return !*line || *line == '#';
}

/* Take `line` apart; `in` borrows it. */
static struct err *parse_line(const char *line, struct invocation *in)
{
	const char *start = line + strspn(line, " \t"), *rest;
	size_t column, len;
	char *name;
	struct err *err;

	ERR_TRY(recording_time(start, &in->timed, &in->time, &rest, &column));
	rest += strspn(rest, " \t");
	len = words_first(rest, &in->rest);
	name = strndup(rest, len);
	if (!name)
		return err_nomem();
	err = command_find(name, &in->command);
	free(name);
	return err;
}

static struct err *open_block(struct session *s, const char *line, bool *more)
{
	s->block.line = strdup(line);
	if (!s->block.line)
		return err_nomem();
	*more = true;
	return NULL;
}

static struct err *add_block_line(struct session *s, const char *line)
{
	struct open_block *b = &s->block;
	char **lines = reallocarray(b->lines, b->count + 1, sizeof(*lines));

	if (!lines)
		return err_nomem();
	b->lines = lines;
	lines[b->count] = strdup(line);
	if (!lines[b->count])
		return err_nomem();
	b->count++;
	return NULL;
}

static struct err *close_block(struct session *s, struct out *out)
{
	struct open_block block = s->block;
	struct invocation in = {.block = block.lines, .block_count = block.count};
	struct err *err;

	/* The block is no longer open while it runs. */
	s->block = (struct open_block){0};
	err = parse_line(block.line, &in);
	if (!err)
		err = session_run(s, &in, out);
	s->block = block;
	session_drop_block(s);
	return err;
}

/* A line while a block is open. */
static struct err *continue_block(struct session *s, const char *line, struct out *out, bool *more)
{
	const char *word = line + strspn(line, " \t");
	struct err *err = NULL;

	if (strncmp(word, "end", 3) == 0 && !word[3 + strspn(word + 3, " \t")])
		return close_block(s, out);
	if (s->block.count == BLOCK_MAX)
		err = err_new(ERR_USAGE, "a block of more than %d lines", BLOCK_MAX);
	else if (!is_nothing(word))
		err = add_block_line(s, word);
	if (err)
		session_drop_block(s);
	else
		*more = true;
	return err;
}

/* What a recording could not hold as one line is no command line. */
static struct err *check_line(const char *line)
{
	size_t len = strlen(line), text;

	if (len >= RECORDING_MAX_LINE)
		return err_new(ERR_USAGE, "a line of %zu bytes: at most %d are allowed", len,
			       RECORDING_MAX_LINE - 1);
	text = str_text_length(line, len);
	if (text < len)
		return err_new(ERR_USAGE, "the line holds byte 0x%02x, which is no text",
			       (unsigned char)line[text]);
	return NULL;
}

struct err *session_execute(struct session *s, const char *line, struct out *out, bool *more)
{
	struct invocation in = {0};

	*more = false;
	s->last = NULL;
	ERR_TRY(check_line(line));
	if (s->block.line)
		return continue_block(s, line, out, more);
	if (is_nothing(line))
		return NULL;
	ERR_TRY(parse_line(line, &in));
	if (command_opens_block(in.command, in.rest))
		return open_block(s, line, more);
	travel_idle(s);
	return session_run(s, &in, out);
}

struct err *session_run_line(struct session *s, const char *line, struct out *out)
{
	struct invocation in = {0};

	ERR_TRY(check_line(line));
	ERR_TRY(parse_line(line, &in));
	return err_wrap(session_call(s, &in, out), "%s", in.command->name);
}

struct err *session_name_error(const struct session *s, struct err *err)
{
	if (!err || !s->last)
		return err;
	if (err_kind(err) == ERR_ENVIRONMENT || err_kind(err) == ERR_GUEST_DIED ||
	    err_kind(err) == ERR_INTERRUPTED || str_starts(err_detail(err), "usage: ") ||
	    str_starts(err_detail(err), s->last->name))
		return err;
	return err_wrap(err, "%s", s->last->name);
}
