/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/cpuset.h"

#include <string.h>

void cpuset_layout_init(struct cpuset_layout *l, struct kernel *k)
{
	const struct types *t = kernel_types(k);
	struct err *err;

	field_find(t, "task_struct", "cgroups", &l->cgroups);
	field_find(t, "css_set", "subsys", &l->subsys);
	field_find(t, "cpuset", "css", &l->css);
	field_find(t, "cpuset", "effective_cpus", &l->effective);
	err = types_enumerator(t, "cpuset_cgrp_id", &l->index);
	l->usable = !err && l->index >= 0 && l->index < 64 && l->cgroups.present &&
		    l->subsys.present && l->css.present && l->effective.present;
	err_free(err);
}

/* cpumask_var_t: an array of one mask, or with CPUMASK_OFFSTACK a pointer to it. */
static bool read_mask(const struct cpuset_layout *l, struct kernel *k, uint64_t address,
		      struct cpu_mask *ret)
{
	const struct types *t = kernel_types(k);
	unsigned int cpus = kernel_cpus(k);
	size_t bytes = cpus < WIRE_SEEN_CPUS ? (cpus + 63) / 64 * 8 : sizeof(ret->bits);
	struct err *err = NULL;

	if (types_kind(t, l->effective.type) == TYPE_POINTER)
		err = kernel_read_u64(k, address, &address);
	memset(ret, 0, sizeof(*ret));
	if (!err)
		err = kernel_read(k, address, ret->bits, bytes);
	if (!err)
		return true;
	err_free(err);
	return false;
}

bool cpuset_of(const struct cpuset_layout *l, struct kernel *k, uint64_t task, struct cpu_mask *ret)
{
	const struct field slot = {.present = true, .offset = l->subsys.offset, .size = 8};
	struct object o, set;
	uint64_t css;

	if (!l->usable)
		return false;
	object_init(&o, k, task);
	object_init(&set, k, object_read(&o, &l->cgroups));
	css = object_read_at(&set, &slot, (uint64_t)l->index * 8);
	if (o.faulted || set.faulted || !css)
		return false;
	return read_mask(l, k, css - l->css.offset + l->effective.offset, ret);
}
