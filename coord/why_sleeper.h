/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task that sleeps: what for, told from where it stands in the kernel. What a lock or a timer is
 * called comes from the objects that lie on its own stack while it waits. Private to coord/why*.c.
 */
#ifndef COORD_WHY_SLEEPER_H
#define COORD_WHY_SLEEPER_H

#include "coord/why_impl.h"

struct sleeper {
	struct question *q;
	char place[64];	 /* the function that sleeps, past the scheduler's own; "" unknown */
	uint64_t *words; /* the stack in use */
	uint64_t low;	 /* address of words[0] */
	unsigned int count;
	struct unwind_regs entry; /* of the system call, if there is one */
};

/* Of the trace that was made last; `words` is the caller's to free. */
void sleeper_read_stack(struct sleeper *s);
/* A member of a struct at `base`; false: it is absent, or cannot be read. */
bool sleeper_word(const struct sleeper *s, uint64_t base, const struct field *f, uint64_t *ret);
/* The timer that ends its sleep: ", for 2s more", "; its time is up", or "". */
struct why_text sleeper_timer(const struct sleeper *s);

enum wait_kind {
	WAIT_EXACT,
	WAIT_VAGUE, /* how it waits: what is further out says what for */
	WAIT_LOOP,  /* where a thread of the kernel waits for work: only if it waits right there */
};
/* What it waits for where a function is on its stack. */
struct wait_place {
	const char *function; /* a name, or with '*' at its end the start of names */
	const char *what;
	void (*say)(struct sleeper *s); /* says more, if it can; NULL: there is no more */
	enum wait_kind kind;
};
/* NULL: not in the table. */
const struct wait_place *wait_place_of(const char *function);
/* One of those that every sleeper has innermost. */
bool wait_is_scheduler(const char *function);

/* Each says what it found, or nothing. */
void sleeper_at_mutex(struct sleeper *s);
void sleeper_at_rwsem(struct sleeper *s);
void sleeper_at_rt_mutex(struct sleeper *s);
void sleeper_at_futex(struct sleeper *s);
void sleeper_at_freezer(struct sleeper *s);
void sleeper_at_tracer(struct sleeper *s);

#endif
