/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hierarchy of cgroups with what the cpu controller keeps of each. */
#include "coord/model_impl.h"
#include "coord/walk.h"

#include <stdlib.h>
#include <string.h>

#define MAX_GROUPS 65536u
#define GROUP_DEPTH 64u

struct group_walk {
	struct kernel *kernel;
	const struct model *model;
	struct model_group *groups;
	unsigned int count, size;
	unsigned int visited; /* in all lists together, removed groups too */
	unsigned int depth;
	int parent; /* index of the group whose children are being walked */
	struct str *damage;
	struct err *err; /* no memory: ends the walks */
};

static struct maybe maybe_field(struct object *o, const struct field *f)
{
	return (struct maybe){f->present, object_read(o, f)};
}

/* The task_group behind a cgroup: the container of the cpu controller's css. */
static uint64_t task_group_of(struct group_walk *w, struct object *cgroup)
{
	const struct model_layout *l = w->model->layout;
	const struct field slot = {
		.present = l->cgroup_css.present, .offset = l->cgroup_css.offset, .size = 8};
	uint64_t css;

	if (l->cpu_css < 0 || !slot.present || !l->tg_css.present)
		return 0;
	css = object_read_at(cgroup, &slot, (uint64_t)l->cpu_css * 8);
	return css ? css - l->tg_css.offset : 0;
}

/* sched_weight_to_cgroup() of kernel/sched/core.c: 1024 shares, scaled by 1024, are weight 100. */
static uint64_t cgroup_weight(uint64_t shares)
{
	uint64_t weight = ((shares >> 10) * 100 + 512) / 1024;

	if (weight < 1)
		return 1;
	return weight > 10000 ? 10000 : weight;
}

static void read_quota(struct group_walk *w, struct object *tg, struct model_group *group)
{
	const struct model_layout *l = w->model->layout;
	struct maybe now = model_monotonic(w->kernel, l), at = maybe_field(tg, &l->tg_timer);

	group->quota = maybe_field(tg, &l->tg_quota);
	group->period = maybe_field(tg, &l->tg_period);
	group->burst = maybe_field(tg, &l->tg_burst);
	group->pool = maybe_field(tg, &l->tg_runtime);
	group->nr_periods = maybe_field(tg, &l->tg_nr_periods);
	group->nr_throttled = maybe_field(tg, &l->tg_nr_throttled);
	group->throttled_time = maybe_field(tg, &l->tg_throttled_time);
	if (now.present && at.present && object_read(tg, &l->tg_timer_active))
		group->refill = (struct maybe){true, at.value - now.value};
}

static void read_controller(struct group_walk *w, struct model_group *group)
{
	const struct model_layout *l = w->model->layout;
	struct object tg;

	if (!group->task_group)
		return;
	object_init(&tg, w->kernel, group->task_group);
	if (group->depth && l->tg_shares.present)
		group->weight =
			(struct maybe){true, cgroup_weight(object_read(&tg, &l->tg_shares))};
	group->idle = maybe_field(&tg, &l->tg_idle);
	if (group->depth)
		read_quota(w, &tg, group);
}

/* Makes room for a group and gives its path. */
static struct model_group *add_group(struct group_walk *w, uint64_t address)
{
	struct model_group *group;
	struct str path = {0};

	if (w->count == w->size) {
		unsigned int size = w->size ? w->size * 2 : 16;
		struct model_group *groups = realloc(w->groups, size * sizeof(*groups));

		if (!groups) {
			w->err = err_nomem();
			return NULL;
		}
		w->groups = groups;
		w->size = size;
	}
	if (!model_cgroup_path(w->kernel, w->model, address, &path))
		str_add(&path, "?");
	w->err = str_error(&path);
	if (w->err) {
		str_deinit(&path);
		return NULL;
	}
	group = &w->groups[w->count++];
	*group = (struct model_group){.address = address,
				      .depth = w->depth,
				      .parent = w->parent,
				      .path = strdup(str_text(&path))};
	str_deinit(&path);
	if (!group->path)
		w->err = err_nomem();
	return w->err ? NULL : group;
}

static void walk_children(struct group_walk *w, uint64_t cgroup);

/* A group that was removed stays in the list until nobody holds it any more. */
static bool is_online(const struct model_layout *l, struct object *cgroup)
{
	return !l->cgroup_flags.present || !l->css_online ||
	       (object_read(cgroup, &l->cgroup_flags) & l->css_online);
}

static bool visit_cgroup(void *context, uint64_t address)
{
	struct group_walk *w = context;
	const struct model_layout *l = w->model->layout;
	const int above = w->parent;
	struct model_group *group;
	struct object cgroup;

	if (w->visited == MAX_GROUPS)
		return false;
	w->visited++;
	object_init(&cgroup, w->kernel, address);
	if (!is_online(l, &cgroup))
		return true;
	group = add_group(w, address);
	if (!group)
		return false;
	group->task_group = task_group_of(w, &cgroup);
	group->frozen = maybe_field(&cgroup, &l->cgroup_frozen);
	read_controller(w, group);
	w->parent = (int)w->count - 1;
	walk_children(w, address);
	w->parent = above;
	return !w->err;
}

static void walk_children(struct group_walk *w, uint64_t cgroup)
{
	const struct model_layout *l = w->model->layout;
	struct str s = {0};
	struct walk walk = {WALK_BROKEN, 0, cgroup};

	if (!l->cgroup_children.present || !l->cgroup_sibling.present)
		return;
	if (++w->depth <= GROUP_DEPTH)
		walk = walk_list(w->kernel, cgroup + l->cgroup_children.offset,
				 l->cgroup_sibling.offset, MAX_GROUPS - w->visited, visit_cgroup,
				 w);
	w->depth--;
	walk_describe(&walk, &s);
	/* The first few say it all: what follows is mostly their consequence. */
	if (s.len && w->damage->len < 200)
		str_addf(w->damage, "%sgroups%s", w->damage->len ? "; " : "", str_text(&s));
	str_deinit(&s);
}

/* ---- tasks ---- */

struct place {
	uint64_t address;
	unsigned int index;
};

static int by_address(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static void count_one(struct group_walk *w, const struct place *places, uint64_t address)
{
	struct place key = {.address = address};
	const struct place *found = bsearch(&key, places, w->count, sizeof(*places), by_address);

	if (found)
		w->groups[found->index].tasks++;
}

/* Parents stand before children: from the end each group is whole when it is added up. */
static void sum_up(struct group_walk *w)
{
	for (unsigned int i = w->count; i-- > 0;) {
		w->groups[i].all_tasks += w->groups[i].tasks;
		if (w->groups[i].parent >= 0)
			w->groups[w->groups[i].parent].all_tasks += w->groups[i].all_tasks;
	}
}

static void count_tasks(struct group_walk *w)
{
	struct place *places = malloc((w->count + 1) * sizeof(*places));

	if (!places) {
		w->err = err_nomem();
		return;
	}
	for (unsigned int i = 0; i < w->count; i++)
		places[i] = (struct place){w->groups[i].address, i};
	qsort(places, w->count, sizeof(*places), by_address);
	for (unsigned int i = 0; i < w->model->task_count; i++) {
		const struct model_task *task = &w->model->tasks[i];

		if (task->state != 'Z' && task->state != 'X')
			count_one(w, places, model_task_cgroup(w->kernel, w->model, task->address));
	}
	free(places);
	sum_up(w);
}

struct err *model_groups(struct kernel *k, const struct model *m, struct model_group **ret,
			 unsigned int *ret_count, struct str *damage)
{
	struct group_walk w = {.kernel = k, .model = m, .parent = -1, .damage = damage};

	if (!m->layout->root || !m->layout->root_cgroup.present)
		return err_new(ERR_ABSENT, "this kernel has no cgroups");
	visit_cgroup(&w, m->layout->root + m->layout->root_cgroup.offset);
	if (w.visited == MAX_GROUPS)
		str_addf(damage, "%sno more than %u groups are walked", damage->len ? "; " : "",
			 MAX_GROUPS);
	if (!w.err)
		count_tasks(&w);
	if (w.err) {
		model_groups_destroy(w.groups, w.count);
		return w.err;
	}
	*ret = w.groups;
	*ret_count = w.count;
	return NULL;
}

void model_groups_destroy(struct model_group *groups, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(groups[i].path);
	free(groups);
}

bool model_group_cpu(struct kernel *k, const struct model *m, const struct model_group *group,
		     unsigned int cpu, struct model_group_cpu *ret)
{
	const struct model_layout *l = m->layout;
	struct object cfs;

	*ret = (struct model_group_cpu){0};
	ret->queue = model_group_queue(k, l, group->task_group, cpu);
	if (!ret->queue)
		return false;
	object_init(&cfs, k, ret->queue);
	ret->nr = maybe_field(&cfs, &l->cfs_nr);
	ret->throttled = maybe_field(&cfs, &l->cfs_throttled);
	ret->above = maybe_field(&cfs, &l->cfs_throttle_count);
	if (object_read(&cfs, &l->cfs_runtime_enabled))
		ret->remaining = maybe_field(&cfs, &l->cfs_remaining);
	return !cfs.faulted;
}
