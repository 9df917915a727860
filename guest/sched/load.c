// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sched-load OBJECT.bpf.o: loads a scheduler's BPF object, attaches its one struct_ops map, and stays
 * alive to hold it: the kernel goes back to its own scheduler when this process ends. The agent
 * starts and ends it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static struct bpf_map *find_ops(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			return map;
	return NULL;
}

static int fail(const char *path, const char *what, int errnum)
{
	fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errnum));
	return 1;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_map *ops;
	sigset_t ends;
	int signal;

	if (argc != 2) {
		fprintf(stderr, "usage: sched-load OBJECT.bpf.o\n");
		return 2;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	libbpf_set_print(print);
	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		return fail(argv[1], "open", errno);
	ops = find_ops(object);
	if (!ops)
		return fail(argv[1], "no scheduler in it", ENOENT);
	if (bpf_object__load(object))
		return fail(argv[1], "load", errno);
	/* A page fault of ours would be served under the scheduler that we hold. */
	mlockall(MCL_CURRENT);
	if (!bpf_map__attach_struct_ops(ops))
		return fail(argv[1], "attach", errno);
	sigwait(&ends, &signal);
	return 0;
}
