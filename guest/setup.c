// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A kernel that has just booted tests its ciphers and starts its helpers for some seconds. The
 * guest counts as ready when nothing but the agent ran at 10 looks in a row, or after 10 s. */
#define QUIET_PERIOD 20000000 /* ns */
#define QUIET_LOOKS 10
#define QUIET_LOOKS_MAX 500

static void mount_one(const char *type, const char *where, const char *options)
{
	mkdir(where, 0755);
	if (mount(type, where, type, MS_NOSUID, options) && errno != EBUSY)
		printf("ktdbg-agent: mount %s: %s\n", where, strerror(errno));
}

/* Descriptors 0..2 are the console, also when the kernel found no /dev/console to open. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

void setup_mounts(void)
{
	umask(022);
	mount_one("devtmpfs", "/dev", NULL);
	open_console();
	mount_one("proc", "/proc", NULL);
	mount_one("sysfs", "/sys", NULL);
	mount_one("cgroup2", CGROUP_ROOT, NULL);
	mount_one("bpf", "/sys/fs/bpf", NULL);
	mount_one("debugfs", "/sys/kernel/debug", NULL);
	mount_one("tracefs", "/sys/kernel/tracing", NULL);
	mount_one("tmpfs", "/tmp", "mode=1777");
	mount_one("tmpfs", "/run", "mode=0755");
	/* Compaction would move even locked pages, and with them the mailbox. */
	write_small_file("/proc/sys/vm/compact_unevictable_allowed", "0");
	/* By itself the kernel allows a task for each 128 KiB of memory. Its own highest values. */
	write_small_file("/proc/sys/kernel/threads-max", "1073741823");
	write_small_file("/proc/sys/kernel/pid_max", "4194304");
}

/* Tasks that run or want to, this one among them; 0 when the kernel does not say. */
static unsigned int running_tasks(void)
{
	FILE *file = fopen("/proc/loadavg", "re");
	unsigned int running = 0;

	if (file && fscanf(file, "%*s %*s %*s %u/", &running) != 1)
		running = 0;
	if (file)
		fclose(file);
	return running;
}

void setup_wait_quiet(void)
{
	unsigned int quiet = 0;

	for (unsigned int i = 0; i < QUIET_LOOKS_MAX && quiet < QUIET_LOOKS; i++) {
		struct timespec pause = {.tv_nsec = QUIET_PERIOD};

		quiet = running_tasks() <= 1 ? quiet + 1 : 0;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

void setup_self(void)
{
	struct sched_param param = {.sched_priority = AGENT_PRIORITY};
	struct rlimit files = {65536, 65536};

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		printf("ktdbg-agent: SCHED_FIFO: %s\n", strerror(errno));
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		printf("ktdbg-agent: mlockall: %s\n", strerror(errno));
	prctl(PR_SET_TIMERSLACK, 1);
	prctl(PR_SET_NAME, "ktdbg-agent");
	setrlimit(RLIMIT_NOFILE, &files);
	setsid();
	if (chdir("/"))
		printf("ktdbg-agent: chdir: %s\n", strerror(errno));
}
