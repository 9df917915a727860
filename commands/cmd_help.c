/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/help.h"

static struct err *run_help(struct session *s, const struct command_line *line, struct out *out)
{
	const struct command *command;

	if (line->count > 1)
		return command_usage(&command_help);
	if (!line->count) {
		help_overview(out);
		return NULL;
	}
	if (help_topic(line->words[0])) {
		out_lines(out, help_topic(line->words[0]));
		return NULL;
	}
	ERR_TRY(command_find(line->words[0], &command));
	help_command(command, out);
	return NULL;
}

static struct err *run_quit(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count)
		return command_usage(&command_quit);
	session_set_quit(s);
	return NULL;
}

const struct command command_help = {
	.name = "help",
	.key = "?",
	.group = GROUP_SCREEN,
	.usage = "help [COMMAND|TOPIC]",
	.summary = "the commands, or one of them in detail",
	.help = "Topics are expressions and times.",
	.arguments = {{"COMMAND", COMPLETE_COMMAND, NULL}},
	.run = run_help,
};

const struct command command_quit = {
	.name = "quit",
	.key = "q",
	.group = GROUP_SCREEN,
	.usage = "quit",
	.summary = "end the session and its guest",
	.run = run_quit,
};
