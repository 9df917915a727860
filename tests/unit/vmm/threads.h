/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child process with threads that spin, in the place of a QEMU with vCPUs. */
#ifndef TESTS_UNIT_VMM_THREADS_H
#define TESTS_UNIT_VMM_THREADS_H

#include "tests/expect.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD_MAX 8

struct crowd {
	pid_t pid;
	int tids[CROWD_MAX];
	unsigned int count;
};

static inline void *crowd_spin(void *context)
{
	int pipe = *(int *)context, tid = (int)syscall(SYS_gettid);

	if (write(pipe, &tid, sizeof(tid)) != sizeof(tid))
		_exit(1);
	for (;;)
		__asm__ volatile("pause");
	return NULL;
}

static inline void crowd_live(int pipe, unsigned int count)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < count; i++)
		pthread_create(&thread, NULL, crowd_spin, &pipe);
	for (;;)
		pause();
}

static inline void crowd_start(struct crowd *c, unsigned int count)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	c->count = count;
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0)
		crowd_live(ends[1], count);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(read(ends[0], &c->tids[i], sizeof(int)), sizeof(int));
	close(ends[0]);
	close(ends[1]);
}

static inline void crowd_end(struct crowd *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}

#endif
