/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU asks by gettimeofday() (get_clock_realtime() in include/qemu/timer.h, up to 11.1 at least). The call goes
 * through a slot that the dynamic linker has filled in, and which is ours from then on.
 */
#include "vmm/plugin/host_time.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static const uint64_t *told; /* QEMU's virtual ns */
static int (*ask_host)(struct timeval *tv, void *zone);
static __thread bool in_vcpu_thread;

static int time_of_day(struct timeval *tv, void *zone)
{
	uint64_t now;

	if (!in_vcpu_thread)
		return ask_host(tv, zone);
	now = __atomic_load_n(told, __ATOMIC_RELAXED);
	*tv = (struct timeval){.tv_sec = (time_t)(now / 1000000000),
			       .tv_usec = (suseconds_t)(now % 1000000000 / 1000)};
	return 0;
}

/* The linker may have made them absolute, or not. */
static const void *absolute(const struct link_map *map, const ElfW(Dyn) *d)
{
	return (const void *)(d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr : d->d_un.d_ptr);
}

/* NULL: the program does not call it. */
static void **slot_of(const struct link_map *map, const char *name)
{
	const ElfW(Sym) *symbols = NULL;
	const ElfW(Rela) *calls = NULL;
	const char *names = NULL;
	size_t size = 0;

	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			symbols = absolute(map, d);
		else if (d->d_tag == DT_STRTAB)
			names = absolute(map, d);
		else if (d->d_tag == DT_JMPREL)
			calls = absolute(map, d);
		else if (d->d_tag == DT_PLTRELSZ)
			size = d->d_un.d_val;
	}
	if (!symbols || !names || !calls)
		return NULL;
	for (size_t i = 0; i < size / sizeof(*calls); i++)
		if (!strcmp(names + symbols[ELF64_R_SYM(calls[i].r_info)].st_name, name))
			return (void **)(map->l_addr + calls[i].r_offset);
	return NULL;
}

/* The slots are read-only once the linker is done, if QEMU was linked with care. */
static bool fill(void **slot, void *function)
{
	uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE), page = (uintptr_t)slot & ~(size - 1);

	if (mprotect((void *)page, size, PROT_READ | PROT_WRITE))
		return false;
	*slot = function;
	return true;
}

bool host_time_hide(const uint64_t *now)
{
	struct link_map *map;
	void *program = dlopen(NULL, RTLD_LAZY), **slot = NULL;

	in_vcpu_thread = true;
	told = now;
	*(void **)&ask_host = dlsym(RTLD_DEFAULT, "gettimeofday");
	if (program && !dlinfo(program, RTLD_DI_LINKMAP, &map))
		slot = slot_of(map, "gettimeofday");
	return slot && ask_host && fill(slot, (void *)time_of_day);
}
