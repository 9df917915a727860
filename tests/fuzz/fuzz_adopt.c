/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adoption of a small kernel in whose vmcoreinfo, tables and types bytes are wrong. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/coord/image.h"

#include "coord/kernel.h"
#include "coord/types.h"

#define WRITES 32u

struct fixture {
	struct image g;
	uint8_t *saved;
};

static struct fixture *fixture(void)
{
	static struct fixture *f;

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	image_check(f, "memory");
	image_init(&f->g, 4, IMAGE_BASE);
	image_finish(&f->g);
	f->saved = malloc(IMAGE_RAM);
	image_check(f->saved, "memory");
	memcpy(f->saved, f->g.ram.base, IMAGE_RAM);
	return f;
}

/* Three bytes a change: where (first the image, then the note), and the byte. */
static uint64_t place(const struct fixture *f, const uint8_t *data)
{
	uint64_t used = f->g.next_data - IMAGE_START, note = strlen(f->g.note) + 24;
	uint64_t at = (data[0] | (uint64_t)data[1] << 8) % (used + note);

	return at < used ? IMAGE_PHYS + at : IMAGE_NOTE + at - used;
}

static void use(struct kernel *k)
{
	uint64_t address;
	uint32_t id;
	char text[32];

	for (unsigned int cpu = 0; cpu < 4; cpu++)
		kernel_cpu_online(k, cpu);
	err_free(kernel_symbol(k, "init_task", &address));
	err_free(kernel_symbol(k, "no_such_symbol", &address));
	err_free(kernel_symbol_at(k, IMAGE_START + 100, text, sizeof(text), &address));
	err_free(types_parse(kernel_types(k), "task_struct", &id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture *f = fixture();
	struct kernel *k;
	struct err *err;

	if (size > 3 * WRITES)
		return 0;
	for (size_t i = 0; i + 3 <= size; i += 3)
		f->g.ram.base[place(f, data + i)] = data[i + 2];
	err = kernel_adopt(&f->g.ram, IMAGE_NOTE, &k);
	if (!err) {
		use(k);
		kernel_destroy(k);
	}
	err_free(err);
	for (size_t i = 0; i + 3 <= size; i += 3)
		f->g.ram.base[place(f, data + i)] = f->saved[place(f, data + i)];
	return 0;
}
