// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <errno.h>

static int op_ping(struct agent *a, const void *payload)
{
	agent_text(a, "pong");
	return 0;
}

struct op {
	uint32_t id;
	uint32_t payload_len; /* exactly */
	int (*run)(struct agent *a, const void *payload);
};

static const struct op ops[] = {
	{WIRE_OP_PING, 0, op_ping},
	{WIRE_OP_SPAWN, sizeof(struct wire_spawn), op_spawn},
	{WIRE_OP_CGROUP_ADD, sizeof(struct wire_cgroup), op_cgroup_add},
	{WIRE_OP_CGROUP_SET, sizeof(struct wire_cgroup), op_cgroup_set},
	{WIRE_OP_CGROUP_REMOVE, sizeof(struct wire_name), op_cgroup_remove},
	{WIRE_OP_CGROUP_STOP, sizeof(struct wire_name), op_cgroup_stop},
	{WIRE_OP_CGROUP_FREEZE, sizeof(struct wire_name), op_cgroup_freeze},
	{WIRE_OP_CGROUP_THAW, sizeof(struct wire_name), op_cgroup_thaw},
	{WIRE_OP_CGROUP_PROCS, sizeof(struct wire_name), op_cgroup_procs},
	{WIRE_OP_CGROUP_LIST, 0, op_cgroup_list},
	{WIRE_OP_CGROUP_MOVE, sizeof(struct wire_two_names), op_cgroup_move},
	{WIRE_OP_SCHED_ATTACH, sizeof(struct wire_program), op_sched_attach},
	{WIRE_OP_SCHED_DETACH, 0, op_sched_detach},
	{WIRE_OP_SCHED_REPLACE, sizeof(struct wire_program), op_sched_replace},
	{WIRE_OP_SCHED_STATUS, 0, op_sched_status},
	{WIRE_OP_BPF_PIN, sizeof(struct wire_pin), op_bpf_pin},
	{WIRE_OP_RUN, sizeof(struct wire_program), op_run},
	{WIRE_OP_RUN_WAIT, sizeof(struct wire_process), op_run_wait},
	{WIRE_OP_RUN_KILL, sizeof(struct wire_process), op_run_kill},
	{WIRE_OP_CAT, sizeof(struct wire_path), op_cat},
	{WIRE_OP_PROC_SNAPSHOT, 0, op_proc_snapshot},
	{WIRE_OP_RUN_LIST, 0, op_run_list},
	{WIRE_OP_AFFINITY, sizeof(struct wire_affinity), op_affinity},
	{WIRE_OP_SCOPE_BEGIN, sizeof(struct wire_scope_request), op_scope_begin},
	{WIRE_OP_SCOPE_END, sizeof(struct wire_scope_request), op_scope_end},
	{WIRE_OP_PROGRAM_CHECK, sizeof(struct wire_path), op_program_check},
};

int ops_run(struct agent *a, uint32_t op, uint32_t payload_len)
{
	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (ops[i].id != op)
			continue;
		if (ops[i].payload_len != payload_len)
			return agent_fail(a, EINVAL, "op %u takes %u bytes, not %u", op,
					  ops[i].payload_len, payload_len);
		return ops[i].run(a, a->request);
	}
	return agent_fail(a, ENOSYS, "this agent knows no op %u", op);
}
