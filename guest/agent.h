/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: process 1 of the guest, a static program that polls its mailbox (guest/wire.h) and carries
 * out what it is asked. SCHED_FIFO and locked in memory, so that it answers under any scheduler.
 *
 * It takes nothing of the guest's scheduler for itself but a look every few milliseconds, and what it
 * starts begins with the default policy, affinity and timer slack. It never exits: if it does, the
 * kernel panics, which the host shows.
 *
 * Handlers return 0 or an errno value, having said why with agent_fail(). One thread.
 */
#ifndef GUEST_AGENT_H
#define GUEST_AGENT_H

#include "guest/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AGENT_PRIORITY 99 /* of SCHED_FIFO */
#define AGENT_CHILDREN 64

enum child_kind { CHILD_FREE, CHILD_SCHEDULER, CHILD_PROGRAM };

/* A program that the agent started; workers are not in here, the mailbox has them. */
struct child {
	enum child_kind kind;
	pid_t pid;
	bool ended;
	bool expected; /* its end was asked for */
	int status;    /* wait status once ended */
	int output;    /* read end of its stdout and stderr, -1 once closed */
	bool told;     /* its end was reported, so that it may make room */
	char name[64];
	char cgroup[WIRE_CGROUP_NAME]; /* where it was started or moved to */
	char *tail;    /* the newest of its output, NUL terminated */
	size_t tail_len, tail_size;
	uint32_t scope; /* enum wire_scope */
};

#define AGENT_OWNED 1024
/* A cgroup that ends with its scope. */
struct owned_cgroup {
	char name[WIRE_CGROUP_NAME];
	uint32_t scope; /* enum wire_scope */
};

#define AGENT_PINS 64
/* A map pinned in bpffs. */
struct pin {
	char path[96];
	uint32_t scope; /* enum wire_scope */
};

struct agent {
	uint8_t *mailbox;
	struct wire_header *header;
	struct wire_response *response;
	struct wire_worker *workers;
	struct wire_phase *phases; /* WIRE_PHASES a worker's slot */
	char *text;
	struct child children[AGENT_CHILDREN];
	int pin; /* the descriptor that keeps the mailbox's pages where they are, -1 */
	uint64_t last_request; /* ns */
	struct owned_cgroup owned[AGENT_OWNED]; /* in the order in which they were made */
	unsigned int owned_count;
	struct pin pins[AGENT_PINS];
	unsigned int pin_count;
	/* A private copy of the request, so that it cannot change while it is handled. */
	_Alignas(8) uint8_t request[WIRE_PAYLOAD_MAX];
};

/* mailbox.c: map, pin, fill in the header, announce. False with a line on the console. */
bool mailbox_create(struct agent *a);
void mailbox_announce(struct agent *a);

/* setup.c */
void setup_mounts(void);
void setup_self(void);
/* Until the kernel's own start-up work is done: nothing else runs, or 10 s have passed. */
void setup_wait_quiet(void);

/* agent.c: sleep `ns` while children are reaped and the heartbeat goes on. */
uint64_t agent_now(void);
void agent_pause(struct agent *a, uint64_t ns);
/* Set the response's message; returns `errnum` (or EIO for 0), for `return agent_fail(...)`. */
int agent_fail(struct agent *a, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Append to the response's text; silently cut at its end. */
void agent_text(struct agent *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void agent_text_n(struct agent *a, const char *data, size_t len);
void agent_value(struct agent *a, uint64_t value);

/* ops.c */
int ops_run(struct agent *a, uint32_t op, uint32_t payload_len);

/* child.c. A program that ended keeps its place until somebody asked for its end. */
struct child *child_start(struct agent *a, enum child_kind kind, const char *name,
			  const char *cgroup_path, char *const *argv); /* NULL: errno */
/* pid 0: any. Of several that had the same pid, the one that lives. */
struct child *child_find(struct agent *a, enum child_kind kind, pid_t pid);
void child_poll(struct agent *a); /* reap what ended, workers too; pass output on */
void child_forget(struct child *child);
/* It begins with the agent's SCHED_FIFO, so that it gets as far as its exec under any scheduler; this gives
 * it what every program expects. */
void child_reset_scheduling(const struct child *child);

/* cgroup.c */
#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_PATH 128
/* The directory of a cgroup that exists. 0, or an errno with the message set. */
int cgroup_find(struct agent *a, const char *name, char path[CGROUP_PATH]);
/* Refuses one that is frozen, or below one that is: what begins in it would never get ready. */
int cgroup_check_thawed(struct agent *a, const char *name, const char *path);
/* Of a directory that has no cgroups below it any more: no controllers for them either. */
void cgroup_tidy(const char *path);
int op_cgroup_add(struct agent *a, const void *payload);
int op_cgroup_set(struct agent *a, const void *payload);
int op_cgroup_remove(struct agent *a, const void *payload);
int op_cgroup_stop(struct agent *a, const void *payload);
int op_cgroup_freeze(struct agent *a, const void *payload);
int op_cgroup_thaw(struct agent *a, const void *payload);
int op_cgroup_procs(struct agent *a, const void *payload);
int op_cgroup_list(struct agent *a, const void *payload);
int op_cgroup_move(struct agent *a, const void *payload);
/* Thaw it, kill what lives in it and below, and remove it. One that is gone already is fine. */
int cgroup_end(struct agent *a, const char *name);

/* scope.c */
int op_scope_begin(struct agent *a, const void *payload);
int op_scope_end(struct agent *a, const void *payload);
/* A cgroup was made, which the open scope owns, or was removed. 0, or an errno with the message set. */
int scope_take(struct agent *a, const char *name);
void scope_drop(struct agent *a, const char *name);
uint32_t scope_of(const struct agent *a, const char *name); /* enum wire_scope */

/* near.c: how many letters to change, add or drop between two names. */
unsigned int edit_distance(const char *a, const char *b);

/* spawn.c */
int op_spawn(struct agent *a, const void *payload);
/* SIGKILL every worker of a cgroup and wait for their end. Number of those that would not end. */
unsigned int workers_kill(struct agent *a, const char *cgroup);
void workers_ended(struct agent *a, pid_t tgid, int status);
void workers_forget(struct agent *a, const char *cgroup);
void worker_kill(const struct wire_worker *w); /* it ends soon */
void process_kill(pid_t thread, pid_t process); /* the same of any */
bool worker_alive(const struct wire_worker *w);

/* affinity.c */
int op_affinity(struct agent *a, const void *payload);
/* The CPUs that `p` gives a worker. INHERIT: those of `p->cpus`, which the kernel cuts to its cgroup's. */
int place_worker(struct agent *a, const struct wire_worker *w, const struct wire_place *p);

/* scheduler.c */
int op_sched_attach(struct agent *a, const void *payload);
int op_sched_detach(struct agent *a, const void *payload);
int op_sched_replace(struct agent *a, const void *payload);
int op_sched_status(struct agent *a, const void *payload);

/* pin.c */
int op_bpf_pin(struct agent *a, const void *payload);
void pins_end(struct agent *a, uint32_t scope); /* those of the scope and of those within it */

/* program.c */
int op_run(struct agent *a, const void *payload);
int op_run_wait(struct agent *a, const void *payload);
int op_run_kill(struct agent *a, const void *payload);
int op_run_list(struct agent *a, const void *payload);
/* What was started in `from` is of `to` now. */
void programs_moved(struct agent *a, const char *from, const char *to);
int op_program_check(struct agent *a, const void *payload);
/* argv of a wire_program behind argv[0] = `program`; at most 65 entries and NULL. -1: malformed. */
#define PROGRAM_ARGV 66
int program_argv(const struct wire_program *p, const char *program, char *argv[PROGRAM_ARGV]);

/* inspect.c */
int op_cat(struct agent *a, const void *payload);
int op_proc_snapshot(struct agent *a, const void *payload);
/* A small file, NUL terminated, trailing newline cut; bytes or -1. */
ssize_t read_small_file(const char *path, char *buffer, size_t size);
int write_small_file(const char *path, const char *value); /* 0 or errno */

/* True when a fixed-size text field of the wire holds its NUL. */
#define WIRE_TEXT_OK(field) (strnlen((field), sizeof(field)) < sizeof(field))

#endif
