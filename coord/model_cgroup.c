/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups: which one a task is in, their names, and what the cpu controller keeps of them.
 */
#include "coord/model_impl.h"
#include "coord/walk.h"

#include <stdlib.h>
#include <string.h>

#define PATH_PARTS 64 /* nested groups whose names are followed */
#define PART_SIZE 256 /* NAME_MAX of kernfs, and a NUL */

uint64_t model_task_cgroup(struct kernel *k, const struct model *m, uint64_t task)
{
	const struct model_layout *l = m->layout;
	struct object o, cset;
	uint64_t cgroup;

	object_init(&o, k, task);
	object_init(&cset, k, object_read(&o, &l->task_cgroups));
	if (!cset.base)
		return 0;
	cgroup = object_read(&cset, &l->cset_cgroup);
	return o.faulted || cset.faulted ? 0 : cgroup;
}

/* The names from the group up to the root, whose own name is empty. */
static bool read_parts(struct kernel *k, const struct model_layout *l, uint64_t node,
		       char parts[PATH_PARTS][PART_SIZE], unsigned int *ret_count)
{
	unsigned int count = 0;

	while (node) {
		struct object kn;
		uint64_t above, name;
		struct err *err;

		object_init(&kn, k, node);
		above = object_read(&kn, &l->kn_parent);
		name = object_read(&kn, &l->kn_name);
		if (kn.faulted || (above && count == PATH_PARTS))
			return false;
		if (!above)
			break;
		err = kernel_read_string(k, name, parts[count], PART_SIZE);
		if (err) {
			err_free(err);
			return false;
		}
		count++;
		node = above;
	}
	*ret_count = count;
	return true;
}

bool model_cgroup_path(struct kernel *k, const struct model *m, uint64_t cgroup, struct str *s)
{
	const struct model_layout *l = m->layout;
	char parts[PATH_PARTS][PART_SIZE];
	unsigned int count;
	struct object o;
	uint64_t node;

	if (!cgroup || !l->cgroup_node.present || !l->kn_parent.present || !l->kn_name.present)
		return false;
	object_init(&o, k, cgroup);
	node = object_read(&o, &l->cgroup_node);
	if (!node || !read_parts(k, l, node, parts, &count))
		return false;
	if (count == 0)
		str_add(s, "/");
	while (count-- > 0)
		str_addf(s, "/%s", parts[count]);
	return true;
}

struct maybe model_monotonic(struct kernel *k, const struct model_layout *l)
{
	struct object tk;
	uint64_t ns;

	if (!l->timekeeper || !l->tk_base.present || !l->tk_nsec.present || !l->tk_shift.present)
		return (struct maybe){0};
	object_init(&tk, k, l->timekeeper);
	ns = object_read(&tk, &l->tk_base) +
	     (object_read(&tk, &l->tk_nsec) >> (object_read(&tk, &l->tk_shift) & 63));
	return (struct maybe){!tk.faulted, ns};
}

struct maybe model_monotonic_now(struct kernel *k, const struct model *m)
{
	return model_monotonic(k, m->layout);
}

struct maybe model_until_jiffy(struct kernel *k, const struct model *m, uint64_t expires)
{
	uint64_t now;
	struct err *err = m->layout->jiffies ? kernel_read_u64(k, m->layout->jiffies, &now)
					     : err_new(ERR_ABSENT, "no jiffies_64");

	if (err) {
		err_free(err);
		return (struct maybe){0};
	}
	return (struct maybe){m->layout->tick_ns != 0,
			      (uint64_t)((int64_t)(expires - now) * (int64_t)m->layout->tick_ns)};
}

/* An array of pointers by CPU; since 7.2 per-CPU memory. */
uint64_t model_group_queue(struct kernel *k, const struct model_layout *l, uint64_t task_group,
			   unsigned int cpu)
{
	const struct types *t = kernel_types(k);
	struct object tg;
	uint64_t queues, address = 0;
	struct err *err;

	if (!task_group || !l->tg_cfs_rq.present)
		return 0;
	object_init(&tg, k, task_group);
	queues = object_read(&tg, &l->tg_cfs_rq);
	if (!queues)
		return 0;
	if (types_kind(t, types_target(t, l->tg_cfs_rq.type)) == TYPE_POINTER)
		err = kernel_read_u64(k, queues + cpu * 8ull, &address);
	else
		err = kernel_percpu(k, queues, cpu, &address);
	err_free(err);
	return address;
}
