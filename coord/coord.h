/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The coordinator: one machine, the kernel adopted in it, the agent, and the rule of who may let
 * guest time pass. Commands call this; it calls the machine.
 *
 * Guest time passes in one of two ways. LOCKSTEP (-e, --script, --batch under the virtual clock):
 * only while a command waits for it (run, wait, until, an agent's reply), so output never depends
 * on the host. FREE (the screen, the prompt, the real clock): whenever nothing holds it.
 *
 * Two reasons to hold: the operator's freeze, and a window (coord_enter/coord_leave) around each
 * command that needs the guest still. Windows nest.
 *
 * Threads: one. Errors of the machine pass through; a dead guest is ERR_GUEST_DIED.
 */
#ifndef COORD_COORD_H
#define COORD_COORD_H

#include "base/err.h"
#include "coord/kernel.h"
#include "vmm/machine.h"

#include <stdbool.h>
#include <stdint.h>

struct coord;
struct agent;	 /* coord/agent.h */
struct cold;	 /* coord/cold.h */
struct counters; /* coord/counters.h */
struct model;	 /* coord/model.h */
struct steal_book;	 /* coord/steal_book.h */
struct snapshots; /* coord/snapshot.h */
struct halts;	 /* coord/halts.h */
struct model_layout;

enum coord_pacing { COORD_LOCKSTEP, COORD_FREE };

/* Takes the machine (held at guest time 0). Adoption is tried at once; a kernel that cannot be
 * adopted yet or at all is not an error here: see coord_kernel(). */
/* On failure the machine stays the caller's. */
struct err *coord_create(struct machine *machine, enum coord_pacing pacing, struct coord **ret)
	__attribute__((warn_unused_result));
void coord_destroy(struct coord *c); /* destroys the machine too; NULL is fine */

struct machine *coord_machine(struct coord *c);
/* The guest's account of steal; the error says why there is none. */
struct err *coord_steal_book(struct coord *c, struct steal_book **ret) __attribute__((warn_unused_result));
struct agent *coord_agent(struct coord *c);
struct cold *coord_cold(struct coord *c);
struct counters *coord_counters(struct coord *c);
struct snapshots *coord_snapshots(struct coord *c);
struct halts *coord_halts(struct coord *c);
/* The adopted kernel; tries adoption again when there is none. The error says why not. */
struct err *coord_kernel(struct coord *c, struct kernel **ret) __attribute__((warn_unused_result));
/* Changes with every adoption: what was looked up in one kernel is void in the next. */
uint64_t coord_adoption(const struct coord *c);
/* Adopt anew (after a restore). */
void coord_forget_kernel(struct coord *c);

/* Guest ns since ready. */
uint64_t coord_time(struct coord *c);

/* A window: the guest is held from the outermost enter to its leave. `time` is fixed inside. */
struct err *coord_enter(struct coord *c) __attribute__((warn_unused_result));
struct err *coord_leave(struct coord *c) __attribute__((warn_unused_result));
/* Leave, and pass `err` (may be NULL) on: the first error wins, the leave's own shows when there is
 * none. */
struct err *coord_leave_with(struct coord *c, struct err *err) __attribute__((warn_unused_result));
bool coord_held(struct coord *c);

/* The operator's freeze. Idempotent. */
struct err *coord_freeze(struct coord *c) __attribute__((warn_unused_result));
/* The same, but the guest's clock runs on and the gap becomes steal on every CPU when the guest goes
 * on; only under the real clock. */
struct err *coord_freeze_as_steal(struct coord *c) __attribute__((warn_unused_result));
/* Save the machine as a checkpoint (vmm/checkpoint.h). Inside a window. */
struct err *coord_save(struct coord *c, const char *checkpoint) __attribute__((warn_unused_result));
/* Put the machine back to a checkpoint, `gap` ns later (vmm/checkpoint.h), and adopt it; the gap is booked
 * as steal on every CPU. Inside a window. On failure nothing has changed. */
struct err *coord_restore(struct coord *c, const char *checkpoint, uint64_t gap)
	__attribute__((warn_unused_result));
struct err *coord_thaw(struct coord *c) __attribute__((warn_unused_result));
bool coord_frozen(const struct coord *c);
/* A number that changes whenever the guest may have run: caches of guest state compare it. */
uint64_t coord_epoch(const struct coord *c);

/* Let guest time pass to `time` (ns since ready; in the past: nothing happens), then hold as the
 * surrounding window or freeze asks. Called inside a window; the window is held again after it. */
struct err *coord_run_until(struct coord *c, uint64_t time) __attribute__((warn_unused_result));
/* The same, also through a panic of the kernel, which ends every other wait with ERR_GUEST_DIED: what
 * was recorded after it happens at its instant. */
struct err *coord_go_to(struct coord *c, uint64_t time) __attribute__((warn_unused_result));
/*
 * Halts (coord/halts.h) end the runs of whoever heeds them, and freeze a guest that runs freely; other waits
 * (for the agent, the hold of a step) pass them by. A run that one ended returns as if its time had come,
 * and coord_stopped() says why.
 */
void coord_heed(struct coord *c, bool heed);
/* Lines that say which halt made the guest stand and what it saw; NULL: none did since coord_heed() or
 * coord_stop_is_known(). */
const char *coord_stopped(const struct coord *c);
void coord_stop_is_known(struct coord *c);
/* Until `cpu` has executed so many instructions, or a halt that is heeded. ERR_TIMEOUT after that much guest
 * time: it idles, or it is stalled. ERR_ABSENT under the real clock. */
struct err *coord_step(struct coord *c, unsigned int cpu, uint64_t steps, uint64_t timeout_ns)
	__attribute__((warn_unused_result));
/* True when the kernel has panicked; adds "the kernel panicked: REASON" to `text`. */
bool coord_panicked(struct coord *c, struct str *text);
/* Run until the u32 at guest-physical `phys` equals `value`, at most `timeout_ns` of guest time
 * (ERR_TIMEOUT). Same rule. Refused (ERR_REFUSED) while the operator's freeze is on. */
struct err *coord_run_until_word(struct coord *c, uint64_t phys, uint32_t value,
				 uint64_t timeout_ns) __attribute__((warn_unused_result));
/* Run until `test` says so, asked every `step_ns` of guest time while held. */
typedef struct err *(*coord_test_fn)(void *context, bool *ret);
struct err *coord_run_until_test(struct coord *c, coord_test_fn test, void *context,
				 uint64_t step_ns, uint64_t timeout_ns)
	__attribute__((warn_unused_result));

/*
 * Somebody who looks on while guest time passes, whatever command lets it pass: time travel. Every run
 * is cut into parts that end at multiples of `step`, under the virtual clock without a trace in the guest.
 */
struct coord_lookout {
	uint64_t step; /* guest ns, a multiple of the grid; 0: only where runs end anyway */
	uint64_t end;  /* no run goes beyond: one that would ends there, as an interrupted one does */
	/* At the end of each part, held; its error ends the run. NULL: nothing to see. */
	struct err *(*look)(void *context);
	void *context;
	bool reached;  /* out: a run was ended by `end` */
};
/* Borrowed until it is replaced; NULL: nobody. */
void coord_set_lookout(struct coord *c, struct coord_lookout *lookout);
/* Let it run to `time` and return at once; the next window waits for nothing, it holds it where it is. */
struct err *coord_start_until(struct coord *c, uint64_t time) __attribute__((warn_unused_result));
/* Windows that were open stay open no longer: for a guest that is put aside, held, in the middle of one. */
void coord_put_aside(struct coord *c);

/* The scheduler model of this frozen window, taken once and kept until the guest runs. Borrowed. */
struct err *coord_model(struct coord *c, const struct model **ret)
	__attribute__((warn_unused_result));
/* By how much the run queues' latest clock is behind guest time at the least: what later models tell the time by.
 * To be handed on to the coordinator of a still. False: no model was taken yet. */
bool coord_clock_behind(const struct coord *c, uint64_t *ret);
void coord_set_clock_behind(struct coord *c, uint64_t ns);
/* Where this kernel keeps what the model is made of, for a look at a part of it. Borrowed until the next
 * adoption. */
struct err *coord_layout(struct coord *c, struct model_layout **ret)
	__attribute__((warn_unused_result));
/* Guest memory was written: this window's model is stale and what coord_model() lent is gone. */
void coord_touched(struct coord *c);

void coord_set_pacing(struct coord *c, enum coord_pacing pacing);
enum coord_pacing coord_pacing(const struct coord *c);
/* Prompt and screen: call when idle; lets a FREE guest run, samples its counters when they are due,
 * and notices its death. */
struct err *coord_idle(struct coord *c) __attribute__((warn_unused_result));

#endif
