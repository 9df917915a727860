/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places in the kernel in which tasks wait, and what for. */
#include "coord/why_sleeper.h"

#include <string.h>

static const struct wait_place places[] = {
	{"do_freezer_trap", "is frozen by the freezer of its cgroup", sleeper_at_freezer,
	 WAIT_EXACT},
	{"__refrigerator", "is frozen with the whole system", NULL, WAIT_EXACT},
	{"ptrace_stop", "is stopped by its tracer", sleeper_at_tracer, WAIT_EXACT},
	{"do_signal_stop", "is stopped by a signal", NULL, WAIT_EXACT},
	{"get_signal", "is held in the delivery of a signal", sleeper_at_freezer, WAIT_EXACT},
	{"rt_mutex_slowlock*", "waits for an rt_mutex", sleeper_at_rt_mutex, WAIT_EXACT},
	{"__rt_mutex_slowlock*", "waits for an rt_mutex", sleeper_at_rt_mutex, WAIT_EXACT},
	{"futex_lock_pi", "waits for a PI futex", sleeper_at_rt_mutex, WAIT_EXACT},
	{"rt_mutex_wait_proxy_lock", "waits for a PI futex", sleeper_at_rt_mutex, WAIT_EXACT},
	{"__mutex_lock*", "waits for a mutex", sleeper_at_mutex, WAIT_EXACT},
	{"rwsem_down_*", "waits for a rw_semaphore", sleeper_at_rwsem, WAIT_EXACT},
	{"percpu_rwsem_wait", "waits for a percpu_rw_semaphore", NULL, WAIT_EXACT},
	{"percpu_down_write", "waits until the readers of a percpu_rw_semaphore are gone", NULL,
	 WAIT_EXACT},
	{"__down_*", "waits for a semaphore", NULL, WAIT_EXACT},
	{"futex_*", "waits for a futex", sleeper_at_futex, WAIT_EXACT},
	{"__futex_wait", "waits for a futex", sleeper_at_futex, WAIT_EXACT},
	{"do_nanosleep", "sleeps by nanosleep", NULL, WAIT_EXACT},
	{"hrtimer_nanosleep", "sleeps by nanosleep", NULL, WAIT_EXACT},
	{"handle_userfault", "waits for a page that a user program is to provide (userfaultfd)",
	 NULL, WAIT_EXACT},
	{"reclaim_throttle", "waits for memory to be reclaimed", NULL, WAIT_EXACT},
	{"mem_cgroup_oom*", "waits for memory: its cgroup is out of it", NULL, WAIT_EXACT},
	{"__kthread_parkme", "is a parked kernel thread", NULL, WAIT_EXACT},
	{"coredump_task_exit", "waits until the core of its process is dumped", NULL, WAIT_EXACT},
	{"wait_for_dump_helpers", "waits for the helper that takes its core dump", NULL,
	 WAIT_EXACT},
	{"zap_pid_ns_processes", "waits until all processes of its pid namespace are gone", NULL,
	 WAIT_EXACT},
	{"de_thread", "waits for the other threads of its process to end", NULL, WAIT_EXACT},
	{"wait_for_vfork_done", "waits until its vfork() child runs a program or ends", NULL,
	 WAIT_EXACT},
	{"kernel_clone", "waits until its vfork() child runs a program or ends", NULL, WAIT_EXACT},
	{"locks_lock_inode_wait", "waits for a file lock", NULL, WAIT_EXACT},
	{"fcntl_setlk", "waits for a file lock", NULL, WAIT_EXACT},
	{"inotify_read", "waits for inotify events", NULL, WAIT_EXACT},
	{"fanotify_read", "waits for fanotify events", NULL, WAIT_EXACT},
	{"wq_sleep", "waits for a POSIX message queue", NULL, WAIT_EXACT},
	{"wait_for_partner", "waits for the other end of a FIFO", NULL, WAIT_EXACT},
	{"io_cqring_wait", "waits for io_uring completions", NULL, WAIT_EXACT},
	{"io_wq_worker", "is an io_uring worker without work", NULL, WAIT_LOOP},
	{"io_sq_thread", "is an io_uring thread without work", NULL, WAIT_LOOP},
	{"read_events", "waits for asynchronous input or output", NULL, WAIT_EXACT},
	{"sock_alloc_send_pskb", "waits for room in a socket", NULL, WAIT_EXACT},
	{"unix_wait_for_peer", "waits for room in a Unix socket", NULL, WAIT_EXACT},
	{"__do_sys_pause", "waits for a signal (pause)", NULL, WAIT_EXACT},
	{"call_usermodehelper_exec", "waits for a user program that the kernel started", NULL,
	 WAIT_EXACT},
	{"request_wait_answer", "waits for a FUSE file system", NULL, WAIT_EXACT},
	{"percpu_ref_*", "waits until the last user of a percpu_ref is gone", NULL, WAIT_EXACT},
	{"cgroup_lock_and_drain_offline", "waits until a removed cgroup is gone", NULL, WAIT_EXACT},
	{"synchronize_srcu*", "waits for an SRCU grace period", NULL, WAIT_EXACT},
	{"rcu_barrier*", "waits for RCU callbacks to end", NULL, WAIT_EXACT},
	{"flush_workqueue*", "waits for a work queue to be empty", NULL, WAIT_EXACT},
	{"__flush_workqueue", "waits for a work queue to be empty", NULL, WAIT_EXACT},
	{"kthread_park", "waits for a kernel thread to park", NULL, WAIT_EXACT},
	{"msleep*", "sleeps in the kernel for a time", NULL, WAIT_EXACT},
	{"io_schedule*", "waits for input or output of a device", NULL, WAIT_VAGUE},
	{"folio_wait_*", "waits for a page of a file", NULL, WAIT_EXACT},
	{"balance_dirty_pages*", "waits until dirty pages are written", NULL, WAIT_EXACT},
	{"mem_cgroup_handle_over_high", "is slowed down by its cgroup's memory.high", NULL,
	 WAIT_EXACT},
	{"anon_pipe_read", "waits for data in a pipe", NULL, WAIT_EXACT},
	{"pipe_read", "waits for data in a pipe", NULL, WAIT_EXACT},
	{"anon_pipe_write", "waits for room in a pipe", NULL, WAIT_EXACT},
	{"pipe_write", "waits for room in a pipe", NULL, WAIT_EXACT},
	{"ep_poll", "waits for events (epoll)", NULL, WAIT_EXACT},
	{"do_epoll_wait", "waits for events (epoll)", NULL, WAIT_EXACT},
	{"do_poll*", "waits for events (poll)", NULL, WAIT_EXACT},
	{"do_sys_poll", "waits for events (poll)", NULL, WAIT_EXACT},
	{"do_select", "waits for events (select)", NULL, WAIT_EXACT},
	{"__do_wait", "waits for a child to end", NULL, WAIT_EXACT},
	{"do_wait", "waits for a child to end", NULL, WAIT_EXACT},
	{"eventfd_read", "waits for an eventfd", NULL, WAIT_EXACT},
	{"timerfd_read*", "waits for a timerfd", NULL, WAIT_EXACT},
	{"signalfd_*", "waits for a signal", NULL, WAIT_EXACT},
	{"do_sigtimedwait", "waits for a signal", NULL, WAIT_EXACT},
	{"sigsuspend", "waits for a signal", NULL, WAIT_EXACT},
	{"__ia32_sys_pause", "waits for a signal (pause)", NULL, WAIT_EXACT},
	{"__x64_sys_pause", "waits for a signal (pause)", NULL, WAIT_EXACT},
	{"unix_stream_*", "waits for a Unix socket", NULL, WAIT_EXACT},
	{"__skb_wait_for_more_packets", "waits for a packet on a socket", NULL, WAIT_VAGUE},
	{"unix_accept", "waits for a connection", NULL, WAIT_EXACT},
	{"sk_wait_data", "waits for data on a socket", NULL, WAIT_EXACT},
	{"inet_csk_accept", "waits for a connection", NULL, WAIT_EXACT},
	{"n_tty_read", "waits for input of a terminal", NULL, WAIT_EXACT},
	{"do_msgrcv", "waits for a message", NULL, WAIT_EXACT},
	{"__do_semtimedop", "waits for a System V semaphore", NULL, WAIT_EXACT},
	{"synchronize_rcu*", "waits for an RCU grace period", NULL, WAIT_EXACT},
	{"wait_rcu_exp_gp", "waits for an RCU grace period", NULL, WAIT_EXACT},
	{"affine_move_task", "waits until it is moved to a CPU that it may use", NULL, WAIT_EXACT},
	{"stop_one_cpu", "waits for the stopper of a CPU", NULL, WAIT_EXACT},
	{"__flush_work*", "waits for a work item to end", NULL, WAIT_EXACT},
	{"kthread_stop", "waits for a kernel thread to end", NULL, WAIT_EXACT},
	{"wait_for_completion*", "waits for a completion", NULL, WAIT_VAGUE},
	{"worker_thread", "is a kernel worker without work", NULL, WAIT_LOOP},
	{"rescuer_thread", "is a rescue worker without work", NULL, WAIT_LOOP},
	{"smpboot_thread_fn", "is a per-CPU kernel thread without work", NULL, WAIT_LOOP},
	{"kthread_worker_fn", "is a kernel thread without work", NULL, WAIT_LOOP},
	{"rcu_gp_kthread", "waits for RCU work", NULL, WAIT_LOOP},
	{"kswapd*", "waits until memory gets scarce", NULL, WAIT_LOOP},
	{"kthreadd", "waits for kernel threads to make", NULL, WAIT_LOOP},
};

/* What every sleeper has innermost. */
static const char *const scheduler_functions[] = {
	"__schedule",
	"schedule",
	"schedule_preempt_disabled",
	"schedule_idle",
	"schedule_timeout*",
	"schedule_hrtimeout_range*",
	"preempt_schedule*",
	"__wait_for_common",
	"do_wait_for_common",
	"wait_woken",
	"rt_mutex_schedule",
	"__switch_to_asm",
	"poll_schedule_timeout*",
	"__cond_resched",
};

/* GCC's clones (.constprop.0, .isra.0) are the function. */
static bool fits(const char *name, const char *pattern)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return strncmp(name, pattern, len - 1) == 0;
	return strncmp(name, pattern, len) == 0 && (!name[len] || name[len] == '.');
}

bool wait_is_scheduler(const char *function)
{
	for (size_t i = 0; i < sizeof(scheduler_functions) / sizeof(*scheduler_functions); i++)
		if (fits(function, scheduler_functions[i]))
			return true;
	return false;
}

const struct wait_place *wait_place_of(const char *function)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (fits(function, places[i].function))
			return &places[i];
	return NULL;
}
