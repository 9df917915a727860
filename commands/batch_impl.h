/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of --batch share: what is to be run (batch.c), the processes that run it
 * (batch_jobs.c), and how it is told (batch_report.c). For these files only.
 */
#ifndef COMMANDS_BATCH_IMPL_H
#define COMMANDS_BATCH_IMPL_H

#include "commands/batch.h"
#include "commands/recording.h"
#include "commands/replay.h"
#include "commands/shard.h"

#include <stdio.h>
#include <sys/types.h>

/* One run of one recording. */
struct batch_run {
	struct batch_case *of;
	pid_t pid;              /* 0: not started */
	int pidfd, result_fd;   /* the child, and the memfd of its answer; -1: none */
	uint64_t deadline;      /* host ns */
	bool done, timed_out;
	bool cancelled;         /* exploring: one with a smaller seed failed */
	uint64_t seed;          /* when exploring, from 1 */
	struct replay_result result;
};

/* One recording: a test point. */
struct batch_case {
	char *path;
	const char *kernel;     /* of a matrix, else NULL */
	char *name;             /* for people and reports: the path, and the kernel of a matrix */
	struct recording *recording; /* NULL: malformed, or it could not be read */
	enum replay_outcome outcome;
	char *message;          /* what went wrong, "" when nothing did */
	unsigned int line;
	struct batch_run *runs;
	unsigned int run_count; /* 0 when malformed */
	bool blessed;           /* the file was rewritten */
	unsigned int first_failed; /* exploring: the run with the smallest seed that failed so far */
	char *saved;            /* exploring: the recording that fails every time, NULL: none */
	bool reported;
};

struct batch {
	const struct batch_options *options;
	struct batch_case *cases;
	unsigned int case_count;
	struct shard shard;
};

/* Run everything, at most options->jobs at a time; calls `done` for each case as soon as it and all
 * before it are finished, in order. */
struct err *batch_jobs_run(struct batch *b, struct err *(*done)(struct batch *b, struct batch_case *c))
	__attribute__((warn_unused_result));

/* TAP: the plan, one test point, and the line that ends a run which was interrupted. */
void batch_tap_plan(const struct batch *b, FILE *file);
void batch_tap_case(const struct batch *b, const struct batch_case *c, FILE *file);
/* The verdicts of a matrix as a table in comments. */
void batch_tap_matrix(const struct batch *b, FILE *file);
void batch_tap_bail_out(FILE *file, const char *why);
struct err *batch_write_junit(const struct batch *b, const char *path)
	__attribute__((warn_unused_result));
/* Exploring: write the recording with the seed that failed, beside the original or into the folder of
 * artifacts (NULL: none); fills in c->saved. */
struct err *batch_save_pinned(struct batch_case *c, const char *folder)
	__attribute__((warn_unused_result));
/* DIR/NAME, or DIR/NAME/run-N when there are several: the folder that a run's own process writes to; the
 * caller frees. NULL: out of memory. */
char *batch_run_folder(const struct batch_run *run, const char *folder)
	__attribute__((warn_unused_result));
/* DIR/NAME/{diff,transcript,console,message} of a case that failed. */
struct err *batch_write_artifacts(const struct batch_case *c, const char *folder)
	__attribute__((warn_unused_result));

#endif
