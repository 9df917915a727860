/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/refuse.h"

#include "coord/object.h"
#include "coord/types.h"

#include <stdio.h>
#include <string.h>

/* Writing anything inside one of these breaks an invariant that other memory shares. */
static const struct {
	const char *type; /* as types_name() gives the resolved type */
	const char *why;
} refused_types[] = {
	{"struct list_head", "links a list"},
	{"struct hlist_head", "links a list"},
	{"struct hlist_node", "links a list"},
	{"struct hlist_nulls_node", "links a list"},
	{"struct llist_head", "links a list"},
	{"struct llist_node", "links a list"},
	{"struct plist_head", "links a list"},
	{"struct plist_node", "links a list"},
	{"struct __call_single_node", "links a list"},
	{"struct rhash_head", "links a hash table"},
	{"struct rhash_lock_head", "links a hash table"},
	{"struct rb_node", "links a tree"},
	{"struct rb_root", "links a tree"},
	{"struct rb_root_cached", "links a tree"},
	{"struct timerqueue_node", "links a tree"},
	{"struct xarray", "links a tree"},
	{"struct maple_tree", "links a tree"},
	{"struct raw_spinlock", "is a lock"},
	{"struct spinlock", "is a lock"},
	{"struct qspinlock", "is a lock"},
	{"struct qrwlock", "is a lock"},
	{"struct rwlock", "is a lock"},
	{"struct mutex", "is a lock"},
	{"struct rt_mutex", "is a lock"},
	{"struct rt_mutex_base", "is a lock"},
	{"struct rw_semaphore", "is a lock"},
	{"struct semaphore", "is a lock"},
	{"struct percpu_rw_semaphore", "is a lock"},
	{"struct seqcount", "is a lock"},
	{"struct seqcount_spinlock", "is a lock"},
	{"struct seqcount_raw_spinlock", "is a lock"},
	{"struct wait_queue_head", "is a lock and a list"},
	{"struct swait_queue_head", "is a lock and a list"},
	{"struct refcount_struct", "counts references"},
	{"struct kref", "counts references"},
	{"struct percpu_ref", "counts references"},
	{"struct sched_avg", "is a load average that group and root averages contain"},
	{"struct callback_head", "is linked into a queue of callbacks"},
	{"struct hrtimer", "is linked into a queue of timers"},
	{"struct timer_list", "is linked into a queue of timers"},
	{"struct bpf_spin_lock", "is a lock"},
	{"struct bpf_res_spin_lock", "is a lock"},
	{"struct bpf_timer", "is linked into a queue of timers"},
	{"struct bpf_list_head", "links a list"},
	{"struct bpf_list_node", "links a list"},
	{"struct bpf_rb_root", "links a tree"},
	{"struct bpf_rb_node", "links a tree"},
	{"struct bpf_refcount", "counts references"},
};

/* Members by name; `parent` NULL is any. */
static const struct {
	const char *parent, *name, *why;
} refused_members[] = {
	{"struct rq", "nr_running", "is a run-queue count"},
	{"struct rq", "nr_uninterruptible", "is a run-queue count"},
	{"struct rq", "nr_numa_running", "is a run-queue count"},
	{"struct rq", "nr_preferred_running", "is a run-queue count"},
	{"struct rq", "nr_pinned", "is a run-queue count"},
	{"struct rq", "curr", "says what runs on the CPU"},
	{"struct rq", "donor", "says what runs on the CPU"},
	{"struct rq", "idle", "says what runs on the CPU"},
	{"struct rq", "stop", "says what runs on the CPU"},
	{"struct cfs_rq", "nr_running", "is a run-queue count"},
	{"struct cfs_rq", "nr_queued", "is a run-queue count"},
	{"struct cfs_rq", "load", "is the sum of its entities' weights"},
	{"struct cfs_rq", "avg_load", "is the sum of its entities' weights"},
	{"struct cfs_rq", "sum_weight", "is the sum of its entities' weights"},
	{"struct cfs_rq", "avg_vruntime", "is a sum over its entities"},
	{"struct cfs_rq", "sum_w_vruntime", "is a sum over its entities"},
	{"struct cfs_rq", "curr", "says which entity runs"},
	{"struct rt_rq", "active", "is the RT priority array"},
	{"struct rt_prio_array", "bitmap", "says which RT lists have tasks"},
	{"struct dl_rq", "running_bw", "is a sum of bandwidths"},
	{"struct dl_rq", "this_bw", "is a sum of bandwidths"},
	{"struct scx_rq", "nr_running", "is a run-queue count"},
	{"struct scx_dispatch_q", "nr", "is a queue's count"},
	{"struct task_struct", "on_rq", "says whether the task is queued"},
	{"struct task_struct", "on_cpu", "says whether the task runs"},
	{"struct task_struct", "sched_class", "says which class has the task queued"},
	{"struct task_struct", "stack", "is the task's kernel stack"},
	{"struct sched_entity", "on_rq", "says whether the entity is queued"},
	{"struct sched_entity", "runnable_weight", "is a sum of weights"},
	{"struct sched_rt_entity", "on_rq", "says whether the entity is queued"},
	{"struct sched_rt_entity", "on_list", "says whether the entity is queued"},
	{"struct sched_ext_entity", "dsq", "says on which dispatch queue the task is"},
	{"struct sched_ext_entity", "ops_state", "is the task's state in its scheduler"},
	{NULL, "h_nr_running", "is a run-queue count"},
	{NULL, "h_nr_queued", "is a run-queue count"},
	{NULL, "h_nr_runnable", "is a run-queue count"},
	{NULL, "h_nr_delayed", "is a run-queue count"},
	{NULL, "h_nr_idle", "is a run-queue count"},
	{NULL, "idle_nr_running", "is a run-queue count"},
	{NULL, "idle_h_nr_running", "is a run-queue count"},
	{NULL, "rt_nr_running", "is a run-queue count"},
	{NULL, "rr_nr_running", "is a run-queue count"},
	{NULL, "dl_nr_running", "is a run-queue count"},
	{NULL, "load_sum", "is a load average"},
	{NULL, "util_sum", "is a load average"},
	{NULL, "runnable_sum", "is a load average"},
	{NULL, "load_avg", "is a load average"},
	{NULL, "util_avg", "is a load average"},
	{NULL, "runnable_avg", "is a load average"},
};

/* The keys that a tree is sorted by: free to write while the entity is in no tree. */
static const struct {
	const char *parent, *name;
	const char *queued; /* member of the parent that says so: not 0, or a node not empty */
	bool is_node;
} sort_keys[] = {
	{"struct sched_entity", "vruntime", "on_rq", false},
	{"struct sched_entity", "deadline", "on_rq", false},
	{"struct sched_entity", "min_vruntime", "on_rq", false},
	{"struct sched_entity", "vlag", "on_rq", false},
	{"struct sched_dl_entity", "deadline", "rb_node", true},
	{"struct sched_ext_entity", "dsq_vtime", "dsq_priq", true},
};

/* The name of a type without typedefs and qualifiers, an array's element's for an array. */
static void plain_name(const struct types *t, uint32_t type, char name[64])
{
	struct str s = {0};

	while (types_kind(t, type) == TYPE_ARRAY)
		type = types_target(t, type);
	types_name(t, types_resolve(t, type), &s);
	snprintf(name, 64, "%s", str_text(&s));
	str_deinit(&s);
}

static const char *type_refusal(const struct types *t, uint32_t type)
{
	char name[64];

	plain_name(t, type, name);
	for (size_t i = 0; i < sizeof(refused_types) / sizeof(refused_types[0]); i++)
		if (strcmp(name, refused_types[i].type) == 0)
			return refused_types[i].why;
	return NULL;
}

static const char *member_refusal(const char *parent, const char *name)
{
	for (size_t i = 0; i < sizeof(refused_members) / sizeof(refused_members[0]); i++) {
		if (strcmp(refused_members[i].name, name) != 0)
			continue;
		if (!refused_members[i].parent || strcmp(refused_members[i].parent, parent) == 0)
			return refused_members[i].why;
	}
	return NULL;
}

/* An rb_node that is in no tree points to itself (RB_CLEAR_NODE) or is all zero (never used). */
static bool node_linked(struct object *parent, const struct field *node)
{
	struct field word = *node;
	uint64_t value;

	word.size = 8;
	value = object_read(parent, &word);
	return value != 0 && value != object_address(parent, node);
}

static struct err *key_refusal(struct kernel *k, const struct path_step *step,
			       const char *parent_name, const char **ret)
{
	for (size_t i = 0; i < sizeof(sort_keys) / sizeof(sort_keys[0]); i++) {
		struct object parent;
		struct field queued;
		bool is_queued;

		if (strcmp(sort_keys[i].name, step->name) != 0 ||
		    strcmp(sort_keys[i].parent, parent_name) != 0)
			continue;
		field_find(kernel_types(k), parent_name, sort_keys[i].queued, &queued);
		object_init(&parent, k, step->parent_address);
		is_queued = sort_keys[i].is_node ? queued.present && node_linked(&parent, &queued)
						 : object_read(&parent, &queued) != 0;
		if (is_queued)
			*ret = "is the sort key of a queued entity";
		return parent.faulted ? err_fault(parent.fault) : NULL;
	}
	return NULL;
}

/* Why one step of the path speaks against writing, *ret NULL when it does not. */
static struct err *step_refusal(struct kernel *k, const struct path_step *step, const char **ret)
{
	const struct types *t = kernel_types(k);
	char parent[64];

	*ret = type_refusal(t, step->type);
	if (*ret)
		return NULL;
	plain_name(t, step->parent, parent);
	*ret = member_refusal(parent, step->name);
	if (*ret)
		return NULL;
	return key_refusal(k, step, parent, ret);
}

/* Whether a member is a pointer, or an array of pointers: what follows it lies in another object.
 */
static bool leads_away(const struct types *t, const struct path_step *step)
{
	uint32_t type = step->type;

	while (types_kind(t, type) == TYPE_ARRAY)
		type = types_target(t, type);
	return types_kind(t, type) == TYPE_POINTER;
}

static bool in_kernel_text(struct kernel *k, uint64_t address)
{
	uint64_t start, end;

	return kernel_find_symbol(k, "_stext", &start) && kernel_find_symbol(k, "_etext", &end) &&
	       address >= start && address < end;
}

struct err *refuse_reason(struct kernel *k, const struct place *place, char ret[REFUSAL_TEXT])
{
	const struct types *t = kernel_types(k);
	const char *why = NULL;

	ret[0] = '\0';
	if (in_kernel_text(k, place->address)) {
		snprintf(ret, REFUSAL_TEXT, "0x%llx is kernel text",
			 (unsigned long long)place->address);
		return NULL;
	}
	for (unsigned int i = place->step_count; i-- > 0;) {
		const struct path_step *step = &place->steps[i];

		ERR_TRY(step_refusal(k, step, &why));
		if (why) {
			char parent[64];

			plain_name(t, step->parent, parent);
			snprintf(ret, REFUSAL_TEXT, "%s.%s %s", parent, step->name, why);
			return NULL;
		}
		if (i > 0 && leads_away(t, &place->steps[i - 1]))
			return NULL;
	}
	if (place->type && place->step_count == 0)
		why = type_refusal(t, place->type);
	if (why)
		snprintf(ret, REFUSAL_TEXT, "it %s", why);
	return NULL;
}
