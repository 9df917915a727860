// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * trouble crash [crash] | eat: makes the kernel do what triggers wait for. `crash` calls the handler of sysrq-c, which panics unless the test
 * has put other code there; it never returns; twice: on two CPUs. Static, runs inside.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int crash(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	return fd < 0 || write(fd, "c", 1) != 1;
}

static _Noreturn void eat(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p != MAP_FAILED)
			memset(p, 1, 1 << 20);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[2], "crash") == 0 && fork() == 0)
		return crash();
	if (argc >= 2 && strcmp(argv[1], "crash") == 0)
		return crash();
	if (argc == 2 && strcmp(argv[1], "eat") == 0)
		eat();
	fprintf(stderr, "trouble crash [crash] | eat\n");
	return 2;
}
