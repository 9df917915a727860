/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"

#include <stdlib.h>
#include <string.h>

static struct err *run_view(struct session *s, const struct command_line *line, struct out *out)
{
	const struct screen_ops *screen;
	void *context;

	if (line->count < 1 || line->count > 2)
		return command_usage(&command_view);
	screen = session_screen(s, &context);
	return screen->view(context, line->words[0], line->count == 2 ? line->words[1] : NULL);
}

static struct err *run_save_screen(struct session *s, const struct command_line *line,
				   struct out *out)
{
	const struct screen_ops *screen;
	void *context;

	if (line->count != 1)
		return command_usage(&command_save_screen);
	screen = session_screen(s, &context);
	ERR_TRY(screen->save(context, line->words[0]));
	out_text(out, "saved as %s", line->words[0]);
	return NULL;
}

/* ---- watch ---- */

#define WATCH_STEP 1000000000ull

/* Cuts " every T" off the end of `text`. */
static struct err *take_every(char *text, uint64_t *ret)
{
	char *every = NULL;

	for (char *p = text; (p = strstr(p, " every ")); p++)
		every = p;
	*ret = WATCH_STEP;
	if (!every)
		return NULL;
	ERR_TRY(err_wrap(parse_duration(every + strlen(" every "), ret), "every"));
	*every = '\0';
	return *ret ? NULL : err_new(ERR_USAGE, "every: 0 is no time");
}

/* At the prompt: a line each time, until Ctrl-C. */
static struct err *watch_lines(struct session *s, const char *expression, uint64_t step,
			       struct out *out)
{
	const struct command_line line = {.rest = expression};
	struct coord *coord = session_coord(s);

	for (;;) {
		ERR_TRY(command_print.run(s, &line, out));
		if (coord_frozen(coord))
			return err_new(ERR_REFUSED,
				       "watch: nothing will change: the guest is frozen");
		ERR_TRY(coord_run_until(coord, coord_time(coord) + step));
	}
}

static struct err *watch(struct session *s, const char *expression, uint64_t step, struct out *out)
{
	void *context;
	const struct screen_ops *screen = session_screen(s, &context);

	if (screen)
		return screen->watch(context, *expression ? expression : NULL);
	if (session_mode(s) != MODE_PROMPT)
		return err_new(ERR_REFUSED, "watch: works on the screen and at the prompt; "
					    "scripts have `until` and `wait`");
	if (!*expression)
		return command_usage(&command_watch);
	return watch_lines(s, expression, step, out);
}

static struct err *run_watch(struct session *s, const struct command_line *line, struct out *out)
{
	char *text = strdup(line->rest);
	uint64_t step;
	struct err *err;

	if (!text)
		return err_nomem();
	err = take_every(text, &step);
	if (!err)
		err = watch(s, text, step, out);
	free(text);
	return err;
}

const struct command command_view = {
	.name = "view",
	.key = "",
	.group = GROUP_SCREEN,
	.flags = CMD_SCREEN_ONLY,
	.usage = "view NAME [ARGUMENT]",
	.summary = "open a view of the screen",
	.help = "Without a match the views are listed.",
	.arguments = {{"NAME", COMPLETE_VIEW, NULL}, {"ARGUMENT", COMPLETE_PID, NULL}},
	.run = run_view,
};

const struct command command_save_screen = {
	.name = "save-screen",
	.key = "",
	.group = GROUP_SCREEN,
	.flags = CMD_SCREEN_ONLY,
	.usage = "save-screen FILE",
	.summary = "write what the screen shows to a file, as text",
	.arguments = {{"FILE", COMPLETE_FILE, NULL}},
	.run = run_save_screen,
};

const struct command command_watch = {
	.name = "watch",
	.key = "",
	.group = GROUP_SCREEN,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RAW,
	.usage = "watch [EXPR] [every T]",
	.summary = "keep the value of an expression in sight",
	.help = "On the screen: a line that follows the guest; without EXPR all such lines go "
		"away. At the prompt:\n"
		"a line every T of guest time (1s), until Ctrl-C.\n"
		"\n"
		"    watch rq(0).nr_running every 100ms",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_watch,
};
