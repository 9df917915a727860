/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/as_drgn.h"
#include "commands/command.h"
#include "commands/show.h"
#include "coord/model.h"

#include <ctype.h>
#include <stdio.h>
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

static struct out_value kind_cell(const struct model_scx *scx)
{
	struct out_value v = show_maybe(scx->exit_kind);

	if (scx->exit_kind.present)
		v.string = scx->exit_kind_name;
	return v;
}

static struct out_value duration_cell(struct maybe ns)
{
	return ns.present ? out_duration(ns.value) : out_absent();
}

/* A time that may have passed: a number in JSON, with a unit in text. */
static struct out_value left_cell(int64_t ns, char text[DURATION_TEXT + 1])
{
	struct out_value v = out_s64(ns);
	char number[DURATION_TEXT], *at = text;

	if (ns < 0)
		*at++ = '-';
	snprintf(at, DURATION_TEXT, "%s",
		 format_duration(ns < 0 ? -(uint64_t)ns : (uint64_t)ns, number));
	v.string = text;
	return v;
}

/* Who waits longest, and how long the watchdog will still look on. */
static struct err *watchdog_record(struct kernel *kernel, const struct model *model,
				   struct out *out, struct str *damage)
{
	const struct maybe limit = model->scx.watchdog_ns;
	char wait[DURATION_TEXT + 1], left[DURATION_TEXT + 1];
	int task = -1;
	int64_t age = 0;
	struct err *err = model_longest_waiting(kernel, model, &task, &age, damage);

	if (err && err_kind(err) != ERR_ABSENT)
		return err;
	err_free(err);
	out_record(out, "watchdog_ns", duration_cell(limit));
	out_record(out, "longest_waiting", task < 0 ? out_none() : out_s64(model->tasks[task].pid));
	out_record(out, "longest_wait", task < 0 ? out_none() : left_cell(age, wait));
	out_record(out, "watchdog_left",
		   !limit.present ? out_absent()
		   : task < 0	  ? out_none()
				  : left_cell((int64_t)(limit.value - (uint64_t)age), left));
	return NULL;
}

static void flags_record(struct kernel *kernel, const struct model *model, struct out *out)
{
	struct str flags = {0};

	if (model->scx.ops_flags.present)
		model_flags(kernel, model, FLAGS_OPS, model->scx.ops_flags.value, &flags);
	out_record(out, "ops_flags",
		   flags.len ? out_string(str_text(&flags)) : show_maybe(model->scx.ops_flags));
	str_deinit(&flags);
}

static struct err *scx_record(struct kernel *kernel, const struct model *model, struct out *out,
			      struct str *damage)
{
	const struct model_scx *scx = &model->scx;
	struct err *err;

	out_record_begin(out);
	out_record(out, "state", out_string(scx->state));
	out_record(out, "ops", out_string(scx->ops));
	out_record(out, "nr_rejected", show_maybe(scx->nr_rejected));
	out_record(out, "enable_seq", show_maybe(scx->enable_seq));
	out_record(out, "bypass_depth", show_maybe(scx->bypass_depth));
	out_record(out, "switched_all", show_maybe(scx->switched_all));
	out_record(out, "watchdog_timeout", show_maybe(scx->watchdog_timeout));
	err = watchdog_record(kernel, model, out, damage);
	flags_record(kernel, model, out);
	out_record(out, "slice_default", duration_cell(scx->slice_default));
	out_record(out, "aborting", show_maybe(scx->aborting));
	out_record(out, "exit_kind", kind_cell(scx));
	out_record(out, "exit_code", show_maybe_signed(scx->exit_code));
	out_record(out, "exit_reason", out_string(scx->exit_reason));
	out_record(out, "exit_message", out_string(scx->exit_message));
	for (unsigned int i = 0; i < scx->event_count; i++)
		event_record(&scx->events[i], out);
	out_record_end(out);
	return err;
}

static struct err *run_scx(struct session *s, const struct command_line *line, struct out *out)
{
	const struct model *model;
	struct kernel *kernel;
	struct str damage = {0};
	struct err *err;

	if (line->count == 1 && strcmp(line->words[0], "--as-drgn") == 0) {
		as_drgn_scx(out);
		return NULL;
	}
	if (line->count)
		return command_usage(&command_scx);
	ERR_TRY(coord_model(session_coord(s), &model));
	if (!model->scx.present)
		return err_new(ERR_ABSENT, "this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT)");
	ERR_TRY(session_kernel(s, &kernel));
	err = scx_record(kernel, model, out, &damage);
	show_damage(out, model->damage);
	show_damage(out, str_text(&damage));
	str_deinit(&damage);
	return err;
}

const struct command command_scx = {
	.name = "scx",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "scx [--as-drgn]",
	.summary = "state of sched_ext: scheduler, counters, why it ended",
	.help = "The watchdog's limit in jiffies and as a time, the task that waits longest, and "
		"what "
		"is left until\n"
		"the watchdog ends the scheduler for its sake (ns). The kernel's own event "
		"counters, summed over the CPUs, follow where this kernel "
		"has them. --as-drgn prints\n"
		"a drgn program that gives the same answer from a dump.",
	.arguments = {{"--as-drgn", COMPLETE_WORD, "--as-drgn"}},
	.run = run_scx,
};
