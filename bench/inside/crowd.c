// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A crowd of sleeping tasks inside the guest: PROCESSES processes with THREADS threads each, made as
 * fast as the kernel makes them. Ends with status 0 when all of them stand; the crowd stays.
 *
 *   crowd PROCESSES THREADS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACK 16384

static void *sleeper(void *nothing)
{
	for (;;)
		pause();
	return nothing;
}

/* Tells by one byte when its threads stand: 0, or the errno of why they do not. */
static void crowd_process(unsigned int threads, int ready)
{
	pthread_attr_t attr;
	pthread_t id;
	char errnum = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (unsigned int i = 1; i < threads && !errnum; i++)
		errnum = (char)pthread_create(&id, &attr, sleeper, NULL);
	if (write(ready, &errnum, 1) == 1 && !errnum)
		sleeper(NULL);
	_exit(1);
}

int main(int argc, char **argv)
{
	unsigned int processes = argc == 3 ? (unsigned int)atoi(argv[1]) : 0;
	unsigned int threads = argc == 3 ? (unsigned int)atoi(argv[2]) : 0;
	int ready[2];
	char errnum;

	if (!processes || !threads || pipe(ready)) {
		fprintf(stderr, "usage: crowd PROCESSES THREADS\n");
		return 2;
	}
	for (unsigned int i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid == 0)
			crowd_process(threads, ready[1]);
		if (pid < 0 || read(ready[0], &errnum, 1) != 1) {
			perror("crowd");
			return 1;
		}
		if (errnum) {
			fprintf(stderr, "crowd: process %u: %s\n", i, strerror(errnum));
			return 1;
		}
	}
	return 0;
}
