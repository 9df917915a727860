// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks over a guest's memory that has been damaged where they read it. Each must end with an
 * answer or an error, within bounds of CPU time and memory, without a write to the guest, with text
 * that is fit for a terminal; under the sanitizers.
 *
 *   damage [-n ROUNDS] [-s SEED] [-f FIRST] [-v] CORE
 *
 * Rounds run in a child; when it dies, that round has failed, and the next child goes on behind it.
 * `-s SEED -f ROUND -n 1 -v` repeats one alone.
 */
#include "tests/damage/limits.h"
#include "tests/damage/rounds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILURES_MAX 20

struct range {
	uint64_t first, count;
};

static void run_child(struct rounds *r, uint64_t end)
{
	struct progress *p = r->progress;

	limits_init();
	for (; p->round < end; p->round++) {
		p->running = true;
		rounds_do(r);
		p->running = false;
		if (p->round % 1000 == 999) {
			printf("%" PRIu64 " rounds\n", p->round + 1);
			fflush(stdout);
		}
	}
	if (!rounds_is_whole(r))
		damage_fail("the guest", "its memory was written");
	rounds_deinit(r);
	exit(0);
}

static int run_children(struct rounds *r, uint64_t end)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0)
		run_child(r, end);
	if (child < 0 || waitpid(child, &status, 0) != child)
		damage_fail("fork", strerror(errno));
	return status;
}

/* How many rounds failed. */
static unsigned int run_all(struct rounds *r, const struct range *range)
{
	struct progress *p = r->progress;
	unsigned int failures = 0;

	for (p->round = range->first; failures < FAILURES_MAX; p->round++) {
		if (run_children(r, range->first + range->count) == 0)
			break;
		failures++;
		fprintf(stderr, "FAILED: -s %" PRIu64 " -f %" PRIu64 " -n 1: %s\n\n", r->seed,
			p->round, p->running ? walks_line(r->walks, p->line) : "behind the last");
		if (!p->running)
			break;
		memory_undo(&r->memory);
	}
	return failures;
}

static void print_tally(const struct rounds *r, double seconds)
{
	uint64_t answers = 0, errors = 0, count;

	for (unsigned int i = 0; i < walks_count(r->walks); i++) {
		const struct tally *t = &r->progress->tallies[i];

		answers += t->answers;
		errors += t->errors;
		count = t->answers + t->errors;
		if (count)
			printf("%8" PRIu64
			       " %s%s: errors %.1f%%, %.2f ms, worst %.0f ms in round %" PRIu64
			       ", %.1f MiB\n",
			       count, walks_adopts(r->walks, i) ? "adopt, " : "",
			       walks_line(r->walks, i), 100.0 * (double)t->errors / (double)count,
			       (double)t->ns / (double)count / 1e6, (double)t->worst_ns / 1e6,
			       t->worst_round, (double)t->worst_bytes / 0x1p20);
	}
	count = answers + errors;
	printf("seed %" PRIu64 ": %" PRIu64
	       " walks, %.1f%% answers, %.1f%% errors, %.0f s, %.0f walks/s\n",
	       r->seed, count, 100.0 * (double)answers / (double)(count ? count : 1),
	       100.0 * (double)errors / (double)(count ? count : 1), seconds,
	       (double)count / seconds);
}

static bool parse_options(int argc, char **argv, struct rounds *r, struct range *range)
{
	int option;

	while ((option = getopt(argc, argv, "n:s:f:v")) != -1)
		switch (option) {
		case 'n':
			range->count = strtoull(optarg, NULL, 0);
			break;
		case 's':
			r->seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			range->first = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			r->verbose = true;
			break;
		default:
			return false;
		}
	return optind == argc - 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct rounds r = {.seed = 1};
	struct range range = {0, 100};
	unsigned int failures = 1;
	struct err *err;
	double start;

	if (!parse_options(argc, argv, &r, &range)) {
		fprintf(stderr, "usage: damage [-n ROUNDS] [-s SEED] [-f FIRST] [-v] CORE\n");
		return 2;
	}
	err = rounds_init(&r, argv[optind]);
	if (err) {
		fprintf(stderr, "damage: %s\n", err_detail(err));
		err_free(err);
	} else {
		start = now();
		failures = run_all(&r, &range);
		print_tally(&r, now() - start);
	}
	rounds_deinit(&r);
	return failures != 0;
}
