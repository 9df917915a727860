/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "base/file.h"
#include "commands/recorder.h"
#include "commands/recording.h"

#include <stdlib.h>
#include <string.h>

static void show_recording(const struct recorder *r, struct out *out)
{
	const char *path = recorder_path(r);

	out_record_begin(out);
	out_record(out, "file", out_string(path ? path : "none"));
	out_record(out, "lines", out_u64(recorder_lines(r)));
	out_record_end(out);
}

/* A disk that is full at the first line, or does not take the last one. */
static struct err *check_written(struct recorder *r, struct err *err)
{
	char *problem = err ? NULL : recorder_problem(r);

	if (problem)
		err = err_new(ERR_OS, "%s", problem);
	free(problem);
	return err;
}

static struct err *record_run(struct session *s, const struct command_line *line, struct out *out)
{
	struct recorder *r = session_recorder(s);

	if (line->count == 0) {
		show_recording(r, out);
		return NULL;
	}
	if (line->count == 2 && strcmp(line->words[0], "start") == 0 && session_options(s)->attach)
		return err_new(ERR_REFUSED,
			       "a recording begins with a boot, and this guest was attached to");
	if (line->count == 2 && strcmp(line->words[0], "start") == 0)
		return check_written(r, recorder_start(r, line->words[1]));
	if (line->count == 1 && strcmp(line->words[0], "stop") == 0)
		return check_written(r, recorder_stop(r));
	return command_usage(&command_record);
}

const struct command command_record = {
	.name = "record",
	.key = "",
	.group = GROUP_RECORD,
	.flags = CMD_HOST,
	.usage = "record [start FILE|stop]",
	.summary = "write what is done to this guest as a recording",
	.help = "The file also gets what was done since boot, because a replay starts there. Without\n"
		"arguments: which file, and how many lines there are so far.",
	.arguments = {{"start|stop", COMPLETE_WORD, "start|stop"}, {"FILE", COMPLETE_FILE, NULL}},
	.run = record_run,
};

/* ---- recording check, recording fmt ---- */

static struct err *check_all(const struct recording *r)
{
	ERR_TRY(recording_check_commands(r));
	return recording_check_matchers(r);
}

static struct err *check_file(const char *path, struct out *out)
{
	struct recording *r;
	struct err *err;

	ERR_TRY(recording_read(path, &r));
	err = check_all(r);
	if (!err)
		out_text(out, "%s: well-formed, %u commands%s", path, r->step_count,
			 r->cut_off ? ", cut off in its last line" : "");
	recording_destroy(r);
	return err;
}

static struct err *format_file(const char *path, struct out *out)
{
	struct recording *r;
	struct str s = {0};
	struct err *err;

	ERR_TRY(recording_read(path, &r));
	err = check_all(r);
	if (!err)
		err = recording_format(r, &s);
	recording_destroy(r);
	if (!err)
		err = replace_file(path, s.data, s.len);
	str_deinit(&s);
	return err;
}

static struct err *recording_run(struct session *s, const struct command_line *line, struct out *out)
{
	bool check = line->count >= 2 && strcmp(line->words[0], "check") == 0;

	if (!check && (line->count < 2 || strcmp(line->words[0], "fmt") != 0))
		return command_usage(&command_recording);
	for (unsigned int i = 1; i < line->count; i++)
		ERR_TRY(check ? check_file(line->words[i], out) : format_file(line->words[i], out));
	return NULL;
}

const struct command command_recording = {
	.name = "recording",
	.key = "",
	.group = GROUP_HOST,
	.flags = CMD_HOST,
	.usage = "recording check|fmt FILE...",
	.summary = "check recordings for mistakes, or lay them out in the usual way",
	.help = "`check` says file, line and column of the first mistake and runs nothing; `fmt` rewrites\n"
		"the file: full times, one empty line at most, blocks set in.",
	.arguments = {{"check|fmt", COMPLETE_WORD, "check|fmt"}, {"FILE", COMPLETE_FILE, NULL}},
	.run = recording_run,
};
