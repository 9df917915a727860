/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/as_drgn.h"
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "commands/task_detail.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct out_column task_columns[] = {{"pid", OUT_RIGHT},
						 {"tgid", OUT_RIGHT | OUT_HIDDEN},
						 {"comm", 0},
						 {"state", 0},
						 {"class", 0},
						 {"policy", 0},
						 {"prio", OUT_RIGHT},
						 {"nice", OUT_RIGHT | OUT_HIDDEN},
						 {"cpu", OUT_RIGHT},
						 {"on_rq", OUT_RIGHT},
						 {"on_cpu", OUT_RIGHT | OUT_HIDDEN},
						 {"runtime", OUT_RIGHT},
						 {"vruntime", OUT_RIGHT | OUT_HIDDEN},
						 {"switches", OUT_RIGHT},
						 {"run_delay", OUT_RIGHT | OUT_HIDDEN},
						 {"static_prio", OUT_RIGHT | OUT_HIDDEN},
						 {"normal_prio", OUT_RIGHT | OUT_HIDDEN},
						 {"rt_priority", OUT_RIGHT | OUT_HIDDEN},
						 {"start_time", OUT_RIGHT | OUT_HIDDEN},
						 {"dsq", OUT_RIGHT | OUT_HIDDEN},
						 {"vtime", OUT_RIGHT | OUT_HIDDEN},
						 {"slice", OUT_RIGHT | OUT_HIDDEN},
						 {"kthread", OUT_HIDDEN},
						 {"address", OUT_HIDDEN},
#define DETAIL_COLUMN(name, flags) {name, (flags) | OUT_HIDDEN},
						 TASK_DETAIL_COLUMNS(DETAIL_COLUMN)
#undef DETAIL_COLUMN
};
#define TASK_COLUMNS (sizeof(task_columns) / sizeof(task_columns[0]))

struct task_rows {
	const struct model *model;
	uint32_t type; /* BTF id of struct task_struct */
	struct task_detail detail;
	char comm[SHOW_COMM];
	char state[2];
};

/* Times that are compared and pasted, not estimated, stay plain nanoseconds in text. */
static void fill_task(void *context, unsigned int row, struct out_value *v)
{
	struct task_rows *rows = context;
	const struct model_task *task = &rows->model->tasks[row];

	rows->state[0] = task->state;
	*v++ = out_s64(task->pid);
	*v++ = out_s64(task->tgid);
	*v++ = out_string(show_comm(task, rows->comm));
	*v++ = out_string(rows->state);
	*v++ = out_string(sched_class_name(task->class));
	*v++ = out_string(sched_policy_name(task->policy));
	*v++ = out_s64(task->prio);
	*v++ = out_s64(task->nice);
	*v++ = out_u64(task->cpu);
	*v++ = out_u64(task->on_rq);
	*v++ = out_u64(task->on_cpu);
	*v++ = out_duration(task->runtime);
	*v++ = out_u64(task->vruntime);
	*v++ = out_u64(task->switches);
	*v++ = show_maybe(task->run_delay);
	*v++ = out_s64(task->static_prio);
	*v++ = out_s64(task->normal_prio);
	*v++ = out_s64(task->rt_priority);
	*v++ = out_u64(task->start_time);
	/* On no queue, unless the kernel cannot say so. */
	*v++ = task->scx_dsq.present && !task->scx_dsq.value ? out_none()
							     : show_maybe_hex(task->scx_dsq_id);
	*v++ = show_maybe(task->scx_vtime);
	*v++ = show_maybe(task->scx_slice);
	*v++ = out_bool(task->kthread);
	*v++ = out_hex(task->address);
	task_detail_fill(&rows->detail, row, v);
}

static bool task_self(void *context, unsigned int row, struct value *ret)
{
	const struct task_rows *rows = context;

	*ret = value_object(rows->type, rows->model->tasks[row].address);
	return true;
}

static struct err *take_rows(struct session *s, struct task_rows *ret)
{
	struct kernel *kernel;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(types_parse(kernel_types(kernel), "struct task_struct", &ret->type));
	ERR_TRY(coord_model(session_coord(s), &ret->model));
	ret->detail.kernel = kernel;
	ret->detail.model = ret->model;
	return NULL;
}

static struct err *run_tasks(struct session *s, const struct command_line *line, struct out *out)
{
	struct task_rows context = {0};
	struct rows rows = {.columns = task_columns,
			    .column_count = TASK_COLUMNS,
			    .fill = fill_task,
			    .self = task_self,
			    .context = &context};
	struct err *err;

	ERR_TRY(take_rows(s, &context));
	context.detail.wanted = task_detail_wanted(line->rest, out);
	rows.row_count = context.model->task_count;
	err = rows_show(s, &rows, line->rest, out);
	task_detail_deinit(&context.detail);
	if (err)
		return err;
	show_damage(out, context.model->damage);
	return NULL;
}

/* ---- one task ---- */

static struct err *no_task(const struct model *model, int64_t pid)
{
	const struct model_task *below = NULL, *above = NULL;
	char near[64] = "";

	for (unsigned int i = 0; i < model->task_count; i++) {
		const struct model_task *task = &model->tasks[i];

		if (task->pid < pid && (!below || task->pid > below->pid))
			below = task;
		if (task->pid > pid && (!above || task->pid < above->pid))
			above = task;
	}
	if (below && above)
		snprintf(near, sizeof(near), "; near: %d, %d", below->pid, above->pid);
	else if (below)
		snprintf(near, sizeof(near), "; the highest is %d", below->pid);
	return err_new(ERR_NOT_FOUND, "no task with pid %" PRId64 " among %u%s", pid,
		       model->task_count, near);
}

static void task_record(struct task_rows *rows, unsigned int row, struct out *out)
{
	struct out_value values[TASK_COLUMNS];

	rows->detail.wanted = true;
	fill_task(rows, row, values);
	out_record_begin(out);
	for (unsigned int i = 0; i < TASK_COLUMNS; i++)
		out_record(out, task_columns[i].name, values[i]);
	out_record_end(out);
	task_detail_deinit(&rows->detail);
}

/* The scheduling entity of the task's class, and what every class uses. */
static struct err *task_overview(struct kernel *kernel, enum sched_class class,
				 const struct value *task, struct out *out)
{
	static const struct {
		const char *name;
		unsigned int classes;
	} members[] = {
		{"se", 1 << CLASS_FAIR | 1 << CLASS_EXT | 1 << CLASS_UNKNOWN},
		{"rt", 1 << CLASS_RT},
		{"dl", 1 << CLASS_DL},
		{"scx", 1 << CLASS_EXT},
		{"sched_info", ~0u},
	};

	for (unsigned int i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct value member;
		struct str text = {0};

		if (!(members[i].classes >> class & 1))
			continue;
		ERR_TRY(value_member(kernel, task, members[i].name, &member));
		if (member.kind == VALUE_ABSENT)
			continue;
		str_addf(&text, "%s = ", members[i].name);
		value_format(kernel, &member, 1, &text);
		out_lines(out, str_text(&text));
		str_deinit(&text);
	}
	return NULL;
}

static struct err *run_task(struct session *s, const struct command_line *line, struct out *out)
{
	struct task_rows rows = {0};
	struct kernel *kernel;
	struct value task;
	int64_t pid;
	bool as_drgn = line->count == 2 && strcmp(line->words[1], "--as-drgn") == 0;
	int row;

	if (line->count != 1 && !as_drgn)
		return command_usage(&command_task);
	ERR_TRY(show_number(s, line->words[0], &pid));
	ERR_TRY(take_rows(s, &rows));
	row = pid > 0 && pid <= INT32_MAX ? model_find_task(rows.model, (int)pid) : -1;
	if (row < 0)
		return no_task(rows.model, pid);
	if (as_drgn)
		return as_drgn_task((int)pid, out);
	ERR_TRY(session_kernel(s, &kernel));
	task_self(&rows, (unsigned int)row, &task);
	task_record(&rows, (unsigned int)row, out);
	if (out_format(out) != OUT_TEXT)
		return NULL;
	return task_overview(kernel, rows.model->tasks[row].class, &task, out);
}

const struct command command_tasks = {
	.name = "tasks",
	.key = "2",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "tasks [where EXPR] [sort KEY] [columns A,B]",
	.summary = "every task with its scheduler state",
	.help = "Expressions see the columns' names and the members of the task's task_struct; KEY "
		"is a column\n"
		"or an expression, with - before it for descending order. Columns may be "
		"expressions too.\n"
		"More columns: tgid nice on_cpu vruntime run_delay static_prio normal_prio "
		"rt_priority start_time\n"
		"dsq vtime slice kthread address, cgroup cpus_allowed migration_disabled boosted "
		"pi_blocked_on\n"
		"wake_cpu nvcsw nivcsw migrations timeslices waiting sp throttled, of fair and "
		"deadline deadline\n"
		"vlag fair_slice load_weight dl_deadline dl_budget, of sched_ext dsq_name weight "
		"scx_flags\n"
		"ops_state ops_qseq sticky_cpu holding_cpu selected_cpu ddsp_dsq ddsp_enq_flags "
		"dsq_flags dsq_seq\n"
		"disallow kf_mask tid runnable_at (jiffies) runnable_age. Times are nanoseconds in "
		"expressions\n"
		"and in JSON.\n"
		"\n"
		"    tasks where class == \"ext\" sort -runtime\n"
		"    tasks where comm ~ \"^kworker\" columns pid,comm,se.load.weight",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_tasks,
};

const struct command command_task = {
	.name = "task",
	.key = "enter",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "task PID [--as-drgn]",
	.summary = "one task in detail",
	.help = "All columns of `tasks`, and in text the scheduling entity of its class. PID may\n"
		"be an expression: $w, worker(web,0). --as-drgn prints a drgn program that gives "
		"the same answer\n"
		"from a dump.",
	.arguments = {{"PID", COMPLETE_PID, NULL}, {"--as-drgn", COMPLETE_WORD, "--as-drgn"}},
	.run = run_task,
};
