/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sched_ext instance. Since 6.16 everything of one scheduler is in the struct scx_sched that
 * scx_root points to; before, and for some counts still, it is in static variables.
 */
#include "coord/model_impl.h"
#include "coord/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_DONE 1 /* SCX_EXIT_DONE */

/* A variable of `size` bytes at `address`; 0 for the address means that the kernel has none. */
static struct maybe read_variable(struct kernel *k, uint64_t address, uint32_t size)
{
	struct field f = {.present = address != 0, .size = size};
	struct object o;

	object_init(&o, k, address);
	return (struct maybe){f.present, object_read(&o, &f)};
}

/* static_key_count() of kernel/jump_label.c: a key is -1 while it is being switched on. */
static struct maybe read_static_key(struct kernel *k, uint64_t address)
{
	struct maybe key = read_variable(k, address, 4);

	if ((int32_t)key.value < 0)
		key.value = 1;
	return key;
}

static void read_text(struct kernel *k, uint64_t address, char *buffer, size_t size)
{
	buffer[0] = '\0';
	if (address)
		err_free(kernel_read_string(k, address, buffer, size));
}

static void read_exit_info(struct kernel *k, const struct model_layout *l, uint64_t address,
			   struct model_scx *scx)
{
	struct object info;

	if (!address)
		return;
	object_init(&info, k, address);
	read_text(k, object_read(&info, &l->exit_reason), scx->exit_reason,
		  sizeof(scx->exit_reason));
	read_text(k, object_read(&info, &l->exit_msg), scx->exit_message,
		  sizeof(scx->exit_message));
	scx->exit_code = (struct maybe){l->exit_code.present, object_read(&info, &l->exit_code)};
}

/* One counter over all CPUs. scx_sched.pcpu is a per-CPU pointer, added up like a per-CPU symbol.
 */
static int64_t sum_event(struct kernel *k, const struct model *m, uint64_t pcpu,
			 const struct field *field)
{
	uint64_t total = 0; /* wraps where the guest's numbers are absurd */

	for (unsigned int cpu = 0; cpu < m->cpu_count; cpu++) {
		struct object o;
		uint64_t address;
		struct err *err = kernel_percpu(k, pcpu, cpu, &address);

		if (err) {
			err_free(err);
			continue;
		}
		object_init(&o, k, address);
		total += object_read(&o, field);
	}
	return (int64_t)total;
}

static struct err *read_events(struct kernel *k, struct model *m, uint64_t pcpu)
{
	const struct model_layout *l = m->layout;

	if (!pcpu || l->event_count == 0)
		return NULL;
	m->scx.events = calloc(l->event_count, sizeof(*m->scx.events));
	if (!m->scx.events)
		return err_nomem();
	m->scx.event_count = l->event_count;
	for (unsigned int i = 0; i < l->event_count; i++) {
		memcpy(m->scx.events[i].name, l->events[i].name, sizeof(m->scx.events[i].name));
		m->scx.events[i].count = sum_event(k, m, pcpu, &l->events[i].field);
	}
	return NULL;
}

/* Since 7.1 each instance says for itself which CPUs it leaves to the bypass. */
static void read_bypassing(struct kernel *k, struct model *m, uint64_t pcpu)
{
	const struct model_layout *l = m->layout;

	if (!pcpu || !l->pcpu_flags.present || !l->pcpu_bypassing)
		return;
	for (unsigned int cpu = 0; cpu < m->cpu_count; cpu++) {
		struct object o;
		uint64_t address, flags;
		struct err *err = kernel_percpu(k, pcpu, cpu, &address);

		if (err) {
			err_free(err);
			continue;
		}
		object_init(&o, k, address);
		flags = object_read(&o, &l->pcpu_flags);
		m->cpus[cpu].bypassing =
			(struct maybe){!o.faulted, (flags & l->pcpu_bypassing) != 0};
	}
}

/* Why the instance ended, and its name. */
static void read_end(struct kernel *k, const struct model_layout *l, struct object *root,
		     struct model_scx *scx)
{
	object_bytes(root, &l->scx_ops_name, scx->ops, sizeof(scx->ops) - 1);
	scx->exit_kind =
		(struct maybe){l->scx_exit_kind.present, object_read(root, &l->scx_exit_kind)};
	read_exit_info(k, l, object_read(root, &l->scx_exit_info), scx);
}

static struct err *read_root(struct kernel *k, struct model *m)
{
	const struct model_layout *l = m->layout;
	struct model_scx *scx = &m->scx;
	struct object root;

	object_init(&root, k, scx->root);
	read_end(k, l, &root, scx);
	if (l->scx_bypass_depth.present)
		scx->bypass_depth = (struct maybe){true, object_read(&root, &l->scx_bypass_depth)};
	if (l->scx_watchdog.present)
		scx->watchdog_timeout = (struct maybe){true, object_read(&root, &l->scx_watchdog)};
	scx->ops_flags =
		(struct maybe){l->scx_ops_flags.present, object_read(&root, &l->scx_ops_flags)};
	if (l->scx_aborting.present)
		scx->aborting = (struct maybe){true, object_read(&root, &l->scx_aborting)};
	scx->slice_default =
		(struct maybe){l->scx_slice_dfl.present, object_read(&root, &l->scx_slice_dfl)};
	if (root.faulted)
		model_damage(m, "sched_ext instance: bad address 0x%llx",
			     (unsigned long long)root.fault);
	read_bypassing(k, m, object_read(&root, &l->scx_pcpu));
	return read_events(k, m, object_read(&root, &l->scx_pcpu));
}

static void read_static_ops(struct kernel *k, struct model *m)
{
	const struct model_layout *l = m->layout;
	struct object ops;

	if (!l->scx_ops)
		return;
	object_init(&ops, k, l->scx_ops);
	object_bytes(&ops, &l->scx_old_ops_name, m->scx.ops, sizeof(m->scx.ops) - 1);
	m->scx.ops_flags = (struct maybe){l->scx_old_ops_flags.present,
					  object_read(&ops, &l->scx_old_ops_flags)};
	m->scx.exit_kind = read_variable(k, l->scx_old_exit_kind, 4);
	read_exit_info(k, l, read_variable(k, l->scx_old_exit_info, 8).value, &m->scx);
}

static void read_state(struct kernel *k, struct model *m)
{
	struct maybe state = read_variable(k, m->layout->scx_state, 4);
	const char *name = "";

	if (state.present && state.value < 4)
		name = m->layout->scx_states[state.value];
	if (!name[0])
		model_damage(m, "sched_ext state %llu is unknown", (unsigned long long)state.value);
	snprintf(m->scx.state, sizeof(m->scx.state), "%s", name[0] ? name : "unknown");
}

static struct err *read_instance(struct kernel *k, struct model *m)
{
	m->scx.root = read_variable(k, m->layout->scx_root, 8).value;
	if (m->scx.root)
		return read_root(k, m);
	read_static_ops(k, m);
	return NULL;
}

static void name_exit_kind(struct kernel *k, const struct model_layout *l, struct model_scx *scx)
{
	if (scx->exit_kind.present && l->enums[ENUM_EXIT_KIND])
		scx->exit_kind_name = types_enum_name(kernel_types(k), l->enums[ENUM_EXIT_KIND],
						      (int64_t)scx->exit_kind.value);
}

/* The kernel keeps the kind in the instance only until it deals with it; then it is in the exit info. */
static void read_final_kind(struct kernel *k, const struct model_layout *l, uint64_t address,
			    struct maybe *kind)
{
	struct object info;

	if (!address || !l->exit_kind.present || !kind->present || kind->value != EXIT_DONE)
		return;
	object_init(&info, k, address);
	kind->value = object_read(&info, &l->exit_kind);
}

void model_peek_scx(struct kernel *k, struct model_layout *l, uint64_t root, struct model_scx *ret)
{
	struct model m = {.layout = l, .scx.present = kernel_info(k)->sched_ext};
	struct object o;

	if (m.scx.present) {
		read_state(k, &m);
		m.scx.root = read_variable(k, l->scx_root, 8).value;
		object_init(&o, k, root ? root : m.scx.root);
		if (o.base) {
			read_end(k, l, &o, &m.scx);
			read_final_kind(k, l, object_read(&o, &l->scx_exit_info), &m.scx.exit_kind);
		} else {
			read_static_ops(k, &m);
		}
		name_exit_kind(k, l, &m.scx);
	}
	*ret = m.scx;
}

struct err *model_take_scx(struct kernel *k, struct model *m)
{
	const struct model_layout *l = m->layout;
	struct model_scx *scx = &m->scx;

	scx->present = kernel_info(k)->sched_ext;
	if (!scx->present)
		return NULL;
	read_state(k, m);
	scx->nr_rejected = read_variable(k, l->scx_nr_rejected, 8);
	scx->enable_seq = read_variable(k, l->scx_enable_seq, 8);
	scx->bypass_depth = read_variable(k, l->scx_old_bypass_depth, 4);
	scx->switched_all = read_static_key(k, l->scx_switched_all);
	scx->aborting = read_variable(k, l->scx_old_aborting, 1);
	scx->watchdog_timeout = read_variable(k, l->scx_old_watchdog, 8);
	ERR_TRY(read_instance(k, m));
	scx->watchdog_ns = (struct maybe){scx->watchdog_timeout.present && l->tick_ns,
					  scx->watchdog_timeout.value * l->tick_ns};
	name_exit_kind(k, l, scx);
	return NULL;
}

/* ---- the watchdog ---- */

struct longest {
	struct kernel *kernel;
	const struct model *model;
	uint64_t now; /* jiffies */
	int task;
	int64_t age; /* jiffies */
};

static bool visit_runnable(void *context, uint64_t task)
{
	struct longest *longest = context;
	struct object o;
	int64_t age;

	object_init(&o, longest->kernel, task);
	age = (int64_t)(longest->now - object_read(&o, &longest->model->layout->task_runnable_at));
	if (!o.faulted && (longest->task < 0 || age > longest->age)) {
		int index = model_find_address(longest->model, task);

		if (index < 0)
			return true;
		longest->task = index;
		longest->age = age;
	}
	return true;
}

struct err *model_longest_waiting(struct kernel *k, const struct model *m, int *ret_task,
				  int64_t *ret_age, struct str *damage)
{
	const struct model_layout *l = m->layout;
	struct longest longest = {.kernel = k, .model = m, .task = -1};

	if (!l->rq_runnable.present || !l->task_runnable.present || !l->task_runnable_at.present ||
	    !l->jiffies || !l->tick_ns)
		return err_new(ERR_ABSENT, "this kernel does not say since when tasks wait");
	ERR_TRY(kernel_read_u64(k, l->jiffies, &longest.now));
	for (unsigned int cpu = 0; cpu < m->cpu_count; cpu++) {
		struct walk walk;

		if (!m->cpus[cpu].rq || !m->cpus[cpu].online)
			continue;
		walk = walk_list(k, m->cpus[cpu].rq + l->rq_runnable.offset,
				 l->task_runnable.offset, m->task_count + 64, visit_runnable,
				 &longest);
		if (walk.end != WALK_DONE && walk.end != WALK_STOPPED) {
			str_addf(damage, "%srunnable list of cpu %u", damage->len ? "; " : "", cpu);
			walk_describe(&walk, damage);
		}
	}
	*ret_task = longest.task;
	/* Unsigned: a damaged time must not overflow. */
	*ret_age = (int64_t)((uint64_t)longest.age * l->tick_ns);
	return NULL;
}
