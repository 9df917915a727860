/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots: whole scheduler models under names, kept for comparing. Each is a copy on the host; the guest
 * knows nothing of it, and it stays what it is however the guest goes on. The newest SNAPSHOTS_KEPT stay.
 *
 * The difference of two is about what somebody looks for: who runs where, what waits, what came and went;
 * counters, which always differ, only when they are asked for.
 */
#ifndef COORD_SNAPSHOT_H
#define COORD_SNAPSHOT_H

#include "coord/coord.h"
#include "coord/model.h"

#define SNAPSHOTS_KEPT 64
#define SNAPSHOT_NAME 64 /* bytes with the NUL */

struct snapshot {
	char name[SNAPSHOT_NAME];
	struct model *model; /* its `time` is when it was taken */
	struct model_dsq *dsqs; /* the kernel's own, too */
	unsigned int dsq_count;
};

struct snapshots;
struct err *snapshots_create(struct snapshots **ret) __attribute__((warn_unused_result));
void snapshots_destroy(struct snapshots *s); /* NULL is fine */

/* Take one; one of that name is replaced. Inside a window. ERR_USAGE for what is no name. */
struct err *snapshots_take(struct snapshots *s, struct coord *c, const char *name,
			   const struct snapshot **ret) __attribute__((warn_unused_result));
/* From the oldest on; NULL past the end. Borrowed until the next one is taken. */
const struct snapshot *snapshots_at(const struct snapshots *s, unsigned int i);
/* ERR_NOT_FOUND lists those that there are. */
struct err *snapshots_find(const struct snapshots *s, const char *name, const struct snapshot **ret)
	__attribute__((warn_unused_result));

/* ---- snapshots of writes ---- */

#define SNAPSHOT_WATCHES 4
#define SNAPSHOT_WATCH_EVERY 1000000ULL /* ns of guest time between two at least */

/* A kernel variable at each write to which a snapshot is taken, "SYMBOL.N"; all writes are counted. */
struct snapshot_watch {
	char symbol[SNAPSHOT_NAME - 12];
	uint64_t address, len;
	uint64_t counted;   /* writes until the set of watches changed last */
	unsigned int taken;
};

/* Virtual clock only. Inside a window. ERR_NOT_FOUND, ERR_ABSENT, ERR_REFUSED for one too many, for code and
 * for per-CPU variables. */
struct err *snapshots_watch(struct snapshots *s, struct coord *c, const char *symbol)
	__attribute__((warn_unused_result));
struct err *snapshots_unwatch(struct snapshots *s, struct coord *c, const char *symbol)
	__attribute__((warn_unused_result));
/* The i-th, and its writes so far; NULL past the end. */
const struct snapshot_watch *snapshots_watched(const struct snapshots *s, struct coord *c, unsigned int i,
					       uint64_t *ret_writes);
/* The coordinator's: the guest stands at a write to the i-th. */
struct err *snapshots_written(struct snapshots *s, struct coord *c, unsigned int i)
	__attribute__((warn_unused_result));

/* One thing that differs. An empty text: it was not there. */
struct difference {
	const char *what;   /* "cpu 0", "task 12 spin-0", "dsq 0x1", "scx" */
	const char *field;  /* "current"; "" for the thing itself */
	const char *before, *after;
};
typedef void (*difference_fn)(void *context, const struct difference *d);
/* Calls `visit` for each, in order of scx, CPUs, queues, tasks. ERR_NOMEM. */
struct err *snapshot_diff(const struct snapshot *before, const struct snapshot *after, bool counters,
			  difference_fn visit, void *context) __attribute__((warn_unused_result));

#endif
