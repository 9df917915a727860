/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/validate.h"

#include "coord/cold.h"
#include "coord/model.h"
#include "coord/types.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TASK_DEAD 0x80u /* include/linux/sched.h, in no BTF */
#define SCHED_EXT 7u	/* uapi/linux/sched.h */
#define START_WINDOW UINT64_C(10000000)

void validate_layout_init(struct kernel *k, struct validate_layout *ret)
{
	const struct types *t = kernel_types(k);

	field_find(t, "struct task_struct", "pid", &ret->pid);
	field_find(t, "struct task_struct", "start_time", &ret->start_time);
	field_find(t, "struct task_struct", "__state|state", &ret->state);
	field_find(t, "struct task_struct", "on_rq", &ret->on_rq);
	field_find(t, "struct task_struct", "scx.dsq", &ret->scx_dsq);
	field_find(t, "struct task_struct", "scx.runnable_node", &ret->runnable_node);
	field_find(t, "struct task_struct", "sched_class", &ret->sched_class);
	field_find(t, "struct task_struct", "policy", &ret->policy);
	field_find(t, "struct task_struct", "start_boottime|real_start_time", &ret->start_boottime);
	if (!kernel_info(k)->sched_ext ||
	    !kernel_find_symbol(k, "ext_sched_class", &ret->ext_class))
		ret->ext_class = 0;
}

/* What each layer sees: the task, opened once. */
struct chain {
	struct kernel *kernel;
	const struct validate_layout *layout;
	const struct validate_request *request;
	struct object task;
	struct validate_result *result;
};

static struct err *check_pid(struct chain *c)
{
	int pid = (int)object_read(&c->task, &c->layout->pid);

	if (pid == c->request->pid)
		return NULL;
	return err_new(ERR_REFUSED, "L1: pid is %d: not %d", pid, c->request->pid);
}

static struct err *check_start(struct chain *c)
{
	uint64_t wanted = c->request->start_ns;
	uint64_t start = object_read(&c->task, &c->layout->start_time);

	if (!wanted || (start >= wanted && start - wanted < START_WINDOW))
		return NULL;
	return err_new(ERR_REFUSED,
		       "L2: start_time is %" PRIu64 ": not in [%" PRIu64 ", %" PRIu64 ")", start,
		       wanted, wanted + START_WINDOW);
}

static struct err *check_alive(struct chain *c)
{
	uint64_t state = object_read(&c->task, &c->layout->state);

	if (!(state & TASK_DEAD))
		return NULL;
	return err_new(ERR_REFUSED, "L3: __state is 0x%" PRIx64 ": the task is dead (TASK_DEAD)",
		       state);
}

static struct err *check_on_rq(struct chain *c)
{
	uint64_t on_rq = object_read(&c->task, &c->layout->on_rq);

	if (!on_rq)
		return NULL;
	c->result->queued = true;
	return err_new(ERR_REFUSED, "L4: on_rq is %" PRIu64 ": the task is on a run queue", on_rq);
}

static struct err *no_sched_ext(const char *layer)
{
	return err_new(ERR_ABSENT, "%s: this kernel has no sched_ext", layer);
}

/* list_head.next of a node; an empty one points to itself. */
static uint64_t node_next(struct object *task, const struct field *node)
{
	struct field next = *node;

	next.size = 8;
	return object_read(task, &next);
}

static struct err *check_dsq(struct chain *c)
{
	const struct validate_layout *l = c->layout;
	uint64_t dsq, next;

	if (!l->ext_class)
		return no_sched_ext("L5");
	dsq = object_read(&c->task, &l->scx_dsq);
	next = node_next(&c->task, &l->runnable_node);
	if (dsq) {
		c->result->queued = true;
		return err_new(ERR_REFUSED,
			       "L5: scx.dsq is 0x%" PRIx64 ": the task is on a dispatch queue",
			       dsq);
	}
	/* Never initialised is as empty as empty. */
	if (next && next != object_address(&c->task, &l->runnable_node)) {
		c->result->queued = true;
		return err_new(ERR_REFUSED,
			       "L5: scx.runnable_node is not empty (next 0x%" PRIx64
			       "): the task is runnable",
			       next);
	}
	return NULL;
}

static struct err *check_class(struct chain *c)
{
	uint64_t class = object_read(&c->task, &c->layout->sched_class), offset;
	char name[64];
	struct err *err;

	if (!c->layout->ext_class)
		return no_sched_ext("L6");
	if (class == c->layout->ext_class)
		return NULL;
	err = kernel_symbol_at(c->kernel, class, name, sizeof(name), &offset);
	if (err || offset)
		snprintf(name, sizeof(name), "0x%" PRIx64, class);
	err_free(err);
	return err_new(ERR_REFUSED, "L6: sched_class is %s: not ext_sched_class", name);
}

static void note_policy(struct chain *c)
{
	unsigned int policy = (unsigned int)object_read(&c->task, &c->layout->policy);
	const char *name = sched_policy_name(policy);
	char upper[16] = "";

	if (policy == SCHED_EXT || !c->layout->ext_class)
		return;
	for (size_t i = 0; name[i] && i + 1 < sizeof(upper); i++)
		upper[i] = (char)toupper((unsigned char)name[i]);
	if (name[0] == '?')
		snprintf(c->result->note, sizeof(c->result->note), "L7: policy is %u", policy);
	else
		snprintf(c->result->note, sizeof(c->result->note), "L7: policy is SCHED_%s", upper);
}

static struct err *check_boottime(struct chain *c)
{
	if (object_read(&c->task, &c->layout->start_boottime))
		return NULL;
	return err_new(ERR_REFUSED, "L8: start_boottime is 0: the task is not fully made");
}

struct err *validate_task(struct kernel *k, const struct validate_layout *l,
			  const struct validate_request *request, struct validate_result *ret)
{
	static const struct {
		struct err *(*check)(struct chain *c);
		unsigned int force; /* flag that lifts it, 0: nothing does */
		bool writes_only;
	} layers[] = {
		{check_pid, 0, false},
		{check_start, 0, false},
		{check_alive, 0, false},
		{check_on_rq, COLD_FORCE_L4, true},
		{check_dsq, COLD_FORCE_L5, true},
		{check_class, COLD_FORCE_L6, true},
		{check_boottime, COLD_FORCE_L8, false},
	};
	struct chain c = {.kernel = k, .layout = l, .request = request, .result = ret};
	bool writes = request->flags & COLD_WRITE;

	*ret = (struct validate_result){0};
	object_init(&c.task, k, request->task);
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		struct err *err = layers[i].check(&c);

		if (c.task.faulted) {
			err_free(err);
			return err_wrap(err_fault(c.task.fault), "L%zu", i + 1 + (i == 6));
		}
		if (err && layers[i].writes_only && !writes) {
			err_free(err);
		} else if (err && request->flags & layers[i].force) {
			ret->forced = true;
			err_free(err);
		} else if (err) {
			return err;
		}
	}
	if (writes)
		note_policy(&c);
	return NULL;
}
