/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/cold_show.h"
#include "commands/command.h"
#include "commands/show.h"
#include "commands/words.h"
#include "coord/cold.h"

#include <stdlib.h>
#include <string.h>

/* Operations in one batch. */
#define BATCH_MAX 4096

static struct err *run_read(struct session *s, const struct command_line *line, struct out *out)
{
	return cold_show_run(s, false, line->count, line->words, out);
}

static struct err *run_write(struct session *s, const struct command_line *line, struct out *out)
{
	return cold_show_run(s, true, line->count, line->words, out);
}

/* ---- batch ... end ---- */

static struct err *parse_entry(struct session *s, const char *text, struct cold_op *ret)
{
	struct words words;
	struct err *err;

	ERR_TRY(words_split(text, &words));
	if (words.count && strcmp(words.words[0], "read") == 0)
		err = cold_show_parse(s, false, words.count - 1, words.words + 1, ret);
	else if (words.count && strcmp(words.words[0], "write") == 0)
		err = cold_show_parse(s, true, words.count - 1, words.words + 1, ret);
	else
		err = err_new(ERR_USAGE, "'%s': a batch holds read and write only", text);
	words_deinit(&words);
	return err;
}

static struct err *run_entries(struct session *s, const struct command_line *line,
			       struct cold_op *ops, struct cold_reply *replies, struct out *out)
{
	for (unsigned int i = 0; i < line->block_count; i++)
		ERR_TRY(err_wrap(parse_entry(s, line->block[i], &ops[i]), "entry %u", i + 1));
	ERR_TRY(cold_batch(coord_cold(session_coord(s)), ops, line->block_count, replies));
	for (unsigned int i = 0; i < line->block_count; i++)
		cold_show_reply(&replies[i], out);
	return NULL;
}

static struct err *run_batch(struct session *s, const struct command_line *line, struct out *out)
{
	struct cold_reply *replies;
	struct cold_op *ops;
	struct err *err;

	if (line->count)
		return command_usage(&command_batch);
	if (line->block_count > BATCH_MAX)
		return err_new(ERR_USAGE, "a batch of more than %d entries", BATCH_MAX);
	ops = calloc(line->block_count + 1, sizeof(*ops));
	replies = calloc(line->block_count + 1, sizeof(*replies));
	err = ops && replies ? run_entries(s, line, ops, replies, out) : err_nomem();
	free(ops);
	free(replies);
	return err;
}

/* ---- what was written ---- */

static struct err *run_undo(struct session *s, const struct command_line *line, struct out *out)
{
	unsigned int count;

	if (line->count)
		return command_usage(&command_undo);
	ERR_TRY(cold_undo(coord_cold(session_coord(s)), &count));
	out_text(out, "%u write%s undone", count, count == 1 ? "" : "s");
	return NULL;
}

static const struct out_column change_columns[] = {
	{"time", OUT_RIGHT}, {"target", 0},	 {"type", 0},
	{"old", OUT_RIGHT},  {"new", OUT_RIGHT}, {"state", 0},
};

static const char *change_state(const struct cold_change *change)
{
	if (change->undone)
		return "undone";
	return change->forced ? "forced" : "";
}

static struct err *run_changes(struct session *s, const struct command_line *line, struct out *out)
{
	const struct cold_change *changes;
	unsigned int count;

	if (line->count)
		return command_usage(&command_changes);
	changes = cold_changes(coord_cold(session_coord(s)), &count);
	out_table_begin(out, change_columns, sizeof(change_columns) / sizeof(change_columns[0]));
	for (unsigned int i = 0; i < count; i++) {
		char time[DURATION_TEXT];
		struct out_value values[] = {
			out_duration(changes[i].time),	 out_string(changes[i].target),
			out_string(changes[i].type),	 out_string(changes[i].old_text),
			out_string(changes[i].new_text), out_string(change_state(&changes[i])),
		};

		values[0].string = format_seconds(changes[i].time, time);
		out_row(out, values);
	}
	out_table_end(out);
	return NULL;
}

static struct err *run_replies(struct session *s, const struct command_line *line, struct out *out)
{
	struct cold_reply reply;

	if (line->count)
		return command_usage(&command_replies);
	while (cold_replies_next(coord_cold(session_coord(s)), &reply))
		cold_show_reply(&reply, out);
	return NULL;
}

#define TARGET_HELP                                                                                \
	"TARGET is one of\n"                                                                       \
	"    task PID[@START_NS] FIELD      a member of the task's task_struct\n"                  \
	"    percpu SYMBOL[.FIELD] cpu N    a per-CPU variable\n"                                  \
	"    symbol NAME[.FIELD]            a kernel variable\n"                                   \
	"    bpf MAP.VAR | bpf MAP[KEY]     a variable or value of a BPF map, see `help bpf`\n"    \
	"    kva ADDR | direct ADDR         a kernel virtual or a guest-physical address\n"        \
	"TYPE is u8 u16 u32 u64 s8 s16 s32 s64 bytes:N or or-u32; without it the kernel's own "    \
	"type counts.\n"

const struct command command_read = {
	.name = "read",
	.key = "",
	.group = GROUP_CHANGE,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_HOT,
	.usage = "read TARGET [as TAG] [:TYPE] [--hot]",
	.summary = "read one field of the frozen guest",
	.help = TARGET_HELP "The reply is `TAG TYPE VALUE`, kept in the reply log, where $TAG "
			    "finds it. --hot reads without\n"
			    "freezing: one aligned load.\n"
			    "\n"
			    "    read percpu runqueues.nr_running cpu 0\n"
			    "    read task $w scx.dsq_vtime as seeded",
	.arguments = {{"TARGET", COMPLETE_TARGET, NULL}},
	.run = run_read,
};

const struct command command_write = {
	.name = "write",
	.key = "e",
	.group = GROUP_CHANGE,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_HOT,
	.usage = "write TARGET VALUE [:TYPE] [--dry-run] [--force L4,L5|FIELD] [--hot]",
	.summary = "write one field of the frozen guest",
	.help = TARGET_HELP
	"VALUE is a number, an enum's name, true or false, hex digits with bytes:N, $name or an "
	"expression.\n"
	"A task is validated first (L1 pid, L2 start time, L3 alive, L4 not on a run queue, L5 in "
	"no dispatch\n"
	"queue, L6 ext class, L8 start_boottime); --force takes L4 to L8 by name, and FIELD for a "
	"field that\n"
	"the scheduler keeps in step with others. --dry-run does all but the write.\n"
	"\n"
	"    write task $w scx.dsq_vtime 2592000000000000",
	.arguments = {{"TARGET", COMPLETE_TARGET, NULL}},
	.run = run_write,
};

const struct command command_batch = {
	.name = "batch",
	.key = "",
	.group = GROUP_CHANGE,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_BLOCK,
	.usage = "batch ... end",
	.summary = "several reads and writes in one frozen window, all or nothing",
	.help = "The lines up to `end` are `read` and `write` commands. The first that fails stops "
		"the batch, and\n"
		"the writes before it are undone.",
	.run = run_batch,
};

const struct command command_undo = {
	.name = "undo",
	.key = "u",
	.group = GROUP_CHANGE,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES,
	.usage = "undo",
	.summary = "take back the last write or batch",
	.help = "Only while the guest has not run since.",
	.run = run_undo,
};

const struct command command_changes = {
	.name = "changes",
	.key = "",
	.group = GROUP_CHANGE,
	.flags = CMD_GUEST | CMD_RECORDED,
	.usage = "changes",
	.summary = "all writes since the guest's boot",
	.run = run_changes,
};

const struct command command_replies = {
	.name = "replies",
	.key = "",
	.group = GROUP_CHANGE,
	.flags = CMD_GUEST | CMD_RECORDED,
	.usage = "replies",
	.summary = "the replies of reads and writes since the last `replies`",
	.help = "Drains the reply log in order. What `$TAG` finds stays.",
	.run = run_replies,
};
