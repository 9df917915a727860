/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one map holds: its types, its elements, its variables. */
#include "coord/bpf.h"
#include "coord/bpf_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The kernel takes no larger BTF (BTF_MAX_SIZE of include/uapi/linux/btf.h, 6.18). */
#define BTF_BYTES_MAX (16u << 20)
/* A table of more could not be allocated by the guests that we run. */
#define BUCKETS_MAX (1u << 24)
/* Elements looked at when one key is wanted. */
#define LOOKUP_MAX (1u << 20)

struct bpf_open {
	struct bpf_map map;
	struct kernel *kernel; /* the guest's */
	struct kernel *view;   /* with the map's types; NULL: it has none but the kernel's */
	uint32_t key_type, value_type;
	/* Arrays: */
	uint64_t values; /* address of the first value, or of the first per-CPU pointer */
	uint32_t elem_size;
	/* Hashes: */
	uint64_t buckets;
	uint32_t bucket_count, bucket_size;
	uint64_t bucket_head, key_at, value_at; /* offsets in a bucket and in an element */
};

/* ---- the map's own types ---- */

struct btf_fields {
	struct field data, size, base, is_kernel;
};

static struct err *read_btf(struct kernel *k, uint64_t data, uint32_t len, struct types **ret)
{
	struct err *err;
	void *raw;

	if (!len || len > BTF_BYTES_MAX)
		return err_new(ERR_BAD_DATA, "its BTF has %u bytes", len);
	raw = malloc(len);
	if (!raw)
		return err_nomem();
	err = kernel_read(k, data, raw, len);
	if (!err)
		err = types_create(raw, len, ret);
	free(raw);
	return err;
}

/* A view with the types of the struct btf at `address`; *ret NULL when those are the kernel's. */
static struct err *view_btf(struct kernel *k, uint64_t address, struct kernel **ret)
{
	const struct types *t = kernel_types(k);
	struct types *types = NULL;
	struct btf_fields f;
	struct object o;
	uint64_t data, base, is_kernel, size;
	struct err *err;

	field_find(t, "struct btf", "data", &f.data);
	field_find(t, "struct btf", "data_size", &f.size);
	field_find(t, "struct btf", "base_btf", &f.base);
	field_find(t, "struct btf", "kernel_btf", &f.is_kernel);
	if (!f.data.present || !f.size.present)
		return err_new(ERR_ABSENT, "this kernel's types do not describe struct btf");
	object_init(&o, k, address);
	data = object_read(&o, &f.data);
	size = object_read(&o, &f.size);
	base = object_read(&o, &f.base);
	is_kernel = object_read(&o, &f.is_kernel);
	if (o.faulted)
		return err_fault(o.fault);
	if (base)
		return err_new(ERR_REFUSED, "its types are those of a kernel module");
	*ret = NULL;
	if (is_kernel)
		return NULL;
	ERR_TRY(read_btf(k, data, (uint32_t)size, &types));
	err = kernel_view_create(k, types, ret);
	if (err)
		types_destroy(types);
	return err;
}

/* A type only counts when a value of it fits: the map's sizes are what the kernel goes by. */
static uint32_t fitting(const struct types *t, uint32_t type, uint32_t size)
{
	uint64_t own = types_size(t, type);

	if (types_is_section(t, type))
		return type;
	return own && own <= size ? type : 0;
}

static struct err *open_types(struct bpf_open *open)
{
	const struct bpf_map *m = &open->map;
	const struct types *t;

	if (m->kind == BPF_KIND_STRUCT_OPS) {
		/* value_size covers this type, which is the kernel's. */
		open->value_type =
			fitting(kernel_types(open->kernel), m->kernel_value_type, UINT32_MAX);
		return NULL;
	}
	if (!m->btf)
		return NULL;
	ERR_TRY(err_wrap(view_btf(open->kernel, m->btf, &open->view), "types of map %u", m->id));
	t = kernel_types(bpf_open_kernel(open));
	open->key_type = fitting(t, m->key_type, m->key_size);
	open->value_type = fitting(t, m->value_type, m->value_size);
	return NULL;
}

/* ---- where its elements are ---- */

static struct err *undescribed(const char *what)
{
	return err_new(ERR_ABSENT, "this kernel's types do not describe %s", what);
}

static struct err *open_array(struct bpf_open *open)
{
	const struct types *t = kernel_types(open->kernel);
	bool percpu = open->map.kind == BPF_KIND_PERCPU_ARRAY;
	struct field size;
	int64_t values = types_offset(t, "struct bpf_array", percpu ? "pptrs" : "value");
	struct object o;

	field_find(t, "struct bpf_array", "elem_size", &size);
	if (values < 0 || !size.present || types_offset(t, "struct bpf_array", "map") != 0)
		return undescribed("struct bpf_array");
	object_init(&o, open->kernel, open->map.address);
	open->values = open->map.address + (uint64_t)values;
	open->elem_size = (uint32_t)object_read(&o, &size);
	if (o.faulted)
		return err_fault(o.fault);
	if (open->elem_size < open->map.value_size)
		return err_new(ERR_BAD_DATA, "map %u: values of %u bytes in elements of %u",
			       open->map.id, open->map.value_size, open->elem_size);
	return NULL;
}

static uint64_t struct_bytes(const struct types *t, const char *name)
{
	uint32_t id = 0;

	err_free(types_parse(t, name, &id));
	return id ? types_size(t, id) : 0;
}

static struct err *open_hash(struct bpf_open *open)
{
	const struct types *t = kernel_types(open->kernel);
	int64_t head = types_offset(t, "struct bucket", "head");
	int64_t key = types_offset(t, "struct htab_elem", "key");
	struct field buckets, count;
	struct object o;

	field_find(t, "struct bpf_htab", "buckets", &buckets);
	field_find(t, "struct bpf_htab", "n_buckets", &count);
	open->bucket_size = (uint32_t)struct_bytes(t, "struct bucket");
	if (head < 0 || key < 0 || !buckets.present || !count.present || !open->bucket_size ||
	    types_offset(t, "struct bpf_htab", "map") != 0 ||
	    types_offset(t, "struct htab_elem", "hash_node") != 0)
		return undescribed("struct bpf_htab");
	object_init(&o, open->kernel, open->map.address);
	open->bucket_head = (uint64_t)head;
	open->key_at = (uint64_t)key;
	open->value_at = open->key_at + ((open->map.key_size + 7ull) & ~7ull);
	open->buckets = object_read(&o, &buckets);
	open->bucket_count = (uint32_t)object_read(&o, &count);
	if (o.faulted)
		return err_fault(o.fault);
	if (open->bucket_count > BUCKETS_MAX ||
	    (open->bucket_count & (open->bucket_count - 1)) != 0)
		return err_new(ERR_BAD_DATA, "map %u: %u buckets", open->map.id,
			       open->bucket_count);
	return NULL;
}

static struct err *open_struct_ops(struct bpf_open *open)
{
	int64_t value =
		types_offset(kernel_types(open->kernel), "struct bpf_struct_ops_map", "kvalue");

	if (value < 0)
		return undescribed("struct bpf_struct_ops_map");
	open->values = open->map.address + (uint64_t)value;
	open->map.max_entries = 1;
	return NULL;
}

static struct err *open_elements(struct bpf_open *open)
{
	switch (open->map.kind) {
	case BPF_KIND_ARRAY:
	case BPF_KIND_PERCPU_ARRAY:
		return open_array(open);
	case BPF_KIND_STRUCT_OPS:
		return open_struct_ops(open);
	default:
		if (bpf_kind_is_hash(open->map.kind))
			return open_hash(open);
		return err_new(ERR_REFUSED,
			       "map %u is of type %s, of which contents are not shown: only of "
			       "array, hash and lru_hash, also percpu, and struct_ops",
			       open->map.id, open->map.type);
	}
}

struct err *bpf_open(struct kernel *k, const struct bpf_map *map, struct bpf_open **ret)
{
	struct bpf_open *open = calloc(1, sizeof(*open));
	struct err *err;

	if (!open)
		return err_nomem();
	open->map = *map;
	open->kernel = k;
	err = open_elements(open);
	if (!err)
		err = open_types(open);
	if (err)
		bpf_close(open);
	else
		*ret = open;
	return err;
}

void bpf_close(struct bpf_open *open)
{
	if (!open)
		return;
	kernel_view_destroy(open->view);
	free(open);
}

const struct bpf_map *bpf_open_map(const struct bpf_open *open)
{
	return &open->map;
}

struct kernel *bpf_open_kernel(const struct bpf_open *open)
{
	return open->view ? open->view : open->kernel;
}

uint32_t bpf_open_key_type(const struct bpf_open *open)
{
	return open->key_type;
}

uint32_t bpf_open_value_type(const struct bpf_open *open)
{
	return open->value_type;
}

bool bpf_open_is_section(const struct bpf_open *open)
{
	return open->map.kind == BPF_KIND_ARRAY && open->map.max_entries == 1 &&
	       types_is_section(kernel_types(bpf_open_kernel(open)), open->value_type);
}

bool bpf_open_is_percpu(const struct bpf_open *open)
{
	return bpf_kind_is_percpu(open->map.kind);
}

bool bpf_open_is_array(const struct bpf_open *open)
{
	return !bpf_kind_is_hash(open->map.kind);
}

/* ---- every element ---- */

struct element_walk {
	struct bpf_open *open;
	struct walk w;
	unsigned int limit;
	bpf_element_fn visit;
	void *context;
};

static bool stop(struct element_walk *e, enum walk_end end, uint64_t address)
{
	e->w.end = end;
	e->w.address = address;
	return false;
}

/* One element, or one for each CPU when `e->value` is where a per-CPU pointer lies. */
static bool visit_cpus(struct element_walk *w, struct bpf_element *e)
{
	struct kernel *k = w->open->kernel;
	uint64_t pointer;
	struct err *err;

	if (!bpf_open_is_percpu(w->open))
		return w->visit(w->context, e) || stop(w, WALK_STOPPED, e->value);
	err = kernel_read_u64(k, e->value, &pointer);
	for (e->cpu = 0; !err && e->cpu < kernel_cpus(k); e->cpu++) {
		err = kernel_percpu(k, pointer, e->cpu, &e->value);
		if (!err && !w->visit(w->context, e))
			return stop(w, WALK_STOPPED, e->value);
	}
	if (err) {
		err_free(err);
		return stop(w, WALK_FAULT, e->value);
	}
	return true;
}

static void each_value(struct element_walk *w)
{
	struct bpf_open *open = w->open;
	uint32_t stride = bpf_open_is_percpu(open) ? 8 : open->elem_size;

	for (uint32_t i = 0; i < open->map.max_entries; i++) {
		struct bpf_element e = {.index = i, .value = open->values + (uint64_t)i * stride};

		if (w->w.count == w->limit) {
			stop(w, WALK_LIMIT, e.value);
			return;
		}
		w->w.count++;
		if (!visit_cpus(w, &e))
			return;
	}
}

static bool visit_node(void *context, uint64_t node)
{
	struct element_walk *w = context;
	struct bpf_open *open = w->open;
	uint32_t len = open->map.key_size < 8 ? open->map.key_size : 8;
	struct bpf_element e = {.key = node + open->key_at, .value = node + open->value_at};
	struct err *err = kernel_read(open->kernel, e.key, &e.index, len);

	if (err) {
		err_free(err);
		return stop(w, WALK_FAULT, e.key);
	}
	w->w.count++;
	return visit_cpus(w, &e);
}

static void each_bucket(struct element_walk *w)
{
	struct bpf_open *open = w->open;

	for (uint32_t i = 0; i < open->bucket_count; i++) {
		uint64_t head = open->buckets + (uint64_t)i * open->bucket_size + open->bucket_head;
		struct walk chain = walk_hlist_nulls(open->kernel, head, 0, w->limit - w->w.count,
						     visit_node, w);

		/* When the visitor stopped it has said why. */
		if (chain.end == WALK_STOPPED)
			return;
		if (chain.end != WALK_DONE) {
			stop(w, chain.end, chain.address);
			return;
		}
	}
}

struct walk bpf_each(struct bpf_open *open, unsigned int limit, bpf_element_fn visit, void *context)
{
	struct element_walk w = {.open = open, .limit = limit, .visit = visit, .context = context};

	if (bpf_open_is_array(open))
		each_value(&w);
	else
		each_bucket(&w);
	return w.w;
}

/* ---- paths ---- */

bool bpf_variable_at(const struct bpf_open *open, unsigned int i, struct section_variable *ret,
		     uint64_t *ret_address)
{
	const struct types *t = kernel_types(bpf_open_kernel(open));

	if (!bpf_open_is_section(open) || !types_section_at(t, open->value_type, i, ret))
		return false;
	*ret_address = open->values + ret->offset;
	/* A variable that lies outside the value has no type that could be believed. */
	if (ret->offset + types_size(t, ret->type) > open->map.value_size)
		ret->type = 0;
	return true;
}

static struct err *no_variable(const struct bpf_open *open, const char *name)
{
	struct section_variable variable;
	struct str s = {0}, map = {0};
	struct nearest near;
	uint64_t address;
	struct err *err;

	nearest_init(&near, name);
	for (unsigned int i = 0; bpf_variable_at(open, i, &variable, &address); i++)
		nearest_offer(&near, variable.name);
	nearest_add(&near, &s);
	str_add_clean(&map, open->map.name, BPF_NAME);
	err = err_new(ERR_NOT_FOUND, "%s has no variable '%s'%s", str_text(&map), name,
		      str_text(&s));
	str_deinit(&s);
	str_deinit(&map);
	return err;
}

static struct err *place_variable(struct bpf_open *open, const char *path, struct place *ret)
{
	struct section_variable variable;
	char name[128];
	uint64_t address;
	size_t len;

	path += *path == '.';
	len = strcspn(path, ".[-");
	if (!len || len >= sizeof(name))
		return err_new(ERR_USAGE,
			       "map %u holds variables: the name of one is wanted after a dot",
			       open->map.id);
	memcpy(name, path, len);
	name[len] = '\0';
	for (unsigned int i = 0; bpf_variable_at(open, i, &variable, &address); i++) {
		if (strcmp(variable.name, name) != 0)
			continue;
		if (!variable.type)
			return err_new(ERR_BAD_DATA, "%s lies outside its map", name);
		return err_wrap(path_resolve(bpf_open_kernel(open), variable.type, address,
					     path + len, ret),
				"%s", name);
	}
	return no_variable(open, name);
}

/* "[12]" or "[-1]" at *at; moves behind it. */
static struct err *take_index(const char **at, const char *what, int64_t *ret)
{
	char *end = NULL;

	errno = 0;
	if (**at == '[')
		*ret = (int64_t)(*at)[1] == '-' ? strtoll(*at + 1, &end, 0)
						: (int64_t)strtoull(*at + 1, &end, 0);
	if (!end || end == *at + 1 || *end != ']' || errno)
		return err_new(ERR_USAGE, "'%s': %s in brackets is wanted, such as [0]", *at, what);
	*at = end + 1;
	return NULL;
}

static struct err *array_value(struct bpf_open *open, int64_t index, uint64_t *ret)
{
	if (index < 0 || index >= open->map.max_entries)
		return err_new(ERR_NOT_FOUND, "index %" PRId64 " is past the %u entries of map %u",
			       index, open->map.max_entries, open->map.id);
	*ret = open->values +
	       (uint64_t)index * (bpf_open_is_percpu(open) ? 8 : (uint64_t)open->elem_size);
	return NULL;
}

struct lookup {
	uint64_t key, value;
	bool found;
};

static bool match_key(void *context, const struct bpf_element *e)
{
	struct lookup *l = context;

	if (e->index != l->key)
		return true;
	l->found = true;
	l->value = e->value;
	return false;
}

/* The address of a value, in per-CPU maps on CPU 0. */
static struct err *hash_value(struct bpf_open *open, int64_t key, uint64_t *ret)
{
	uint32_t size = open->map.key_size;
	struct lookup l = {.key = (uint64_t)key};
	struct str trouble = {0};
	struct err *err;
	struct walk w;

	if (size > 8)
		return err_new(ERR_USAGE, "keys of %u bytes cannot be told by a number", size);
	if (size < 8)
		l.key &= (1ull << 8 * size) - 1;
	w = bpf_each(open, LOOKUP_MAX, match_key, &l);
	if (l.found) {
		*ret = l.value;
		return NULL;
	}
	walk_describe(&w, &trouble);
	err = err_new(ERR_NOT_FOUND, "no key %" PRId64 " in map %u%s", key, open->map.id,
		      str_text(&trouble));
	str_deinit(&trouble);
	return err;
}

/* The value of a per-CPU map on one CPU; `slot` is what array_value() or hash_value() gave. */
static struct err *percpu_value(struct bpf_open *open, int64_t cpu, uint64_t slot, uint64_t *ret)
{
	struct kernel *k = open->kernel;
	uint64_t pointer = slot, first;

	if (cpu < 0 || cpu >= kernel_cpus(k))
		return err_new(ERR_NOT_FOUND, "no CPU %" PRId64 ": the guest has 0 to %u", cpu,
			       kernel_cpus(k) - 1);
	if (bpf_open_is_array(open)) {
		ERR_TRY(kernel_read_u64(k, slot, &pointer));
	} else {
		ERR_TRY(kernel_percpu(k, 0, 0, &first));
		pointer = slot - first;
	}
	return kernel_percpu(k, pointer, (unsigned int)cpu, ret);
}

struct err *bpf_place(struct bpf_open *open, const char *path, struct place *ret)
{
	int64_t key = 0, cpu = 0;
	uint64_t value;

	if (bpf_open_is_section(open))
		return place_variable(open, path, ret);
	/* The one value of an array needs no index. */
	if (*path == '[' || open->map.max_entries != 1 || !bpf_open_is_array(open))
		ERR_TRY(take_index(&path, "a key", &key));
	if (bpf_open_is_percpu(open))
		ERR_TRY(take_index(&path, "a CPU", &cpu));
	if (bpf_open_is_array(open))
		ERR_TRY(array_value(open, key, &value));
	else
		ERR_TRY(hash_value(open, key, &value));
	if (bpf_open_is_percpu(open))
		ERR_TRY(percpu_value(open, cpu, value, &value));
	return path_resolve(bpf_open_kernel(open), open->value_type, value, path, ret);
}
