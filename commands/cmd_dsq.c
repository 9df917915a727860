/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The queues of this kernel, and their tasks while one after another is shown. */
struct dsqs {
	const struct model *model;
	struct kernel *kernel;
	struct model_dsq *dsqs;
	unsigned int count;
	struct str damage;
	uint32_t type; /* BTF id of what a row is: struct scx_dispatch_q, struct task_struct */
	struct waiter *members;
	unsigned int member_count;
	char comm[SHOW_COMM];
};

static const char *kind_name(enum dsq_kind kind)
{
	static const char *const names[] = {"local", "global", "bypass", "user"};

	return names[kind];
}

static struct out_value place(int number)
{
	return number < 0 ? out_none() : out_s64(number);
}

/* ---- all queues ---- */

static const struct out_column dsq_columns[] = {
	{"dsq", OUT_RIGHT},    {"kind", 0},	     {"cpu", OUT_RIGHT},      {"node", OUT_RIGHT},
	{"queued", OUT_RIGHT}, {"first", OUT_RIGHT}, {"address", OUT_HIDDEN},
};

/* The pid of the task that waits at its head. */
static struct out_value first_waiting(struct dsqs *d, const struct model_dsq *dsq)
{
	struct model_queue_entry *entries = NULL;
	struct out_value first = out_none();
	unsigned int count = 0;
	struct err *err;

	if (!dsq->nr)
		return first;
	err = model_dsq_tasks(d->kernel, d->model, dsq->address, &entries, &count, &d->damage);
	if (!err && count)
		first = out_s64(d->model->tasks[entries[0].task].pid);
	err_free(err);
	free(entries);
	return first;
}

static void fill_dsq(void *context, unsigned int row, struct out_value *v)
{
	struct dsqs *d = context;
	const struct model_dsq *dsq = &d->dsqs[row];

	*v++ = out_hex(dsq->id);
	*v++ = out_string(kind_name(dsq->kind));
	*v++ = place(dsq->cpu);
	*v++ = place(dsq->node);
	*v++ = out_u64(dsq->nr);
	*v++ = first_waiting(d, dsq);
	*v++ = out_hex(dsq->address);
}

static bool dsq_self(void *context, unsigned int row, struct value *ret)
{
	const struct dsqs *d = context;

	*ret = value_object(d->type, d->dsqs[row].address);
	return true;
}

static struct err *list_queues(struct session *s, struct dsqs *d, const char *clauses,
			       struct out *out)
{
	const struct rows rows = {.columns = dsq_columns,
				  .column_count = sizeof(dsq_columns) / sizeof(dsq_columns[0]),
				  .row_count = d->count,
				  .fill = fill_dsq,
				  .self = dsq_self,
				  .context = d};

	ERR_TRY(types_parse(kernel_types(d->kernel), "struct scx_dispatch_q", &d->type));
	return rows_show(s, &rows, clauses, out);
}

/* ---- the tasks of one ---- */

static const struct out_column member_columns[] = {
	{"place", OUT_RIGHT},
	{"pid", OUT_RIGHT},
	{"comm", 0},
	{"cpu", OUT_RIGHT},
	{"vtime", OUT_RIGHT},
	{"slice", OUT_RIGHT},
	{"weight", OUT_RIGHT},
	{"dsq", OUT_RIGHT | OUT_HIDDEN},
	{"of", OUT_RIGHT | OUT_HIDDEN},
};

struct waiter {
	unsigned int dsq; /* index */
	int task;
	uint64_t place;
};

static void fill_member(void *context, unsigned int row, struct out_value *v)
{
	struct dsqs *d = context;
	const struct waiter *member = &d->members[row];
	const struct model_task *task = &d->model->tasks[member->task];
	const struct model_dsq *dsq = &d->dsqs[member->dsq];

	*v++ = out_u64(member->place);
	*v++ = out_s64(task->pid);
	*v++ = out_string(show_comm(task, d->comm));
	*v++ = out_u64(task->cpu);
	*v++ = show_maybe(task->scx_vtime);
	*v++ = show_maybe(task->scx_slice);
	*v++ = show_maybe(task->scx_weight);
	*v++ = out_hex(dsq->id);
	*v++ = place(dsq->cpu < 0 ? dsq->node : dsq->cpu);
}

static bool member_self(void *context, unsigned int row, struct value *ret)
{
	const struct dsqs *d = context;

	*ret = value_object(d->type, d->model->tasks[d->members[row].task].address);
	return true;
}

static struct err *add_members(struct dsqs *d, unsigned int index)
{
	struct model_queue_entry *entries = NULL;
	struct waiter *members;
	unsigned int count = 0;

	ERR_TRY(model_dsq_tasks(d->kernel, d->model, d->dsqs[index].address, &entries, &count,
				&d->damage));
	members = realloc(d->members, (d->member_count + count + 1) * sizeof(*members));
	if (!members) {
		free(entries);
		return err_nomem();
	}
	d->members = members;
	for (unsigned int i = 0; i < count; i++)
		members[d->member_count++] =
			(struct waiter){index, entries[i].task, entries[i].key};
	free(entries);
	return NULL;
}

/* "local" means every CPU's, "local:2" one of them, "global:0" a node's; else it is a number. */
static bool is_named(const char *word, const struct model_dsq *dsq)
{
	const char *kind = kind_name(dsq->kind);
	size_t len = strlen(kind);
	char number[16];

	if (dsq->kind == DSQ_USER || strncmp(word, kind, len) != 0)
		return false;
	snprintf(number, sizeof(number), ":%d", dsq->kind == DSQ_GLOBAL ? dsq->node : dsq->cpu);
	return !word[len] || strcmp(word + len, number) == 0;
}

static bool is_kind_word(const char *word)
{
	return str_starts(word, "local") || str_starts(word, "global") ||
	       str_starts(word, "bypass");
}

static struct err *collect(struct session *s, struct dsqs *d, const char *word)
{
	bool named = is_kind_word(word);
	unsigned int found = 0;
	int64_t id = 0;

	if (!named)
		ERR_TRY(show_number(s, word, &id));
	for (unsigned int i = 0; i < d->count; i++) {
		if (named ? !is_named(word, &d->dsqs[i]) : d->dsqs[i].id != (uint64_t)id)
			continue;
		ERR_TRY(add_members(d, i));
		found++;
	}
	return found ? NULL
		     : err_new(ERR_NOT_FOUND, "no dispatch queue %s among %u; `dsq` lists them",
			       word, d->count);
}

static struct err *list_members(struct session *s, struct dsqs *d, const char *word,
				const char *clauses, struct out *out)
{
	struct rows rows = {.columns = member_columns,
			    .column_count = sizeof(member_columns) / sizeof(member_columns[0]),
			    .fill = fill_member,
			    .self = member_self,
			    .context = d};

	ERR_TRY(types_parse(kernel_types(d->kernel), "struct task_struct", &d->type));
	ERR_TRY(collect(s, d, word));
	rows.row_count = d->member_count;
	return rows_show(s, &rows, clauses, out);
}

static struct err *take_dsqs(struct session *s, struct dsqs *d)
{
	ERR_TRY(session_kernel(s, &d->kernel));
	ERR_TRY(coord_model(session_coord(s), &d->model));
	if (!d->model->scx.present)
		return err_new(ERR_ABSENT, "this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT)");
	return model_all_dsqs(d->kernel, d->model, &d->dsqs, &d->count, &d->damage);
}

static struct err *run_dsq(struct session *s, const struct command_line *line, struct out *out)
{
	struct dsqs d = {0};
	const char *clauses;
	struct err *err;
	char *word;

	ERR_TRY(rows_word(line->rest, &word, &clauses));
	err = take_dsqs(s, &d);
	if (!err)
		err = word ? list_members(s, &d, word, clauses, out)
			   : list_queues(s, &d, clauses, out);
	if (!err)
		show_damage(out, str_text(&d.damage));
	free(word);
	free(d.dsqs);
	free(d.members);
	str_deinit(&d.damage);
	return err;
}

const struct command command_dsq = {
	.name = "dsq",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "dsq [ID] [where EXPR] [sort KEY] [columns A,B]",
	.summary = "dispatch queues, or the tasks that wait in one",
	.help = "Without ID: every CPU's local queue, the kernel's global queue of each node, "
		"those of "
		"the bypass,\n"
		"and all that the scheduler made, with how many wait and who is first. With ID (a "
		"number, also hex,\n"
		"or local, local:CPU, global, bypass:CPU): its tasks in their order.\n"
		"More columns: address; with ID dsq and of (its CPU or node).\n"
		"\n"
		"    dsq where queued > 0 sort -queued",
	.arguments = {{"ID", COMPLETE_EXPRESSION, NULL}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_dsq,
};
