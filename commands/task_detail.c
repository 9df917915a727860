/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/task_detail.h"

#include <string.h>

void task_detail_deinit(struct task_detail *d)
{
	str_deinit(&d->path);
	str_deinit(&d->cpus);
	str_deinit(&d->dsq);
	str_deinit(&d->flags);
	str_deinit(&d->ddsp);
	str_deinit(&d->enq_flags);
}

#define NAME_ONLY(name, flags) name,

bool task_detail_wanted(const char *clauses, const struct out *out)
{
	static const char *const names[] = {TASK_DETAIL_COLUMNS(NAME_ONLY)};

	if (out_format(out) == OUT_JSON)
		return true;
	for (size_t i = 0; i < TASK_DETAIL_COUNT; i++)
		if (strstr(clauses, names[i]))
			return true;
	return false;
}

static struct out_value cgroup_cell(struct task_detail *d, const struct model_task *task)
{
	uint64_t cgroup = model_task_cgroup(d->kernel, d->model, task->address);

	if (cgroup != d->cgroup) {
		str_clear(&d->path);
		model_cgroup_path(d->kernel, d->model, cgroup, &d->path);
		d->cgroup = cgroup;
	}
	return d->path.len ? out_string(str_text(&d->path)) : out_absent();
}

static struct out_value cpus_cell(struct task_detail *d, unsigned int task)
{
	str_clear(&d->cpus);
	return model_task_cpus(d->kernel, d->model, (int)task, &d->cpus)
		       ? out_string(str_text(&d->cpus))
		       : out_absent();
}

static struct out_value dsq_cell(struct maybe id, struct str *s)
{
	if (!id.present)
		return out_absent();
	str_clear(s);
	model_dsq_name(id.value, s);
	return out_string(str_text(s));
}

static struct out_value flags_cell(struct task_detail *d, enum model_flags which,
				   struct maybe value, struct str *s)
{
	if (!value.present)
		return out_absent();
	str_clear(s);
	model_flags(d->kernel, d->model, which, value.value, s);
	return out_string(str_text(s));
}

static struct out_value state_cell(struct task_detail *d, struct maybe state)
{
	const char *name = state.present ? model_ops_state(d->kernel, d->model, state.value) : NULL;

	return name ? out_string(name) : show_maybe(state);
}

static struct out_value *fill_common(struct task_detail *d, unsigned int task,
				     const struct model_detail *t, struct out_value *v)
{
	*v++ = cgroup_cell(d, &d->model->tasks[task]);
	*v++ = cpus_cell(d, task);
	*v++ = show_maybe(t->migration_disabled);
	*v++ = show_maybe(t->boosted);
	*v++ = show_maybe_hex(t->pi_blocked_on);
	*v++ = show_maybe_signed(t->wake_cpu);
	*v++ = show_maybe(t->nvcsw);
	*v++ = show_maybe(t->nivcsw);
	*v++ = show_maybe(t->migrations);
	*v++ = show_maybe(t->timeslices);
	*v++ = show_maybe(d->model->tasks[task].waiting);
	*v++ = show_maybe_hex(t->stack_pointer);
	*v++ = show_maybe(t->throttled);
	*v++ = show_maybe(t->deadline);
	*v++ = show_maybe_signed(t->vlag);
	*v++ = show_maybe(t->slice);
	*v++ = show_maybe(t->weight);
	*v++ = show_maybe(t->dl_deadline);
	*v++ = show_maybe_signed(t->dl_budget);
	return v;
}

static void fill_scx(struct task_detail *d, const struct model_task *task,
		     const struct model_detail *t, struct out_value *v)
{
	*v++ = task->scx_dsq.present && !task->scx_dsq.value
		       ? out_none()
		       : dsq_cell(task->scx_dsq_id, &d->dsq);
	*v++ = show_maybe(task->scx_weight);
	*v++ = flags_cell(d, FLAGS_TASK, task->scx_flags, &d->flags);
	*v++ = state_cell(d, t->ops_state);
	*v++ = show_maybe(t->ops_qseq);
	*v++ = show_maybe_signed(t->sticky_cpu);
	*v++ = show_maybe_signed(t->holding_cpu);
	*v++ = show_maybe_signed(t->selected_cpu);
	*v++ = dsq_cell(t->ddsp_dsq_id, &d->ddsp);
	*v++ = flags_cell(d, FLAGS_ENQUEUE, t->ddsp_enq_flags, &d->enq_flags);
	*v++ = show_maybe_hex(t->dsq_flags);
	*v++ = show_maybe(t->dsq_seq);
	*v++ = show_maybe(t->disallow);
	*v++ = show_maybe_hex(t->kf_mask);
	*v++ = show_maybe(t->tid);
	*v++ = show_maybe(t->runnable_at);
	*v++ = t->runnable_at.present && !t->runnable_age.present ? out_none()
								  : show_maybe(t->runnable_age);
}

void task_detail_fill(struct task_detail *d, unsigned int task, struct out_value *values)
{
	struct model_detail t;

	if (d->wanted && model_task_detail(d->kernel, d->model, (int)task, &t)) {
		values = fill_common(d, task, &t, values);
		fill_scx(d, &d->model->tasks[task], &t, values);
		return;
	}
	for (unsigned int i = 0; i < TASK_DETAIL_COUNT; i++)
		values[i] = out_absent();
}
