/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/dump_file.h"

static struct err *run_dump(struct session *s, const struct command_line *line, struct out *out)
{
	struct dump_done done = {0};

	if (line->count != 1)
		return err_new(ERR_USAGE, "want one file name: dump FILE");
	ERR_TRY(dump_file_write(s, line->words[0], &done));
	out_record_begin(out);
	out_record(out, "file", out_string(line->words[0]));
	out_record(out, "bytes", out_u64(done.bytes));
	out_record(out, "freeze", out_duration(done.freeze));
	out_record_end(out);
	return NULL;
}

const struct command command_dump = {
	.name = "dump",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_HOST, /* opens its window itself: the file is written outside of it */
	.usage = "dump FILE",
	.summary = "write all that is known of this instant as one JSON file",
	.help = "What status, cpus, tasks, task, rq, dsq, scx, cgroups, counters (with their samples of the "
		"last minute),\n"
		"backtrace, registers, locks, why, console, dmesg, bpf, changes, replies and steps answer at "
		"one frozen\n"
		"instant, each under its command line as an array of objects, and the history since boot. "
		"The guest is\n"
		"held while it is looked at, not while the file is written. docs/dump.schema.json describes the "
		"file;\n"
		"with jq: jq '.answers.why' FILE. The memory that they look at is in it, too: `ktdbg --open-dump FILE` shows "
		"all of it\n"
		"on the screen, as of a frozen guest. All of guest memory: `vmcore`.",
	.arguments = {{"FILE", COMPLETE_FILE, NULL}},
	.run = run_dump,
};
