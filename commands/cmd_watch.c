/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch: a line of the screen that follows an expression, or, elsewhere, a line of output for each
 * change. With `for T` it is over by itself, so it can be recorded and replayed; without, the
 * operator ends it, and a replay has nothing to do.
 */
#include "base/interrupt.h"
#include "base/parse.h"
#include "commands/command.h"
#include "commands/expr.h"
#include "coord/coord.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_EVERY 1000000000ull
#define WATCH_DEPTH 2 /* levels of nested structs */

struct watching {
	char *text;	/* of the expression, "" for none */
	uint64_t every; /* guest ns */
	uint64_t span;	/* guest ns, 0: until Ctrl-C */
};

static void trim(char *text)
{
	size_t len = strlen(text);

	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
}

/* The last `word` that stands alone in `text`, NULL. */
static char *last_word(char *text, const char *word)
{
	size_t len = strlen(word);
	char *found = NULL;

	for (char *p = text; (p = strstr(p, word)); p++)
		if (p > text && isspace((unsigned char)p[-1]) && isspace((unsigned char)p[len]))
			found = p;
	return found;
}

/* Cuts "WORD T" off the end of `text`, if it ends in that. */
static struct err *take_clause(char *text, const char *word, uint64_t *ret)
{
	char *at = last_word(text, word), *duration;
	struct err *err;

	trim(text);
	if (!at)
		return NULL;
	duration = at + strlen(word) + strspn(at + strlen(word), " \t");
	/* One word only: what comes before a later clause is that one's business. */
	if (strpbrk(duration, " \t"))
		return NULL;
	err = parse_duration(duration, ret);
	if (!err && !*ret)
		err = err_new(ERR_USAGE, "0 is no time");
	if (err)
		return err_wrap(err, "%s", word);
	*at = '\0';
	trim(text);
	return NULL;
}

/* "EXPR every T for T", in either order. */
static struct err *parse(struct watching *w)
{
	w->every = WATCH_EVERY;
	ERR_TRY(take_clause(w->text, "for", &w->span));
	ERR_TRY(take_clause(w->text, "every", &w->every));
	if (!w->span)
		ERR_TRY(take_clause(w->text, "for", &w->span));
	return NULL;
}

/* A struct's lines as one. */
static void join_lines(const char *text, struct str *s)
{
	for (; *text; text++) {
		str_add_c(s, *text == '\n' ? ' ' : *text);
		if (*text == '\n')
			text += strspn(text + 1, " \t");
	}
}

static void show_change(uint64_t time, const struct value *v, const char *text, struct out *out)
{
	char seconds[DURATION_TEXT];

	format_seconds(time, seconds);
	if (out_format(out) == OUT_TEXT) {
		out_text(out, "%s  %s", seconds, text);
		return;
	}
	out_record_begin(out);
	out_record(out, "time", out_u64(time));
	out_record(out, "value",
		   v->kind == VALUE_NUMBER && !v->type ? out_s64((int64_t)v->number)
						       : out_string(text));
	out_record_end(out);
}

/* Show what the expression is now, unless that is what `last` says. */
static struct err *look(const struct expr *e, const struct expr_context *c, struct str *last,
			struct out *out)
{
	struct str text = {0}, line = {0};
	struct expr_result result;
	struct err *err = expr_show(e, c, WATCH_DEPTH, &text, &result);

	if (!err) {
		join_lines(str_text(&text), &line);
		err = str_error(&line);
	}
	if (!err && (!last->data || strcmp(str_text(&line), str_text(last)) != 0)) {
		show_change(coord_time(c->coord), &result.value, str_text(&line), out);
		str_clear(last);
		str_add(last, str_text(&line));
		err = str_error(last);
	}
	str_deinit(&text);
	str_deinit(&line);
	return err;
}

/* At exact times from the start, so that it is the same in every run. */
static struct err *follow(const struct expr *e, const struct expr_context *c,
			  const struct watching *w, struct str *last, struct out *out)
{
	uint64_t start = coord_time(c->coord), end = start + w->span;

	for (uint64_t next = start;;) {
		ERR_TRY(look(e, c, last, out));
		if (w->span && next >= end)
			return NULL;
		if (coord_frozen(c->coord))
			return err_new(ERR_REFUSED,
				       "watch: nothing will change: the guest is frozen");
		next = w->span && end - next <= w->every ? end : next + w->every;
		ERR_TRY(coord_run_until(c->coord, next));
	}
}

static struct err *watch_lines(struct session *s, const struct watching *w, struct out *out)
{
	struct expr_context context = expr_session_context(s);
	struct str last = {0};
	struct expr *e;
	struct err *err;

	ERR_TRY(expr_parse(w->text, &e));
	err = follow(e, &context, w, &last, out);
	str_deinit(&last);
	expr_destroy(e);
	return err;
}

/* Ctrl-C is how it ends. */
static struct err *watch_until_interrupted(struct session *s, const struct watching *w,
					   struct out *out)
{
	struct err *err;

	/* What was seen depends on when it was ended: not for a recording. */
	out_set_tee(out, NULL);
	err = watch_lines(s, w, out);
	if (!err || err_kind(err) != ERR_INTERRUPTED || interrupt_is_final())
		return err;
	err_free(err);
	interrupt_clear();
	return NULL;
}

static struct err *watch(struct session *s, const struct watching *w, struct out *out)
{
	void *context;
	const struct screen_ops *screen = session_screen(s, &context);

	if (w->every > UINT64_MAX / 4 || w->span > UINT64_MAX / 4)
		return err_new(ERR_USAGE, "watch: the times are too long");
	if (w->span && *w->text)
		return watch_lines(s, w, out);
	if (session_mode(s) == MODE_BATCH)
		return NULL;
	if (screen)
		return screen->watch(context, *w->text ? w->text : NULL);
	if (!*w->text)
		return command_usage(&command_watch);
	if (session_mode(s) != MODE_PROMPT)
		return err_new(ERR_USAGE, "watch: `for T` says how long, where there is no Ctrl-C");
	return watch_until_interrupted(s, w, out);
}

static struct err *run_watch(struct session *s, const struct command_line *line, struct out *out)
{
	struct watching w = {.text = strdup(line->rest)};
	struct err *err;

	if (!w.text)
		return err_nomem();
	err = parse(&w);
	if (!err)
		err = watch(s, &w, out);
	free(w.text);
	return err;
}

const struct command command_watch = {
	.name = "watch",
	.key = "",
	.group = GROUP_SCREEN,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "watch [EXPR] [every T] [for T]",
	.summary = "keep the value of an expression in sight",
	.help = "On the screen: a line that follows the guest; without EXPR all such lines go "
		"away. Elsewhere:\n"
		"looks every T of guest time (1s) and writes a line with the time when the value "
		"is "
		"another one, for\n"
		"so long as `for` says; at the prompt without `for` until Ctrl-C.\n"
		"\n"
		"    watch rq(0).nr_running every 100ms\n"
		"    watch counter(switches,0) every 10ms for 1s",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_watch,
};
