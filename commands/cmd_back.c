/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/expr.h"
#include "commands/travel.h"

#include <string.h>

static void tell(const struct travel_arrival *a, struct out *out)
{
	char time[DURATION_TEXT];

	out_text(out, "frozen at %s", format_seconds(a->time, time));
	if (a->inside)
		out_text(out, "in the middle of `%.*s`: it can be looked at, not changed",
			 (int)strcspn(a->inside, "\n"), a->inside);
	if (a->ahead)
		out_text(out, "%u command%s ahead, until something is changed here", a->ahead,
			 a->ahead == 1 ? " lies" : "s lie");
	if (a->differs)
		out_text(out, "some commands on the way gave other output than the first time");
}

static struct err *to_line(struct session *s, const char *word, struct travel_arrival *ret)
{
	uint64_t line;

	ERR_TRY(parse_u64(word, &line));
	return travel_to_line(s, line, ret);
}

static struct err *by(struct session *s, const char *word, bool forward, struct travel_arrival *ret)
{
	uint64_t now = coord_time(session_coord(s)), duration;
	char text[DURATION_TEXT];

	ERR_TRY(parse_duration(word, &duration));
	if (!forward && duration > now)
		return err_new(ERR_USAGE, "%s: the boot was only %s ago", word,
			       format_duration(now, text));
	if (forward && duration > UINT64_MAX / 2 - now)
		return err_new(ERR_USAGE, "%s: too long", word);
	return travel_to_time(s, forward ? now + duration : now - duration, ret);
}

static struct err *until(struct session *s, const char *text, struct travel_arrival *ret)
{
	struct expr *e;
	struct err *err;

	ERR_TRY(expr_parse(text, &e));
	err = travel_to_last(s, e, ret);
	expr_destroy(e);
	return err;
}

/* What both commands take: DURATION, `to LINE`. */
static struct err *go(struct session *s, const struct command *command, const char *rest,
		      struct travel_arrival *ret)
{
	size_t len = strcspn(rest, " \t");
	const char *second = rest + len + strspn(rest + len, " \t");

	if (len == 2 && str_starts(rest, "to"))
		return *second ? to_line(s, second, ret) : command_usage(command);
	if (!len || *second)
		return command_usage(command);
	return by(s, rest, command == &command_forward, ret);
}

static struct err *run_back(struct session *s, const struct command_line *line, struct out *out)
{
	struct travel_arrival arrival;

	if (str_starts(line->rest, "until ") || str_starts(line->rest, "until\t"))
		ERR_TRY(until(s, line->rest + 6, &arrival));
	else
		ERR_TRY(go(s, &command_back, line->rest, &arrival));
	tell(&arrival, out);
	return NULL;
}

static struct err *run_forward(struct session *s, const struct command_line *line, struct out *out)
{
	struct travel_arrival arrival;

	if (*line->rest)
		ERR_TRY(go(s, &command_forward, line->rest, &arrival));
	else
		ERR_TRY(travel_to_end(s, &arrival));
	tell(&arrival, out);
	return NULL;
}

const struct command command_back = {
	.name = "back",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RAW,
	.usage = "back DURATION|to LINE|until EXPR",
	.summary = "go to an earlier moment of the guest's life",
	.help = "What was done since the boot is done again in another guest, which then takes this one's\n"
		"place: byte for byte what it was then, with the variables and replies of that moment.\n"
		"`to LINE`: before the command in that line of the recording (as the recording view numbers\n"
		"it). `until EXPR`: the last moment before this one at which EXPR was true; it is looked at\n"
		"every 100 us of guest time.\n"
		"What lies ahead is kept for `forward` until something is changed here. Then it is gone from the\n"
		"recording, too. Needs --clock virtual.\n"
		"\n"
		"    back 10ms\n"
		"    back until rq(0).curr.pid == 0",
	.arguments = {{"DURATION|to|until", COMPLETE_WORD, "to|until"}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_back,
};

const struct command command_forward = {
	.name = "forward",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RAW,
	.usage = "forward [DURATION|to LINE]",
	.summary = "after `back`: go the same way again, to its end without an argument",
	.help = "The commands that lie ahead are done again at their moments.",
	.arguments = {{"DURATION|to", COMPLETE_WORD, "to"}, {"LINE", COMPLETE_NONE, NULL}},
	.run = run_forward,
};
