/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/tasks.h"

#include <stdio.h>

/* lib/xarray: 64 slots a node; an entry whose low bits are 10 and that lies above the reserved ones
 * is a node's address plus 2. */
#define SLOT_BITS 6
#define SLOTS (1u << SLOT_BITS)

struct err *task_finder_init(struct kernel *k, struct task_finder *ret)
{
	const struct types *t = kernel_types(k);
	struct task_finder f;

	ERR_TRY(kernel_symbol(k, "init_pid_ns", &f.init_pid_ns));
	field_find(t, "struct pid_namespace", "idr.idr_rt.xa_head|idr.idr_rt.rnode", &f.idr_head);
	field_find(t, "struct pid_namespace", "idr.idr_base", &f.idr_base);
	field_find(t, "struct xa_node", "shift", &f.node_shift);
	field_find(t, "struct xa_node", "slots", &f.node_slots);
	field_find(t, "struct pid", "tasks", &f.pid_tasks);
	field_find(t, "struct task_struct", "pid_links", &f.pid_links);
	field_find(t, "struct task_struct", "pid", &f.task_pid);
	if (!f.idr_head.present || !f.node_shift.present || !f.node_slots.present ||
	    !f.pid_tasks.present || !f.pid_links.present || !f.task_pid.present)
		return err_new(ERR_ABSENT, "this kernel keeps its pids in an unknown way");
	*ret = f;
	return NULL;
}

static bool is_node(uint64_t entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

static struct err *bad_table(uint64_t entry)
{
	return err_new(ERR_BAD_DATA, "init_pid_ns.idr holds 0x%llx", (unsigned long long)entry);
}

/* The entry at `index`, 0 when there is none. The shift shrinks in each round, so this ends. */
static struct err *table_lookup(struct kernel *k, const struct task_finder *f, uint64_t index,
				uint64_t *ret)
{
	struct field slot = {.present = true, .offset = f->node_slots.offset, .size = 8};
	unsigned int above = 64;
	struct object ns;
	uint64_t entry;

	object_init(&ns, k, f->init_pid_ns);
	entry = object_read(&ns, &f->idr_head);
	if (!is_node(entry) && index != 0)
		entry = 0;
	while (is_node(entry)) {
		struct object node;
		unsigned int shift;

		object_init(&node, k, entry - 2);
		shift = (unsigned int)object_read(&node, &f->node_shift);
		if (node.faulted)
			return err_fault(node.fault);
		if (shift >= above || shift % SLOT_BITS)
			return bad_table(entry);
		if (above == 64 && index >> shift >= SLOTS) {
			entry = 0;
			break;
		}
		entry = object_read_at(&node, &slot, (index >> shift & (SLOTS - 1)) * 8);
		if (shift == 0)
			break;
		above = shift;
	}
	if (ns.faulted)
		return err_fault(ns.fault);
	if (entry & 3)
		return bad_table(entry);
	*ret = entry;
	return NULL;
}

static struct err *no_such_task(int pid)
{
	return err_new(ERR_NOT_FOUND, "no task has pid %d", pid);
}

struct err *task_find(struct kernel *k, const struct task_finder *f, int pid, uint64_t *ret)
{
	struct object ns, table, task;
	struct field first = f->pid_tasks;
	uint64_t base, entry = 0, link;

	object_init(&ns, k, f->init_pid_ns);
	base = object_read(&ns, &f->idr_base);
	if (pid <= 0 || (uint64_t)pid < base)
		return no_such_task(pid);
	ERR_TRY(table_lookup(k, f, (uint64_t)pid - base, &entry));
	if (!entry)
		return no_such_task(pid);
	/* A pid may outlive its task while somebody holds it: its list of tasks is then empty. */
	first.size = 8;
	object_init(&table, k, entry);
	link = object_read(&table, &first);
	if (table.faulted)
		return err_fault(table.fault);
	if (!link)
		return no_such_task(pid);
	object_init(&task, k, link - f->pid_links.offset);
	if ((int)object_read(&task, &f->task_pid) != pid)
		return task.faulted ? err_fault(task.fault)
				    : err_new(ERR_BAD_DATA, "pid %d leads to a task with pid %d",
					      pid, (int)object_read(&task, &f->task_pid));
	*ret = task.base;
	return NULL;
}
