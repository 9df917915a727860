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
	struct model_entity *entities;
	unsigned int count, size;
	unsigned int left;  /* nodes that may still be visited: each task is queued once at most */
	unsigned int level; /* of task groups */
	uint64_t key;	    /* of the list that is being walked: priority, or first position */
	uint64_t rq;
	const struct fair_queue *queue; /* the cfs_rq that is being walked */
	struct str damage;
	struct err *err; /* no memory: ends the walks */
};

static bool add(struct queue_walk *w, const struct model_entity *entity)
{
	if (w->count == w->size) {
		unsigned int size = w->size ? w->size * 2 : 16;
		struct model_entity *entities = realloc(w->entities, size * sizeof(*entities));

		if (!entities) {
			w->err = err_nomem();
			return false;
		}
		w->entities = entities;
		w->size = size;
	}
	w->entities[w->count++] = *entity;
	return true;
}

/* A task that is in none of the model's lists (torn from them) is left out. */
static bool add_task(struct queue_walk *w, uint64_t task, struct model_entity *entity)
{
	entity->kind = ENTITY_TASK;
	entity->task = model_find_address(w->model, task);
	if (entity->task < 0)
		return true;
	entity->current = w->model->tasks[entity->task].current;
	return add(w, entity);
}

static struct maybe maybe_field(struct object *o, const struct field *f)
{
	return (struct maybe){f->present, object_read(o, f)};
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
	struct model_entity entity = {.class = CLASS_STOP, .queued = true};
	struct object o;
	int index;

	object_init(&o, w->kernel, rq);
	entity.address = object_read(&o, &w->l->rq_stop);
	index = entity.address ? model_find_address(w->model, entity.address) : -1;
	if (index >= 0 && w->model->tasks[index].on_rq)
		add_task(w, entity.address, &entity);
}

/* The deadline servers are part of the run queue, no tasks. */
static bool is_server(const struct queue_walk *w, uint64_t address)
{
	const struct model_layout *l = w->l;

	return (l->rq_fair_server.present && address == w->rq + l->rq_fair_server.offset) ||
	       (l->rq_ext_server.present && address == w->rq + l->rq_ext_server.offset);
}

static bool visit_dl(void *context, uint64_t address)
{
	struct queue_walk *w = context;
	struct model_entity entity = {.class = CLASS_DL, .queued = true, .address = address};
	struct object o;

	object_init(&o, w->kernel, address);
	entity.deadline = maybe_field(&o, &w->l->dl_deadline);
	entity.budget = maybe_field(&o, &w->l->dl_left);
	entity.dl_runtime = maybe_field(&o, &w->l->dl_runtime);
	entity.dl_period = maybe_field(&o, &w->l->dl_period);
	entity.throttled = maybe_field(&o, &w->l->dl_throttled);
	entity.key = entity.deadline.value;
	if (!is_server(w, address))
		return add_task(w, address - w->l->dl.offset, &entity);
	entity.kind = ENTITY_SERVER;
	entity.task = -1;
	return add(w, &entity);
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
	struct model_entity entity = {
		.class = CLASS_RT, .queued = true, .address = address, .key = w->key};

	return add_task(w, address - w->l->rt.offset, &entity);
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
	struct model_entity entity = {.class = CLASS_EXT,
				      .queued = true,
				      .address = address + w->l->scx.offset,
				      .key = w->count - w->key};
	struct object lnode;

	object_init(&lnode, w->kernel, address + w->l->scx_node.offset);
	if (object_read(&lnode, &w->l->lnode_flags) & w->l->cursor_flag)
		return true;
	return add_task(w, address, &entity);
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

/* ---- fair ---- */

/*
 * What a cfs_rq knows of its entities together: their average vruntime is zero + sum / load. As
 * avg_vruntime() and vruntime_eligible() of kernel/sched/fair.c have it, in wrapping arithmetic.
 */
struct fair_queue {
	bool known;
	unsigned int depth;
	uint64_t curr; /* entity that runs, 0: none */
	uint64_t zero, sum, load, average;
};

/* The weight in the sums: in full since they have a shift (7.1), before that scaled down. */
static uint64_t sum_weight(const struct queue_walk *w, uint64_t weight, uint64_t shift)
{
	if (!w->l->cfs_sum_shift.present)
		shift = 10; /* SCHED_FIXEDPOINT_SHIFT */
	if (!shift || !weight)
		return weight;
	weight >>= shift & 63;
	return weight > 2 ? weight : 2;
}

static int64_t divide_down(int64_t sum, uint64_t load)
{
	int64_t by = (int64_t)load;

	if (by <= 0)
		return 0;
	return sum / by - (sum % by < 0);
}

/* The entity that runs has been taken out of tree and sums; it counts as long as it may go on. */
static void read_sums(struct queue_walk *w, struct object *cfs, struct fair_queue *q)
{
	const struct model_layout *l = w->l;
	struct object curr;

	q->known = l->cfs_sum.present && l->cfs_sum_weight.present && l->cfs_zero.present &&
		   l->se_weight.present;
	q->curr = object_read(cfs, &l->cfs_curr);
	object_init(&curr, w->kernel, q->curr);
	if (q->curr && !object_read(&curr, &l->se_on_rq))
		q->curr = 0;
	q->zero = object_read(cfs, &l->cfs_zero);
	q->sum = object_read(cfs, &l->cfs_sum);
	q->load = object_read(cfs, &l->cfs_sum_weight);
	if (q->curr) {
		uint64_t weight = sum_weight(w, object_read(&curr, &l->se_weight),
					     object_read(cfs, &l->cfs_sum_shift));

		q->sum += (object_read(&curr, &l->se_vruntime) - q->zero) * weight;
		q->load += weight;
	}
	q->average = q->zero + (uint64_t)divide_down((int64_t)q->sum, q->load);
}

static void read_fair(struct queue_walk *w, struct object *se, struct model_entity *entity)
{
	const struct fair_queue *q = w->queue;
	const struct model_layout *l = w->l;

	entity->vruntime = maybe_field(se, &l->se_vruntime);
	entity->deadline = maybe_field(se, &l->se_deadline);
	entity->vlag = maybe_field(se, &l->se_vlag);
	entity->slice = maybe_field(se, &l->se_slice);
	entity->weight = maybe_field(se, &l->se_weight);
	entity->delayed = maybe_field(se, &l->se_delayed);
	entity->key = entity->vruntime.value;
	if (!q->known)
		return;
	entity->lag = (struct maybe){true, q->average - entity->vruntime.value};
	entity->eligible = (struct maybe){
		true, (int64_t)q->sum >= (int64_t)((entity->vruntime.value - q->zero) * q->load)};
}

static void read_group(struct queue_walk *w, struct model_entity *entity)
{
	const struct model_layout *l = w->l;
	struct object cfs, tg, autogroup;

	object_init(&cfs, w->kernel, entity->group_queue);
	if (object_read(&cfs, &l->cfs_runtime_enabled)) {
		entity->throttled = maybe_field(&cfs, &l->cfs_throttled);
		entity->remaining = maybe_field(&cfs, &l->cfs_remaining);
	}
	object_init(&tg, w->kernel, object_read(&cfs, &l->cfs_tg));
	if (!tg.base)
		return;
	entity->cgroup = object_read(&tg, &l->tg_cgroup);
	object_init(&autogroup, w->kernel, object_read(&tg, &l->tg_autogroup));
	if (!entity->cgroup && autogroup.base)
		entity->autogroup = maybe_field(&autogroup, &l->autogroup_id);
}

static void walk_cfs(struct queue_walk *w, uint64_t cfs_rq);

static bool visit_fair(void *context, uint64_t address)
{
	struct queue_walk *w = context;
	struct model_entity entity = {
		.class = CLASS_FAIR, .queued = true, .address = address, .task = -1};
	struct object se;

	object_init(&se, w->kernel, address);
	entity.depth = w->queue->depth;
	entity.current = address == w->queue->curr;
	read_fair(w, &se, &entity);
	entity.group_queue = object_read(&se, &w->l->se_my_q);
	if (!entity.group_queue)
		return add_task(w, address - w->l->se.offset, &entity);
	entity.kind = ENTITY_GROUP;
	read_group(w, &entity);
	if (!add(w, &entity))
		return false;
	walk_cfs(w, entity.group_queue);
	return !w->err;
}

static void walk_cfs(struct queue_walk *w, uint64_t cfs_rq)
{
	const struct fair_queue *above = w->queue;
	struct fair_queue queue = {.depth = w->level};
	struct object cfs;
	struct walk walk;

	if (++w->level > GROUP_DEPTH) {
		walk = (struct walk){WALK_BROKEN, 0, cfs_rq};
	} else {
		object_init(&cfs, w->kernel, cfs_rq);
		read_sums(w, &cfs, &queue);
		w->queue = &queue;
		if (!queue.curr || visit_fair(w, queue.curr))
			walk = walk_rbtree(w->kernel, cfs_rq + w->l->cfs_root.offset,
					   w->l->se_node.offset, w->left, visit_fair, w);
		else
			walk = (struct walk){WALK_STOPPED, 0, 0};
		w->queue = above;
	}
	damaged(w, "fair tree", &walk);
	w->level--;
}

static void walk_fair(struct queue_walk *w, uint64_t rq)
{
	if (w->l->rq_cfs.present && w->l->cfs_root.present && w->l->se_node.present)
		walk_cfs(w, rq + w->l->rq_cfs.offset);
}

/* What runs but is in no queue: a task of sched_ext, and the idle task. */
static void add_running(struct queue_walk *w, unsigned int cpu)
{
	int task = w->model->cpus[cpu].current_task;
	struct model_entity entity = {.task = task, .current = true};

	if (task < 0)
		return;
	for (unsigned int i = 0; i < w->count; i++)
		if (w->entities[i].task == task)
			return;
	entity.class = w->model->tasks[task].class;
	entity.address = w->model->tasks[task].address;
	if (entity.class == CLASS_EXT)
		entity.address += w->l->scx.offset;
	add(w, &entity);
}

static struct queue_walk begin(struct kernel *k, const struct model *m)
{
	/* Beside the tasks: group entities, servers and iterators, of which there are fewer. */
	return (struct queue_walk){
		.kernel = k, .model = m, .l = m->layout, .left = 2 * m->task_count + 1024};
}

/* Hand out what was found, or the error that ended it. */
static struct err *finish(struct queue_walk *w, struct model_entity **ret, unsigned int *ret_count,
			  struct str *damage)
{
	struct err *err = w->err ? w->err : str_error(&w->damage);

	if (err) {
		free(w->entities);
	} else {
		str_add(damage, str_text(&w->damage));
		*ret = w->entities;
		*ret_count = w->count;
	}
	str_deinit(&w->damage);
	return err;
}

struct err *model_entities(struct kernel *k, const struct model *m, unsigned int cpu,
			   struct model_entity **ret, unsigned int *ret_count, struct str *damage)
{
	void (*const walks[])(struct queue_walk *, uint64_t) = {walk_stop, walk_dl, walk_rt,
								walk_ext, walk_fair};
	struct queue_walk w = begin(k, m);

	if (cpu >= m->cpu_count || !m->cpus[cpu].rq)
		return err_new(ERR_NOT_FOUND, "cpu %u: this guest has cpus 0-%u", cpu,
			       m->cpu_count ? m->cpu_count - 1 : 0);
	w.rq = m->cpus[cpu].rq;
	for (size_t i = 0; !w.err && i < sizeof(walks) / sizeof(walks[0]); i++)
		walks[i](&w, w.rq);
	if (!w.err)
		add_running(&w, cpu);
	return finish(&w, ret, ret_count, damage);
}

/* Only the tasks that stand in a queue. Takes over `entities`. */
static struct err *only_tasks(struct model_entity *entities, unsigned int count,
			      struct model_queue_entry **ret, unsigned int *ret_count)
{
	struct model_queue_entry *entries = malloc((count + 1) * sizeof(*entries));
	unsigned int kept = 0;

	for (unsigned int i = 0; entries && i < count; i++)
		if (entities[i].kind == ENTITY_TASK && entities[i].queued)
			entries[kept++] = (struct model_queue_entry){
				entities[i].class, entities[i].task, entities[i].key};
	free(entities);
	if (!entries)
		return err_nomem();
	*ret = entries;
	*ret_count = kept;
	return NULL;
}

struct err *model_queue_noted(struct kernel *k, const struct model *m, unsigned int cpu,
			      struct model_queue_entry **ret, unsigned int *ret_count,
			      struct str *damage)
{
	struct model_entity *entities;
	unsigned int count;

	ERR_TRY(model_entities(k, m, cpu, &entities, &count, damage));
	return only_tasks(entities, count, ret, ret_count);
}

struct err *model_dsq_tasks(struct kernel *k, const struct model *m, uint64_t address,
			    struct model_queue_entry **ret, unsigned int *ret_count,
			    struct str *damage)
{
	struct queue_walk w = begin(k, m);
	struct model_entity *entities;
	unsigned int count;

	if (!m->layout->dsq_list.present || !m->layout->scx_node.present)
		return err_new(ERR_ABSENT, "this kernel has no dispatch queues");
	walk_dsq(&w, address + m->layout->dsq_list.offset);
	ERR_TRY(finish(&w, &entities, &count, damage));
	return only_tasks(entities, count, ret, ret_count);
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
