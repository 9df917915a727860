// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs inside the guest, for tests/guest/test_bpf.c: makes BPF maps of every kind that can be
 * shown, with values that follow from their keys, and holds them. As `maps read ID KEY` it writes
 * the value that the kernel gives for a key, in hex bytes, on all CPUs, to /maps.value.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPUS_MAX 64

struct pair {
	uint32_t count;
	uint64_t sum;
};

struct section {
	int limit;
	char name[16];
	struct pair pairs[2];
	bool on;
	unsigned char pad[3];
};

struct types {
	int fd;
	uint32_t u32, s32, u64, text, pair, section;
};

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "maps: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct types make_types(void)
{
	struct btf *b = btf__new_empty();
	struct types t;
	int ch, boolean, pairs, vars[4];

	t.u32 = (uint32_t)btf__add_int(b, "unsigned int", 4, 0);
	t.s32 = (uint32_t)btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	t.u64 = (uint32_t)btf__add_int(b, "unsigned long", 8, 0);
	ch = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	boolean = btf__add_int(b, "_Bool", 1, BTF_INT_BOOL);
	t.text = (uint32_t)btf__add_array(b, (int)t.u32, ch, 16);
	t.pair = (uint32_t)btf__add_struct(b, "pair", sizeof(struct pair));
	btf__add_field(b, "count", (int)t.u32, 0, 0);
	btf__add_field(b, "sum", (int)t.u64, 64, 0);
	pairs = btf__add_array(b, (int)t.u32, (int)t.pair, 2);
	vars[0] = btf__add_var(b, "limit", BTF_VAR_GLOBAL_ALLOCATED, (int)t.s32);
	vars[1] = btf__add_var(b, "name", BTF_VAR_GLOBAL_ALLOCATED, (int)t.text);
	vars[2] = btf__add_var(b, "pairs", BTF_VAR_STATIC, pairs);
	vars[3] = btf__add_var(b, "on", BTF_VAR_STATIC, boolean);
	t.section = (uint32_t)btf__add_datasec(b, ".test", sizeof(struct section));
	btf__add_datasec_var_info(b, vars[0], offsetof(struct section, limit), 4);
	btf__add_datasec_var_info(b, vars[1], offsetof(struct section, name), 16);
	btf__add_datasec_var_info(b, vars[2], offsetof(struct section, pairs),
				  2 * sizeof(struct pair));
	btf__add_datasec_var_info(b, vars[3], offsetof(struct section, on), 1);
	must(btf__load_into_kernel(b), "BTF");
	t.fd = btf__fd(b);
	return t;
}

static int make(const struct types *t, enum bpf_map_type type, const char *name, uint32_t key_size,
		uint32_t key, uint32_t value_size, uint32_t value, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd;

	if (value) {
		opts.btf_fd = (uint32_t)t->fd;
		opts.btf_key_type_id = key;
		opts.btf_value_type_id = value;
	}
	fd = bpf_map_create(type, name, key_size, value_size, entries, &opts);
	must(fd, name);
	return fd;
}

static void put(int fd, const void *key, const void *value)
{
	must(bpf_map_update_elem(fd, key, value, BPF_ANY), "update");
}

/* The value of `key` on each CPU is 10 * key + CPU. */
static void put_percpu(int fd, int32_t key)
{
	uint64_t values[CPUS_MAX];

	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		values[cpu] = (uint64_t)(10 * (int64_t)key + cpu);
	put(fd, &key, values);
}

static void fill_pairs(int fd, uint32_t from, uint32_t to)
{
	for (uint32_t key = from; key <= to; key++) {
		struct pair p = {key, (uint64_t)key * key};

		put(fd, &key, &p);
	}
}

static void fill_names(int fd)
{
	static const char *const names[] = {"zebra", "ant", "mole"};

	for (uint32_t i = 0; i < 3; i++) {
		char key[16] = "";

		strcpy(key, names[i]);
		put(fd, key, &i);
	}
}

static void fill_section(int fd)
{
	struct section s = {.limit = -42, .name = "hello", .pairs = {{1, 2}, {3, 4}}, .on = true};
	uint32_t zero = 0;

	put(fd, &zero, &s);
}

static void make_sections(const struct types *t)
{
	int data = make(t, BPF_MAP_TYPE_ARRAY, "test.data", 4, 0, sizeof(struct section),
			t->section, 1, BPF_F_MMAPABLE);
	int rodata = make(t, BPF_MAP_TYPE_ARRAY, "test.rodata", 4, 0, sizeof(struct section),
			  t->section, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);

	fill_section(data);
	fill_section(rodata);
	must(bpf_map_freeze(rodata), "freeze");
}

static void make_percpu(const struct types *t)
{
	int array = make(t, BPF_MAP_TYPE_PERCPU_ARRAY, "hits", 4, t->u32, 8, t->u64, 3, 0);
	int hash = make(t, BPF_MAP_TYPE_PERCPU_HASH, "levels", 4, t->s32, 8, t->u64, 16, 0);
	int lru = make(t, BPF_MAP_TYPE_LRU_PERCPU_HASH, "last", 4, t->s32, 8, t->u64, 256, 0);

	for (int32_t key = 0; key < 3; key++)
		put_percpu(array, key);
	put_percpu(hash, 5);
	put_percpu(hash, -1);
	put_percpu(lru, 7);
}

static void make_all(void)
{
	struct types t = make_types();
	uint64_t key = 0x1122334455667788ull, values[3] = {70, 80, 90};
	uint32_t raw = 0xddccbbaa;
	int fd;

	fill_pairs(make(&t, BPF_MAP_TYPE_HASH, "squares", 4, t.u32, sizeof(struct pair), t.pair, 64,
			0),
		   1, 50);
	fill_names(
		make(&t, BPF_MAP_TYPE_HASH, "names", 16, t.text, 4, t.u32, 8, BPF_F_NO_PREALLOC));
	fill_pairs(
		make(&t, BPF_MAP_TYPE_ARRAY, "table", 4, t.u32, sizeof(struct pair), t.pair, 10, 0),
		0, 9);
	fd = make(&t, BPF_MAP_TYPE_LRU_HASH, "recent", 4, t.u32, 8, t.u64, 256, 0);
	for (uint32_t k = 0; k < 3; k++)
		put(fd, &k, &values[k]);
	put(make(&t, BPF_MAP_TYPE_HASH, "raw", 8, 0, 4, 0, 4, 0), &key, &raw);
	make(&t, BPF_MAP_TYPE_QUEUE, "queue", 0, 0, 4, 0, 4, 0);
	make_percpu(&t);
	make_sections(&t);
}

static void write_file(const char *path, const void *bytes, uint32_t len)
{
	FILE *f = fopen(path, "w");

	if (!f)
		must(-1, path);
	for (uint32_t i = 0; i < len; i++)
		fprintf(f, "%02x", ((const uint8_t *)bytes)[i]);
	fprintf(f, "\n");
	must(fclose(f), path);
}

static void read_value(uint32_t id, uint64_t key)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	uint8_t value[4096];
	int fd = bpf_map_get_fd_by_id(id);

	must(fd, "map by id");
	must(bpf_obj_get_info_by_fd(fd, &info, &len), "info");
	must(bpf_map_lookup_elem(fd, &key, value), "lookup");
	if (info.type == BPF_MAP_TYPE_PERCPU_ARRAY || info.type == BPF_MAP_TYPE_PERCPU_HASH)
		info.value_size = 8 * (uint32_t)libbpf_num_possible_cpus();
	write_file("/maps.value", value, info.value_size);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "read") == 0) {
		read_value((uint32_t)strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
		return 0;
	}
	make_all();
	write_file("/maps.ready", "", 0);
	for (;;)
		pause();
}
