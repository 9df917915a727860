/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is queued on one CPU, class by class. The links are walked as the kernel left them: every
 * walk ends after as many steps as the model has tasks and groups, whatever the links say.
 */
#include "coord/model_impl.h"

#include <stdlib.h>

#define RT_PRIORITIES 100 /* MAX_RT_PRIO */
#define GROUP_DEPTH 32    /* nested task groups that are entered */
#define TREE_DEPTH 128    /* twice the logarithm of more tasks than fit in memory */
#define MAX_GROUPS 65536u

struct queue_walk {
	struct kernel *kernel;
	const struct model *model;
	const struct model_layout *l;
	struct model_queue_entry *entries;
	unsigned int count, size;
	unsigned int steps; /* left before the walk ends: links are not trusted */
};

static struct err *spend_step(struct queue_walk *w, const char *what)
{
	if (w->steps-- == 0)
		return err_new(ERR_BAD_DATA, "%s has more nodes than there are tasks", what);
	return NULL;
}

/* Entities that are no task of the model (servers, a task torn from its list) are left out. */
static struct err *add(struct queue_walk *w, enum sched_class class, uint64_t task, uint64_t key)
{
	int index = model_find_address(w->model, task);

	if (index < 0)
		return NULL;
	if (w->count == w->size) {
		unsigned int size = w->size ? w->size * 2 : 16;
		struct model_queue_entry *entries = realloc(w->entries, size * sizeof(*entries));

		if (!entries)
			return err_nomem();
		w->entries = entries;
		w->size = size;
	}
	w->entries[w->count++] = (struct model_queue_entry){class, index, key};
	return NULL;
}

/* --- lists --- */

typedef struct err *(*node_fn)(struct queue_walk *w, uint64_t node, uint64_t key);

static struct err *each_in_list(struct queue_walk *w, uint64_t head, uint64_t key, const char *what,
				node_fn visit)
{
	uint64_t node;

	ERR_TRY(kernel_read_u64(w->kernel, head, &node));
	while (node != head && node) {
		ERR_TRY(spend_step(w, what));
		ERR_TRY(visit(w, node, key));
		ERR_TRY(err_wrap(kernel_read_u64(w->kernel, node, &node), "%s", what));
	}
	return NULL;
}

static struct err *visit_rt(struct queue_walk *w, uint64_t node, uint64_t key)
{
	uint64_t entity = node - w->l->rt_list.offset;

	return add(w, CLASS_RT, entity - w->l->rt.offset, key);
}

static struct err *walk_rt(struct queue_walk *w, uint64_t rq)
{
	if (!w->l->rq_rt_active.present || !w->l->rt_list.present)
		return NULL;
	for (unsigned int prio = 0; prio < RT_PRIORITIES; prio++)
		ERR_TRY(each_in_list(w, rq + w->l->rq_rt_active.offset + prio * 16, prio,
				     "an RT priority list", visit_rt));
	return NULL;
}

/* A DSQ's list also holds the places of iterators, which are marked. */
static struct err *visit_ext(struct queue_walk *w, uint64_t node, uint64_t key)
{
	struct object lnode;

	object_init(&lnode, w->kernel, node);
	if (object_read(&lnode, &w->l->lnode_flags) & w->l->cursor_flag)
		return NULL;
	if (lnode.faulted)
		return err_fault(lnode.fault);
	return add(w, CLASS_EXT, node - w->l->scx_node.offset, w->count - key);
}

static struct err *walk_dsq(struct queue_walk *w, uint64_t list)
{
	return each_in_list(w, list, w->count, "a dispatch queue", visit_ext);
}

static struct err *walk_ext(struct queue_walk *w, uint64_t rq)
{
	if (!w->l->rq_local_list.present || !w->l->scx_node.present)
		return NULL;
	return walk_dsq(w, rq + w->l->rq_local_list.offset);
}

/* --- trees --- */

/* struct rb_node: parent and colour, right, left. */
#define RB_RIGHT 8
#define RB_LEFT 16

struct tree_walk {
	uint64_t pending[TREE_DEPTH];
	unsigned int depth;
	uint64_t node;
};

/* In order: down to the left, remembering the way; then the node, then its right. */
static struct err *tree_next(struct queue_walk *w, struct tree_walk *t, uint64_t *ret)
{
	while (t->node) {
		ERR_TRY(spend_step(w, "a run-queue tree"));
		if (t->depth == TREE_DEPTH)
			return err_new(ERR_BAD_DATA, "a run-queue tree is deeper than %d", TREE_DEPTH);
		t->pending[t->depth++] = t->node;
		ERR_TRY(kernel_read_u64(w->kernel, t->node + RB_LEFT, &t->node));
	}
	*ret = 0;
	if (t->depth == 0)
		return NULL;
	*ret = t->pending[--t->depth];
	return kernel_read_u64(w->kernel, *ret + RB_RIGHT, &t->node);
}

static struct err *walk_dl(struct queue_walk *w, uint64_t rq)
{
	struct tree_walk tree = {.depth = 0};
	uint64_t node = 0;

	if (!w->l->rq_dl_root.present || !w->l->dl_node.present)
		return NULL;
	ERR_TRY(kernel_read_u64(w->kernel, rq + w->l->rq_dl_root.offset, &tree.node));
	for (;;) {
		struct object entity;

		ERR_TRY(tree_next(w, &tree, &node));
		if (!node)
			return NULL;
		object_init(&entity, w->kernel, node - w->l->dl_node.offset);
		ERR_TRY(add(w, CLASS_DL, entity.base - w->l->dl.offset,
			    object_read(&entity, &w->l->dl_deadline)));
	}
}

static struct err *walk_cfs(struct queue_walk *w, uint64_t cfs_rq, unsigned int level);

static struct err *visit_entity(struct queue_walk *w, uint64_t address, unsigned int level)
{
	struct object se;
	uint64_t my_q, vruntime;

	object_init(&se, w->kernel, address);
	my_q = object_read(&se, &w->l->se_my_q);
	vruntime = object_read(&se, &w->l->se_vruntime);
	if (se.faulted)
		return err_fault(se.fault);
	if (my_q)
		return walk_cfs(w, my_q, level + 1);
	return add(w, CLASS_FAIR, address - w->l->se.offset, vruntime);
}

static struct err *walk_cfs(struct queue_walk *w, uint64_t cfs_rq, unsigned int level)
{
	struct tree_walk tree = {.depth = 0};
	struct object cfs, curr;
	uint64_t node = 0;

	if (level == GROUP_DEPTH)
		return err_new(ERR_BAD_DATA, "task groups are nested deeper than %d", GROUP_DEPTH);
	object_init(&cfs, w->kernel, cfs_rq);
	object_init(&curr, w->kernel, object_read(&cfs, &w->l->cfs_curr));
	/* What runs has been taken out of the tree; it counts as queued while it may go on. */
	if (curr.base && object_read(&curr, &w->l->se_on_rq))
		ERR_TRY(visit_entity(w, curr.base, level));
	tree.node = object_read(&cfs, &w->l->cfs_root);
	if (cfs.faulted)
		return err_fault(cfs.fault);
	for (;;) {
		ERR_TRY(tree_next(w, &tree, &node));
		if (!node)
			return NULL;
		ERR_TRY(visit_entity(w, node - w->l->se_node.offset, level));
	}
}

static struct err *walk_fair(struct queue_walk *w, uint64_t rq)
{
	if (!w->l->rq_cfs.present || !w->l->cfs_root.present || !w->l->se_node.present)
		return NULL;
	return walk_cfs(w, rq + w->l->rq_cfs.offset, 0);
}

/* The stop task is in no queue: it is runnable when its own on_rq says so. */
static struct err *walk_stop(struct queue_walk *w, uint64_t rq)
{
	struct object o;
	uint64_t stop;
	int index;

	object_init(&o, w->kernel, rq);
	stop = object_read(&o, &w->l->rq_stop);
	index = stop ? model_find_address(w->model, stop) : -1;
	if (index < 0 || !w->model->tasks[index].on_rq)
		return NULL;
	return add(w, CLASS_STOP, stop, 0);
}

struct err *model_queue(struct kernel *k, const struct model *m, unsigned int cpu,
			struct model_queue_entry **ret, unsigned int *ret_count)
{
	struct queue_walk w = {
		.kernel = k,
		.model = m,
		.l = m->layout,
		.steps = m->task_count + m->cpu_count * 4 + MAX_GROUPS,
	};
	struct err *(*const walks[])(struct queue_walk *, uint64_t) = {walk_stop, walk_dl, walk_rt,
								       walk_ext, walk_fair};
	struct err *err = NULL;

	if (cpu >= m->cpu_count || !m->cpus[cpu].rq)
		return err_new(ERR_NOT_FOUND, "cpu %u: this guest has cpus 0-%u", cpu, m->cpu_count - 1);
	for (size_t i = 0; !err && i < sizeof(walks) / sizeof(walks[0]); i++)
		err = walks[i](&w, m->cpus[cpu].rq);
	if (err) {
		free(w.entries);
		return err_wrap(err, "run queue of cpu %u", cpu);
	}
	*ret = w.entries;
	*ret_count = w.count;
	return NULL;
}
