/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random links in a small kernel's memory and page tables: translations, walks and shown values
 * end. The input is a list of places and the words to put there.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/coord/image.h"

#include "coord/value.h"
#include "coord/walk.h"

#define ARENA 4096u
#define WRITES 64u
#define LIMIT 10000u

struct fixture {
	struct image g;
	struct kernel *kernel;
	uint64_t arena;
	uint8_t *saved; /* the whole RAM as it was */
};

/* Made once; every input starts from the same memory. */
static struct fixture *fixture(void)
{
	static struct fixture *f;

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	image_check(f, "memory");
	image_init(&f->g, 5, IMAGE_PLACE);
	f->arena = image_alloc(&f->g, ARENA, 64);
	image_finish(&f->g);
	image_check(!kernel_adopt(&f->g.ram, 0, &f->kernel), "adoption");
	f->saved = malloc(IMAGE_RAM);
	image_check(f->saved, "memory");
	memcpy(f->saved, f->g.ram.base, IMAGE_RAM);
	return f;
}

struct poke {
	uint16_t place; /* in the arena; in the page tables when the top bit is set */
	uint16_t value; /* another place, or with the top bit a small number */
};

static uint64_t poke_offset(const struct fixture *f, uint16_t place)
{
	if (place & 0x8000)
		return IMAGE_TABLES + 8ull * (place & 0x7fff) % (f->g.next_table - IMAGE_TABLES);
	return image_phys(f->arena) + 8ull * place % ARENA;
}

static uint64_t poke_value(const struct fixture *f, const struct poke *p)
{
	uint64_t low = p->value & 0x7fff;

	if (p->place & 0x8000) /* a table entry: any page of RAM, any of the low bits */
		return (low >> 4 & 0xff) << 12 | 1 | (low & 1) << 7;
	return p->value & 0x8000 ? low : f->arena + low % ARENA;
}

static unsigned int apply(struct fixture *f, const uint8_t *data, size_t size, uint64_t *places)
{
	unsigned int n = 0;

	for (; size >= sizeof(struct poke) && n < WRITES; n++) {
		struct poke p;
		uint64_t value;

		memcpy(&p, data, sizeof(p));
		data += sizeof(p);
		size -= sizeof(p);
		value = poke_value(f, &p);
		places[n] = poke_offset(f, p.place) & ~7ull;
		memcpy(f->g.ram.base + places[n], &value, 8);
	}
	return n;
}

static bool count_object(void *context, uint64_t object)
{
	return ++*(unsigned int *)context < 2 * LIMIT;
}

static bool count_entry(void *context, uint64_t index, uint64_t entry)
{
	return ++*(unsigned int *)context < 2 * LIMIT;
}

static void check(struct walk w)
{
	if (w.count > LIMIT)
		abort();
}

static void walk_all(struct fixture *f)
{
	unsigned int n = 0;

	check(walk_list(f->kernel, f->arena, 8, LIMIT, count_object, &n));
	check(walk_hlist(f->kernel, f->arena + 64, 0, LIMIT, count_object, &n));
	check(walk_rbtree(f->kernel, f->arena + 128, 0, LIMIT, count_object, &n));
	check(walk_xarray(f->kernel, f->arena + 192, LIMIT, count_entry, &n));
	check(walk_idr(f->kernel, f->arena + 256, LIMIT, count_entry, &n));
	check(walk_rhashtable(f->kernel, f->arena + 320, 0, LIMIT, count_object, &n));
}

static void show(struct fixture *f)
{
	struct str s = {0};
	struct value v, member;
	uint32_t task;
	char text[64];

	image_check(!types_parse(kernel_types(f->kernel), "task_struct", &task), "type");
	v = value_object(task, f->arena + 512);
	for (int i = 0; i < 20; i++) {
		value_format(f->kernel, &v, 3, &s);
		err_free(value_member(f->kernel, &v, "name", &member));
		err_free(value_text(f->kernel, &member, text, sizeof(text)));
		err_free(value_member(f->kernel, &v, "parent", &member));
		if (member.kind != VALUE_OBJECT || value_deref(f->kernel, &member, &v))
			break;
	}
	str_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture *f = fixture();
	uint64_t places[WRITES];
	unsigned int n = apply(f, data, size, places);

	kernel_window_begin(f->kernel);
	walk_all(f);
	show(f);
	while (n-- > 0)
		memcpy(f->g.ram.base + places[n], f->saved + places[n], 8);
	return 0;
}
