// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sched-load OBJECT.bpf.o: loads a scheduler's BPF object, attaches its one struct_ops map, and stays
 * alive to hold the link: however this process ends, the kernel goes back to its own scheduler. The
 * agent starts and ends it.
 *
 * On a kernel whose BTF is damaged so that no dispatch queue can be made, OBJECT.nodsq.bpf.o is
 * loaded instead when it is there (own_dsq.bpf.h).
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
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

/*
 * From 7.1 on scx_bpf_create_dsq() has a third, hidden argument. resolve_btfids takes it off the BTF and
 * keeps it in a twin "_impl"; a BTF with three arguments and no twin makes the verifier refuse calls.
 */
static bool queues_unusable(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type;
	bool unusable = false;
	int id;

	if (!btf)
		return false;
	id = btf__find_by_name_kind(btf, "scx_bpf_create_dsq", BTF_KIND_FUNC);
	type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	type = type ? btf__type_by_id(btf, type->type) : NULL;
	if (type && btf_is_func_proto(type) && btf_vlen(type) > 2)
		unusable = btf__find_by_name_kind(btf, "scx_bpf_create_dsq_impl", BTF_KIND_FUNC) < 0;
	btf__free(btf);
	return unusable;
}

/* `path`, or its twin without dispatch queues. */
static const char *choose(const char *path, char *buffer, size_t size)
{
	const char *suffix = strstr(path, ".bpf.o");

	if (!suffix || (size_t)snprintf(buffer, size, "%.*s.nodsq.bpf.o", (int)(suffix - path), path) >=
			       size || access(buffer, R_OK) || !queues_unusable())
		return path;
	printf("sched-load: this kernel's BTF hides scx_bpf_create_dsq(): queues of our own instead\n");
	fflush(stdout);
	return buffer;
}

static void size_heaps(struct bpf_object *object)
{
	struct bpf_map *heaps = bpf_object__find_map_by_name(object, "own_heaps");

	if (heaps)
		bpf_map__set_max_entries(heaps, 1 + (__u32)libbpf_num_possible_cpus());
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
	const char *path;
	char twin[512];
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
	path = choose(argv[1], twin, sizeof(twin));
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return fail(path, "open", errno);
	ops = find_ops(object);
	if (!ops)
		return fail(path, "no scheduler in it", ENOENT);
	mark_sleepable(object);
	size_heaps(object);
	if (bpf_map__set_map_flags(ops, MAP_WITH_LINK) || bpf_object__load(object))
		return fail(path, "load", errno);
	/* A page fault of ours would be served under the scheduler that we hold. */
	mlockall(MCL_CURRENT);
	if (!attach(ops))
		return fail(path, "attach", errno);
	sigwait(&ends, &signal);
	return 0;
}
