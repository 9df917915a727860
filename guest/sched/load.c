// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sched-load OBJECT.bpf.o: loads a scheduler's BPF object, attaches its one struct_ops map, and stays
 * alive to hold the link: however this process ends, the kernel goes back to its own scheduler. The
 * agent starts and ends it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* linux/bpf.h of 6.4; older headers lack both. */
#define MAP_WITH_LINK (1u << 13)  /* BPF_F_LINK */
#define LINK_STRUCT_OPS 44        /* enum bpf_attach_type's BPF_STRUCT_OPS */

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

static void mark_sleepable(struct bpf_object *object)
{
	static const char section[] = "struct_ops/sleepable/";
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (strncmp(bpf_program__section_name(program), section, sizeof(section) - 1) == 0)
			bpf_program__set_flags(program, BPF_F_SLEEPABLE);
}

/*
 * Without a link the kernel would keep the scheduler when this process is killed. libbpf 1.2 and later
 * makes the link by itself for a map with this flag; before, attaching only fills the map.
 */
static bool attach(struct bpf_map *ops)
{
	if (!bpf_map__attach_struct_ops(ops))
		return false;
	if (libbpf_major_version() > 1 || libbpf_minor_version() >= 2)
		return true;
	return bpf_link_create(bpf_map__fd(ops), 0, LINK_STRUCT_OPS, NULL) >= 0;
}

/*
 * libelf.a of elfutils 0.192 (Debian 13) lacks these two of its own functions. They set up and free the
 * tree in which elf_getdata_rawchunk() keeps chunks; nothing here calls that, and an empty tree is all
 * zeros. Weak: a libelf.a that is whole brings its own.
 */
void eu_search_tree_init(void *tree);
void eu_search_tree_fini(void *tree, void (*free_node)(void *));

__attribute__((weak)) void eu_search_tree_init(void *tree)
{
}

__attribute__((weak)) void eu_search_tree_fini(void *tree, void (*free_node)(void *))
{
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
	mark_sleepable(object);
	if (bpf_map__set_map_flags(ops, MAP_WITH_LINK) || bpf_object__load(object))
		return fail(argv[1], "load", errno);
	/* A page fault of ours would be served under the scheduler that we hold. */
	mlockall(MCL_CURRENT);
	if (!attach(ops))
		return fail(argv[1], "attach", errno);
	sigwait(&ends, &signal);
	return 0;
}
