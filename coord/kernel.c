/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An adopted kernel: its memory, symbols and per-CPU variables. */
#include "coord/kernel.h"
#include "coord/kernel_private.h"

#include <stdlib.h>
#include <string.h>

const struct kernel_info *kernel_info(const struct kernel *k)
{
	return &k->info;
}

const struct types *kernel_types(const struct kernel *k)
{
	return k->types;
}

struct err *kernel_view_create(struct kernel *k, struct types *types, struct kernel **ret)
{
	struct kernel *view = malloc(sizeof(*view));

	if (!view)
		return err_nomem();
	*view = *k;
	view->types = types;
	*ret = view;
	return NULL;
}

void kernel_view_destroy(struct kernel *view)
{
	if (!view)
		return;
	types_destroy(view->types);
	free(view);
}

const char *kernel_vmcoreinfo(const struct kernel *k, size_t *ret_len)
{
	*ret_len = k->vmcoreinfo->len;
	return k->vmcoreinfo->text;
}

/* Each page looked at maps up to 15 neighbours, so this many keep resident memory below some 30 MB.
 */
#define FILLS_MAX 4096u

void kernel_window_begin(struct kernel *k)
{
	pagetable_flush(&k->pagetable);
	if (k->pagetable.fills - k->dropped_at > FILLS_MAX)
		kernel_drop_pages(k);
}

void kernel_drop_pages(struct kernel *k)
{
	pagetable_flush(&k->pagetable);
	k->dropped_at = k->pagetable.fills;
	/* The mapping is shared: its contents stay, only our page table entries go. */
	ram_give_back(k->ram);
}

static size_t left_in_page(uint64_t va)
{
	return GUEST_PAGE_SIZE - va % GUEST_PAGE_SIZE;
}

/* Scalars are copied by one load or store: the guest may run meanwhile, and must not see halves. */
static void copy(void *to, const void *from, size_t len)
{
	switch (len) {
	case 8:
		memcpy(to, from, 8);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 2:
		memcpy(to, from, 2);
		break;
	case 1:
		memcpy(to, from, 1);
		break;
	default:
		memcpy(to, from, len);
	}
}

/* Reads until a page that is not mapped; returns how many bytes could be read. */
static size_t read_some(struct kernel *k, uint64_t va, void *buffer, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t part = left_in_page(va + done);
		const uint8_t *at = pagetable_at(&k->pagetable, va + done);

		if (!at)
			break;
		if (part > len - done)
			part = len - done;
		copy((char *)buffer + done, at, part);
		done += part;
	}
	return done;
}

bool kernel_copy(struct kernel *k, uint64_t va, void *buffer, size_t len)
{
	return read_some(k, va, buffer, len) == len;
}

struct err *kernel_read(struct kernel *k, uint64_t va, void *buffer, size_t len)
{
	size_t done = read_some(k, va, buffer, len);

	return done == len ? NULL : err_fault(va + done);
}

struct err *kernel_read_u64(struct kernel *k, uint64_t va, uint64_t *ret)
{
	return kernel_read(k, va, ret, sizeof(*ret));
}

struct err *kernel_read_u32(struct kernel *k, uint64_t va, uint32_t *ret)
{
	return kernel_read(k, va, ret, sizeof(*ret));
}

struct err *kernel_read_string(struct kernel *k, uint64_t va, char *buffer, size_t size)
{
	size_t done = 0;

	while (done + 1 < size) {
		size_t part = left_in_page(va + done);
		const uint8_t *at = pagetable_at(&k->pagetable, va + done), *end;

		if (!at)
			return err_fault(va + done);
		if (part > size - 1 - done)
			part = size - 1 - done;
		memcpy(buffer + done, at, part);
		end = memchr(buffer + done, '\0', part);
		if (end)
			return NULL;
		done += part;
	}
	if (size)
		buffer[done] = '\0';
	return NULL;
}

static struct err *store(struct kernel *k, void *to, const void *from, size_t len)
{
	copy(to, from, len);
	return ram_push(k->ram, to, len);
}

struct err *kernel_write(struct kernel *k, uint64_t va, const void *buffer, size_t len)
{
	size_t done, part;

	for (done = 0; done < len; done += part) {
		part = left_in_page(va + done);
		if (!pagetable_at(&k->pagetable, va + done))
			return err_fault(va + done);
	}
	for (done = 0; done < len; done += part) {
		part = left_in_page(va + done);
		if (part > len - done)
			part = len - done;
		ERR_TRY(store(k, pagetable_at(&k->pagetable, va + done),
			      (const char *)buffer + done, part));
	}
	return NULL;
}

struct err *kernel_translate(struct kernel *k, uint64_t va, uint64_t *ret_phys)
{
	return pagetable_walk(&k->pagetable, va, ret_phys) ? NULL : err_fault(va);
}

bool kernel_user_u32(struct kernel *k, uint64_t pgd, uint64_t va, uint32_t *ret)
{
	uint64_t table, phys;
	const void *at;

	if (va % sizeof(*ret) || !pagetable_walk(&k->pagetable, pgd, &table) ||
	    !pagetable_walk_from(&k->pagetable, table, va, &phys))
		return false;
	at = ram_at(k->ram, phys, sizeof(*ret));
	if (at)
		memcpy(ret, at, sizeof(*ret));
	return at != NULL;
}

void *kernel_at(struct kernel *k, uint64_t va, size_t len)
{
	return len <= left_in_page(va) ? pagetable_at(&k->pagetable, va) : NULL;
}

uint64_t kernel_direct_map(const struct kernel *k, uint64_t phys)
{
	return k->direct_map + phys;
}

bool kernel_find_symbol(struct kernel *k, const char *name, uint64_t *ret)
{
	unsigned int i;

	if (!kallsyms_find(k->symbols, name, &i))
		return false;
	*ret = kallsyms_address(k->symbols, i);
	return true;
}

struct err *kernel_symbol(struct kernel *k, const char *name, uint64_t *ret)
{
	return kernel_find_symbol(k, name, ret) ? NULL : kernel_no_symbol(k, name);
}

struct err *kernel_symbol_at(struct kernel *k, uint64_t address, char *name, size_t size,
			     uint64_t *ret_offset)
{
	char full[KALLSYMS_NAME];
	unsigned int i;

	if (!kernel_in_image(k, address) || !kallsyms_find_address(k->symbols, address, &i))
		return err_new(ERR_NOT_FOUND, "0x%llx is outside the kernel's image",
			       (unsigned long long)address);
	kallsyms_name(k->symbols, i, full, NULL);
	if (size) {
		size_t len = strnlen(full, size - 1);

		memcpy(name, full, len);
		name[len] = '\0';
	}
	*ret_offset = address - kallsyms_address(k->symbols, i);
	return NULL;
}

uint64_t kernel_symbol_span(struct kernel *k, uint64_t address)
{
	unsigned int i;

	if (!kernel_in_image(k, address) || !kallsyms_find_address(k->symbols, address, &i))
		return 0;
	return kallsyms_span(k->symbols, i);
}

bool kernel_in_image(const struct kernel *k, uint64_t address)
{
	return address >= k->image_start && address < k->image_end;
}

unsigned int kernel_cpus(const struct kernel *k)
{
	return k->cpus;
}

bool kernel_cpu_online(struct kernel *k, unsigned int cpu)
{
	uint8_t bits;

	if (cpu >= k->cpus)
		return false;
	if (!k->online_mask)
		return true;
	return kernel_copy(k, k->online_mask + cpu / 8, &bits, 1) && bits >> cpu % 8 & 1;
}

struct err *kernel_percpu(struct kernel *k, uint64_t symbol, unsigned int cpu, uint64_t *ret)
{
	if (cpu >= k->cpus)
		return err_new(ERR_NOT_FOUND, "no CPU %u: the guest has 0 to %u", cpu, k->cpus - 1);
	*ret = symbol + k->percpu_offsets[cpu];
	return NULL;
}
