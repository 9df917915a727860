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
#include <unistd.h>

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
