// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile say TEXT CODE | idle | kill-agent | kill COMM SIGNAL | hog SECONDS | bomb | fill DIRECTORY | eat: what a guest can do to the
 * agent and to itself. Static, runs inside.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int say(const char *text, const char *code)
{
	printf("%s\n", text);
	fflush(stdout);
	fprintf(stderr, "and on stderr\n");
	return atoi(code);
}

/* Process 1 takes no signal that it has no handler for, from its own guest. */
static int kill_agent(void)
{
	printf("stop %d, kill %d\n", kill(1, SIGSTOP), kill(1, SIGKILL));
	return 0;
}

/* Every process of that name. */
static int kill_named(const char *comm, int number)
{
	char path[300], name[32];
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	while (dir && (entry = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = atoi(entry->d_name) ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) && strncmp(name, comm, strlen(comm)) == 0 &&
		    name[strlen(comm)] == '\n')
			found += kill(atoi(entry->d_name), number) == 0;
		fclose(f);
	}
	if (dir)
		closedir(dir);
	printf("%d\n", found);
	return found ? 0 : 1;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hog_cpu(int cpu, double end)
{
	struct sched_param param = {.sched_priority = 99};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) || sched_setscheduler(0, SCHED_FIFO, &param))
		_exit(1);
	while (seconds() < end)
		;
	_exit(0);
}

/* Of the agent's own priority, on every CPU: it has to wait until they are done. */
static int hog(const char *time)
{
	double end = seconds() + atof(time);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int cpu = 0; cpu < cpus; cpu++)
		if (fork() == 0)
			hog_cpu(cpu, end);
	while (wait(NULL) > 0)
		;
	printf("hogged\n");
	return 0;
}

static int bomb(void)
{
	int made = 0;

	for (; made < 100000; made++) {
		pid_t pid = fork();

		if (pid == 0)
			made = 0; /* and goes on */
		if (pid < 0)
			break;
	}
	if (made == 100000)
		return 1;
	for (;;)
		pause();
}

static int fill(const char *directory)
{
	static char block[65536];
	char path[256];
	long written = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/full", directory);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return 1;
	memset(block, 'x', sizeof(block));
	while ((n = write(fd, block, sizeof(block))) > 0)
		written += n;
	printf("%s after %ld bytes\n", strerrorname_np(errno), written);
	return 0;
}

static void eat(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p != MAP_FAILED)
			memset(p, 1, 1 << 20);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "say") == 0 && argc == 4)
		return say(argv[2], argv[3]);
	while (strcmp(what, "idle") == 0)
		pause();
	if (strcmp(what, "kill-agent") == 0)
		return kill_agent();
	if (strcmp(what, "kill") == 0 && argc == 4)
		return kill_named(argv[2], atoi(argv[3]));
	if (strcmp(what, "hog") == 0 && argc == 3)
		return hog(argv[2]);
	if (strcmp(what, "bomb") == 0)
		return bomb();
	if (strcmp(what, "fill") == 0 && argc == 3)
		return fill(argv[2]);
	if (strcmp(what, "eat") == 0)
		eat();
	return 99;
}
