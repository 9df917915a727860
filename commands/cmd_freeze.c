/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/halt_list.h"

#include <stdio.h>
#include <string.h>

static struct err *run_freeze(struct session *s, const struct command_line *line, struct out *out)
{
	char text[DURATION_TEXT];

	if (line->count == 1 && strcmp(line->words[0], "--as-steal") == 0)
		ERR_TRY(coord_freeze_as_steal(session_coord(s)));
	else if (line->count)
		return command_usage(&command_freeze);
	else
		ERR_TRY(coord_freeze(session_coord(s)));
	out_text(out, "frozen at %s", format_seconds(coord_time(session_coord(s)), text));
	return NULL;
}

static struct err *run_thaw(struct session *s, const struct command_line *line, struct out *out)
{
	char text[DURATION_TEXT];

	if (line->count)
		return command_usage(&command_thaw);
	ERR_TRY(coord_thaw(session_coord(s)));
	out_text(out, "thawed at %s", format_seconds(coord_time(session_coord(s)), text));
	return NULL;
}

/* Guest time between two looks at the progress. */
#define RUN_STEP 100000000ull

static void show_progress(struct session *s, uint64_t done, uint64_t whole)
{
	char now[DURATION_TEXT], all[DURATION_TEXT], text[96];

	snprintf(text, sizeof(text), "run: %s of %s", format_duration(done, now),
		 format_duration(whole, all));
	session_progress(s, text);
}

/* Steps are whole grid points from the start, so that they are the same for every host. */
static struct err *run_for(struct session *s, uint64_t duration)
{
	struct coord *coord = session_coord(s);
	uint64_t start = coord_time(coord), end = start + duration;

	for (uint64_t next = start; next < end;) {
		next = end - next > RUN_STEP ? next + RUN_STEP : end;
		ERR_TRY(coord_run_until(coord, next));
		if (coord_stopped(coord))
			return NULL;
		if (duration > 1000000000ull)
			show_progress(s, next - start, duration);
	}
	return NULL;
}

static struct err *run_run(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *coord = session_coord(s);
	char text[DURATION_TEXT];
	uint64_t duration;
	struct err *err, *frozen;

	if (line->count != 1)
		return command_usage(&command_run);
	ERR_TRY(parse_duration(line->words[0], &duration));
	if (duration > UINT64_MAX / 4)
		return err_new(ERR_USAGE, "%s: too long", line->words[0]);
	ERR_TRY(coord_thaw(coord));
	coord_heed(coord, true);
	err = run_for(s, duration);
	coord_heed(coord, false);
	session_progress(s, NULL);
	/* Frozen where it stands, also when Ctrl-C ended it. */
	frozen = coord_freeze(coord);
	if (err) {
		err_free(frozen);
		return err;
	}
	ERR_TRY(frozen);
	halt_report(s, out);
	out_text(out, "frozen at %s", format_seconds(coord_time(coord), text));
	return NULL;
}

const struct command command_freeze = {
	.name = "freeze",
	.key = "space",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED,
	.usage = "freeze [--as-steal]",
	.summary = "stop every vCPU and the guest's clock",
	.help = "The guest stays frozen until `thaw` or `run`. Under the virtual clock it cannot "
		"tell.\n"
		"\n"
		"With --as-steal, only under the real clock, the guest's clock runs on, and when the "
		"guest does, too,\n"
		"the gap has become steal on every CPU.",
	.arguments = {{"HOW", COMPLETE_WORD, "--as-steal"}},
	.run = run_freeze,
};

const struct command command_thaw = {
	.name = "thaw",
	.key = "space",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED,
	.usage = "thaw",
	.summary = "let a frozen guest go on",
	.help = "In scripts and recordings under the virtual clock guest time passes only while a "
		"command\n"
		"waits for it (`run`, `wait`, `until`, an answer of the agent).",
	.run = run_thaw,
};

const struct command command_run = {
	.name = "run",
	.key = "r",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WAITS,
	.usage = "run DURATION",
	.summary = "let that much guest time pass, then freeze",
	.help = "DURATION takes a unit: 250ms, 2s, 10us; a bare number is seconds. Ctrl-C freezes "
		"earlier,\n"
		"and so does what `break` lists.\n"
		"\n"
		"    run 100ms",
	.arguments = {{"DURATION", COMPLETE_NONE, NULL}},
	.run = run_run,
};
