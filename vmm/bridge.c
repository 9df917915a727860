/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/bridge.h"
#include "vmm/runstate.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define PERIOD_NS 10000000

struct lane {
	int tid;
	uint64_t *word;
	uint64_t delay; /* of the thread, as far as it was passed on */
};

struct bridge {
	pthread_t thread;
	pthread_mutex_t lock; /* of the lanes' delays */
	bool stop;	      /* atomic */
	pid_t pid;
	unsigned int count;
	struct lane lanes[];
};

/* A thread that is gone adds nothing: the machine is ending. */
static void pass_on(const struct bridge *b, struct lane *lane)
{
	struct schedstat now;
	struct err *err = schedstat_read(b->pid, lane->tid, &now);

	if (!err && now.delay > lane->delay) {
		bridge_add(lane->word, now.delay - lane->delay);
		lane->delay = now.delay;
	}
	err_free(err);
}

void bridge_flush(struct bridge *b)
{
	pthread_mutex_lock(&b->lock);
	for (unsigned int i = 0; i < b->count; i++)
		pass_on(b, &b->lanes[i]);
	pthread_mutex_unlock(&b->lock);
}

static void *run(void *context)
{
	const struct timespec period = {.tv_nsec = PERIOD_NS};
	struct bridge *b = context;

	while (!__atomic_load_n(&b->stop, __ATOMIC_ACQUIRE)) {
		bridge_flush(b);
		nanosleep(&period, NULL);
	}
	return NULL;
}

static struct err *start_thread(struct bridge *b)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the main thread's */
	error = pthread_create(&b->thread, NULL, run, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error ? err_os(error, "starting a thread") : NULL;
}

struct err *bridge_start(pid_t pid, const int *tids, uint64_t *const *words, unsigned int count,
			 struct bridge **ret)
{
	struct bridge *b = calloc(1, sizeof(*b) + count * sizeof(b->lanes[0]));
	struct err *err = NULL;

	if (!b)
		return err_nomem();
	pthread_mutex_init(&b->lock, NULL);
	b->pid = pid;
	b->count = count;
	for (unsigned int i = 0; i < count && !err; i++) {
		struct schedstat now = {0};

		err = schedstat_read(pid, tids[i], &now);
		b->lanes[i] = (struct lane){tids[i], words[i], now.delay};
	}
	if (!err)
		err = start_thread(b);
	if (err) {
		pthread_mutex_destroy(&b->lock);
		free(b);
		return err;
	}
	*ret = b;
	return NULL;
}

void bridge_stop(struct bridge *b)
{
	if (!b)
		return;
	__atomic_store_n(&b->stop, true, __ATOMIC_RELEASE);
	pthread_join(b->thread, NULL);
	pthread_mutex_destroy(&b->lock);
	free(b);
}
