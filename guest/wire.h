/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mailbox between ktdbg and the agent (process 1 of the guest): its layout in guest memory and the
 * requests it carries. Shared by both sides, so fixed-width types only and every size and offset is
 * asserted.
 *
 * The mailbox is WIRE_PAGES pages that the agent pins and that need not be neighbours in physical
 * memory. The agent announces the guest-physical address of page 0 as the text line
 * "ktdbg-mailbox 0xADDRESS" on I/O port 0xe9; page 0 says where page 1 lies, and that where all do.
 *
 *   page 0           struct wire_header
 *   page 1           struct wire_list: where all pages lie
 *   pages 2..16      the request: struct wire_request, its payload behind it
 *   page 17          struct wire_response
 *   pages 18..127    the response's text
 *   pages 128..255   statistics, one struct wire_worker a worker, written by the workers themselves
 *   pages 256..1023  the same by phase of a sequence: WIRE_PHASES struct wire_phase a worker
 *
 * A call: the host writes the request, then header.request_seq = previous + 1. The agent, which looks
 * every few milliseconds, handles it, writes the response and its text, then header.response_seq =
 * request_seq. One call at a time; one that the agent has not taken (its state is not BUSY) the host may
 * withdraw by setting request_seq back to response_seq. All times are nanoseconds of the guest's CLOCK_MONOTONIC.
 *
 * To the host everything in here is hostile input: the guest can write any of it at any moment. To
 * the agent a request is trusted as its operator is, but checked as any input is.
 */
#ifndef GUEST_WIRE_H
#define GUEST_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC 0x786f626c69616d6bULL /* "kmailbox" */
#define WIRE_VERSION 2
#define WIRE_ANNOUNCE "ktdbg-mailbox 0x" /* then hexadecimal digits and a newline */
#define WIRE_PORT 0xe9

#define WIRE_PAGE_SIZE 4096u
#define WIRE_PAGES 1024u
#define WIRE_LIST_PAGE 1u
#define WIRE_REQUEST_PAGE 2u
#define WIRE_RESPONSE_PAGE 17u
#define WIRE_TEXT_PAGE 18u
#define WIRE_WORKER_PAGE 128u
#define WIRE_PHASE_PAGE 256u
#define WIRE_TEXT_SIZE ((WIRE_WORKER_PAGE - WIRE_TEXT_PAGE) * WIRE_PAGE_SIZE)

#define WIRE_WORKERS 1024u       /* slots */
#define WIRE_CGROUP_NAME 64u     /* bytes with the NUL; "@runner" is the agent's own cgroup, the root */
#define WIRE_RUNNER "@runner"
#define WIRE_COMM 16u            /* bytes with the NUL, as the kernel has it */
#define WIRE_CPUS 1024u          /* bits of an affinity mask */
#define WIRE_NODES 64u           /* bits of a node mask */

enum wire_agent_state {
	WIRE_AGENT_STARTING = 1,
	WIRE_AGENT_READY = 2, /* polls for requests */
	WIRE_AGENT_BUSY = 3,  /* handles one */
};

struct wire_header {
	uint64_t magic;
	uint32_t version;
	uint32_t page_count;     /* WIRE_PAGES */
	uint32_t request_seq;    /* written by the host only */
	uint32_t response_seq;   /* the watch word: equals request_seq when the answer is complete */
	uint64_t heartbeat;      /* grows by one a poll */
	uint64_t heartbeat_time; /* ns, of the last poll */
	uint32_t agent_state;    /* enum wire_agent_state */
	uint32_t agent_pid;      /* 1 */
	uint32_t cpu_count;      /* possible CPUs */
	uint32_t node_count;     /* possible NUMA nodes */
	uint32_t scheduler_pid;  /* of the process that holds the scheduler, 0 when there is none */
	uint32_t scheduler_exits;/* how often such a process ended without being asked to */
	uint32_t worker_high;    /* slots from here on have never been used */
	uint32_t scheduler_change; /* not 0 while one scheduler is ended so that another follows it */
	char scheduler[64];      /* name of the attached scheduler, "" when there is none */
	uint64_t list_phys;      /* guest-physical address of WIRE_LIST_PAGE */
	uint32_t scheduler_status; /* wait status of the last of its processes that ended unasked */
	uint32_t scope;          /* enum wire_scope: to which whatever is made now belongs */
	uint8_t reserved[3944];
};
_Static_assert(sizeof(struct wire_header) == WIRE_PAGE_SIZE, "header is one page");
_Static_assert(offsetof(struct wire_header, request_seq) == 16, "wire_header.request_seq");
_Static_assert(offsetof(struct wire_header, response_seq) == 20, "wire_header.response_seq");
_Static_assert(offsetof(struct wire_header, heartbeat) == 24, "wire_header.heartbeat");
_Static_assert(offsetof(struct wire_header, agent_state) == 40, "wire_header.agent_state");
_Static_assert(offsetof(struct wire_header, scheduler) == 72, "wire_header.scheduler");
_Static_assert(offsetof(struct wire_header, list_phys) == 136, "wire_header.list_phys");

/* Numbers of page frames: guest-physical addresses by WIRE_PAGE_SIZE. Page 0 and this one too. */
struct wire_list {
	uint32_t frame[WIRE_PAGES];
};
_Static_assert(sizeof(struct wire_list) == WIRE_PAGE_SIZE, "the list is one page");

/* Numbers are for ever: a recording's guest image and its host may differ by a version. */
enum wire_op {
	WIRE_OP_PING = 1,          /* no payload; text "pong" */
	WIRE_OP_SPAWN = 2,         /* struct wire_spawn; values: first slot's pid, number of workers */
	WIRE_OP_CGROUP_ADD = 3,    /* struct wire_cgroup */
	WIRE_OP_CGROUP_SET = 4,    /* struct wire_cgroup */
	WIRE_OP_CGROUP_REMOVE = 5, /* struct wire_name; kills what lives in it first */
	WIRE_OP_CGROUP_STOP = 6,   /* struct wire_name; kills the workers, keeps the cgroup */
	WIRE_OP_CGROUP_FREEZE = 7, /* struct wire_name; answers when all of it is frozen */
	WIRE_OP_CGROUP_THAW = 8,   /* struct wire_name */
	WIRE_OP_CGROUP_PROCS = 9,  /* struct wire_name; text: one pid a line */
	WIRE_OP_CGROUP_LIST = 10,  /* no payload; text: one name a line */
	WIRE_OP_CGROUP_MOVE = 11,  /* struct wire_two_names: every process of the first to the second */
	WIRE_OP_SCHED_ATTACH = 12, /* struct wire_program: a scheduler's name and its arguments */
	WIRE_OP_SCHED_DETACH = 13, /* no payload */
	WIRE_OP_SCHED_STATUS = 14, /* no payload; text: KEY VALUE lines */
	WIRE_OP_SCHED_REPLACE = 22,/* struct wire_program: detach what is attached, attach this; value: ns in
				    * between, 0 when nothing was attached; text: what was */
	WIRE_OP_BPF_PIN = 23,      /* struct wire_pin; text: the path */
	WIRE_OP_RUN = 15,          /* struct wire_program; value: its pid. Output goes to the console */
	WIRE_OP_RUN_WAIT = 16,     /* struct wire_process; value: wait status; text: the newest of its
				    * output. EAGAIN: still runs */
	WIRE_OP_RUN_KILL = 17,     /* struct wire_process */
	WIRE_OP_CAT = 18,          /* struct wire_path; text: the file, cut at WIRE_TEXT_SIZE */
	WIRE_OP_PROC_SNAPSHOT = 19,/* no payload; text: "TGID PID STATE POLICY COMM" a thread */
	WIRE_OP_AFFINITY = 20,     /* struct wire_affinity: of every worker of a cgroup */
	WIRE_OP_RUN_LIST = 21,     /* no payload; text: "PID STATUS|- CGROUP PROGRAM" a line */
	WIRE_OP_SCOPE_BEGIN = 40,  /* struct wire_scope_request: what is made from now on belongs to it */
	WIRE_OP_SCOPE_END = 41,    /* struct wire_scope_request: end what belongs to it and to those within
				    * it, workers first; then the scope is the session's again */
	WIRE_OP_PROGRAM_CHECK = 42,/* struct wire_path: 0 when it could be run */
};

/* Who made a thing, which says when it ends. A scope lies within those before it. */
enum wire_scope {
	WIRE_SCOPE_SESSION = 0,  /* ends when the operator says so */
	WIRE_SCOPE_BACKDROP = 1, /* lives for the whole scenario */
	WIRE_SCOPE_STEP = 2,     /* ends with its step */
	WIRE_SCOPES,
};

struct wire_request {
	uint32_t op;          /* enum wire_op */
	uint32_t payload_len; /* bytes behind this struct */
	uint64_t reserved;
};
_Static_assert(sizeof(struct wire_request) == 16, "wire_request");
#define WIRE_PAYLOAD_MAX                                                                           \
	((WIRE_RESPONSE_PAGE - WIRE_REQUEST_PAGE) * WIRE_PAGE_SIZE - sizeof(struct wire_request))

struct wire_response {
	uint32_t op;          /* of the request */
	int32_t status;       /* 0, or an errno value of the guest */
	uint32_t text_len;    /* bytes in the text area, at most WIRE_TEXT_SIZE */
	uint32_t value_count; /* at most 16 */
	uint64_t values[16];
	char message[1024];   /* NUL terminated; the reason when status is not 0 */
};
_Static_assert(sizeof(struct wire_response) == 1168, "wire_response");
_Static_assert(offsetof(struct wire_response, message) == 144, "wire_response.message");

struct wire_name {
	char name[WIRE_CGROUP_NAME];
};
_Static_assert(sizeof(struct wire_name) == 64, "wire_name");

struct wire_two_names {
	char from[WIRE_CGROUP_NAME];
	char to[WIRE_CGROUP_NAME];
};
_Static_assert(sizeof(struct wire_two_names) == 128, "wire_two_names");

/* A BPF map, pinned under its name. */
struct wire_pin {
	uint32_t map_id;
	uint32_t reserved;
	char name[64];
};
_Static_assert(sizeof(struct wire_pin) == 72, "wire_pin");

struct wire_path {
	char path[256];
};
_Static_assert(sizeof(struct wire_path) == 256, "wire_path");

struct wire_scope_request {
	uint32_t scope; /* enum wire_scope; not the session's */
	uint32_t reserved;
};
_Static_assert(sizeof(struct wire_scope_request) == 8, "wire_scope_request");

struct wire_process {
	uint32_t pid;
	uint32_t signal; /* of WIRE_OP_RUN_KILL */
};
_Static_assert(sizeof(struct wire_process) == 8, "wire_process");

/* A file of a cgroup's directory ("cpu.max") and what to write into it. */
struct wire_knob {
	char file[32];
	char value[480];
};
_Static_assert(sizeof(struct wire_knob) == 512, "wire_knob");

#define WIRE_KNOBS 16u
struct wire_cgroup {
	char name[WIRE_CGROUP_NAME];
	uint32_t knob_count; /* at most WIRE_KNOBS */
	uint32_t reserved;
	struct wire_knob knobs[WIRE_KNOBS];
};
_Static_assert(sizeof(struct wire_cgroup) == 72 + 16 * 512, "wire_cgroup");

/* A program: `arguments` holds `argument_count` texts, each with its NUL, argv[1] first. */
#define WIRE_ARGUMENT_BYTES 3072u
struct wire_program {
	char cgroup[WIRE_CGROUP_NAME]; /* "" or "@runner": the root */
	char program[256];             /* a scheduler's name or a path */
	uint32_t argument_count;       /* at most 64 */
	uint32_t argument_len;         /* bytes used of `arguments` */
	char arguments[WIRE_ARGUMENT_BYTES];
};
_Static_assert(sizeof(struct wire_program) == 64 + 256 + 8 + 3072, "wire_program");

/* Which CPUs worker I of a cgroup may use. */
enum wire_placing {
	WIRE_PLACE_INHERIT = 0, /* what its cgroup may; nothing is set at its start */
	WIRE_PLACE_ALL = 1,     /* each all of `cpus` */
	WIRE_PLACE_EACH = 2,    /* the (I mod n)-th of the n CPUs */
	WIRE_PLACE_GROUP = 3,   /* those of `cpus` whose group is I mod `count` */
	WIRE_PLACE_RANDOM = 4,  /* `count` of them, chosen by `seed` and I alone */
};

struct wire_place {
	uint32_t kind; /* enum wire_placing */
	uint32_t count;
	uint64_t seed;
	uint64_t cpus[WIRE_CPUS / 64];
	uint16_t group[WIRE_CPUS]; /* by CPU */
};
_Static_assert(sizeof(struct wire_place) == 16 + 128 + 2048, "wire_place");

struct wire_affinity {
	char cgroup[WIRE_CGROUP_NAME];
	struct wire_place place;
};
_Static_assert(sizeof(struct wire_affinity) == 64 + 2192, "wire_affinity");

/* One type of work with its parameters, in the order of the table in guest/wire_work.h. */
#define WIRE_WORK_PARAMS 6u
struct wire_work {
	uint32_t type; /* enum wire_work_id */
	uint32_t reserved;
	uint64_t params[WIRE_WORK_PARAMS];
};
_Static_assert(sizeof(struct wire_work) == 56, "wire_work");

enum wire_spawn_flags {
	WIRE_SPAWN_THREADS = 1 << 0,  /* one process with a thread a worker, else a process each */
	WIRE_SPAWN_UID = 1 << 3,
	WIRE_SPAWN_GID = 1 << 4,
	WIRE_SPAWN_MEMPOLICY = 1 << 5,
};

#define WIRE_PHASES 16u
struct wire_spawn {
	char cgroup[WIRE_CGROUP_NAME]; /* exists already, or "@runner" */
	char comm[WIRE_COMM];          /* "": "TYPE-INDEX" */
	uint32_t workers;              /* 1..WIRE_WORKERS */
	uint32_t flags;                /* enum wire_spawn_flags */
	uint32_t policy;               /* SCHED_*, of the guest's kernel */
	int32_t nice;                  /* -20..19 */
	uint32_t rt_priority;          /* 1..99 for FIFO and RR, else 0 */
	uint32_t uid, gid;
	uint32_t mempolicy;            /* MPOL_* with MPOL_F_* flags */
	uint32_t phase_count;          /* of a sequence; else 0 */
	uint32_t reserved;
	uint64_t dl_runtime, dl_deadline, dl_period; /* ns, SCHED_DEADLINE */
	uint64_t mem_nodes;
	struct wire_place place;
	struct wire_work work;
	struct wire_work phases[WIRE_PHASES];
};
_Static_assert(offsetof(struct wire_spawn, dl_runtime) == 120, "wire_spawn.dl_runtime");
_Static_assert(offsetof(struct wire_spawn, place) == 152, "wire_spawn.place");
_Static_assert(sizeof(struct wire_spawn) == 152 + 2192 + 56 + 16 * 56, "wire_spawn");
_Static_assert(sizeof(struct wire_spawn) <= WIRE_PAYLOAD_MAX, "a request fits");

enum wire_worker_state {
	WIRE_WORKER_FREE = 0,
	WIRE_WORKER_STARTING = 1,
	WIRE_WORKER_RUNNING = 2,
	WIRE_WORKER_DEAD = 3, /* ended; `exit_status` is a wait status. Kept until the slot is needed */
};

#define WIRE_LATENCY_BUCKETS 32u
#define WIRE_SEEN_CPUS 256u /* bits; ktdbg's guests have no more CPUs */
struct wire_worker {
	uint32_t state;       /* enum wire_worker_state */
	int32_t pid;          /* thread id */
	int32_t tgid;
	uint32_t index;       /* the I of worker(CGROUP,I) */
	uint32_t type;        /* enum wire_work_id */
	int32_t exit_status;
	uint32_t words[2];    /* for futexes among workers; no statistics */
	char cgroup[WIRE_CGROUP_NAME];
	char comm[WIRE_COMM];
	uint64_t start_time;  /* ns */
	uint64_t update_time; /* ns, of the last iteration's end */
	uint64_t iterations;
	uint64_t max_gap;     /* ns, longest time between the ends of two iterations */
	uint64_t migrations;  /* iterations that ended on another CPU than the one before */
	uint64_t wakeups;
	uint64_t max_latency; /* ns from due (or from the waker's act) to running */
	uint64_t cpu_time;    /* ns, brought up to date about every millisecond */
	uint64_t stamp;       /* a waker's time; no statistics */
	uint64_t cpu;         /* on which the last iteration ended */
	uint64_t latency[WIRE_LATENCY_BUCKETS]; /* bucket i: wake-ups that took [2^i, 2^(i+1)) ns */
	uint32_t phase_count; /* of a sequence; the types of its phases */
	uint8_t phase_type[WIRE_PHASES];
	uint32_t scope;       /* enum wire_scope */
	/* Since the host marked them last, by setting them to 0. */
	uint64_t gap;         /* ns, as max_gap */
	uint64_t seen[WIRE_SEEN_CPUS / 64]; /* CPUs on which an iteration ended */
};
_Static_assert(offsetof(struct wire_worker, start_time) == 112, "wire_worker.start_time");
_Static_assert(sizeof(struct wire_worker) == 512, "wire_worker");
_Static_assert((WIRE_PHASE_PAGE - WIRE_WORKER_PAGE) * WIRE_PAGE_SIZE ==
		       WIRE_WORKERS * sizeof(struct wire_worker),
	       "the worker pages hold all slots");

/* What a worker did in one phase of its sequence, over all rounds. */
struct wire_phase {
	uint64_t rounds;      /* how often it came to its end */
	uint64_t iterations;  /* of the phase's type */
	uint64_t max_gap;     /* ns, between the ends of two iterations of one round */
	uint64_t migrations;
	uint64_t wakeups;
	uint64_t max_latency; /* ns */
	uint64_t cpu_time, wall_time; /* ns, of the rounds that ended */
	uint32_t latency[WIRE_LATENCY_BUCKETS];
};
_Static_assert(sizeof(struct wire_phase) == 192, "wire_phase");
_Static_assert((WIRE_PAGES - WIRE_PHASE_PAGE) * WIRE_PAGE_SIZE ==
		       WIRE_WORKERS * WIRE_PHASES * sizeof(struct wire_phase),
	       "the phase pages hold those of all slots");

#endif
