/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of maps and programs. */
#include "coord/bpf.h"

#include "base/parse.h"
#include "coord/bpf_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of maps, and of programs, in one list. */
#define OBJECTS_MAX 16384u

static void find_map_fields(const struct types *t, struct bpf_map_fields *f)
{
	field_find(t, "struct bpf_map", "map_type", &f->kind);
	field_find(t, "struct bpf_map", "id", &f->id);
	field_find(t, "struct bpf_map", "name", &f->name);
	field_find(t, "struct bpf_map", "key_size", &f->key_size);
	field_find(t, "struct bpf_map", "value_size", &f->value_size);
	field_find(t, "struct bpf_map", "max_entries", &f->max_entries);
	field_find(t, "struct bpf_map", "map_flags", &f->flags);
	field_find(t, "struct bpf_map", "btf", &f->btf);
	field_find(t, "struct bpf_map", "btf_key_type_id", &f->key_type);
	field_find(t, "struct bpf_map", "btf_value_type_id", &f->value_type);
	field_find(t, "struct bpf_map", "btf_vmlinux_value_type_id", &f->kernel_value_type);
	field_find(t, "struct bpf_map", "elem_count", &f->elem_count);
	field_find(t, "struct bpf_array", "elem_size", &f->array_elem_size);
	field_find(t, "struct bpf_htab", "elem_size", &f->hash_elem_size);
	field_find(t, "struct bpf_htab", "n_buckets", &f->hash_buckets);
	field_find(t, "struct bpf_htab", "map_locked", &f->hash_locks);
}

static uint64_t struct_size(const struct types *t, const char *name)
{
	uint32_t id = 0;

	err_free(types_parse(t, name, &id));
	return id ? types_size(t, id) : 0;
}

struct program_fields {
	struct field aux, type, code, jited, jited_len, len; /* struct bpf_prog */
	struct field id, name, maps;			     /* struct bpf_prog_aux */
};

static void find_program_fields(const struct types *t, struct program_fields *f)
{
	field_find(t, "struct bpf_prog", "aux", &f->aux);
	field_find(t, "struct bpf_prog", "type", &f->type);
	field_find(t, "struct bpf_prog", "bpf_func", &f->code);
	field_find(t, "struct bpf_prog", "jited", &f->jited);
	field_find(t, "struct bpf_prog", "jited_len", &f->jited_len);
	field_find(t, "struct bpf_prog", "len", &f->len);
	field_find(t, "struct bpf_prog_aux", "id", &f->id);
	field_find(t, "struct bpf_prog_aux", "name", &f->name);
	field_find(t, "struct bpf_prog_aux", "used_map_cnt", &f->maps);
}

/* One list on its way. */
struct listing {
	struct kernel *kernel;
	struct bpf_list *list;
	struct bpf_map_fields map_fields;
	struct program_fields program_fields;
	unsigned int size; /* of the array that grows */
	bool no_memory;
};

static void note_damage(struct bpf_list *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The first trouble is the one worth reading. */
static void note_damage(struct bpf_list *list, const char *fmt, ...)
{
	va_list ap;

	if (list->damage[0])
		return;
	va_start(ap, fmt);
	vsnprintf(list->damage, sizeof(list->damage), fmt, ap);
	va_end(ap);
}

/* Room for one more of `count` things of `size` bytes. */
static bool make_room(struct listing *l, void **things, unsigned int count, size_t size)
{
	unsigned int wanted = l->size ? 2 * l->size : 16;
	void *grown;

	if (count < l->size)
		return true;
	grown = realloc(*things, wanted * size);
	if (!grown) {
		l->no_memory = true;
		return false;
	}
	*things = grown;
	l->size = wanted;
	return true;
}

/* "array" for 2 and "BPF_MAP_TYPE_ARRAY"; the number where this kernel has no name for it. */
static void type_text(const struct types *t, const struct field *f, uint64_t value,
		      const char *prefix, char ret[40])
{
	const char *name = types_enum_name(t, f->type, (int64_t)value);
	size_t i = 0;

	if (!name || !str_starts(name, prefix)) {
		snprintf(ret, 40, "%" PRIu64, value);
		return;
	}
	for (name += strlen(prefix); i + 1 < 40 && name[i]; i++)
		ret[i] = (char)tolower((unsigned char)name[i]);
	ret[i] = '\0';
}

static void take_name(struct object *o, const struct field *f, char ret[BPF_NAME])
{
	memset(ret, 0, BPF_NAME);
	object_bytes(o, f, ret, BPF_NAME - 1 < f->size ? BPF_NAME - 1 : f->size);
}

/* The sum of the per-CPU counts; absent where the map keeps none. */
static struct maybe count_entries(struct kernel *k, uint64_t counts)
{
	struct maybe sum = {.present = counts != 0};

	for (unsigned int cpu = 0; counts && cpu < kernel_cpus(k); cpu++) {
		uint64_t address, one;
		struct err *err = kernel_percpu(k, counts, cpu, &address);

		if (!err)
			err = kernel_read_u64(k, address, &one);
		if (err) {
			err_free(err);
			return (struct maybe){0};
		}
		sum.value += one;
	}
	return sum;
}

static uint64_t page_align(uint64_t bytes)
{
	return (bytes + 4095) & ~4095ull;
}

/* The figures below are array_map_mem_usage()'s and htab_map_mem_usage()'s. */
static uint64_t array_memory(struct listing *l, struct object *o, const struct bpf_map *m)
{
	uint64_t head = struct_size(kernel_types(l->kernel), "struct bpf_array");
	uint64_t size = object_read(o, &l->map_fields.array_elem_size), n = m->max_entries;

	if (m->kind == BPF_KIND_PERCPU_ARRAY)
		return head + n * (8 + size * kernel_cpus(l->kernel));
	if (m->flags & BPF_BIT_MMAPABLE)
		return page_align(head) + page_align(n * size);
	return head + n * size;
}

#define HASH_LOCKS 8 /* HASHTAB_MAP_LOCK_COUNT, while there was one */

static uint64_t hash_memory(struct listing *l, struct object *o, const struct bpf_map *m)
{
	const struct types *t = kernel_types(l->kernel);
	uint64_t cpus = kernel_cpus(l->kernel), n = m->max_entries;
	uint64_t size = object_read(o, &l->map_fields.hash_elem_size);
	uint64_t usage =
		struct_size(t, "struct bpf_htab") +
		struct_size(t, "struct bucket") * object_read(o, &l->map_fields.hash_buckets);
	bool percpu = bpf_kind_is_percpu(m->kind);
	bool lru = m->kind == BPF_KIND_LRU_HASH || m->kind == BPF_KIND_LRU_PERCPU_HASH;

	if (l->map_fields.hash_locks.present)
		usage += 4 * cpus * HASH_LOCKS;
	if (!percpu && !lru)
		n += cpus; /* spare elements, and a pointer to each */
	usage += n * size;
	if (percpu)
		usage += ((m->value_size + 7ull) & ~7ull) * cpus * n;
	else if (!lru)
		usage += 8 * cpus;
	return usage;
}

static struct maybe map_memory(struct listing *l, struct object *o, const struct bpf_map *m)
{
	struct maybe memory = {0};

	if (m->kind == BPF_KIND_ARRAY || m->kind == BPF_KIND_PERCPU_ARRAY)
		memory = (struct maybe){true, array_memory(l, o, m)};
	else if (bpf_kind_is_hash(m->kind) && !(m->flags & BPF_BIT_NO_PREALLOC))
		memory = (struct maybe){true, hash_memory(l, o, m)};
	return memory;
}

static void read_map(struct listing *l, struct object *o, struct bpf_map *m)
{
	const struct bpf_map_fields *f = &l->map_fields;

	*m = (struct bpf_map){
		.address = o->base,
		.id = (uint32_t)object_read(o, &f->id),
		.kind = (uint32_t)object_read(o, &f->kind),
		.key_size = (uint32_t)object_read(o, &f->key_size),
		.value_size = (uint32_t)object_read(o, &f->value_size),
		.max_entries = (uint32_t)object_read(o, &f->max_entries),
		.flags = (uint32_t)object_read(o, &f->flags),
		.btf = object_read(o, &f->btf),
		.key_type = (uint32_t)object_read(o, &f->key_type),
		.value_type = (uint32_t)object_read(o, &f->value_type),
		.kernel_value_type = (uint32_t)object_read(o, &f->kernel_value_type),
	};
	take_name(o, &f->name, m->name);
	type_text(kernel_types(l->kernel), &f->kind, m->kind, "BPF_MAP_TYPE_", m->type);
	m->entries = count_entries(l->kernel, object_read(o, &f->elem_count));
	m->memory = map_memory(l, o, m);
}

static bool add_map(void *context, uint64_t id, uint64_t entry)
{
	struct listing *l = context;
	struct bpf_list *list = l->list;
	struct object o;

	if (!make_room(l, (void **)&list->maps, list->map_count, sizeof(*list->maps)))
		return false;
	object_init(&o, l->kernel, entry);
	read_map(l, &o, &list->maps[list->map_count]);
	if (o.faulted)
		note_damage(list, "map %" PRIu64 ": bad address 0x%" PRIx64, id, o.fault);
	else
		list->map_count++;
	return true;
}

static bool add_program(void *context, uint64_t id, uint64_t entry)
{
	struct listing *l = context;
	const struct program_fields *f = &l->program_fields;
	struct bpf_list *list = l->list;
	struct bpf_program *p;
	struct object o, aux;

	if (!make_room(l, (void **)&list->programs, list->program_count, sizeof(*p)))
		return false;
	p = &list->programs[list->program_count];
	object_init(&o, l->kernel, entry);
	*p = (struct bpf_program){
		.address = entry,
		.code = object_read(&o, &f->code),
		.jited = object_read(&o, &f->jited),
		.code_len = (uint32_t)object_read(&o, &f->jited_len),
		.insns = (uint32_t)object_read(&o, &f->len),
	};
	type_text(kernel_types(l->kernel), &f->type, object_read(&o, &f->type), "BPF_PROG_TYPE_",
		  p->type);
	object_init(&aux, l->kernel, object_read(&o, &f->aux));
	p->id = (uint32_t)object_read(&aux, &f->id);
	p->maps = (uint32_t)object_read(&aux, &f->maps);
	take_name(&aux, &f->name, p->name);
	if (o.faulted || aux.faulted)
		note_damage(list, "program %" PRIu64 ": bad address 0x%" PRIx64, id,
			    o.faulted ? o.fault : aux.fault);
	else
		list->program_count++;
	return true;
}

static struct err *walk_objects(struct listing *l, const char *symbol, walk_index_fn add)
{
	struct str trouble = {0};
	uint64_t idr;
	struct walk w;

	if (!kernel_find_symbol(l->kernel, symbol, &idr))
		return err_new(ERR_ABSENT, "this kernel has no BPF (CONFIG_BPF_SYSCALL): no %s",
			       symbol);
	l->size = 0;
	w = walk_idr(l->kernel, idr, OBJECTS_MAX, add, l);
	if (l->no_memory)
		return err_nomem();
	walk_describe(&w, &trouble);
	if (trouble.len)
		note_damage(l->list, "%s%s", symbol, str_text(&trouble));
	str_deinit(&trouble);
	return NULL;
}

static struct err *take_list(struct listing *l)
{
	const struct types *t = kernel_types(l->kernel);

	find_map_fields(t, &l->map_fields);
	find_program_fields(t, &l->program_fields);
	if (!l->map_fields.kind.present || !l->map_fields.id.present || !l->map_fields.name.present)
		return err_new(ERR_ABSENT, "this kernel's types do not describe BPF maps");
	if (!l->program_fields.aux.present || !l->program_fields.id.present)
		return err_new(ERR_ABSENT, "this kernel's types do not describe BPF programs");
	ERR_TRY(walk_objects(l, "map_idr", add_map));
	return walk_objects(l, "prog_idr", add_program);
}

struct err *bpf_list(struct kernel *k, struct bpf_list *ret)
{
	struct bpf_list list = {0};
	struct listing l = {.kernel = k, .list = &list};
	struct err *err = take_list(&l);

	if (err)
		bpf_list_deinit(&list);
	else
		*ret = list;
	return err;
}

void bpf_list_deinit(struct bpf_list *list)
{
	free(list->maps);
	free(list->programs);
	*list = (struct bpf_list){0};
}

bool bpf_kind_is_hash(uint32_t kind)
{
	return kind == BPF_KIND_HASH || kind == BPF_KIND_LRU_HASH || kind == BPF_KIND_PERCPU_HASH ||
	       kind == BPF_KIND_LRU_PERCPU_HASH;
}

bool bpf_kind_is_percpu(uint32_t kind)
{
	return kind == BPF_KIND_PERCPU_ARRAY || kind == BPF_KIND_PERCPU_HASH ||
	       kind == BPF_KIND_LRU_PERCPU_HASH;
}

/* ---- by name ---- */

/* 3: by id, 2: the whole name, 1: the end of the name from a dot on, 0: another. */
static int rank_of(const struct bpf_map *m, const char *name)
{
	size_t len = strlen(name), own = strlen(m->name);
	uint64_t id;
	struct err *err = parse_u64(name, &id);

	err_free(err);
	if (!err && id == m->id)
		return 3;
	if (strcmp(m->name, name) == 0)
		return 2;
	if (!len || len >= own || strcmp(m->name + own - len, name) != 0)
		return 0;
	return name[0] == '.' || m->name[own - len - 1] == '.';
}

static struct err *several(const struct bpf_list *list, const char *name, int rank)
{
	struct str s = {0};
	struct err *err;

	for (unsigned int i = 0; i < list->map_count; i++) {
		if (rank_of(&list->maps[i], name) != rank)
			continue;
		str_addf(&s, "%s%u ", s.len ? ", " : "", list->maps[i].id);
		str_add_clean(&s, list->maps[i].name, BPF_NAME);
	}
	err = err_new(ERR_USAGE, "several maps are called '%s', use an id: %s", name, str_text(&s));
	str_deinit(&s);
	return err;
}

static struct err *no_map(const struct bpf_list *list, const char *name)
{
	struct str s = {0}, clean = {0};
	struct nearest near;
	struct err *err;

	nearest_init(&near, name);
	for (unsigned int i = 0; i < list->map_count; i++) {
		str_clear(&s);
		str_add_clean(&s, list->maps[i].name, BPF_NAME);
		nearest_offer(&near, str_text(&s));
	}
	str_clear(&s);
	nearest_add(&near, &s);
	str_add_clean(&clean, name, 64);
	err = err_new(ERR_NOT_FOUND, "no BPF map '%s' among %u%s", str_text(&clean),
		      list->map_count, str_text(&s));
	str_deinit(&s);
	str_deinit(&clean);
	return err;
}

struct err *bpf_find_map(const struct bpf_list *list, const char *name, const struct bpf_map **ret)
{
	const struct bpf_map *found = NULL;
	unsigned int same = 0;
	int best = 0;

	for (unsigned int i = 0; i < list->map_count; i++) {
		int rank = rank_of(&list->maps[i], name);

		if (rank > best) {
			found = &list->maps[i];
			best = rank;
			same = 0;
		}
		same += rank && rank == best;
	}
	if (!found)
		return no_map(list, name);
	if (same > 1)
		return several(list, name, best);
	*ret = found;
	return NULL;
}

/* Names have dots in them, so the longest beginning that names a map is the map. */
struct err *bpf_split(const struct bpf_list *list, const char *text, const struct bpf_map **ret,
		      const char **ret_path)
{
	struct err *first = NULL;

	for (size_t len = strlen(text); len > 0; len--) {
		char name[BPF_NAME + 8];
		struct err *err;

		if (len >= sizeof(name) || (text[len] && !strchr(".[-", text[len])))
			continue;
		memcpy(name, text, len);
		name[len] = '\0';
		err = bpf_find_map(list, name, ret);
		if (!err) {
			err_free(first);
			*ret_path = text + len;
			return NULL;
		}
		/* The shortest beginning is what was most likely meant as a name, unless a longer
		 * one names several. */
		if (first && err_kind(first) == ERR_USAGE) {
			err_free(err);
			continue;
		}
		err_free(first);
		first = err;
	}
	return first ? first : err_new(ERR_USAGE, "'%s' names no BPF map", text);
}
