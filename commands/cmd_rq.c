/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/model.h"

#include <stdlib.h>

static const struct out_column queue_columns[] = {
	{"class", 0},
	{"pid", OUT_RIGHT},
	{"name", 0},
	{"eligible", 0},
	{"key", OUT_RIGHT},
	{"deadline", OUT_RIGHT},
	{"lag", OUT_RIGHT},
	{"slice", OUT_RIGHT},
	{"weight", OUT_RIGHT},
	{"prio", OUT_RIGHT},
	{"runtime", OUT_RIGHT},
	{"current", 0},
	{"kind", OUT_HIDDEN},
	{"depth", OUT_RIGHT | OUT_HIDDEN},
	{"comm", OUT_HIDDEN},
	{"cgroup", OUT_HIDDEN},
	{"queued", OUT_HIDDEN},
	{"vruntime", OUT_RIGHT | OUT_HIDDEN},
	{"vlag", OUT_RIGHT | OUT_HIDDEN},
	{"delayed", OUT_HIDDEN},
	{"throttled", OUT_HIDDEN},
	{"remaining", OUT_RIGHT | OUT_HIDDEN},
	{"budget", OUT_RIGHT | OUT_HIDDEN},
	{"dl_runtime", OUT_RIGHT | OUT_HIDDEN},
	{"dl_period", OUT_RIGHT | OUT_HIDDEN},
	{"time_left", OUT_RIGHT | OUT_HIDDEN},
	{"address", OUT_HIDDEN},
	{"cpu", OUT_RIGHT | OUT_HIDDEN},
};
#define QUEUE_COLUMNS (sizeof(queue_columns) / sizeof(queue_columns[0]))

struct queue_rows {
	const struct model *model;
	struct kernel *kernel;
	const struct model_cpu *cpu;
	uint32_t task_type; /* BTF id of struct task_struct */
	const struct model_entity *entities;
	struct str name, cgroup;
	char comm[SHOW_COMM];
};

static const char *kind_name(enum entity_kind kind)
{
	static const char *const names[] = {"task", "group", "server"};

	return names[kind];
}

/* The task or group, moved to the right by how deep it is nested. */
static struct out_value indented(struct queue_rows *rows, const struct model_entity *e)
{
	str_clear(&rows->name);
	for (unsigned int i = 0; i < e->depth; i++)
		str_add(&rows->name, "  ");
	if (e->autogroup.present)
		str_addf(&rows->name, "autogroup-%u:", (unsigned int)e->autogroup.value);
	else if (e->kind == ENTITY_GROUP)
		str_addf(&rows->name, "%s:", rows->cgroup.len ? str_text(&rows->cgroup) : "?");
	else
		str_add(&rows->name, e->kind == ENTITY_TASK ? rows->comm : "(server)");
	return out_string(str_text(&rows->name));
}

/* A group's own cgroup, a task's cgroup. */
static void find_cgroup(struct queue_rows *rows, const struct model_entity *e)
{
	uint64_t cgroup = e->cgroup;

	str_clear(&rows->cgroup);
	if (e->kind == ENTITY_TASK)
		cgroup = model_task_cgroup(rows->kernel, rows->model,
					   rows->model->tasks[e->task].address);
	model_cgroup_path(rows->kernel, rows->model, cgroup, &rows->cgroup);
}

/* A cell that belongs to another class than the entity's is not absent: it does not apply. */
static struct out_value of_class(const struct model_entity *e, enum sched_class class,
				 struct out_value cell)
{
	return cell.kind == OUT_ABSENT && e->class != class ? out_none() : cell;
}

static struct out_value *fill_class(struct queue_rows *rows, const struct model_entity *e,
				    struct out_value *v)
{
	/* By the run queue's clock, as the kernel compares it. */
	int64_t left = (int64_t)(e->deadline.value - rows->cpu->clock);

	*v++ = of_class(e, CLASS_FAIR, show_maybe(e->vruntime));
	*v++ = of_class(e, CLASS_FAIR, show_maybe_signed(e->vlag));
	*v++ = of_class(e, CLASS_FAIR, show_maybe(e->delayed));
	*v++ = of_class(e, CLASS_FAIR, show_maybe(e->throttled));
	*v++ = of_class(e, CLASS_FAIR, show_maybe_signed(e->remaining));
	*v++ = of_class(e, CLASS_DL, show_maybe_signed(e->budget));
	*v++ = of_class(e, CLASS_DL, show_maybe(e->dl_runtime));
	*v++ = of_class(e, CLASS_DL, show_maybe(e->dl_period));
	*v++ = of_class(e, CLASS_DL,
			e->class == CLASS_DL && e->deadline.present ? out_s64(left) : out_absent());
	return v;
}

static void fill_entity(void *context, unsigned int row, struct out_value *v)
{
	struct queue_rows *rows = context;
	const struct model_entity *e = &rows->entities[row];
	const struct model_task *task = e->task < 0 ? NULL : &rows->model->tasks[e->task];

	find_cgroup(rows, e);
	if (task)
		show_comm(task, rows->comm);
	*v++ = out_string(sched_class_name(e->class));
	*v++ = task ? out_s64(task->pid) : out_none();
	*v++ = indented(rows, e);
	*v++ = of_class(e, CLASS_FAIR,
			e->eligible.present ? out_bool(e->eligible.value) : out_absent());
	*v++ = e->queued ? out_u64(e->key) : out_none();
	*v++ = of_class(e, e->class == CLASS_DL ? CLASS_DL : CLASS_FAIR, show_maybe(e->deadline));
	*v++ = of_class(e, CLASS_FAIR, show_maybe_signed(e->lag));
	*v++ = of_class(e, CLASS_FAIR, show_maybe(e->slice));
	*v++ = of_class(e, CLASS_FAIR, show_maybe(e->weight));
	*v++ = task ? out_s64(task->prio) : out_none();
	*v++ = task ? out_duration(task->runtime) : out_none();
	*v++ = out_bool(e->current);
	*v++ = out_string(kind_name(e->kind));
	*v++ = out_u64(e->depth);
	*v++ = task ? out_string(rows->comm) : out_none();
	*v++ = rows->cgroup.len ? out_string(str_text(&rows->cgroup)) : out_absent();
	*v++ = out_bool(e->queued);
	v = fill_class(rows, e, v);
	*v++ = out_hex(e->address);
	*v = out_u64(rows->cpu->cpu);
}

static bool entity_self(void *context, unsigned int row, struct value *ret)
{
	const struct queue_rows *rows = context;
	const struct model_entity *e = &rows->entities[row];

	if (e->task < 0)
		return false;
	*ret = value_object(rows->task_type, rows->model->tasks[e->task].address);
	return true;
}

static struct err *show_queue(struct session *s, struct queue_rows *context, const char *clauses,
			      struct out *out)
{
	struct rows rows = {.columns = queue_columns,
			    .column_count = QUEUE_COLUMNS,
			    .fill = fill_entity,
			    .self = entity_self,
			    .context = context};
	struct model_entity *entities = NULL;
	struct str damage = {0};
	struct err *err;

	ERR_TRY(model_entities(context->kernel, context->model, context->cpu->cpu, &entities,
			       &rows.row_count, &damage));
	context->entities = entities;
	err = rows_show(s, &rows, clauses, out);
	if (!err)
		show_damage(out, str_text(&damage));
	free(entities);
	str_deinit(&damage);
	str_deinit(&context->name);
	str_deinit(&context->cgroup);
	return err;
}

static struct err *run_rq(struct session *s, const struct command_line *line, struct out *out)
{
	struct queue_rows context = {0};
	const char *clauses;
	unsigned int cpu;
	struct err *err;
	char *word;

	ERR_TRY(session_kernel(s, &context.kernel));
	ERR_TRY(rows_word(line->rest, &word, &clauses));
	if (!word)
		return command_usage(&command_rq);
	err = show_cpu_number(s, word, &cpu);
	free(word);
	if (!err)
		err = types_parse(kernel_types(context.kernel), "struct task_struct",
				  &context.task_type);
	if (!err)
		err = coord_model(session_coord(s), &context.model);
	if (err)
		return err;
	context.cpu = &context.model->cpus[cpu];
	return show_queue(s, &context, clauses, out);
}

const struct command command_rq = {
	.name = "rq",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "rq CPU [where EXPR] [sort KEY] [columns A,B]",
	.summary = "what waits on one CPU, class by class, in the kernel's order",
	.help = "Deadline by deadline, RT by priority, the local dispatch queue, then the tree of "
		"the "
		"fair class,\n"
		"where a group (its path and a colon) is followed by what it holds. `key` is what "
		"the "
		"class orders\n"
		"by: deadline, priority, place, vruntime. `lag` is what the queue owes an entity, "
		"and "
		"`eligible`\n"
		"what the kernel makes of it: of the eligible ones it picks the earliest "
		"deadline.\n"
		"More columns: kind depth comm cgroup queued vruntime vlag delayed throttled "
		"remaining "
		"budget\n"
		"dl_runtime dl_period time_left (to the deadline) address cpu.\n"
		"\n"
		"    rq 0 where class == \"fair\" && eligible sort deadline",
	.arguments = {{"CPU", COMPLETE_CPU, NULL}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_rq,
};
