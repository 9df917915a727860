/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of the mailbox (guest/wire.h): calls that ask the agent inside the guest to do
 * something, and the statistics that its workers write. For injecting work only; nothing that shows
 * the guest's state needs the agent.
 *
 * A call lets guest time pass until the agent has answered: some milliseconds, at most AGENT_DEADLINE
 * (ERR_TIMEOUT). It is refused while the operator's freeze is on (ERR_REFUSED). What the agent
 * answers with an errno becomes ERR_NOT_FOUND (ENOENT, ESRCH), ERR_ABSENT (EOPNOTSUPP, ENODEV) or
 * ERR_REFUSED with the agent's text.
 *
 * All bytes from the guest are untrusted: bounded copies, never pointers into guest memory.
 * Threads: the coordinator's.
 */
#ifndef COORD_AGENT_H
#define COORD_AGENT_H

#include "base/err.h"
#include "base/str.h"
#include "coord/coord.h"
#include "guest/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct places;      /* coord/places.h */
struct spec_limits; /* coord/work_spec.h */
struct work_spec;   /* coord/work_spec.h */
struct cgroup_spec; /* coord/cgroup_spec.h */

/* Guest time that a call may take. */
#define AGENT_DEADLINE 10000000000ULL
#define AGENT_SCHED_DEADLINE 60000000000ULL

/* For the machine of `c` (borrowed). Reads nothing yet: a broken mailbox is reported by each call. */
struct err *agent_create(struct coord *c, struct agent **ret) __attribute__((warn_unused_result));
void agent_destroy(struct agent *a); /* NULL is fine */

/* What the agent answered, copied. */
struct agent_reply {
	uint64_t values[16];
	unsigned int value_count;
	struct str text;
};
void agent_reply_deinit(struct agent_reply *reply);

/* One request; `payload` is the wire struct of `op`. `ret` may be NULL. */
struct err *agent_call(struct agent *a, uint32_t op, const void *payload, size_t len,
		       uint64_t deadline_ns, struct agent_reply *ret) __attribute__((warn_unused_result));

struct err *agent_ping(struct agent *a) __attribute__((warn_unused_result));

/* Create workers; *ret_first (may be NULL) is the index of the first in its cgroup. All or nothing. */
struct err *agent_spawn(struct agent *a, const struct work_spec *spec, unsigned int *ret_first)
	__attribute__((warn_unused_result));

struct err *agent_cgroup_add(struct agent *a, const struct cgroup_spec *spec)
	__attribute__((warn_unused_result));
struct err *agent_cgroup_set(struct agent *a, const struct cgroup_spec *spec)
	__attribute__((warn_unused_result));
struct err *agent_cgroup_remove(struct agent *a, const char *name) __attribute__((warn_unused_result));
/* Kill the workers (and whatever else lives there), keep the cgroup. "@runner": its workers only. */
struct err *agent_cgroup_stop(struct agent *a, const char *name) __attribute__((warn_unused_result));
struct err *agent_cgroup_freeze(struct agent *a, const char *name) __attribute__((warn_unused_result));
struct err *agent_cgroup_thaw(struct agent *a, const char *name) __attribute__((warn_unused_result));
struct err *agent_cgroup_move(struct agent *a, const char *from, const char *to)
	__attribute__((warn_unused_result));
/* One pid a line, one name a line. */
struct err *agent_cgroup_procs(struct agent *a, const char *name, struct str *ret)
	__attribute__((warn_unused_result));
struct err *agent_cgroup_list(struct agent *a, struct str *ret) __attribute__((warn_unused_result));

/* Affinity of every worker of a cgroup: `intent` as in `affinity=` (coord/work_spec.h). */
struct err *agent_affinity(struct agent *a, const char *cgroup, const char *intent)
	__attribute__((warn_unused_result));

/* A bundled scheduler ("vtime") or a program packed by --scheduler; returns when sched_ext is
 * enabled. ERR_NOT_FOUND lists the schedulers of the image. */
struct err *agent_sched_attach(struct agent *a, const char *name, unsigned int argument_count,
			       char *const *arguments) __attribute__((warn_unused_result));
/* The same after detaching what is attached, which then is named in `ret_old` ("": nothing was) with the
 * ns of guest time without a scheduler. A wrong name changes nothing; a scheduler that then fails leaves
 * none. */
struct err *agent_sched_replace(struct agent *a, const char *name, unsigned int argument_count,
				char *const *arguments, char ret_old[64], uint64_t *ret_gap)
	__attribute__((warn_unused_result));
/* Pin a BPF map in the guest's bpffs under its name; *ret is the path. ERR_REFUSED: the name is taken. */
struct err *agent_bpf_pin(struct agent *a, unsigned int map_id, const char *name, struct str *ret)
	__attribute__((warn_unused_result));
struct err *agent_sched_detach(struct agent *a) __attribute__((warn_unused_result));
struct err *agent_sched_status(struct agent *a, struct str *ret) __attribute__((warn_unused_result));

/* A program inside the guest, by path or by a name that its PATH finds; output goes to its console. `wait` lets guest time pass until it ends. */
struct err *agent_run(struct agent *a, const char *cgroup, const char *program,
		      unsigned int argument_count, char *const *arguments, int *ret_pid)
	__attribute__((warn_unused_result));
/* *ret_status is a wait status. ERR_TIMEOUT after `timeout_ns` of guest time. */
struct err *agent_run_wait(struct agent *a, int pid, uint64_t timeout_ns, int *ret_status)
	__attribute__((warn_unused_result));
/* The same, and the newest of what it wrote is appended to `output`, raw. */
struct err *agent_run_wait_output(struct agent *a, int pid, uint64_t timeout_ns, int *ret_status,
				  struct str *output) __attribute__((warn_unused_result));
struct err *agent_run_kill(struct agent *a, int pid, int signal) __attribute__((warn_unused_result));

/* Tests: a file as the guest sees it; every thread as /proc shows it, "TGID PID STATE POLICY COMM". */
struct err *agent_cat(struct agent *a, const char *path, struct str *ret)
	__attribute__((warn_unused_result));
struct err *agent_proc_snapshot(struct agent *a, struct str *ret) __attribute__((warn_unused_result));

/* --- without the guest's help, at any time; exact while it is held --- */

struct agent_worker {
	unsigned int slot; /* in the mailbox */
	unsigned int phase_count; /* of a sequence */
	uint8_t phase_type[WIRE_PHASES];
	int pid, tgid;
	unsigned int index;
	bool alive;
	int exit_status;            /* wait status once it ended */
	char type[24], comm[WIRE_COMM], cgroup[WIRE_CGROUP_NAME];
	uint64_t start_time, update_time; /* guest CLOCK_MONOTONIC ns */
	uint64_t iterations, max_gap, migrations, wakeups, max_latency, cpu_time;
	uint64_t latency[WIRE_LATENCY_BUCKETS];
	enum wire_scope scope;
	uint64_t gap;                        /* since the last agent_mark(), ns; as max_gap */
	uint64_t seen[WIRE_SEEN_CPUS / 64];  /* the same: CPUs on which iterations ended */
};
/* The workers of `cgroup` ("@runner", NULL: of all), dead ones too, in order of index; caller frees. */
struct err *agent_workers(struct agent *a, const char *cgroup, struct agent_worker **ret,
			  unsigned int *ret_count) __attribute__((warn_unused_result));
/* worker(CGROUP,I). ERR_NOT_FOUND says which exist. */
struct err *agent_worker(struct agent *a, const char *cgroup, unsigned int index,
			 struct agent_worker *ret) __attribute__((warn_unused_result));

/* From now on `gap` and `seen` of each worker count anew. Writes to the mailbox, in a window. */
struct err *agent_mark(struct agent *a) __attribute__((warn_unused_result));
/* The guest's CLOCK_MONOTONIC now, as its answers let one conclude: never ahead, and behind by as little as
 * the promptest of them; 0: unknown. */
uint64_t agent_clock(struct agent *a);

/* What a worker did in phase `i` of its sequence, over all rounds. */
struct err *agent_phase(struct agent *a, const struct agent_worker *w, unsigned int i,
			struct wire_phase *ret) __attribute__((warn_unused_result));
/* Below which `percent` of the wake-ups lie, ns: exact to the bucket, even inside it, at most `max`. */
uint64_t agent_percentile(const uint64_t latency[WIRE_LATENCY_BUCKETS], uint64_t max, unsigned int percent);

struct agent_health {
	bool ok;
	char reason[160];           /* "" when ok */
	uint64_t heartbeat;
	char scheduler[64];         /* attached, by the agent's word; "" for none */
	unsigned int scheduler_pid;
	bool scheduler_change;      /* one is being replaced by another: its end is no news */
	unsigned int scheduler_exits; /* unasked-for ends of scheduler processes */
	int scheduler_status;         /* wait status of the last of those */
};
/* Silence is a heartbeat that has not advanced over 1.5 s of guest time, as far as agent_watch() or
 * this looked. */
void agent_health(struct agent *a, struct agent_health *ret);
/* Looks at the heartbeat, cheaply: for whoever lets guest time pass. */
void agent_watch(struct agent *a);

/* As the guest reports it in the mailbox. */
unsigned int agent_cpus(struct agent *a);
unsigned int agent_nodes(struct agent *a);
/* What a spec is checked against, for what is to run in `cgroup`, and for a cgroup that is to be made or set.
 * `places` (coord/places.h) is the caller's and lasts as long as *ret; a kernel that does not tell leaves
 * ret->places NULL. */
struct err *agent_limits(struct agent *a, const char *cgroup, struct places *places,
			 struct spec_limits *ret) __attribute__((warn_unused_result));
struct err *agent_limits_above(struct agent *a, const char *cgroup, struct places *places,
			       struct spec_limits *ret) __attribute__((warn_unused_result));

#endif
