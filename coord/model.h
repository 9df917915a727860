/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler model: one immutable picture of all CPUs, run queues, tasks and the sched_ext
 * instance, taken in one frozen window and used by every command and view. Members that a kernel
 * lacks are marked, never shown as 0. Walks are bounded; what a bound or a bad pointer cut off is
 * in `damage`.
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

enum sched_class {
	CLASS_STOP,
	CLASS_DL,
	CLASS_RT,
	CLASS_FAIR,
	CLASS_EXT,
	CLASS_IDLE,
	CLASS_UNKNOWN
};
/* "stop", "dl", "rt", "fair", "ext", "idle", "?" */
const char *sched_class_name(enum sched_class c);
/* "normal", "fifo", "rr", "batch", "idle", "deadline", "ext", "?" */
const char *sched_policy_name(unsigned int policy);

struct model_task {
	uint64_t address; /* struct task_struct */
	int pid, tgid;
	char comm[16];	     /* raw; clean before showing */
	uint64_t start_time; /* ns */
	char state;	     /* as /proc/PID/stat: R S D T t X Z P I */
	uint32_t state_bits;
	unsigned int policy, flags;
	int prio, static_prio, normal_prio, rt_priority, nice;
	enum sched_class class;
	unsigned int cpu;
	uint64_t on_rq, on_cpu;
	uint64_t runtime;	 /* se.sum_exec_runtime, ns */
	uint64_t vruntime;	 /* se.vruntime */
	uint64_t switches;	 /* nvcsw + nivcsw */
	struct maybe run_delay;	 /* sched_info.run_delay, ns */
	struct maybe waiting;	 /* ns since it was queued, by model.clock; 0: does not wait */
	struct maybe scx_dsq;	 /* address, 0: none */
	struct maybe scx_dsq_id; /* present while scx_dsq is not 0 */
	struct maybe scx_vtime, scx_slice, scx_weight, scx_flags;
	bool current; /* runs on its CPU now */
	bool kthread;
};

/* "user", "nice", "system", "softirq", "irq", "idle", "iowait", "steal", "guest", "guest_nice",
 * "forceidle". */
#define MODEL_TIMES 11
const char *model_time_name(unsigned int i);

struct model_cpu {
	unsigned int cpu;
	bool online;
	uint64_t rq;	  /* address of struct rq */
	int current_task; /* index into tasks (an idle task lies past task_count), -1 unknown */
	unsigned int nr_running;
	unsigned int nr_fair, nr_rt, nr_dl;
	struct maybe nr_ext;
	struct maybe local_dsq_nr;
	uint64_t clock;
	uint64_t switches;
	bool idle;   /* the idle task is current */
	bool locked; /* rq->__lock is held */
	/* A queued spinlock does not name its holder. It says whether one waits (pending), and the
	 * CPU that waits last behind that one; absent when no CPU does. The owner only with
	 * CONFIG_DEBUG_SPINLOCK. */
	struct maybe lock_pending, lock_tail, lock_owner;
	/* kernel_cpustat, ns; system with irq and softirq. */
	struct maybe steal, user, system, idle_time;
	struct maybe times[MODEL_TIMES]; /* each bucket by itself; model_time_name() */
	struct maybe sched_goidle, ttwu_count, ttwu_local;
	struct maybe clock_task, capacity, nr_iowait, nr_pinned, avg_idle, tick_stopped;
	struct maybe nr_uninterruptible; /* signed: what one CPU counts up another counts down */
	struct maybe idle_state;	 /* address of struct cpuidle_state, 0: none */
	char idle_name[16];		 /* its name, raw */
	struct maybe preempt_count;	 /* without the bit of need_resched */
	/* The CPU was told to reschedule. What its current task's thread_info.flags say comes
	 * first, this follows by interrupt. */
	struct maybe need_resched, thread_flags;
	/* struct scx_rq. */
	struct maybe scx_flags, bypassing, ops_qseq, kick_sync, cpu_released, nr_immed, cpuperf,
		scx_clock;
};

/* One of the kernel's sched_ext event counters, summed over the CPUs. */
struct model_event {
	char name[64]; /* "SCX_EV_SELECT_CPU_FALLBACK" */
	int64_t count;
};

struct model_scx {
	bool present;	/* the kernel has sched_ext */
	char state[16]; /* "disabled", "enabling", "enabled", "disabling" */
	char ops[128];	/* ops name, "" when none is loaded; raw */
	uint64_t root;	/* address of struct scx_sched, 0: none, or an older kernel without it */
	struct maybe nr_rejected, enable_seq, bypass_depth, switched_all, exit_kind;
	struct maybe watchdog_timeout; /* jiffies */
	struct maybe watchdog_ns;      /* the same */
	struct maybe ops_flags, aborting, slice_default /* ns */, exit_code /* signed */;
	const char *exit_kind_name; /* the kernel's, NULL: it has none for this value; static */
	char exit_reason[64], exit_message[256];
	struct model_event *events; /* NULL when this kernel has none, or no instance */
	unsigned int event_count;
};

struct model {
	uint64_t time; /* guest ns since ready; set by the coordinator */
	/* The same moment by the run queues' clock, at least; 0: not known (the coordinator sets it). */
	uint64_t now;
	/* The latest run queue clock of the online CPUs, ns; that of an idle CPU stands. */
	uint64_t clock;
	struct model_cpu *cpus;
	unsigned int cpu_count;
	/* What /proc lists, in the kernel's own list order, each leader followed by its threads.
	 * Behind them, at [task_count, task_count + idle_count), what runs but is in no list: the
	 * idle tasks (pid 0, "swapper/N") and now and then a task in its last moments. */
	struct model_task *tasks;
	unsigned int task_count, idle_count;
	struct model_scx scx;
	char damage[256];	     /* "" or what could not be read */
	struct model_index *index;   /* private */
	struct model_layout *layout; /* private, shared */
};

/*
 * Where this kernel keeps everything the model needs: found once per adopted kernel, then shared by
 * every model (reference counted). ERR_ABSENT names the member without which no model can be made.
 */
struct model_layout;
struct err *model_layout_create(struct kernel *k, struct model_layout **ret)
	__attribute__((warn_unused_result));
void model_layout_put(struct model_layout *layout); /* drops one reference; NULL is fine */

/* Take the picture; inside a window. */
struct err *model_take(struct kernel *k, struct model_layout *layout, struct model **ret)
	__attribute__((warn_unused_result));
/* The same with a layout of its own: for one-off use, slower. */
struct err *model_create(struct kernel *k, struct model **ret) __attribute__((warn_unused_result));
/* State, name and end of the sched_ext instance as they are now, for whoever looks often; of the one at
 * `root`, also when the kernel has let go of it, or with 0 of the kernel's own. Only present, state, root,
 * ops and exit_* are set; nothing is allocated. */
void model_peek_scx(struct kernel *k, struct model_layout *layout, uint64_t root, struct model_scx *ret);
void model_destroy(struct model *m);
/* Index of a task by pid (idle tasks are not found), -1. */
int model_find_task(const struct model *m, int pid);
/* Index of a task, idle tasks too, by the address of its task_struct, -1. */
int model_find_address(const struct model *m, uint64_t address);

/* Sets of CPUs that a run queue keeps for scx_bpf_kick_cpu(). */
enum model_kick { KICK_ANY, KICK_IF_IDLE, KICK_PREEMPT, KICK_WAIT, KICK_SYNC, KICK_COUNT };
/* As "0-2,5", "" for none, appended to `s`; false when this kernel lacks that set, or it cannot be
 * read. */
bool model_kicks(struct kernel *k, const struct model *m, unsigned int cpu, enum model_kick kick,
		 struct str *s);

/* Words of flags as the names that the kernel's types have: "SCX_RQ_ONLINE|SCX_RQ_CAN_STOP_TICK";
 * bits without a name as a number, "0" for none. */
enum model_flags { FLAGS_RQ, FLAGS_TASK, FLAGS_OPS, FLAGS_ENQUEUE };
void model_flags(struct kernel *k, const struct model *m, enum model_flags which, uint64_t value,
		 struct str *s);

/* CLOCK_MONOTONIC as of the last tick, ns, by which timers are set. */
struct maybe model_monotonic_now(struct kernel *k, const struct model *m);
/* ns, signed, until the jiffy `expires`, by which the timer wheel's timers are set. */
struct maybe model_until_jiffy(struct kernel *k, const struct model *m, uint64_t expires);

/* The letter of /proc/PID/stat for a task's __state and exit_state. */
char model_state_letter(uint32_t state, uint32_t exit_state);

/*
 * One line of a CPU's run queue: what waits there, class by class, in the order in which the kernel
 * looks, with what each class goes by. Members that do not belong to the class are not present.
 */
enum entity_kind { ENTITY_TASK, ENTITY_GROUP, ENTITY_SERVER };
struct model_entity {
	enum entity_kind kind;
	enum sched_class class;
	int task;	    /* index into the model's tasks; -1: a group or a server */
	unsigned int depth; /* nested groups: 0 is the CPU's own queue */
	bool current;	    /* runs, or holds what runs */
	bool queued;	    /* false: runs, but stands in no queue (ext, idle) */
	uint64_t address;   /* of the class's entity */
	uint64_t key;	    /* what the class orders by: vruntime, priority, deadline, position */
	/* GROUP: its struct cfs_rq and struct cgroup, 0: unknown. */
	uint64_t group_queue, cgroup;
	struct maybe autogroup; /* GROUP that is no cgroup but a session's: its number */
	/* fair. `lag` is the queue's average vruntime less the entity's, signed: what it is owed,
	 * and with it an entity is eligible, by the kernel's own sums. `vlag` is the kernel's
	 * record of the time when it left a queue. The weight is scaled by 1024 (nice 0: 1048576).
	 */
	struct maybe vruntime, deadline, vlag, lag, slice, weight, eligible, delayed;
	/* GROUP with a quota: is it throttled; what is left of its slice on this CPU, signed ns. */
	struct maybe throttled, remaining;
	/* dl: budget left (signed), and its size and period; deadline above. */
	struct maybe budget, dl_runtime, dl_period;
};
/* The caller frees. What could not be walked is added to `damage`. */
struct err *model_entities(struct kernel *k, const struct model *m, unsigned int cpu,
			   struct model_entity **ret, unsigned int *ret_count, struct str *damage)
	__attribute__((warn_unused_result)); /* of the model's own window */

/* The tasks queued on a CPU, per class, in the order the kernel keeps them: stop, deadline order,
 * RT by priority, the ext local DSQ, then fair in the EEVDF tree's order. The fair task that runs
 * is not in its tree: it comes first among the fair. Groups are entered where their entity stands.
 */
struct model_queue_entry {
	enum sched_class class;
	int task;     /* index into the model's tasks */
	uint64_t key; /* vruntime, priority, deadline, or position in the DSQ */
};
struct err *model_queue(struct kernel *k, const struct model *m, unsigned int cpu,
			struct model_queue_entry **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result)); /* caller frees; of the model's own window */
/* The same, but a queue that could not be walked to its end is no error: what was found is
 * returned, and `damage` (added to) says what was not. model_queue() gives ERR_BAD_DATA then. */
struct err *model_queue_noted(struct kernel *k, const struct model *m, unsigned int cpu,
			      struct model_queue_entry **ret, unsigned int *ret_count,
			      struct str *damage) __attribute__((warn_unused_result));

/* A dispatch queue: each CPU's own, the kernel's for each node, those of the bypass (a CPU's, or
 * one for all), and those that the loaded scheduler made. */
enum dsq_kind { DSQ_LOCAL, DSQ_GLOBAL, DSQ_BYPASS, DSQ_USER };
struct model_dsq {
	uint64_t address; /* struct scx_dispatch_q */
	enum dsq_kind kind;
	int cpu, node; /* whose; -1: nobody's */
	uint64_t id;
	unsigned int nr; /* tasks that wait in it, by its own count */
};
/* The loaded scheduler's own, by id; none is no error. What could not be walked is added to
 * `damage`. */
struct err *model_dsqs(struct kernel *k, const struct model *m, struct model_dsq **ret,
		       unsigned int *ret_count, struct str *damage)
	__attribute__((warn_unused_result)); /* caller frees; of the model's own window */
/* The same with the kernel's before them: local, global, bypass. */
struct err *model_all_dsqs(struct kernel *k, const struct model *m, struct model_dsq **ret,
			   unsigned int *ret_count, struct str *damage)
	__attribute__((warn_unused_result));
/* The tasks that wait in the dispatch queue at `address` (of any kind), in its order; key is the
 * position. */
struct err *model_dsq_tasks(struct kernel *k, const struct model *m, uint64_t address,
			    struct model_queue_entry **ret, unsigned int *ret_count,
			    struct str *damage)
	__attribute__((warn_unused_result)); /* caller frees */

/*
 * The task that has been runnable under sched_ext for the longest time without being picked, by
 * which the watchdog judges the scheduler: its index, -1 when none waits. `age` is in ns, signed.
 */
struct err *model_longest_waiting(struct kernel *k, const struct model *m, int *ret_task,
				  int64_t *ret_age, struct str *damage)
	__attribute__((warn_unused_result));

/* ---- one task in full ---- */

/* What is read only when somebody asks for it. */
struct model_detail {
	struct maybe nvcsw, nivcsw; /* switches, voluntary and not */
	struct maybe migrations, timeslices, wake_cpu, migration_disabled, pi_blocked_on;
	struct maybe boosted; /* runs at a priority that another task lends it */
	struct maybe stack_pointer; /* as saved when it last left its CPU */
	struct maybe throttled;	    /* by its group's quota */
	/* fair; vlag signed. dl: the deadline by the run queue's clock, what is left of its budget.
	 */
	struct maybe deadline, vlag, slice, weight, dl_deadline, dl_budget;
	/* sched_ext; CPUs are signed, -1: none. */
	struct maybe ops_state, ops_qseq, sticky_cpu, holding_cpu, selected_cpu, ddsp_dsq_id,
		ddsp_enq_flags, dsq_flags, dsq_seq, disallow, kf_mask, tid;
	struct maybe runnable_at;  /* jiffies */
	struct maybe runnable_age; /* ns; present while it is on a runnable list */
};
/* `task` is an index into the model's tasks. False: its memory cannot be read. */
bool model_task_detail(struct kernel *k, const struct model *m, int task, struct model_detail *ret);
/* The CPUs that it may use now, "0-2,5", appended. */
bool model_task_cpus(struct kernel *k, const struct model *m, int task, struct str *s);
/* The same as a set (base/mask.h) of `bits` CPUs. */
bool model_task_allowed(struct kernel *k, const struct model *m, int task, uint64_t *mask,
			unsigned int bits);
/* "SCX_OPSS_QUEUED": a task's ops_state without its sequence number; NULL: no such name. */
const char *model_ops_state(struct kernel *k, const struct model *m, uint64_t state);
/* "local", "global", "bypass", "local:3", "invalid", or a scheduler's own number in hex, appended.
 */
void model_dsq_name(uint64_t id, struct str *s);

/* ---- groups of tasks ---- */

/* The cgroup (of version 2) that a task belongs to, by the address of its struct; 0: unknown. */
uint64_t model_task_cgroup(struct kernel *k, const struct model *m, uint64_t task);
/* A cgroup's path, "/" for the root: raw text, appended. False when it cannot be told. */
bool model_cgroup_path(struct kernel *k, const struct model *m, uint64_t cgroup, struct str *s);

/* A cgroup (of version 2), and what its cpu controller keeps; those are not present where that
 * controller is not enabled. */
struct model_group {
	uint64_t address;	/* struct cgroup */
	uint64_t task_group;	/* 0: no cpu controller */
	unsigned int depth;	/* 0: the root */
	int parent;		/* index, -1: the root */
	char *path;		/* "/web/front", raw */
	unsigned int tasks;	/* its own, zombies not counted */
	unsigned int all_tasks; /* with those below it */
	struct maybe weight;	/* as in cpu.weight, 1 to 10000; the root has none */
	struct maybe idle, frozen;
	/* cpu.max: ns. The quota is ~0 for none. */
	struct maybe quota, period, burst;
	struct maybe pool; /* quota left for all CPUs in this period, ns */
	struct maybe nr_periods, nr_throttled, throttled_time;
	/* ns until the quota is filled up again, signed, exact to a tick; present while that is
	 * due. */
	struct maybe refill;
};
/* The whole hierarchy, parents before children. What could not be walked is added to `damage`. */
struct err *model_groups(struct kernel *k, const struct model *m, struct model_group **ret,
			 unsigned int *ret_count, struct str *damage)
	__attribute__((warn_unused_result)); /* of the model's own window */
void model_groups_destroy(struct model_group *groups, unsigned int count);

/* A group's queue on one CPU. */
struct model_group_cpu {
	uint64_t queue; /* struct cfs_rq */
	struct maybe nr, throttled;
	struct maybe above;	/* how many of it and its parents are throttled here */
	struct maybe remaining; /* of its slice of the quota: signed ns; only with a quota */
};
/* False: the group has no queue there. */
bool model_group_cpu(struct kernel *k, const struct model *m, const struct model_group *group,
		     unsigned int cpu, struct model_group_cpu *ret);

#endif
