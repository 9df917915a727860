/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/as_drgn.h"
#include "commands/command.h"
#include "commands/show.h"
#include "coord/model.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's name in the letters that all keys have. */
static void event_record(const struct model_event *event, struct out *out)
{
	char key[sizeof(event->name)];
	unsigned int i;

	for (i = 0; i + 1 < sizeof(key) && event->name[i]; i++)
		key[i] = (char)tolower((unsigned char)event->name[i]);
	key[i] = '\0';
	out_record(out, key, out_s64(event->count));
}

static void scx_record(const struct model_scx *scx, struct out *out)
{
	out_record_begin(out);
	out_record(out, "state", out_string(scx->state));
	out_record(out, "ops", out_string(scx->ops));
	out_record(out, "nr_rejected", show_maybe(scx->nr_rejected));
	out_record(out, "enable_seq", show_maybe(scx->enable_seq));
	out_record(out, "bypass_depth", show_maybe(scx->bypass_depth));
	out_record(out, "switched_all", show_maybe(scx->switched_all));
	out_record(out, "watchdog_timeout", show_maybe(scx->watchdog_timeout));
	out_record(out, "exit_kind", show_maybe(scx->exit_kind));
	out_record(out, "exit_reason", out_string(scx->exit_reason));
	out_record(out, "exit_message", out_string(scx->exit_message));
	for (unsigned int i = 0; i < scx->event_count; i++)
		event_record(&scx->events[i], out);
	out_record_end(out);
}

static struct err *run_scx(struct session *s, const struct command_line *line, struct out *out)
{
	const struct model *model;

	if (line->count == 1 && strcmp(line->words[0], "--as-drgn") == 0) {
		as_drgn_scx(out);
		return NULL;
	}
	if (line->count)
		return command_usage(&command_scx);
	ERR_TRY(coord_model(session_coord(s), &model));
	if (!model->scx.present)
		return err_new(ERR_ABSENT, "this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT)");
	scx_record(&model->scx, out);
	show_damage(out, model->damage);
	return NULL;
}

/* ---- dispatch queues ---- */

static const struct out_column dsq_columns[] = {
	{"dsq", OUT_RIGHT},
	{"kind", 0},
	{"cpu", OUT_RIGHT},
	{"queued", OUT_RIGHT},
};

static void dsq_row(struct out *out, struct out_value id, const char *kind, struct out_value cpu,
		    uint64_t queued)
{
	const struct out_value values[] = {id, out_string(kind), cpu, out_u64(queued)};

	out_row(out, values);
}

/* SCX_DSQ_FLAG_BUILTIN and SCX_DSQ_FLAG_LOCAL_ON of include/linux/sched/ext.h (6.12). */
#define DSQ_BUILTIN (1ull << 63)
#define DSQ_LOCAL (DSQ_BUILTIN | 2)

static const char *dsq_kind(uint64_t id)
{
	return id & DSQ_BUILTIN ? "global" : "user";
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_queued_elsewhere(const struct model_task *task)
{
	return task->scx_dsq.present && task->scx_dsq.value && task->scx_dsq_id.present &&
	       task->scx_dsq_id.value != DSQ_LOCAL;
}

/* The queues that hold tasks, found through the tasks: each id once with how many it holds. */
static struct err *other_queues(const struct model *model, struct out *out)
{
	uint64_t *ids = calloc(model->task_count + 1, sizeof(*ids));
	unsigned int count = 0;

	if (!ids)
		return err_nomem();
	for (unsigned int i = 0; i < model->task_count; i++)
		if (is_queued_elsewhere(&model->tasks[i]))
			ids[count++] = model->tasks[i].scx_dsq_id.value;
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (unsigned int i = 0, next; i < count; i = next) {
		for (next = i; next < count && ids[next] == ids[i];)
			next++;
		dsq_row(out, out_hex(ids[i]), dsq_kind(ids[i]), out_absent(), next - i);
	}
	free(ids);
	return NULL;
}

static struct err *list_queues(const struct model *model, struct out *out)
{
	struct err *err;

	out_table_begin(out, dsq_columns, sizeof(dsq_columns) / sizeof(dsq_columns[0]));
	for (unsigned int i = 0; i < model->cpu_count; i++)
		if (model->cpus[i].local_dsq_nr.present)
			dsq_row(out, out_hex(DSQ_LOCAL), "local", out_u64(model->cpus[i].cpu),
				model->cpus[i].local_dsq_nr.value);
	err = other_queues(model, out);
	if (err)
		out_table_drop(out);
	else
		out_table_end(out);
	return err;
}

static const struct out_column member_columns[] = {
	{"pid", OUT_RIGHT},   {"comm", 0},	    {"cpu", OUT_RIGHT},
	{"vtime", OUT_RIGHT}, {"slice", OUT_RIGHT}, {"weight", OUT_RIGHT},
};

static struct err *list_members(const struct model *model, uint64_t id, struct out *out)
{
	out_table_begin(out, member_columns, sizeof(member_columns) / sizeof(member_columns[0]));
	for (unsigned int i = 0; i < model->task_count; i++) {
		const struct model_task *task = &model->tasks[i];
		char comm[SHOW_COMM];
		const struct out_value values[] = {
			out_s64(task->pid),	     out_string(show_comm(task, comm)),
			out_u64(task->cpu),	     show_maybe(task->scx_vtime),
			show_maybe(task->scx_slice), show_maybe(task->scx_weight),
		};

		if (task->scx_dsq.present && task->scx_dsq.value && task->scx_dsq_id.present &&
		    task->scx_dsq_id.value == id)
			out_row(out, values);
	}
	ERR_TRY(out_table_sort(out, "vtime"));
	out_table_end(out);
	return NULL;
}

static struct err *run_dsq(struct session *s, const struct command_line *line, struct out *out)
{
	const struct model *model;
	int64_t id;

	if (line->count > 1)
		return command_usage(&command_dsq);
	ERR_TRY(coord_model(session_coord(s), &model));
	if (!model->scx.present)
		return err_new(ERR_ABSENT, "this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT)");
	if (!line->count)
		return list_queues(model, out);
	ERR_TRY(show_number(s, line->words[0], &id));
	return list_members(model, (uint64_t)id, out);
}

const struct command command_scx = {
	.name = "scx",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "scx [--as-drgn]",
	.summary = "state of sched_ext: scheduler, counters, why it ended",
	.help = "The kernel's own event counters, summed over the CPUs, follow where this kernel "
		"has them. --as-drgn prints\n"
		"a drgn program that gives the same answer from a dump.",
	.arguments = {{"--as-drgn", COMPLETE_WORD, "--as-drgn"}},
	.run = run_scx,
};

const struct command command_dsq = {
	.name = "dsq",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "dsq [ID]",
	.summary = "dispatch queues, or the tasks that wait in one",
	.help = "Without ID: every CPU's local queue, and each other queue that holds tasks. With "
		"ID (also hex):\n"
		"its tasks by vtime.",
	.arguments = {{"ID", COMPLETE_EXPRESSION, NULL}},
	.run = run_dsq,
};
