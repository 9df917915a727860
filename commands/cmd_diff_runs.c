/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/diff_runs.h"

static struct err *read_and_diff(struct session *s, const struct command_line *line,
				 const struct quantum quanta[2], struct out *out)
{
	struct recording *r;
	struct err *err;

	ERR_TRY(recording_read(line->words[0], &r));
	err = recording_check_commands(r);
	if (!err)
		err = recording_check_matchers(r);
	if (!err)
		err = diff_runs(r, session_options(s), quanta, out);
	recording_destroy(r);
	return err;
}

static struct err *run_diff_runs(struct session *s, const struct command_line *line, struct out *out)
{
	struct quantum quanta[2];

	if (line->count != 3)
		return command_usage(&command_diff_runs);
	for (unsigned int i = 0; i < 2; i++)
		ERR_TRY(err_wrap(quantum_parse(line->words[1 + i], &quanta[i]), "quantum"));
	return read_and_diff(s, line, quanta, out);
}

const struct command command_diff_runs = {
	.name = "diff-runs",
	.key = "",
	.group = GROUP_HOST,
	.flags = CMD_HOST,
	.usage = "diff-runs FILE QUANTUM QUANTUM",
	.summary = "one recording under two interleavings: where they part",
	.help = "Replays a recording twice, each time in a guest of its own, and shows the first millisecond at\n"
		"whose end a CPU runs another task, and how the transcripts differ. On the shell's line the\n"
		"quanta may be options.\n"
		"\n"
		"    ktdbg diff-runs race.t --quantum 100us --quantum random:17",
	.arguments = {{"FILE", COMPLETE_FILE, NULL}, {"QUANTUM", COMPLETE_NONE, NULL},
		      {"QUANTUM", COMPLETE_NONE, NULL}},
	.run = run_diff_runs,
};
