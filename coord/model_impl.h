/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the model share: the layout of this kernel and the two hash tables of a model.
 * Private to coord/model*.c.
 */
#ifndef COORD_MODEL_IMPL_H
#define COORD_MODEL_IMPL_H

#include "coord/model.h"
#include "coord/object.h"

/* X(name, struct, paths): the members of task_struct, of rq, and of what hangs below them. */
#define TASK_FIELDS(X)                                                                             \
	X(pid, "task_struct", "pid")                                                               \
	X(tgid, "task_struct", "tgid")                                                             \
	X(comm, "task_struct", "comm")                                                             \
	X(start_time, "task_struct", "start_time")                                                 \
	X(state, "task_struct", "__state|state")                                                   \
	X(exit_state, "task_struct", "exit_state")                                                 \
	X(policy, "task_struct", "policy")                                                         \
	X(flags, "task_struct", "flags")                                                           \
	X(prio, "task_struct", "prio")                                                             \
	X(static_prio, "task_struct", "static_prio")                                               \
	X(normal_prio, "task_struct", "normal_prio")                                               \
	X(rt_priority, "task_struct", "rt_priority")                                               \
	X(sched_class, "task_struct", "sched_class")                                               \
	X(cpu, "task_struct", "thread_info.cpu|cpu")                                               \
	X(on_rq, "task_struct", "on_rq")                                                           \
	X(on_cpu, "task_struct", "on_cpu")                                                         \
	X(runtime, "task_struct", "se.sum_exec_runtime")                                           \
	X(vruntime, "task_struct", "se.vruntime")                                                  \
	X(nvcsw, "task_struct", "nvcsw")                                                           \
	X(nivcsw, "task_struct", "nivcsw")                                                         \
	X(run_delay, "task_struct", "sched_info.run_delay")                                        \
	X(signal, "task_struct", "signal")                                                         \
	X(tasks, "task_struct", "tasks")                                                           \
	X(thread_node, "task_struct", "thread_node")                                               \
	X(scx_dsq, "task_struct", "scx.dsq")                                                       \
	X(scx_vtime, "task_struct", "scx.dsq_vtime")                                               \
	X(scx_slice, "task_struct", "scx.slice")                                                   \
	X(scx_weight, "task_struct", "scx.weight")                                                 \
	X(scx_flags, "task_struct", "scx.flags")

/* The members of which only model_detail.c and the queues want to know. */
#define DETAIL_FIELDS(X)                                                                           \
	X(task_cgroups, "task_struct", "cgroups")                                                  \
	X(task_sp, "task_struct", "thread.sp")                                                     \
	X(wake_cpu, "task_struct", "wake_cpu")                                                     \
	X(migration_disabled, "task_struct", "migration_disabled")                                 \
	X(pi_blocked_on, "task_struct", "pi_blocked_on")                                           \
	X(task_throttled, "task_struct", "throttled")                                              \
	X(cpus_ptr, "task_struct", "cpus_ptr")                                                     \
	X(cpus_mask, "task_struct", "cpus_mask")                                                   \
	X(last_queued, "task_struct", "sched_info.last_queued")                                    \
	X(run_count, "task_struct", "sched_info.pcount")                                           \
	X(migrations, "task_struct", "se.nr_migrations")                                           \
	X(task_deadline, "task_struct", "se.deadline")                                             \
	X(task_vlag, "task_struct", "se.vlag")                                                     \
	X(task_slice, "task_struct", "se.slice")                                                   \
	X(task_weight, "task_struct", "se.load.weight")                                            \
	X(task_dl_deadline, "task_struct", "dl.deadline")                                          \
	X(task_dl_left, "task_struct", "dl.runtime")                                               \
	X(scx_ops_state, "task_struct", "scx.ops_state")                                           \
	X(scx_sticky, "task_struct", "scx.sticky_cpu")                                             \
	X(scx_holding, "task_struct", "scx.holding_cpu")                                           \
	X(scx_selected, "task_struct", "scx.selected_cpu")                                         \
	X(scx_ddsp, "task_struct", "scx.ddsp_dsq_id")                                              \
	X(scx_ddsp_flags, "task_struct", "scx.ddsp_enq_flags")                                     \
	X(scx_dsq_flags, "task_struct", "scx.dsq_flags")                                           \
	X(scx_dsq_seq, "task_struct", "scx.dsq_seq")                                               \
	X(scx_disallow, "task_struct", "scx.disallow")                                             \
	X(scx_kf_mask, "task_struct", "scx.kf_mask")                                               \
	X(scx_tid, "task_struct", "scx.tid")                                                       \
	X(task_runnable, "task_struct", "scx.runnable_node")                                       \
	X(task_runnable_at, "task_struct", "scx.runnable_at")

#define RQ_FIELDS(X)                                                                               \
	X(rq_nr_running, "rq", "nr_running")                                                       \
	X(rq_curr, "rq", "curr")                                                                   \
	X(rq_idle, "rq", "idle")                                                                   \
	X(rq_stop, "rq", "stop")                                                                   \
	X(rq_clock, "rq", "clock")                                                                 \
	X(rq_switches, "rq", "nr_switches")                                                        \
	X(rq_locked, "rq", "__lock.raw_lock.locked|lock.raw_lock.locked")                          \
	X(rq_nr_fair, "rq", "cfs.h_nr_queued|cfs.h_nr_running")                                    \
	X(rq_nr_rt, "rq", "rt.rt_nr_running")                                                      \
	X(rq_nr_dl, "rq", "dl.dl_nr_running")                                                      \
	X(rq_nr_ext, "rq", "scx.nr_running")                                                       \
	X(rq_local_nr, "rq", "scx.local_dsq.nr")                                                   \
	X(rq_goidle, "rq", "sched_goidle")                                                         \
	X(rq_lock_word, "rq", "__lock.raw_lock.val.counter|lock.raw_lock.val.counter")             \
	X(rq_lock_owner, "rq", "__lock.owner_cpu")                                                 \
	X(rq_clock_task, "rq", "clock_task")                                                       \
	X(rq_capacity, "rq", "cpu_capacity")                                                       \
	X(rq_nr_uninterruptible, "rq", "nr_uninterruptible")                                       \
	X(rq_nr_iowait, "rq", "nr_iowait.counter")                                                 \
	X(rq_nr_pinned, "rq", "nr_pinned")                                                         \
	X(rq_avg_idle, "rq", "avg_idle")                                                           \
	X(rq_tick_stopped, "rq", "nohz_tick_stopped")                                              \
	X(rq_idle_state, "rq", "idle_state")                                                       \
	X(idle_state_name, "cpuidle_state", "name")                                                \
	X(pcpu_preempt_count, "pcpu_hot", "preempt_count")                                         \
	X(rq_scx_flags, "rq", "scx.flags")                                                         \
	X(rq_scx_ops_qseq, "rq", "scx.ops_qseq")                                                   \
	X(rq_scx_kick_sync, "rq", "scx.kick_sync|scx.pnt_seq")                                     \
	X(rq_scx_cpu_released, "rq", "scx.cpu_released")                                           \
	X(rq_scx_nr_immed, "rq", "scx.nr_immed")                                                   \
	X(rq_scx_perf, "rq", "scx.cpuperf_target")                                                 \
	X(rq_scx_clock, "rq", "scx.clock")                                                         \
	X(rq_kick, "rq", "scx.cpus_to_kick")                                                       \
	X(rq_kick_if_idle, "rq", "scx.cpus_to_kick_if_idle")                                       \
	X(rq_kick_preempt, "rq", "scx.cpus_to_preempt")                                            \
	X(rq_kick_wait, "rq", "scx.cpus_to_wait")                                                  \
	X(rq_kick_sync, "rq", "scx.cpus_to_sync")                                                  \
	X(rq_runnable, "rq", "scx.runnable_list")                                                  \
	X(rq_bypass_dsq, "rq", "scx.bypass_dsq")                                                   \
	X(rq_ttwu, "rq", "ttwu_count")                                                             \
	X(rq_ttwu_local, "rq", "ttwu_local")                                                       \
	X(rq_cfs, "rq", "cfs")                                                                     \
	X(rq_rt_active, "rq", "rt.active.queue")                                                   \
	X(rq_dl_root, "rq", "dl.root")                                                             \
	X(rq_local_dsq, "rq", "scx.local_dsq")                                                     \
	X(rq_local_list, "rq", "scx.local_dsq.list")                                               \
	X(cpustat_times, "kernel_cpustat", "cpustat")

#define QUEUE_FIELDS(X)                                                                            \
	X(se, "task_struct", "se")                                                                 \
	X(rt, "task_struct", "rt")                                                                 \
	X(dl, "task_struct", "dl")                                                                 \
	X(scx, "task_struct", "scx")                                                               \
	X(scx_node, "task_struct", "scx.dsq_list.node|scx.dsq_node.list")                          \
	X(thread_flags, "task_struct", "thread_info.flags")                                        \
	X(thread_head, "signal_struct", "thread_head")                                             \
	X(dsq_id, "scx_dispatch_q", "id")                                                          \
	X(cfs_root, "cfs_rq", "tasks_timeline")                                                    \
	X(cfs_curr, "cfs_rq", "curr")                                                              \
	X(se_node, "sched_entity", "run_node")                                                     \
	X(se_my_q, "sched_entity", "my_q")                                                         \
	X(se_vruntime, "sched_entity", "vruntime")                                                 \
	X(se_on_rq, "sched_entity", "on_rq")                                                       \
	X(rt_list, "sched_rt_entity", "run_list")                                                  \
	X(dl_node, "sched_dl_entity", "rb_node")                                                   \
	X(dl_deadline, "sched_dl_entity", "deadline")                                              \
	X(dl_left, "sched_dl_entity", "runtime")                                                   \
	X(dl_period, "sched_dl_entity", "dl_period")                                               \
	X(dl_runtime, "sched_dl_entity", "dl_runtime")                                             \
	X(dl_throttled, "sched_dl_entity", "dl_throttled")                                         \
	X(rq_fair_server, "rq", "fair_server")                                                     \
	X(rq_ext_server, "rq", "ext_server")                                                       \
	X(se_deadline, "sched_entity", "deadline")                                                 \
	X(se_vlag, "sched_entity", "vlag")                                                         \
	X(se_slice, "sched_entity", "slice")                                                       \
	X(se_weight, "sched_entity", "load.weight")                                                \
	X(se_delayed, "sched_entity", "sched_delayed")                                             \
	X(cfs_sum, "cfs_rq", "sum_w_vruntime|avg_vruntime")                                        \
	X(cfs_sum_weight, "cfs_rq", "sum_weight|avg_load")                                         \
	X(cfs_sum_shift, "cfs_rq", "sum_shift")                                                    \
	X(cfs_zero, "cfs_rq", "zero_vruntime|min_vruntime")                                        \
	X(cfs_tg, "cfs_rq", "tg")                                                                  \
	X(cfs_nr, "cfs_rq", "h_nr_queued|h_nr_running")                                            \
	X(cfs_throttled, "cfs_rq", "throttled")                                                    \
	X(cfs_throttle_count, "cfs_rq", "throttle_count")                                          \
	X(cfs_runtime_enabled, "cfs_rq", "runtime_enabled")                                        \
	X(cfs_remaining, "cfs_rq", "runtime_remaining")                                            \
	X(tg_cgroup, "task_group", "css.cgroup")                                                   \
	X(tg_css, "task_group", "css")                                                             \
	X(autogroup_id, "autogroup", "id")                                                         \
	X(tg_autogroup, "task_group", "autogroup")                                                 \
	X(tg_cfs_rq, "task_group", "cfs_rq")                                                       \
	X(tg_shares, "task_group", "shares")                                                       \
	X(tg_idle, "task_group", "idle")                                                           \
	X(tg_quota, "task_group", "cfs_bandwidth.quota")                                           \
	X(tg_period, "task_group", "cfs_bandwidth.period")                                         \
	X(tg_burst, "task_group", "cfs_bandwidth.burst")                                           \
	X(tg_runtime, "task_group", "cfs_bandwidth.runtime")                                       \
	X(tg_timer, "task_group", "cfs_bandwidth.period_timer.node.expires")                       \
	X(tg_timer_active, "task_group", "cfs_bandwidth.period_active")                            \
	X(tg_nr_periods, "task_group", "cfs_bandwidth.nr_periods")                                 \
	X(tg_nr_throttled, "task_group", "cfs_bandwidth.nr_throttled")                             \
	X(tg_throttled_time, "task_group", "cfs_bandwidth.throttled_time")                         \
	X(cset_cgroup, "css_set", "dfl_cgrp")                                                      \
	X(cgroup_node, "cgroup", "kn")                                                             \
	X(cgroup_css, "cgroup", "subsys")                                                          \
	X(cgroup_flags, "cgroup", "self.flags")                                                    \
	X(cgroup_children, "cgroup", "self.children")                                              \
	X(cgroup_sibling, "cgroup", "self.sibling")                                                \
	X(cgroup_frozen, "cgroup", "freezer.freeze")                                               \
	X(cgroup_populated, "cgroup", "nr_populated_csets")                                        \
	X(root_cgroup, "cgroup_root", "cgrp")                                                      \
	X(kn_parent, "kernfs_node", "__parent|parent")                                             \
	X(kn_name, "kernfs_node", "name")                                                          \
	X(tk_base, "tk_data", "timekeeper.tkr_mono.base")                                          \
	X(tk_nsec, "tk_data", "timekeeper.tkr_mono.xtime_nsec")                                    \
	X(tk_shift, "tk_data", "timekeeper.tkr_mono.shift")                                        \
	X(lnode_flags, "scx_dsq_list_node", "flags")

#define SCX_FIELDS(X)                                                                              \
	X(scx_ops_name, "scx_sched", "ops.name")                                                   \
	X(scx_exit_kind, "scx_sched", "exit_kind.counter")                                         \
	X(scx_exit_info, "scx_sched", "exit_info")                                                 \
	X(scx_bypass_depth, "scx_sched", "bypass_depth")                                           \
	X(scx_watchdog, "scx_sched", "watchdog_timeout")                                           \
	X(scx_pcpu, "scx_sched", "pcpu|event_stats_cpu")                                           \
	X(scx_dsq_hash, "scx_sched", "dsq_hash")                                                   \
	X(dsq_hash_node, "scx_dispatch_q", "hash_node")                                            \
	X(dsq_nr, "scx_dispatch_q", "nr")                                                          \
	X(dsq_list, "scx_dispatch_q", "list")                                                      \
	X(scx_old_ops_name, "sched_ext_ops", "name")                                               \
	X(exit_reason, "scx_exit_info", "reason")                                                  \
	X(exit_msg, "scx_exit_info", "msg")                                                        \
	X(exit_kind, "scx_exit_info", "kind")                                                      \
	X(pcpu_events, "scx_sched_pcpu", "event_stats")                                            \
	X(pcpu_flags, "scx_sched_pcpu", "flags")                                                   \
	X(pcpu_bypass_dsq, "scx_sched_pcpu", "bypass_dsq")                                         \
	X(scx_pnode, "scx_sched", "pnode")                                                         \
	X(scx_global_dsqs, "scx_sched", "global_dsqs")                                             \
	X(pnode_global, "scx_sched_pnode", "global_dsq")                                           \
	X(scx_ops_flags, "scx_sched", "ops.flags")                                                 \
	X(scx_ops_timeout, "scx_sched", "ops.timeout_ms")                                          \
	X(scx_old_ops_flags, "sched_ext_ops", "flags")                                             \
	X(scx_aborting, "scx_sched", "aborting")                                                   \
	X(scx_slice_dfl, "scx_sched", "slice_dfl")                                                 \
	X(exit_code, "scx_exit_info", "exit_code")

#define LAYOUT_EVENTS 64

/* CPUTIME_ slots of kernel_cpustat.cpustat[]. */
enum cputime_slot {
	SLOT_USER,
	SLOT_NICE,
	SLOT_SYSTEM,
	SLOT_SOFTIRQ,
	SLOT_IRQ,
	SLOT_IDLE,
	SLOT_IOWAIT,
	SLOT_STEAL,
	SLOT_GUEST,
	SLOT_GUEST_NICE,
	SLOT_FORCEIDLE,
	SLOT_COUNT
};

/* Enumerations by which words of flags are told. */
enum layout_enum {
	ENUM_RQ_FLAGS,
	ENUM_ENT_FLAGS,
	ENUM_TASK_STATE,
	ENUM_OPS_FLAGS,
	ENUM_OPS_STATE,
	ENUM_ENQ_FLAGS,
	ENUM_EXIT_KIND,
	ENUM_COUNT
};

struct model_layout {
	unsigned int users;
#define DECLARE_FIELD(name, type, paths) struct field name;
	TASK_FIELDS(DECLARE_FIELD)
	DETAIL_FIELDS(DECLARE_FIELD)
	RQ_FIELDS(DECLARE_FIELD)
	QUEUE_FIELDS(DECLARE_FIELD)
	SCX_FIELDS(DECLARE_FIELD)
#undef DECLARE_FIELD
	struct cache_lines task_lines, detail_lines; /* what the picture reads of each task, and its detail */
	uint64_t rq_size, task_size;
	uint64_t init_task;
	uint64_t runqueues;		  /* per-CPU symbol */
	uint64_t classes[CLASS_UNKNOWN];  /* address of each sched_class, 0: this kernel has none */
	struct maybe cpustat;		  /* per-CPU symbol kernel_cpustat */
	int64_t cpustat_slot[SLOT_COUNT]; /* index, -1 absent */
	/* Addresses of variables, 0: absent. */
	uint64_t scx_old_dsq_hash;
	uint64_t scx_state, scx_root, scx_ops, scx_old_exit_info, scx_old_exit_kind;
	uint64_t scx_nr_rejected, scx_enable_seq, scx_old_bypass_depth, scx_switched_all,
		scx_old_watchdog;
	uint64_t scx_old_global_dsqs, scx_old_aborting;
	uint64_t nr_node_ids;
	uint64_t css_online;	/* flag in cgroup_flags, 0: unknown */
	uint64_t preempt_count; /* per-CPU symbol */
	uint64_t jiffies;
	uint64_t schedstats;	    /* static key, 0: unknown */
	uint64_t timekeeper;	    /* struct tk_data */
	uint64_t root;		    /* struct cgroup_root of the default hierarchy */
	int64_t cpu_css;	    /* index of the cpu controller in cgroup.subsys[], -1 absent */
	uint64_t tick_ns;	    /* of a jiffy; 0: unknown */
	uint32_t enums[ENUM_COUNT]; /* BTF ids, 0: absent */
	/* Parts of scx.flags and scx.ops_state that are numbers, not flags. 0: absent. */
	uint64_t task_state_mask, reenq_mask;
	unsigned int task_state_shift, qseq_shift;
	uint64_t rq_bypassing, pcpu_bypassing; /* flag in rq.scx.flags, or in the pcpu's flags */
	char scx_states[4][16];		       /* value to "enabling", ... */
	struct {
		char name[64];
		struct field field; /* in the struct that scx_pcpu points to */
	} events[LAYOUT_EVENTS];
	unsigned int event_count;
	uint32_t cursor_flag; /* in lnode_flags: not a task but an iterator's place */
};

/* Open addressing over task indexes, by pid and by address. */
struct model_index {
	uint32_t mask;
	int32_t *by_pid, *by_address; /* -1: empty slot */
};

/* The first damage is kept: what follows is usually its consequence. */
void model_damage(struct model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct err *model_take_tasks(struct kernel *k, struct model *m) __attribute__((warn_unused_result));
struct err *model_take_cpus(struct kernel *k, struct model *m) __attribute__((warn_unused_result));
struct err *model_take_scx(struct kernel *k, struct model *m) __attribute__((warn_unused_result));
/* Read one task_struct into *task, the CPUs having been taken; false when it faults. */
bool model_read_task(struct kernel *k, const struct model *m, uint64_t address,
		     struct model_task *task);
/* The set of CPUs at `address`, those that this kernel can have, up to `bits`; false: it cannot be
 * read. */
bool model_read_mask(struct kernel *k, uint64_t address, uint64_t *mask, unsigned int bits);
/* The set of CPUs at `address`, as "0-2,5", appended; false: it cannot be read. */
bool model_mask(struct kernel *k, uint64_t address, struct str *s);
/* The same of a cpumask_var_t member; false also when it is absent. */
bool model_mask_var(struct kernel *k, struct object *o, const struct field *f, struct str *s);
/* CLOCK_MONOTONIC as of the last tick, which is when the kernel last looked: ns. */
struct maybe model_monotonic(struct kernel *k, const struct model_layout *l);
/* Memory of a group's cfs_rq on a CPU, 0: none. */
uint64_t model_group_queue(struct kernel *k, const struct model_layout *l, uint64_t task_group,
			   unsigned int cpu);

#endif
