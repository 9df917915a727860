// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sched-load [-w] OBJECT.bpf.o [MODE]: loads a scheduler's BPF object, attaches its one struct_ops map, and
 * stays alive to hold the link: however this process ends, the kernel goes back to its own scheduler.
 * With -w it stops itself before it attaches, until SIGCONT. When the kernel ends the scheduler, this ends too, with status 1, and says why. The agent starts and
 * ends it.
 *
 * Before loading it fills in the variables that the object has, if it has them: `mode`, the number of
 * MODE in guest/wire_sched.h; `nr_cpus`; `nr_llcs` and `llc_of`, the last-level caches.
 *
 * On a kernel whose BTF is damaged so that no dispatch queue can be made, OBJECT.nodsq.bpf.o is
 * loaded instead when it is there (own_dsq.bpf.h).
 */
#include "guest/wire_sched.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
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
	return buffer;
}

/* own_dsq.bpf.h: a heap for each queue, of which there are CPUs + 2, and two for each CPU. */
static void size_heaps(struct bpf_object *object, uint32_t cpus)
{
	struct bpf_map *heaps = bpf_object__find_map_by_name(object, "own_heaps");

	if (heaps)
		bpf_map__set_max_entries(heaps, 3 * cpus + 2);
}

/* ---- constants of the object ---- */

/* Where `name` lies in the object's .rodata, and how many numbers it has; NULL: it has no such one. */
static uint32_t *constant(struct bpf_object *object, const char *name, uint32_t *ret_count)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	int id = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -1;
	const struct btf_type *section = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	size_t size = 0;
	/* The library's copy, which it takes when it loads; it is const in some of its versions only. */
	char *data = map ? (char *)(uintptr_t)bpf_map__initial_value(map, &size) : NULL;

	for (unsigned int i = 0; data && section && i < btf_vlen(section); i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(section)[i];
		const struct btf_type *var = btf__type_by_id(btf, info->type);

		if (strcmp(btf__name_by_offset(btf, var->name_off), name) != 0 ||
		    info->offset > size || info->size > size - info->offset)
			continue;
		*ret_count = info->size / (uint32_t)sizeof(uint32_t);
		return (uint32_t *)(data + info->offset);
	}
	return NULL;
}

static void set_constant(struct bpf_object *object, const char *name, uint32_t value)
{
	uint32_t count, *place = constant(object, name, &count);

	if (place)
		*place = value;
}

/* The number of the first CPU that shares `cpu`'s last-level cache; `cpu` where nothing is known. */
static uint32_t first_of_llc(uint32_t cpu)
{
	char path[96], text[32];
	uint32_t first = cpu;

	/* The last index that there is has the highest level. */
	for (unsigned int index = 0; index < 8; index++) {
		FILE *file;

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%u/cache/index%u/shared_cpu_list", cpu, index);
		file = fopen(path, "re");
		if (!file)
			break;
		if (fgets(text, sizeof(text), file))
			first = (uint32_t)strtoul(text, NULL, 10);
		fclose(file);
	}
	return first;
}

static void set_llcs(struct bpf_object *object, uint32_t cpus)
{
	uint32_t count, llcs = 0, *llc_of = constant(object, "llc_of", &count);

	if (!llc_of)
		return;
	for (uint32_t cpu = 0; cpu < cpus && cpu < count; cpu++) {
		uint32_t first = first_of_llc(cpu);

		llc_of[cpu] = first < cpu ? llc_of[first] : llcs++;
	}
	set_constant(object, "nr_llcs", llcs);
}

static uint32_t mode_number(const char *name)
{
	for (const struct wire_sched *s = wire_schedulers; s->name; s++)
		for (uint32_t i = 0; s->modes && s->modes[i].name; i++)
			if (strcmp(s->modes[i].name, name) == 0)
				return i + 1;
	return 0;
}

static void configure(struct bpf_object *object, const char *mode)
{
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();

	size_heaps(object, cpus);
	set_constant(object, "nr_cpus", cpus);
	set_llcs(object, cpus);
	if (mode)
		set_constant(object, "mode", mode_number(mode));
}

/* ---- loading ---- */

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

/* ---- until it ends ---- */

#define EXIT_ERROR 1024 /* SCX_EXIT_ERROR: this and what is above */

static int report_exit(void *context, void *data, size_t size)
{
	const struct sched_exit *e = data;

	if (size < sizeof(*e))
		return 0;
	fprintf(stderr, "%.*s%s%.*s\n", (int)sizeof(e->reason), e->reason, e->message[0] ? ": " : "",
		(int)sizeof(e->message), e->message);
	*(int *)context = e->kind >= EXIT_ERROR;
	return 0;
}

/* Until a signal asks for the end, or the kernel has ended the scheduler. The exit status. */
static int wait_for_end(struct bpf_object *object, const sigset_t *ends)
{
	struct pollfd fds[2] = {{.fd = signalfd(-1, ends, SFD_CLOEXEC), .events = POLLIN},
				{.fd = -1, .events = POLLIN}};
	int exits = bpf_object__find_map_fd_by_name(object, "exits"), status = 0;
	struct ring_buffer *ring =
		exits < 0 ? NULL : ring_buffer__new(exits, report_exit, &status, NULL);

	if (ring)
		fds[1].fd = ring_buffer__epoll_fd(ring);
	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (fds[1].revents)
		ring_buffer__consume(ring);
	return status;
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
	bool wait = argc > 1 && strcmp(argv[1], "-w") == 0;
	struct bpf_object *object;
	struct bpf_map *ops;
	const char *path;
	char twin[512];
	sigset_t ends;

	argv += wait;
	argc -= wait;
	if (argc < 2 || argc > 3 || (argc == 3 && !mode_number(argv[2]))) {
		fprintf(stderr, "usage: sched-load [-w] OBJECT.bpf.o [MODE]\n");
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
	configure(object, argc == 3 ? argv[2] : NULL);
	if (bpf_map__set_map_flags(ops, MAP_WITH_LINK) || bpf_object__load(object))
		return fail(path, "load", errno);
	/* A page fault of ours would be served under the scheduler that we hold. */
	mlockall(MCL_CURRENT);
	if (wait)
		raise(SIGSTOP);
	if (!attach(ops))
		return fail(path, "attach", errno);
	return wait_for_end(object, &ends);
}
