// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <stddef.h>

static const work_fn functions[WORK_COUNT] = {
	[WORK_SPIN] = work_step_spin,
	[WORK_YIELD] = work_step_yield,
	[WORK_MIXED] = work_step_mixed,
	[WORK_ALU] = work_step_alu,
	[WORK_BURSTY] = work_step_bursty,
	[WORK_PIPE] = work_step_pipe,
	[WORK_FUTEX] = work_step_futex,
	[WORK_SLEEP] = work_step_sleep,
	[WORK_FORK_EXIT] = work_step_fork_exit,
	[WORK_MUTEX] = work_step_mutex,
	[WORK_SEQUENCE] = work_step_sequence,
	[WORK_IO] = work_step_io,
	[WORK_SMT_SPIN] = work_step_smt_spin,
	[WORK_IPC_VARIANCE] = work_step_ipc_variance,
	[WORK_IO_SYNC] = work_step_io_sync,
	[WORK_IO_RAND] = work_step_io_rand,
	[WORK_IO_CONVOY] = work_step_io_convoy,
	[WORK_IDLE_CHURN] = work_step_idle_churn,
	[WORK_TIMER_LATENCY] = work_step_timer_latency,
	[WORK_CACHE_PRESSURE] = work_step_cache_pressure,
	[WORK_CACHE_YIELD] = work_step_cache_yield,
	[WORK_CACHE_PIPE] = work_step_cache_pipe,
	[WORK_FUTEX_FANOUT] = work_step_futex_fanout,
	[WORK_FANOUT_COMPUTE] = work_step_fanout_compute,
	[WORK_THUNDERING_HERD] = work_step_thundering_herd,
	[WORK_WAKE_CHAIN] = work_step_wake_chain,
	[WORK_ASYMMETRIC_WAKER] = work_step_asymmetric_waker,
	[WORK_EPOLL_STORM] = work_step_epoll_storm,
	[WORK_SIGNAL_STORM] = work_step_signal_storm,
	[WORK_PRODUCER_CONSUMER] = work_step_producer_consumer,
	[WORK_NICE_SWEEP] = work_step_nice_sweep,
	[WORK_AFFINITY_CHURN] = work_step_affinity_churn,
	[WORK_CROSS_AFFINITY_CHURN] = work_step_cross_affinity_churn,
	[WORK_POLICY_CHURN] = work_step_policy_churn,
	[WORK_PAGE_FAULT] = work_step_page_fault,
	[WORK_NUMA_SWEEP] = work_step_numa_sweep,
	[WORK_NUMA_MIGRATION] = work_step_numa_migration,
	[WORK_PRIORITY_INVERSION] = work_step_priority_inversion,
	[WORK_RT_STARVATION] = work_step_rt_starvation,
	[WORK_PREEMPT_STORM] = work_step_preempt_storm,
	[WORK_SCHBENCH] = work_step_schbench,
	[WORK_CGROUP_CHURN] = work_step_cgroup_churn,
	[WORK_CGROUP_ATTACH_STORM] = work_step_cgroup_attach_storm,
};

work_fn work_function(uint32_t id)
{
	return id < WORK_COUNT ? functions[id] : NULL;
}
