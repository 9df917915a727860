/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/model.h"

#include <stdio.h>

static const struct out_column cpu_columns[] = {
	{"cpu", OUT_RIGHT},
	{"online", OUT_HIDDEN},
	{"current", 0},
	{"pid", OUT_RIGHT},
	{"class", 0},
	{"nr_running", OUT_RIGHT},
	{"fair", OUT_RIGHT},
	{"rt", OUT_RIGHT},
	{"dl", OUT_RIGHT | OUT_HIDDEN},
	{"ext", OUT_RIGHT},
	{"local_dsq", OUT_RIGHT},
	{"switches", OUT_RIGHT},
	{"locked", OUT_HIDDEN},
	{"clock", OUT_RIGHT | OUT_HIDDEN},
	{"steal", OUT_RIGHT | OUT_HIDDEN},
	{"user", OUT_RIGHT | OUT_HIDDEN},
	{"system", OUT_RIGHT | OUT_HIDDEN},
	{"idle", OUT_RIGHT | OUT_HIDDEN},
	{"wakeups", OUT_RIGHT | OUT_HIDDEN},
	{"wakeups_local", OUT_RIGHT | OUT_HIDDEN},
	{"rq", OUT_HIDDEN},
	{"lock_pending", OUT_RIGHT | OUT_HIDDEN},
	{"lock_tail", OUT_RIGHT | OUT_HIDDEN},
	{"lock_owner", OUT_RIGHT | OUT_HIDDEN},
	{"idle_state", OUT_HIDDEN},
	{"need_resched", OUT_RIGHT | OUT_HIDDEN},
	{"preempt_count", OUT_HIDDEN},
	{"thread_flags", OUT_HIDDEN},
	{"capacity", OUT_RIGHT | OUT_HIDDEN},
	{"clock_task", OUT_RIGHT | OUT_HIDDEN},
	{"uninterruptible", OUT_RIGHT | OUT_HIDDEN},
	{"nr_iowait", OUT_RIGHT | OUT_HIDDEN},
	{"pinned", OUT_RIGHT | OUT_HIDDEN},
	{"avg_idle", OUT_RIGHT | OUT_HIDDEN},
	{"tick_stopped", OUT_RIGHT | OUT_HIDDEN},
	{"goidle", OUT_RIGHT | OUT_HIDDEN},
	{"scx_flags", OUT_HIDDEN},
	{"bypassing", OUT_RIGHT | OUT_HIDDEN},
	{"ops_qseq", OUT_RIGHT | OUT_HIDDEN},
	{"cpu_released", OUT_RIGHT | OUT_HIDDEN},
	{"nr_immed", OUT_RIGHT | OUT_HIDDEN},
	{"cpuperf_target", OUT_RIGHT | OUT_HIDDEN},
	{"scx_clock", OUT_RIGHT | OUT_HIDDEN},
	{"kick_seq", OUT_RIGHT | OUT_HIDDEN},
	{"kick", OUT_HIDDEN},
	{"kick_if_idle", OUT_HIDDEN},
	{"kick_preempt", OUT_HIDDEN},
	{"kick_wait", OUT_HIDDEN},
	{"kick_sync", OUT_HIDDEN},
	{"time_user", OUT_RIGHT | OUT_HIDDEN},
	{"time_nice", OUT_RIGHT | OUT_HIDDEN},
	{"time_system", OUT_RIGHT | OUT_HIDDEN},
	{"time_softirq", OUT_RIGHT | OUT_HIDDEN},
	{"time_irq", OUT_RIGHT | OUT_HIDDEN},
	{"time_idle", OUT_RIGHT | OUT_HIDDEN},
	{"time_iowait", OUT_RIGHT | OUT_HIDDEN},
	{"time_steal", OUT_RIGHT | OUT_HIDDEN},
	{"time_guest", OUT_RIGHT | OUT_HIDDEN},
	{"time_guest_nice", OUT_RIGHT | OUT_HIDDEN},
	{"time_forceidle", OUT_RIGHT | OUT_HIDDEN},
};
#define CPU_COLUMNS (sizeof(cpu_columns) / sizeof(cpu_columns[0]))

struct cpu_rows {
	const struct model *model;
	struct kernel *kernel;
	uint32_t rq_type; /* BTF id of struct rq */
	char comm[SHOW_COMM];
	char idle_name[17];
	struct str flags, kicks[KICK_COUNT];
};

static void fill_current(struct cpu_rows *rows, const struct model_cpu *cpu, struct out_value *comm,
			 struct out_value *pid, struct out_value *class)
{
	const struct model_task *task;

	if (cpu->current_task < 0) {
		*comm = *pid = *class = out_none();
		return;
	}
	task = &rows->model->tasks[cpu->current_task];
	*comm = out_string(show_comm(task, rows->comm));
	*pid = out_s64(task->pid);
	*class = out_string(sched_class_name(task->class));
}

/* The idle state that the idle task is in: its name, or no more than that it has none yet. */
static struct out_value idle_state(struct cpu_rows *rows, const struct model_cpu *cpu)
{
	if (!cpu->idle_state.present)
		return out_absent();
	snprintf(rows->idle_name, sizeof(rows->idle_name), "%.16s", cpu->idle_name);
	return out_string(cpu->idle_state.value ? rows->idle_name : "");
}

static struct out_value scx_flags(struct cpu_rows *rows, const struct model_cpu *cpu)
{
	if (!cpu->scx_flags.present)
		return out_absent();
	str_clear(&rows->flags);
	model_flags(rows->kernel, rows->model, FLAGS_RQ, cpu->scx_flags.value, &rows->flags);
	return out_string(str_text(&rows->flags));
}

static struct out_value *fill_scx(struct cpu_rows *rows, const struct model_cpu *cpu,
				  struct out_value *v)
{
	*v++ = scx_flags(rows, cpu);
	*v++ = show_maybe(cpu->bypassing);
	*v++ = show_maybe(cpu->ops_qseq);
	*v++ = show_maybe(cpu->cpu_released);
	*v++ = show_maybe(cpu->nr_immed);
	*v++ = show_maybe(cpu->cpuperf);
	*v++ = show_maybe(cpu->scx_clock);
	*v++ = show_maybe(cpu->kick_sync);
	for (unsigned int i = 0; i < KICK_COUNT; i++) {
		str_clear(&rows->kicks[i]);
		*v++ = model_kicks(rows->kernel, rows->model, cpu->cpu, (enum model_kick)i,
				   &rows->kicks[i])
			       ? out_string(str_text(&rows->kicks[i]))
			       : out_absent();
	}
	return v;
}

/* That nobody waits for a lock, or holds it, is no lack of the kernel's. */
static struct out_value lock_tail(const struct model_cpu *cpu)
{
	return cpu->lock_pending.present && !cpu->lock_tail.present ? out_none()
								    : show_maybe(cpu->lock_tail);
}

static struct out_value lock_owner(const struct model_cpu *cpu)
{
	return cpu->locked ? show_maybe(cpu->lock_owner) : out_none();
}

static void fill_more(struct cpu_rows *rows, const struct model_cpu *cpu, struct out_value *v)
{
	*v++ = show_maybe(cpu->lock_pending);
	*v++ = lock_tail(cpu);
	*v++ = lock_owner(cpu);
	*v++ = idle_state(rows, cpu);
	*v++ = show_maybe(cpu->need_resched);
	*v++ = show_maybe_hex(cpu->preempt_count);
	*v++ = show_maybe_hex(cpu->thread_flags);
	*v++ = show_maybe(cpu->capacity);
	*v++ = show_maybe(cpu->clock_task);
	*v++ = show_maybe_signed(cpu->nr_uninterruptible);
	*v++ = show_maybe(cpu->nr_iowait);
	*v++ = show_maybe(cpu->nr_pinned);
	*v++ = show_maybe(cpu->avg_idle);
	*v++ = show_maybe(cpu->tick_stopped);
	*v++ = show_maybe(cpu->sched_goidle);
	v = fill_scx(rows, cpu, v);
	for (unsigned int i = 0; i < MODEL_TIMES; i++)
		*v++ = show_maybe(cpu->times[i]);
}

static void fill_cpu(void *context, unsigned int row, struct out_value *v)
{
	struct cpu_rows *rows = context;
	const struct model_cpu *cpu = &rows->model->cpus[row];

	*v++ = out_u64(cpu->cpu);
	*v++ = out_bool(cpu->online);
	fill_current(rows, cpu, &v[0], &v[1], &v[2]);
	v += 3;
	*v++ = out_u64(cpu->nr_running);
	*v++ = out_u64(cpu->nr_fair);
	*v++ = out_u64(cpu->nr_rt);
	*v++ = out_u64(cpu->nr_dl);
	*v++ = show_maybe(cpu->nr_ext);
	*v++ = show_maybe(cpu->local_dsq_nr);
	*v++ = out_u64(cpu->switches);
	*v++ = out_bool(cpu->locked);
	*v++ = out_u64(cpu->clock);
	*v++ = show_maybe(cpu->steal);
	*v++ = show_maybe(cpu->user);
	*v++ = show_maybe(cpu->system);
	*v++ = show_maybe(cpu->idle_time);
	*v++ = show_maybe(cpu->ttwu_count);
	*v++ = show_maybe(cpu->ttwu_local);
	*v++ = out_hex(cpu->rq);
	fill_more(rows, cpu, v);
}

static bool cpu_self(void *context, unsigned int row, struct value *ret)
{
	const struct cpu_rows *rows = context;

	*ret = value_object(rows->rq_type, rows->model->cpus[row].rq);
	return rows->rq_type != 0;
}

/* In JSON columns say so. */
static void show_locked(const struct model *model, struct out *out)
{
	for (unsigned int i = 0; i < model->cpu_count && out_format(out) == OUT_TEXT; i++) {
		const struct model_cpu *cpu = &model->cpus[i];
		char tail[48] = "";

		if (!cpu->locked)
			continue;
		if (cpu->lock_tail.present)
			snprintf(tail, sizeof(tail), "; cpu %u waits for it",
				 (unsigned int)cpu->lock_tail.value);
		out_text(out, "cpu %u: its run queue is locked, its lists may be half changed%s",
			 cpu->cpu, tail);
	}
}

static void cpu_rows_deinit(struct cpu_rows *rows)
{
	str_deinit(&rows->flags);
	for (unsigned int i = 0; i < KICK_COUNT; i++)
		str_deinit(&rows->kicks[i]);
}

static struct err *run_cpus(struct session *s, const struct command_line *line, struct out *out)
{
	struct cpu_rows context = {0};
	struct err *err;
	struct rows rows = {.columns = cpu_columns,
			    .column_count = CPU_COLUMNS,
			    .fill = fill_cpu,
			    .self = cpu_self,
			    .context = &context};

	ERR_TRY(session_kernel(s, &context.kernel));
	ERR_TRY(types_parse(kernel_types(context.kernel), "struct rq", &context.rq_type));
	ERR_TRY(coord_model(session_coord(s), &context.model));
	rows.row_count = context.model->cpu_count;
	err = rows_show(s, &rows, line->rest, out);
	cpu_rows_deinit(&context);
	if (err)
		return err;
	show_locked(context.model, out);
	show_damage(out, context.model->damage);
	return NULL;
}

const struct command command_cpus = {
	.name = "cpus",
	.key = "1",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "cpus [where EXPR] [sort KEY] [columns A,B]",
	.summary = "each CPU: current task, queue lengths, switches",
	.help = "Expressions see the columns' names and the members of the CPU's struct rq. A line "
		"below the\n"
		"table names each CPU whose run-queue lock is held at this moment.\n"
		"More columns: online dl locked clock steal user system idle wakeups wakeups_local "
		"rq\n"
		"lock_pending lock_tail lock_owner idle_state need_resched preempt_count "
		"thread_flags "
		"capacity\n"
		"clock_task uninterruptible nr_iowait pinned avg_idle tick_stopped goidle, of "
		"sched_ext\n"
		"scx_flags bypassing ops_qseq cpu_released nr_immed cpuperf_target scx_clock "
		"kick_seq "
		"kick\n"
		"kick_if_idle kick_preempt kick_wait kick_sync (sets of CPUs), and the buckets of "
		"the "
		"kernel's\n"
		"time accounting in ns: time_user, time_nice, time_system, time_softirq, time_irq, "
		"time_idle,\n"
		"time_iowait, time_steal, time_guest, time_guest_nice, time_forceidle. The lock's "
		"word "
		"does not\n"
		"name its holder: lock_tail is the CPU that waits for it.\n"
		"\n"
		"    cpus where nr_running > 1 columns cpu,nr_running,cfs.nr_queued",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_cpus,
};
