/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the scheduler still lives: its process, by the agent's word, and its sched_ext instance, by the
 * kernel's memory. A look costs a few loads, so that whoever lets guest time pass can look often.
 *
 * The exit kind and its message are read through the instance that was there at the beginning, since the
 * kernel forgets it soon after its end. What was read is believed only when it makes sense.
 */
#ifndef COORD_LIVENESS_H
#define COORD_LIVENESS_H

#include "coord/agent.h"
#include "coord/model.h"

enum death_kind {
	DEATH_CRASHED, /* an error of the scheduler, or its process failed or was killed */
	DEATH_EXITED,  /* it was taken off, or ended by itself without an error */
	DEATH_UNKNOWN, /* gone, and nothing says why */
};
/* "crashed", "exited cleanly", "died, reason unknown" */
const char *death_name(enum death_kind kind);

struct death {
	enum death_kind kind;
	uint64_t time;           /* guest ns since ready at which it was seen */
	char scheduler[128];     /* its name; cleaned */
	bool has_exit;           /* exit_kind was read */
	uint64_t exit_kind;
	char exit_name[48];      /* "SCX_EXIT_ERROR_STALL", "" for none */
	char reason[64], message[256]; /* of the kernel, raw */
	bool has_status;
	int status;              /* wait status of its process */
};
/* One sentence without the scheduler's name: "SCX_EXIT_UNREG, its process was killed by signal 9". */
void death_describe(const struct death *d, struct str *s);

struct liveness {
	struct coord *coord;
	bool process, instance;  /* what there was at the beginning */
	unsigned int exits;      /* of the agent's count */
	uint64_t root;           /* struct scx_sched, 0: none, or an older kernel */
	char scheduler[128];
};

/* What lives now is what is to live on. Inside a window. */
void liveness_begin(struct liveness *l, struct coord *c);
bool liveness_watches(const struct liveness *l); /* there was a scheduler */
/* True when it is gone; *ret says what could be read at that moment. Inside a window. */
bool liveness_look(const struct liveness *l, struct death *ret);
/* Some time later: the end of its process may be known now. Judges anew. */
void liveness_settle(const struct liveness *l, struct death *d);

#endif
