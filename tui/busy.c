/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/busy.h"

#include "base/file.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DRAW_EVERY_NS 200000000ull

struct busy {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	void (*draw)(void *context, const char *what, uint64_t elapsed);
	void *context;
	bool active, quit;
	uint64_t begun, next; /* host ns */
	char what[256];
};

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

static void *busy_main(void *argument)
{
	struct busy *b = argument;

	pthread_mutex_lock(&b->mutex);
	while (!b->quit) {
		struct timespec until = timespec_of(b->next);

		if (!b->active) {
			pthread_cond_wait(&b->wake, &b->mutex);
		} else if (host_now() < b->next) {
			pthread_cond_timedwait(&b->wake, &b->mutex, &until);
		} else {
			b->draw(b->context, b->what, host_now() - b->begun);
			b->next = host_now() + DRAW_EVERY_NS;
		}
	}
	pthread_mutex_unlock(&b->mutex);
	return NULL;
}

/* The new thread inherits the mask: no signal is ever delivered to it. */
static int start_thread(struct busy *b)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	/* What a crash raises must reach its handler on whatever thread crashes. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&b->thread, NULL, busy_main, b);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

struct err *busy_create(void (*draw)(void *context, const char *what, uint64_t elapsed),
			void *context, struct busy **ret)
{
	struct busy *b = calloc(1, sizeof(*b));
	pthread_condattr_t attr;
	int error;

	if (!b)
		return err_nomem();
	b->draw = draw;
	b->context = context;
	pthread_mutex_init(&b->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->wake, &attr);
	pthread_condattr_destroy(&attr);
	error = start_thread(b);
	if (error) {
		free(b);
		return err_os(error, "cannot start a thread");
	}
	*ret = b;
	return NULL;
}

void busy_destroy(struct busy *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->mutex);
	b->quit = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->mutex);
	pthread_join(b->thread, NULL);
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

void busy_begin(struct busy *b, const char *what, uint64_t delay)
{
	pthread_mutex_lock(&b->mutex);
	snprintf(b->what, sizeof(b->what), "%s", what);
	b->begun = host_now();
	b->next = b->begun + delay;
	b->active = true;
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->mutex);
}

void busy_progress(struct busy *b, const char *what)
{
	pthread_mutex_lock(&b->mutex);
	snprintf(b->what, sizeof(b->what), "%s", what);
	pthread_mutex_unlock(&b->mutex);
}

void busy_end(struct busy *b)
{
	pthread_mutex_lock(&b->mutex);
	b->active = false;
	pthread_mutex_unlock(&b->mutex);
}

void busy_lock(struct busy *b)
{
	pthread_mutex_lock(&b->mutex);
}

void busy_unlock(struct busy *b)
{
	pthread_mutex_unlock(&b->mutex);
}
