/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One task in full: what a picture of all tasks would take too long to collect. */
#include "coord/model_impl.h"

static struct maybe maybe_field(struct object *o, const struct field *f)
{
	return (struct maybe){f->present, object_read(o, f)};
}

static void read_common(struct object *o, const struct model *m, const struct model_task *task,
			struct model_detail *d)
{
	const struct model_layout *l = m->layout;

	d->nvcsw = maybe_field(o, &l->nvcsw);
	d->nivcsw = maybe_field(o, &l->nivcsw);
	d->migrations = maybe_field(o, &l->migrations);
	d->timeslices = maybe_field(o, &l->run_count);
	d->wake_cpu = maybe_field(o, &l->wake_cpu);
	d->migration_disabled = maybe_field(o, &l->migration_disabled);
	d->pi_blocked_on = maybe_field(o, &l->pi_blocked_on);
	d->boosted = (struct maybe){l->prio.present && l->normal_prio.present,
				    task->prio < task->normal_prio};
	d->stack_pointer = maybe_field(o, &l->task_sp);
	d->throttled = maybe_field(o, &l->task_throttled);
}

static void read_class(struct object *o, const struct model_layout *l, struct model_detail *d)
{
	d->deadline = maybe_field(o, &l->task_deadline);
	d->vlag = maybe_field(o, &l->task_vlag);
	d->slice = maybe_field(o, &l->task_slice);
	d->weight = maybe_field(o, &l->task_weight);
	d->dl_deadline = maybe_field(o, &l->task_dl_deadline);
	d->dl_budget = maybe_field(o, &l->task_dl_left);
}

/* A node that is in no list points to itself. */
static void read_runnable(struct kernel *k, struct object *o, const struct model_layout *l,
			  struct model_detail *d)
{
	const struct field link = {
		.present = l->task_runnable.present, .offset = l->task_runnable.offset, .size = 8};
	uint64_t next = object_read(o, &link), jiffies;
	struct err *err;

	d->runnable_at = maybe_field(o, &l->task_runnable_at);
	if (!d->runnable_at.present || !link.present || !l->jiffies || !l->tick_ns)
		return;
	if (!next || next == object_address(o, &link))
		return;
	err = kernel_read_u64(k, l->jiffies, &jiffies);
	if (!err)
		d->runnable_age =
			(struct maybe){true, (jiffies - d->runnable_at.value) * l->tick_ns};
	err_free(err);
}

static void read_scx(struct object *o, const struct model_layout *l, struct model_detail *d)
{
	d->ops_state = maybe_field(o, &l->scx_ops_state);
	if (d->ops_state.present && l->qseq_shift) {
		d->ops_qseq = (struct maybe){true, d->ops_state.value >> l->qseq_shift};
		d->ops_state.value &= (1ull << l->qseq_shift) - 1;
	}
	d->sticky_cpu = maybe_field(o, &l->scx_sticky);
	d->holding_cpu = maybe_field(o, &l->scx_holding);
	d->selected_cpu = maybe_field(o, &l->scx_selected);
	d->ddsp_dsq_id = maybe_field(o, &l->scx_ddsp);
	d->ddsp_enq_flags = maybe_field(o, &l->scx_ddsp_flags);
	d->dsq_flags = maybe_field(o, &l->scx_dsq_flags);
	d->dsq_seq = maybe_field(o, &l->scx_dsq_seq);
	d->disallow = maybe_field(o, &l->scx_disallow);
	d->kf_mask = maybe_field(o, &l->scx_kf_mask);
	d->tid = maybe_field(o, &l->scx_tid);
}

bool model_task_detail(struct kernel *k, const struct model *m, int task, struct model_detail *ret)
{
	struct object o;

	*ret = (struct model_detail){0};
	object_init(&o, k, m->tasks[task].address);
	object_prefetch(&o, &m->layout->detail_lines);
	read_common(&o, m, &m->tasks[task], ret);
	read_class(&o, m->layout, ret);
	read_scx(&o, m->layout, ret);
	read_runnable(k, &o, m->layout, ret);
	return !o.faulted;
}

/* cpus_ptr points elsewhere while migration is disabled. 0: not known. */
static uint64_t mask_of_task(struct kernel *k, const struct model *m, int task)
{
	const struct model_layout *l = m->layout;
	struct object o;
	uint64_t mask;

	object_init(&o, k, m->tasks[task].address);
	mask = object_read(&o, &l->cpus_ptr);
	if (!mask && l->cpus_mask.present)
		mask = object_address(&o, &l->cpus_mask);
	return mask;
}

bool model_task_cpus(struct kernel *k, const struct model *m, int task, struct str *s)
{
	uint64_t mask = mask_of_task(k, m, task);

	return mask && model_mask(k, mask, s);
}

bool model_task_allowed(struct kernel *k, const struct model *m, int task, uint64_t *mask,
			unsigned int bits)
{
	uint64_t address = mask_of_task(k, m, task);

	return address && model_read_mask(k, address, mask, bits);
}
