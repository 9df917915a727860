/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler model: one immutable picture of all CPUs, run queues, tasks and the sched_ext instance,
 * taken in one frozen window and used by every command and view. Members that a kernel lacks are
 * marked, never shown as 0. Walks are bounded; what a bound or a bad pointer cut off is in `damage`.
 *
 * Not responsible for: formatting, filters. Lifetime: the creator's; freed whole.
 */
#ifndef COORD_MODEL_H
#define COORD_MODEL_H

#include "base/err.h"
#include "coord/kernel.h"

#include <stdbool.h>
#include <stdint.h>

/* A number that a kernel may lack. */
struct maybe {
	bool present;
	uint64_t value;
};

enum sched_class { CLASS_STOP, CLASS_DL, CLASS_RT, CLASS_FAIR, CLASS_EXT, CLASS_IDLE, CLASS_UNKNOWN };
const char *sched_class_name(enum sched_class c); /* "stop", "dl", "rt", "fair", "ext", "idle", "?" */
const char *sched_policy_name(unsigned int policy); /* "normal" "fifo" "rr" "batch" "idle" "deadline" "ext" */

struct model_task {
	uint64_t address;      /* struct task_struct */
	int pid, tgid;
	char comm[16];         /* raw; clean before showing */
	uint64_t start_time;   /* ns */
	char state;            /* as /proc/PID/stat: R S D T t X Z P I */
	uint32_t state_bits;
	unsigned int policy, flags;
	int prio, static_prio, normal_prio, rt_priority, nice;
	enum sched_class class;
	unsigned int cpu;
	uint64_t on_rq, on_cpu;
	uint64_t runtime;      /* se.sum_exec_runtime, ns */
	uint64_t vruntime;     /* se.vruntime */
	uint64_t switches;     /* nvcsw + nivcsw */
	struct maybe run_delay;   /* sched_info.run_delay, ns */
	struct maybe scx_dsq;     /* address, 0: none */
	struct maybe scx_dsq_id;
	struct maybe scx_vtime, scx_slice, scx_weight, scx_flags;
	bool current;          /* runs on its CPU now */
	bool kthread;
};

struct model_cpu {
	unsigned int cpu;
	bool online;
	uint64_t rq;           /* address of struct rq */
	int current_task;      /* index into tasks, -1 unknown */
	unsigned int nr_running;
	unsigned int nr_fair, nr_rt, nr_dl;
	struct maybe nr_ext;
	struct maybe local_dsq_nr;
	uint64_t clock;
	uint64_t switches;
	bool idle;
	bool locked;           /* rq->__lock is held */
	struct maybe steal, user, system, idle_time; /* kernel_cpustat, ns */
	struct maybe sched_goidle, ttwu_count, ttwu_local;
};

struct model_scx {
	bool present;          /* the kernel has sched_ext */
	char state[16];        /* "disabled", "enabling", "enabled", "disabling" */
	char ops[128];         /* ops name, "" when none is loaded */
	struct maybe nr_rejected, enable_seq, bypass_depth, switched_all, exit_kind, watchdog_timeout;
	char exit_reason[64], exit_message[256];
};

struct model {
	uint64_t time;         /* guest ns since ready; set by the coordinator */
	struct model_cpu *cpus;
	unsigned int cpu_count;
	struct model_task *tasks; /* in the kernel's own list order */
	unsigned int task_count;
	struct model_scx scx;
	char damage[256];      /* "" or what could not be read */
};

struct err *model_create(struct kernel *k, struct model **ret) __attribute__((warn_unused_result));
void model_destroy(struct model *m);
/* Index of a task by pid, -1. */
int model_find_task(const struct model *m, int pid);

/* The tasks queued on a CPU, per class, in the order the kernel keeps them (EEVDF tree order, RT by
 * priority, deadline order, the ext local DSQ). */
struct model_queue_entry {
	enum sched_class class;
	int task;              /* index into the model's tasks */
	uint64_t key;          /* vruntime, priority, deadline, or position in the DSQ */
};
struct err *model_queue(struct kernel *k, const struct model *m, unsigned int cpu,
			struct model_queue_entry **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result)); /* caller frees */

#endif
