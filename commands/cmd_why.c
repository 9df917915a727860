/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/model.h"
#include "coord/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORST_MAX 20

static const struct out_column worst_columns[] = {
	{"pid", OUT_RIGHT}, {"comm", 0}, {"waits", OUT_RIGHT}, {"verdict", 0}, {"because", 0},
};

static struct out_value waited_cell(const struct why_answer *a)
{
	return a->waited.present ? out_duration(a->waited.value) : out_none();
}

/* ---- one task ---- */

static void show_answer(const struct model *model, const struct why_answer *a, struct out *out)
{
	const struct model_task *task = &model->tasks[a->task];
	char comm[SHOW_COMM];

	out_record_begin(out);
	out_record(out, "pid", out_s64(task->pid));
	out_record(out, "comm", out_string(show_comm(task, comm)));
	out_record(out, "verdict", out_string(why_verdict_name(a->verdict)));
	out_record(out, "because", out_string(a->sentence));
	out_record(out, "waits", waited_cell(a));
	for (unsigned int i = 0; i < a->fact_count; i++)
		if (a->facts[i].text)
			out_record(out, a->facts[i].key, out_string(a->facts[i].text));
	out_record_end(out);
}

static struct err *show_task(struct session *s, struct why *why, const struct model *model,
			     const char *word, struct out *out)
{
	struct why_answer answer;
	int64_t pid;
	int task;

	ERR_TRY(show_number(s, word, &pid));
	task = pid > 0 && pid <= INT32_MAX ? model_find_task(model, (int)pid) : -1;
	if (task < 0)
		return err_new(ERR_NOT_FOUND, "no task has pid %" PRId64, pid);
	ERR_TRY(why_task(why, task, &answer));
	show_answer(model, &answer, out);
	why_answer_deinit(&answer);
	return NULL;
}

/* ---- the worst off ---- */

static struct err *worst_row(struct why *why, const struct model *model, int task, struct out *out)
{
	char comm[SHOW_COMM];
	struct why_answer a;

	ERR_TRY(why_task(why, task, &a));
	out_row(out, (struct out_value[]){
			     out_s64(model->tasks[task].pid),
			     out_string(show_comm(&model->tasks[task], comm)),
			     waited_cell(&a),
			     out_string(why_verdict_name(a.verdict)),
			     out_string(a.sentence),
		     });
	why_answer_deinit(&a);
	return NULL;
}

/* A scheduler that was thrown out explains more than any task does. */
static void show_exit(const struct model_scx *scx, struct out *out)
{
	if (scx->exit_kind.present && scx->exit_kind.value && scx->exit_kind_name)
		out_text(out, "sched_ext: the scheduler %s ended: %s%s%s%s%s", scx->ops,
			 scx->exit_kind_name, scx->exit_reason[0] ? ", " : "", scx->exit_reason,
			 scx->exit_message[0] ? ": " : "", scx->exit_message);
}

/* It is gone, and so is what the kernel knew of it but for its log. */
static void show_end(struct kernel *kernel, const struct model *model, struct out *out)
{
	char ago[DURATION_TEXT];
	struct str text = {0};
	uint64_t ns;

	if (why_scheduler_ended(kernel, model, &text, &ns) &&
	    !strstr(str_text(&text), ": unregistered from user space"))
		out_text(out, "sched_ext: the scheduler %s (%s ago)", str_text(&text),
			 format_duration(ns / 1000000 * 1000000, ago));
	str_deinit(&text);
}

static struct err *show_worst(struct why *why, struct kernel *kernel, const struct model *model,
			      struct out *out)
{
	int tasks[WORST_MAX];
	unsigned int found = why_worst(why, tasks, WORST_MAX), waiting = 0;
	struct err *err = NULL;

	show_exit(&model->scx, out);
	show_end(kernel, model, out);
	for (unsigned int i = 0; i < model->task_count; i++)
		if (model->tasks[i].on_rq && !model->tasks[i].current)
			waiting++;
	if (!found) {
		out_text(out,
			 "nothing is badly off: %u tasks, %u of them wait for a CPU, none for "
			 "100 ms",
			 model->task_count, waiting);
		return NULL;
	}
	out_table_begin(out, worst_columns, sizeof(worst_columns) / sizeof(*worst_columns));
	for (unsigned int i = 0; !err && i < found && i < WORST_MAX; i++)
		err = worst_row(why, model, tasks[i], out);
	if (err)
		out_table_drop(out);
	else
		out_table_end(out);
	if (!err && found > WORST_MAX)
		out_text(out, "and %u more", found - WORST_MAX);
	return err;
}

static struct err *run_why(struct session *s, const struct command_line *line, struct out *out)
{
	const struct model *model;
	struct kernel *kernel;
	struct why *why;
	struct err *err;

	if (line->count > 1)
		return command_usage(&command_why);
	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(coord_model(session_coord(s), &model));
	ERR_TRY(why_create(kernel, model, coord_machine(session_coord(s)), &why));
	err = line->count ? show_task(s, why, model, line->words[0], out)
			  : show_worst(why, kernel, model, out);
	why_destroy(why);
	return err;
}

const struct command command_why = {
	.name = "why",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "why [PID]",
	.summary = "why a task does not run; without a task, who is worst off",
	.help = "One sentence and the facts that it rests on, all from this frozen moment. It "
		"knows, among\n"
		"others: a dispatch queue that no CPU consumes, CPUs that idle and were not "
		"kicked, affinity,\n"
		"a task that the BPF scheduler keeps, bypass, throttled and frozen cgroups, a "
		"higher class,\n"
		"a CPU with interrupts off, its turn that has not come, and what a sleeper waits "
		"for (locks\n"
		"with their owners, futexes, timers with the time left, files, children). What "
		"memory does\n"
		"not prove is not claimed. Without PID: tasks that were runnable for 100 ms "
		"without running,\n"
		"or blocked uninterruptibly for a second, or run with interrupts off; worst "
		"first.\n"
		"`why(PID)` in an expression is the sentence.\n"
		"\n"
		"    why 1\n"
		"    expect why($w) ~ \"no CPU takes it\"",
	.arguments = {{"PID", COMPLETE_PID, NULL}},
	.run = run_why,
};
