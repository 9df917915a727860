/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is queued on one CPU, class by class. */
#include "coord/model_impl.h"
#include "coord/walk.h"

#include <stdlib.h>

#define RT_PRIORITIES 100 /* MAX_RT_PRIO */
#define GROUP_DEPTH 32	  /* nested task groups that are entered */
#define LIST_HEAD 16	  /* bytes of a struct list_head */

struct queue_walk {
	struct kernel *kernel;
	const struct model *model;
	const struct model_layout *l;
	struct model_queue_entry *entries;
	unsigned int count, size;
	unsigned int left;  /* nodes that may still be visited: each task is queued once at most */
	unsigned int level; /* of task groups */
	uint64_t key;	    /* of the list that is being walked: priority, or first position */
	struct str damage;
	struct err *err; /* no memory: ends the walks */
};

/* Entities that are no task of the model (servers, a task torn from its list) are left out. */
static bool add(struct queue_walk *w, enum sched_class class, uint64_t task, uint64_t key)
{
	int index = model_find_address(w->model, task);

	if (index < 0)
		return true;
	if (w->count == w->size) {
		unsigned int size = w->size ? w->size * 2 : 16;
		struct model_queue_entry *entries = realloc(w->entries, size * sizeof(*entries));

		if (!entries) {
			w->err = err_nomem();
			return false;
		}
		w->entries = entries;
		w->size = size;
	}
	w->entries[w->count++] = (struct model_queue_entry){class, index, key};
	return true;
}

static void damaged(struct queue_walk *w, const char *what, const struct walk *walk)
{
	struct str s = {0};

	w->left -= walk->count < w->left ? walk->count : w->left;
	walk_describe(walk, &s);
	/* The first few say it all: what follows is mostly their consequence. */
	if (s.len && w->damage.len < 200)
		str_addf(&w->damage, "%s%s%s", w->damage.len ? "; " : "", what, str_text(&s));
	str_deinit(&s);
}

/* The stop task is in no queue: it is runnable when its own on_rq says so. */
static void walk_stop(struct queue_walk *w, uint64_t rq)
{
	struct object o;
	uint64_t stop;
	int index;

	object_init(&o, w->kernel, rq);
	stop = object_read(&o, &w->l->rq_stop);
	index = stop ? model_find_address(w->model, stop) : -1;
	if (index >= 0 && w->model->tasks[index].on_rq)
		add(w, CLASS_STOP, stop, 0);
}

static bool visit_dl(void *context, uint64_t address)
{
	struct queue_walk *w = context;
	struct object entity;

	object_init(&entity, w->kernel, address);
	return add(w, CLASS_DL, address - w->l->dl.offset,
		   object_read(&entity, &w->l->dl_deadline));
}

static void walk_dl(struct queue_walk *w, uint64_t rq)
{
	struct walk walk;

	if (!w->l->rq_dl_root.present || !w->l->dl_node.present)
		return;
	walk = walk_rbtree(w->kernel, rq + w->l->rq_dl_root.offset, w->l->dl_node.offset, w->left,
			   visit_dl, w);
	damaged(w, "deadline tree", &walk);
}

static bool visit_rt(void *context, uint64_t address)
{
	struct queue_walk *w = context;

	return add(w, CLASS_RT, address - w->l->rt.offset, w->key);
}

static void walk_rt(struct queue_walk *w, uint64_t rq)
{
	if (!w->l->rq_rt_active.present || !w->l->rt_list.present)
		return;
	for (w->key = 0; w->key < RT_PRIORITIES; w->key++) {
		uint64_t head = rq + w->l->rq_rt_active.offset + w->key * LIST_HEAD;
		struct walk walk =
			walk_list(w->kernel, head, w->l->rt_list.offset, w->left, visit_rt, w);

		damaged(w, "RT list", &walk);
	}
}

/* A DSQ's list also holds the places of iterators, which are marked. */
static bool visit_ext(void *context, uint64_t address)
{
	struct queue_walk *w = context;
	struct object lnode;

	object_init(&lnode, w->kernel, address + w->l->scx_node.offset);
	if (object_read(&lnode, &w->l->lnode_flags) & w->l->cursor_flag)
		return true;
	return add(w, CLASS_EXT, address, w->count - w->key);
}

static void walk_dsq(struct queue_walk *w, uint64_t list)
{
	struct walk walk;

	w->key = w->count;
	walk = walk_list(w->kernel, list, w->l->scx_node.offset, w->left, visit_ext, w);
	damaged(w, "dispatch queue", &walk);
}

static void walk_ext(struct queue_walk *w, uint64_t rq)
{
	if (w->l->rq_local_list.present && w->l->scx_node.present)
		walk_dsq(w, rq + w->l->rq_local_list.offset);
}

static void walk_cfs(struct queue_walk *w, uint64_t cfs_rq);

static bool visit_fair(void *context, uint64_t address)
{
	struct queue_walk *w = context;
	struct object se;
	uint64_t my_q;

	object_init(&se, w->kernel, address);
	my_q = object_read(&se, &w->l->se_my_q);
	if (!my_q)
		return add(w, CLASS_FAIR, address - w->l->se.offset,
			   object_read(&se, &w->l->se_vruntime));
	walk_cfs(w, my_q);
	return !w->err;
}

static void walk_cfs(struct queue_walk *w, uint64_t cfs_rq)
{
	struct object cfs, curr;
	struct walk walk;

	if (++w->level > GROUP_DEPTH) {
		walk = (struct walk){WALK_BROKEN, 0, cfs_rq};
	} else {
		object_init(&cfs, w->kernel, cfs_rq);
		object_init(&curr, w->kernel, object_read(&cfs, &w->l->cfs_curr));
		/* What runs has been taken out of the tree; it is queued as long as it may go on.
		 */
		if (curr.base && object_read(&curr, &w->l->se_on_rq) && !visit_fair(w, curr.base))
			return;
		walk = walk_rbtree(w->kernel, cfs_rq + w->l->cfs_root.offset, w->l->se_node.offset,
				   w->left, visit_fair, w);
	}
	damaged(w, "fair tree", &walk);
	w->level--;
}

static void walk_fair(struct queue_walk *w, uint64_t rq)
{
	if (w->l->rq_cfs.present && w->l->cfs_root.present && w->l->se_node.present)
		walk_cfs(w, rq + w->l->rq_cfs.offset);
}

static struct queue_walk begin(struct kernel *k, const struct model *m)
{
	/* Beside the tasks: group entities, servers and iterators, of which there are fewer. */
	return (struct queue_walk){
		.kernel = k, .model = m, .l = m->layout, .left = 2 * m->task_count + 1024};
}

/* Hand out what was found, or the error that ended it. */
static struct err *finish(struct queue_walk *w, struct model_queue_entry **ret,
			  unsigned int *ret_count, struct str *damage)
{
	struct err *err = w->err ? w->err : str_error(&w->damage);

	if (err) {
		free(w->entries);
	} else {
		str_add(damage, str_text(&w->damage));
		*ret = w->entries;
		*ret_count = w->count;
	}
	str_deinit(&w->damage);
	return err;
}

struct err *model_queue_noted(struct kernel *k, const struct model *m, unsigned int cpu,
			      struct model_queue_entry **ret, unsigned int *ret_count,
			      struct str *damage)
{
	void (*const walks[])(struct queue_walk *, uint64_t) = {walk_stop, walk_dl, walk_rt,
								walk_ext, walk_fair};
	struct queue_walk w = begin(k, m);

	if (cpu >= m->cpu_count || !m->cpus[cpu].rq)
		return err_new(ERR_NOT_FOUND, "cpu %u: this guest has cpus 0-%u", cpu,
			       m->cpu_count ? m->cpu_count - 1 : 0);
	for (size_t i = 0; !w.err && i < sizeof(walks) / sizeof(walks[0]); i++)
		walks[i](&w, m->cpus[cpu].rq);
	return finish(&w, ret, ret_count, damage);
}

struct err *model_dsq_tasks(struct kernel *k, const struct model *m, uint64_t address,
			    struct model_queue_entry **ret, unsigned int *ret_count,
			    struct str *damage)
{
	struct queue_walk w = begin(k, m);

	if (!m->layout->dsq_list.present || !m->layout->scx_node.present)
		return err_new(ERR_ABSENT, "this kernel has no dispatch queues");
	walk_dsq(&w, address + m->layout->dsq_list.offset);
	return finish(&w, ret, ret_count, damage);
}

struct err *model_queue(struct kernel *k, const struct model *m, unsigned int cpu,
			struct model_queue_entry **ret, unsigned int *ret_count)
{
	struct model_queue_entry *entries = NULL;
	unsigned int count = 0;
	struct str damage = {0};
	struct err *err = model_queue_noted(k, m, cpu, &entries, &count, &damage);

	if (!err && damage.len) {
		free(entries);
		err = err_new(ERR_BAD_DATA, "run queue of cpu %u: %s", cpu, str_text(&damage));
	}
	str_deinit(&damage);
	if (err)
		return err;
	*ret = entries;
	*ret_count = count;
	return NULL;
}
