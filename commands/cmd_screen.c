/* SPDX-License-Identifier: GPL-2.0-or-later */
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
