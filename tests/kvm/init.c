// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Process 1 of the KVM laboratory: mounts what programs expect, loads the modules named in
 * /lab/modules in that order, runs /lab/run with the console as its terminal, says how it ended and
 * powers the machine off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *type, *where;
} mounts[] = {
	{"proc", "/proc"}, {"sysfs", "/sys"},  {"devtmpfs", "/dev"},
	{"tmpfs", "/tmp"}, {"tmpfs", "/root"},
};

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL))
			printf("lab: %s: %s\n", mounts[i].where, strerror(errno));
	}
}

static void use_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	for (int i = 0; i < 3 && fd >= 0; i++)
		dup2(fd, i);
	setvbuf(stdout, NULL, _IONBF, 0);
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		printf("lab: %s: %s\n", path, strerror(errno));
	close(fd);
}

static void load_modules(void)
{
	FILE *list = fopen("/lab/modules", "re");
	char path[256];

	while (list && fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = '\0';
		load(path);
	}
	if (list)
		fclose(list);
}

static int run(void)
{
	int status = 127 << 8;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("PATH", "/usr/bin:/bin", 1);
		setenv("HOME", "/root", 1);
		setenv("KTDBG_DATA", "/lab/data", 1);
		execl("/bin/sh", "sh", "/lab/run", (char *)NULL);
		_exit(127);
	}
	while (waitpid(-1, &status, 0) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	use_console();
	mount_all();
	use_console();
	load_modules();
	printf("lab: exit %d\n", run());
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
