/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checkpoint: machines kept under a name, and brought back, also later and with that as steal. */
#include "base/parse.h"
#include "commands/command.h"
#include "vmm/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct out_column columns[] = {
	{"name", 0}, {"saved", 0}, {"time", OUT_RIGHT}, {"size", OUT_RIGHT}, {"machine", 0},
};

static const char *date_text(int64_t seconds, char buffer[32])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&when, &tm) || !strftime(buffer, 32, "%Y-%m-%d %H:%M:%S", &tm))
		buffer[0] = '\0';
	return buffer;
}

static struct err *list_all(struct out *out)
{
	struct checkpoint_entry *list;
	unsigned int count;

	ERR_TRY(checkpoint_list(&list, &count));
	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned int i = 0; i < count; i++) {
		char date[32], size[DURATION_TEXT];
		struct out_value values[] = {
			out_string(list[i].name),    out_s64(list[i].saved),
			out_duration(list[i].time),  out_u64(list[i].bytes),
			out_string(list[i].summary),
		};

		values[1].string = date_text(list[i].saved, date);
		values[3].string = format_size(list[i].bytes, size);
		out_row(out, values);
	}
	out_table_end(out);
	free(list);
	return NULL;
}

static struct err *save(struct session *s, const char *name, struct out *out)
{
	struct coord *coord = session_coord(s);
	char text[DURATION_TEXT];

	ERR_TRY(coord_save(coord, name));
	out_text(out, "checkpoint %s of %s", name, format_seconds(coord_time(coord), text));
	return NULL;
}

/* [gap T|real] */
static struct err *parse_gap(const struct command_line *line, uint64_t *ret)
{
	*ret = 0;
	if (line->count == 2)
		return NULL;
	if (line->count != 4 || strcmp(line->words[2], "gap") != 0)
		return command_usage(&command_checkpoint);
	*ret = CHECKPOINT_GAP_REAL;
	if (strcmp(line->words[3], "real") == 0)
		return NULL;
	ERR_TRY(parse_duration(line->words[3], ret));
	if (*ret > UINT64_MAX / 4)
		return err_new(ERR_USAGE, "%s: too long", line->words[3]);
	return NULL;
}

static struct err *restore(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *coord = session_coord(s);
	char text[DURATION_TEXT];
	uint64_t gap;

	ERR_TRY(parse_gap(line, &gap));
	ERR_TRY(coord_restore(coord, line->words[1], gap));
	out_text(out, "restored %s at %s", line->words[1], format_seconds(coord_time(coord), text));
	return NULL;
}

static struct err *delete (const char *name, struct out *out)
{
	ERR_TRY(checkpoint_delete(name));
	out_text(out, "deleted %s", name);
	return NULL;
}

static struct err *run_checkpoint(struct session *s, const struct command_line *line,
				  struct out *out)
{
	const char *verb = line->count ? line->words[0] : "";
	bool named = line->count == 2;

	if (line->count == 1 && strcmp(verb, "list") == 0)
		return list_all(out);
	if (line->count >= 2 && strcmp(verb, "restore") == 0)
		return restore(s, line, out);
	if (named && strcmp(verb, "save") == 0)
		return save(s, line->words[1], out);
	if (named && strcmp(verb, "delete") == 0)
		return delete (line->words[1], out);
	return command_usage(&command_checkpoint);
}

const struct command command_checkpoint = {
	.name = "checkpoint",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_WRITES | CMD_RECORDED,
	.usage = "checkpoint save|delete NAME | restore NAME [gap T|real] | list",
	.summary = "keep the machine under a name, and bring it back",
	.help = "Checkpoints outlive ktdbg and go back into a machine of the same kernel, image, "
		"QEMU, topology "
		"and memory only, whole or not at all. From the saving on every vCPU counts as "
		"runnable: with "
		"`gap T` the guest's clock is ahead by T, and T stands as steal and as runnable "
		"time on "
		"every CPU; `gap real` takes the time that has passed since, `gap 0` and no word "
		"hide it. A gap needs TCG.\n"
		"\n"
		"Under the virtual clock all of it is exact, and the same in every run: the guest goes "
		"on from a restored checkpoint as it went on after the saving. At a break the guest first "
		"goes on to the next multiple of the quantum. There are no runstates, and no `gap "
		"real`.\n"
		"\n"
		"    checkpoint save before\n"
		"    checkpoint restore before gap 2s",
	.arguments = {{"VERB", COMPLETE_WORD, "save|restore|list|delete"},
		      {"NAME", COMPLETE_NONE, NULL},
		      {"gap", COMPLETE_WORD, "gap"},
		      {"T", COMPLETE_WORD, "real"}},
	.run = run_checkpoint,
};
