/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BPF maps of a hand-made kernel: a section and a hash, whole and bent in every way. */
#include "coord/bpf.h"
#include "coord/value.h"
#include "tests/expect.h"
#include "tests/unit/coord/image.h"

/* Where members are in our structs. */
enum {
	MAP_TYPE = 0,
	MAP_KEY_SIZE = 4,
	MAP_VALUE_SIZE = 8,
	MAP_ENTRIES = 12,
	MAP_FLAGS = 16,
	MAP_ID = 20,
	MAP_KEY_TYPE = 24,
	MAP_VALUE_TYPE = 28,
	MAP_BTF = 32,
	MAP_NAME = 40,
	MAP_SIZE = 64,
	ARRAY_ELEM_SIZE = 64,
	ARRAY_VALUE = 72,
	HTAB_BUCKETS = 64,
	HTAB_COUNT = 72,
	HTAB_SIZE = 80,
	ELEM_KEY = 48,
	ELEM_VALUE = 56,
	ELEM_SIZE = 64,
	BTF_DATA = 0,
	BTF_DATA_SIZE = 8,
	BTF_BASE = 16,
	BTF_SIZE = 32,
};
#define ELEMS 4
#define BUCKETS 2

struct fixture {
	struct image g;
	struct kernel *kernel;
	uint64_t section, hash, btf, data, program, aux, idr, node, program_idr;
	uint64_t buckets, elems;
	uint32_t counter_id, section_id; /* of the object's types */
	uint32_t data_len;
};

static int kernel_type(struct btf *b, const char *name)
{
	int id = btf__find_by_name(b, name);

	image_check(id > 0, name);
	return id;
}

static void add_map_types(struct btf *b)
{
	int u32 = kernel_type(b, "unsigned int"), ptr = btf__add_ptr(b, 0);
	int name = btf__add_array(b, u32, kernel_type(b, "char"), 16), type, map;
	int bytes = btf__add_array(b, u32, kernel_type(b, "char"), 0);

	type = btf__add_enum(b, "bpf_map_type", 4);
	btf__add_enum_value(b, "BPF_MAP_TYPE_HASH", 1);
	btf__add_enum_value(b, "BPF_MAP_TYPE_ARRAY", 2);
	map = btf__add_struct(b, "bpf_map", MAP_SIZE);
	btf__add_field(b, "map_type", type, MAP_TYPE * 8, 0);
	btf__add_field(b, "key_size", u32, MAP_KEY_SIZE * 8, 0);
	btf__add_field(b, "value_size", u32, MAP_VALUE_SIZE * 8, 0);
	btf__add_field(b, "max_entries", u32, MAP_ENTRIES * 8, 0);
	btf__add_field(b, "map_flags", u32, MAP_FLAGS * 8, 0);
	btf__add_field(b, "id", u32, MAP_ID * 8, 0);
	btf__add_field(b, "btf_key_type_id", u32, MAP_KEY_TYPE * 8, 0);
	btf__add_field(b, "btf_value_type_id", u32, MAP_VALUE_TYPE * 8, 0);
	btf__add_field(b, "btf", ptr, MAP_BTF * 8, 0);
	btf__add_field(b, "name", name, MAP_NAME * 8, 0);
	btf__add_struct(b, "bpf_array", ARRAY_VALUE);
	btf__add_field(b, "map", map, 0, 0);
	btf__add_field(b, "elem_size", u32, ARRAY_ELEM_SIZE * 8, 0);
	btf__add_field(b, "value", bytes, ARRAY_VALUE * 8, 0);
	btf__add_struct(b, "bpf_htab", HTAB_SIZE);
	btf__add_field(b, "map", map, 0, 0);
	btf__add_field(b, "buckets", ptr, HTAB_BUCKETS * 8, 0);
	btf__add_field(b, "n_buckets", u32, HTAB_COUNT * 8, 0);
	btf__add_field(b, "elem_size", u32, HTAB_COUNT * 8 + 32, 0);
	btf__add_struct(b, "bucket", 16);
	btf__add_field(b, "head", ptr, 0, 0);
	btf__add_struct(b, "htab_elem", ELEM_KEY);
	btf__add_field(b, "hash_node", ptr, 0, 0);
	btf__add_field(b, "key", bytes, ELEM_KEY * 8, 0);
}

static void add_other_types(struct btf *b)
{
	int u32 = kernel_type(b, "unsigned int"), ptr = btf__add_ptr(b, 0);
	int name = btf__add_array(b, u32, kernel_type(b, "char"), 16);

	btf__add_struct(b, "btf", BTF_SIZE);
	btf__add_field(b, "data", ptr, BTF_DATA * 8, 0);
	btf__add_field(b, "data_size", u32, BTF_DATA_SIZE * 8, 0);
	btf__add_field(b, "base_btf", ptr, BTF_BASE * 8, 0);
	btf__add_struct(b, "bpf_prog", 40);
	btf__add_field(b, "aux", ptr, 0, 0);
	btf__add_field(b, "type", u32, 64, 0);
	btf__add_field(b, "bpf_func", ptr, 128, 0);
	btf__add_field(b, "jited", u32, 192, 1);
	btf__add_field(b, "jited_len", u32, 224, 0);
	btf__add_field(b, "len", u32, 256, 0);
	btf__add_struct(b, "bpf_prog_aux", 24);
	btf__add_field(b, "id", u32, 0, 0);
	btf__add_field(b, "used_map_cnt", u32, 32, 0);
	btf__add_field(b, "name", name, 64, 0);
}

/* The types of the BPF object: two variables of a section; returns its raw bytes' address. */
static void put_object_types(struct fixture *f)
{
	struct btf *b = btf__new_empty();
	int s32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED), limit, total;
	const void *raw;

	f->counter_id = (uint32_t)btf__add_int(b, "counter", 8, 0);
	limit = btf__add_var(b, "limit", BTF_VAR_GLOBAL_ALLOCATED, s32);
	total = btf__add_var(b, "total", BTF_VAR_GLOBAL_ALLOCATED, (int)f->counter_id);
	f->section_id = (uint32_t)btf__add_datasec(b, ".bss", 16);
	btf__add_datasec_var_info(b, limit, 0, 4);
	btf__add_datasec_var_info(b, total, 8, 8);
	raw = btf__raw_data(b, &f->data_len);
	f->data = image_put(&f->g, raw, f->data_len, 8);
	btf__free(b);
	f->btf = image_alloc(&f->g, BTF_SIZE, 8);
}

static void put_u32(struct fixture *f, uint64_t at, uint32_t value)
{
	memcpy(image_at(&f->g, at), &value, sizeof(value));
}

static void put_u64(struct fixture *f, uint64_t at, uint64_t value)
{
	image_put_u64(&f->g, at, value);
}

static void fill_map(struct fixture *f, uint64_t map, uint32_t type, uint32_t id, const char *name)
{
	put_u32(f, map + MAP_TYPE, type);
	put_u32(f, map + MAP_KEY_SIZE, 4);
	put_u32(f, map + MAP_ID, id);
	put_u64(f, map + MAP_BTF, f->btf);
	strcpy(image_at(&f->g, map + MAP_NAME), name);
}

static void fill_section(struct fixture *f)
{
	fill_map(f, f->section, 2, 4, "obj.bss");
	put_u32(f, f->section + MAP_VALUE_SIZE, 16);
	put_u32(f, f->section + MAP_ENTRIES, 1);
	put_u32(f, f->section + MAP_VALUE_TYPE, f->section_id);
	put_u32(f, f->section + ARRAY_ELEM_SIZE, 16);
	put_u32(f, f->section + ARRAY_VALUE, (uint32_t)-7);
	put_u64(f, f->section + ARRAY_VALUE + 8, 1234);
}

static uint64_t elem(const struct fixture *f, unsigned int i)
{
	return f->elems + i * ELEM_SIZE;
}

/* Elements 0 and 1 in the first bucket, 2 and 3 in the second; keys 10 to 13. */
static void fill_hash(struct fixture *f)
{
	fill_map(f, f->hash, 1, 9, "flows");
	put_u32(f, f->hash + MAP_VALUE_SIZE, 8);
	put_u32(f, f->hash + MAP_ENTRIES, ELEMS);
	put_u32(f, f->hash + MAP_VALUE_TYPE, f->counter_id);
	put_u64(f, f->hash + HTAB_BUCKETS, f->buckets);
	put_u32(f, f->hash + HTAB_COUNT, BUCKETS);
	for (unsigned int i = 0; i < ELEMS; i++) {
		put_u64(f, elem(f, i), i % 2 ? 1 + 2 * (i / 2) : elem(f, i + 1));
		put_u32(f, elem(f, i) + ELEM_KEY, 10 + i);
		put_u64(f, elem(f, i) + ELEM_VALUE, 100 + i);
	}
	for (unsigned int i = 0; i < BUCKETS; i++)
		put_u64(f, f->buckets + 16 * i, elem(f, 2 * i));
}

static void fill_all(struct fixture *f)
{
	put_u64(f, f->btf + BTF_DATA, f->data);
	put_u32(f, f->btf + BTF_DATA_SIZE, f->data_len);
	put_u64(f, f->btf + BTF_BASE, 0);
	fill_section(f);
	fill_hash(f);
	put_u64(f, f->node + 24 + 8 * 4, f->section);
	put_u64(f, f->node + 24 + 8 * 9, f->hash);
	put_u64(f, f->idr + 8, f->node + 2);
	put_u64(f, f->program_idr + 8, f->program);
	put_u64(f, f->program, f->aux);
	put_u32(f, f->program + 24, 1);
	put_u32(f, f->program + 28, 321);
	put_u32(f, f->aux, 17);
	strcpy(image_at(&f->g, f->aux + 8), "obj_enqueue");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	image_init(&f->g, 4, IMAGE_PLACE);
	add_map_types(f->g.btf);
	add_other_types(f->g.btf);
	put_object_types(f);
	f->section = image_alloc(&f->g, 128, 64);
	f->hash = image_alloc(&f->g, 128, 64);
	f->program = image_alloc(&f->g, 64, 64);
	f->aux = image_alloc(&f->g, 64, 64);
	f->buckets = image_alloc(&f->g, 16 * BUCKETS, 64);
	f->elems = image_alloc(&f->g, ELEMS * ELEM_SIZE, 64);
	f->node = image_alloc(&f->g, 24 + 64 * 8, 64);
	f->idr = image_alloc(&f->g, 24, 64);
	f->program_idr = image_alloc(&f->g, 24, 64);
	image_symbol(&f->g, "map_idr", f->idr, 'b');
	image_symbol(&f->g, "prog_idr", f->program_idr, 'b');
	fill_all(f);
	image_finish(&f->g);
	expect_ok(kernel_adopt(&f->g.ram, 0, &f->kernel));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kernel_destroy(f->kernel);
	image_deinit(&f->g);
	free(f);
	return 0;
}

static struct err *open_by_name(struct fixture *f, const char *name, struct bpf_open **ret)
{
	const struct bpf_map *map;
	struct bpf_list list;
	struct err *err;

	ERR_TRY(bpf_list(f->kernel, &list));
	err = bpf_find_map(&list, name, &map);
	if (!err)
		err = bpf_open(f->kernel, map, ret);
	bpf_list_deinit(&list);
	return err;
}

/* ---- lists and names ---- */

static void test_lists(void **state)
{
	struct fixture *f = *state;
	struct bpf_list list;

	expect_ok(bpf_list(f->kernel, &list));
	assert_string_equal(list.damage, "");
	assert_int_equal(list.map_count, 2);
	assert_int_equal(list.maps[0].id, 4);
	assert_string_equal(list.maps[0].name, "obj.bss");
	assert_string_equal(list.maps[0].type, "array");
	assert_int_equal(list.maps[0].memory.value, 72 + 16);
	assert_false(list.maps[0].entries.present);
	assert_int_equal(list.maps[1].id, 9);
	assert_string_equal(list.maps[1].type, "hash");
	assert_int_equal(list.program_count, 1);
	assert_int_equal(list.programs[0].id, 17);
	assert_string_equal(list.programs[0].name, "obj_enqueue");
	assert_true(list.programs[0].jited);
	assert_int_equal(list.programs[0].code_len, 321);
	bpf_list_deinit(&list);
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	const struct bpf_map *map;
	struct bpf_list list;
	const char *path;

	strcpy(image_at(&f->g, f->hash + MAP_NAME), "flows.bss");
	expect_ok(bpf_list(f->kernel, &list));
	expect_err(bpf_find_map(&list, ".bss", &map), ERR_USAGE,
		   "several maps are called '.bss', use an id: 4 obj.bss, 9 flows.bss");
	expect_err(bpf_find_map(&list, "flow", &map), ERR_NOT_FOUND,
		   "no BPF map 'flow' among 2; near: flows.bss");
	expect_ok(bpf_split(&list, "obj.bss.total", &map, &path));
	assert_int_equal(map->id, 4);
	assert_string_equal(path, ".total");
	expect_ok(bpf_split(&list, "9[12].x", &map, &path));
	assert_int_equal(map->id, 9);
	assert_string_equal(path, "[12].x");
	expect_err(bpf_split(&list, "bss.total", &map, &path), ERR_USAGE,
		   "several maps are called 'bss', use an id: 4 obj.bss, 9 flows.bss");
	bpf_list_deinit(&list);
}

static void test_damaged_lists(void **state)
{
	struct fixture *f = *state;
	struct bpf_list list;

	put_u64(f, f->node + 24 + 8 * 4, 0xffffc90000000000ull);
	expect_ok(bpf_list(f->kernel, &list));
	assert_int_equal(list.map_count, 1);
	assert_non_null(strstr(list.damage, "map 4: bad address 0xffffc900000000"));
	bpf_list_deinit(&list);
	put_u64(f, f->idr + 8, 0xffffc90000000002ull);
	expect_ok(bpf_list(f->kernel, &list));
	assert_int_equal(list.map_count, 0);
	assert_string_equal(list.damage,
			    "map_idr: 0 entries, then a bad address 0xffffc90000000000");
	bpf_list_deinit(&list);
}

/* ---- contents ---- */

static void test_variables(void **state)
{
	struct fixture *f = *state;
	struct section_variable variable;
	struct bpf_open *open;
	struct place place;
	struct value v;
	uint64_t address;

	expect_ok(open_by_name(f, ".bss", &open));
	assert_true(bpf_open_is_section(open));
	assert_true(bpf_variable_at(open, 0, &variable, &address));
	assert_string_equal(variable.name, "limit");
	assert_int_equal(address, f->section + ARRAY_VALUE);
	assert_false(bpf_variable_at(open, 2, &variable, &address));
	expect_ok(bpf_place(open, ".limit", &place));
	v = value_object(place.type, place.address);
	expect_ok(value_load(bpf_open_kernel(open), &v, &v));
	assert_int_equal((int64_t)v.number, -7);
	expect_err(bpf_place(open, ".limt", &place), ERR_NOT_FOUND,
		   "obj.bss has no variable 'limt'; near: limit");
	expect_err(bpf_place(open, ".limit.x", &place), ERR_USAGE,
		   "limit: field path '.x': int has no members, so no x");
	/* A value that is smaller than its types say. */
	bpf_close(open);
	put_u32(f, f->section + MAP_VALUE_SIZE, 8);
	expect_ok(open_by_name(f, ".bss", &open));
	expect_err(bpf_place(open, ".total", &place), ERR_BAD_DATA, "total lies outside its map");
	bpf_close(open);
}

struct sum {
	uint64_t keys, values;
	unsigned int count;
	struct kernel *kernel;
};

static bool add(void *context, const struct bpf_element *e)
{
	struct sum *sum = context;
	uint64_t value;

	expect_ok(kernel_read_u64(sum->kernel, e->value, &value));
	sum->keys += e->index;
	sum->values += value;
	sum->count++;
	return true;
}

static struct walk sum_of(struct fixture *f, unsigned int limit, struct sum *ret)
{
	struct bpf_open *open;
	struct walk w;

	*ret = (struct sum){.kernel = f->kernel};
	expect_ok(open_by_name(f, "flows", &open));
	w = bpf_each(open, limit, add, ret);
	bpf_close(open);
	return w;
}

static void test_hash(void **state)
{
	struct fixture *f = *state;
	struct bpf_open *open;
	struct place place;
	struct sum sum;

	assert_int_equal(sum_of(f, 100, &sum).end, WALK_DONE);
	assert_int_equal(sum.count, ELEMS);
	assert_int_equal(sum.keys, 10 + 11 + 12 + 13);
	assert_int_equal(sum.values, 100 + 101 + 102 + 103);
	assert_int_equal(sum_of(f, 3, &sum).end, WALK_LIMIT);
	assert_int_equal(sum.count, 3);
	expect_ok(open_by_name(f, "flows", &open));
	expect_ok(bpf_place(open, "[12]", &place));
	assert_int_equal(place.address, elem(f, 2) + ELEM_VALUE);
	assert_int_equal(place.type, f->counter_id);
	expect_err(bpf_place(open, "[14]", &place), ERR_NOT_FOUND, "no key 14 in map 9");
	expect_err(bpf_place(open, "", &place), ERR_USAGE,
		   "'': a key in brackets is wanted, such as [0]");
	bpf_close(open);
}

static void test_bent_hash(void **state)
{
	struct fixture *f = *state;
	struct bpf_open *open;
	struct sum sum;

	put_u64(f, elem(f, 1), elem(f, 0));
	assert_int_equal(sum_of(f, 100, &sum).end, WALK_LOOP);
	put_u64(f, elem(f, 1), 0xffffc90000000000ull);
	assert_int_equal(sum_of(f, 100, &sum).end, WALK_FAULT);
	put_u64(f, f->hash + HTAB_BUCKETS, 0);
	assert_int_equal(sum_of(f, 100, &sum).end, WALK_FAULT);
	put_u32(f, f->hash + HTAB_COUNT, 0x80000000);
	expect_err(open_by_name(f, "flows", &open), ERR_BAD_DATA, "map 9: 2147483648 buckets");
	put_u32(f, f->hash + HTAB_COUNT, 3);
	expect_err(open_by_name(f, "flows", &open), ERR_BAD_DATA, "map 9: 3 buckets");
	put_u32(f, f->hash + MAP_TYPE, 22);
	expect_err_with(open_by_name(f, "flows", &open), ERR_REFUSED,
			"map 9 is of type 22, of which contents are not shown");
}

static void test_bent_types(void **state)
{
	struct fixture *f = *state;
	struct bpf_open *open;

	put_u32(f, f->btf + BTF_DATA_SIZE, 1u << 30);
	expect_err(open_by_name(f, ".bss", &open), ERR_BAD_DATA,
		   "types of map 4: its BTF has 1073741824 bytes");
	put_u32(f, f->btf + BTF_DATA_SIZE, 8);
	expect_err(open_by_name(f, ".bss", &open), ERR_BAD_DATA,
		   "types of map 4: BTF: 8 bytes are no header");
	put_u32(f, f->btf + BTF_DATA_SIZE, f->data_len);
	put_u64(f, f->btf + BTF_BASE, f->btf);
	expect_err(open_by_name(f, ".bss", &open), ERR_REFUSED,
		   "types of map 4: its types are those of a kernel module");
	put_u64(f, f->section + MAP_BTF, 0xffffc90000000000ull);
	expect_err(open_by_name(f, ".bss", &open), ERR_FAULT,
		   "types of map 4: bad address 0xffffc90000000000");
	put_u32(f, f->section + ARRAY_ELEM_SIZE, 4);
	expect_err(open_by_name(f, ".bss", &open), ERR_BAD_DATA,
		   "map 4: values of 16 bytes in elements of 4");
}

/* A map without types is bytes. */
static void test_no_types(void **state)
{
	struct fixture *f = *state;
	struct bpf_open *open;

	put_u64(f, f->section + MAP_BTF, 0);
	expect_ok(open_by_name(f, ".bss", &open));
	assert_false(bpf_open_is_section(open));
	assert_int_equal(bpf_open_value_type(open), 0);
	assert_ptr_equal(bpf_open_kernel(open), f->kernel);
	bpf_close(open);
	/* A type that does not fit is none. */
	fill_all(f);
	put_u32(f, f->hash + MAP_VALUE_SIZE, 4);
	expect_ok(open_by_name(f, "flows", &open));
	assert_int_equal(bpf_open_value_type(open), 0);
	bpf_close(open);
}

/* ---- random damage ---- */

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 16;
}

static bool count_all(void *context, const struct bpf_element *e)
{
	(void)e;
	++*(unsigned int *)context;
	return true;
}

static void look_at_everything(struct fixture *f)
{
	struct bpf_list list;
	struct err *err = bpf_list(f->kernel, &list);

	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; i < list.map_count; i++) {
		struct bpf_open *open = NULL;
		unsigned int seen = 0;
		struct place place;

		err = bpf_open(f->kernel, &list.maps[i], &open);
		err_free(err);
		if (err)
			continue;
		bpf_each(open, 64, count_all, &seen);
		assert_true(seen <= 64 * kernel_cpus(f->kernel));
		err_free(bpf_place(open, ".total", &place));
		err_free(bpf_place(open, "[12]", &place));
		bpf_close(open);
	}
	bpf_list_deinit(&list);
}

static void test_random_damage(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = f->data, last = f->program_idr + 24;
	uint8_t *good = malloc(last - first);
	uint64_t seed = 1;

	assert_non_null(good);
	memcpy(good, image_at(&f->g, first), last - first);
	for (unsigned int round = 0; round < 5000; round++) {
		for (uint64_t n = 1 + next_random(&seed) % 4; n > 0; n--) {
			uint8_t *at = image_at(&f->g, first + next_random(&seed) % (last - first));

			*at ^= (uint8_t)(1u << next_random(&seed) % 8);
		}
		look_at_everything(f);
		memcpy(image_at(&f->g, first), good, last - first);
	}
	free(good);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lists),      TEST(test_names),    TEST(test_damaged_lists),
		TEST(test_variables),  TEST(test_hash),	    TEST(test_bent_hash),
		TEST(test_bent_types), TEST(test_no_types), TEST(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
