/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's own (accel/tcg, softmmu, util), by their names from 7.2 to 11.1. What it exports is
 * called; for the rest there are a list, a table of functions and a slot of the dynamic linker to
 * be changed.
 */
#include "vmm/plugin/host.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define QEMU_CLOCK_VIRTUAL 1
#define QEMU_TIMER_ATTR_ALL (-1)

static struct {
	int (*time_of_day)(struct timeval *tv, void *zone);
	bool (*all_idle)(void);
	void (*pass_idle_time)(void);
	int64_t (*deadline)(int type, int attributes);
} qemu;

static struct {
	const uint64_t *now; /* QEMU's virtual ns */
	bool asking;	     /* whether all vCPUs idle, and nothing else */
} host;

static __thread bool in_vcpu_thread;

/* ---- kicks ---- */

/* include/qemu/notify.h and rcu.h */
struct notifier {
	void (*notify)(struct notifier *self, void *data);
	struct notifier *next, **previous;
};

/* The list of those who are told hangs off the thread; a notifier put into it knows where it
 * begins. */
static void forbid_kicks(void)
{
	static struct notifier mine;
	void (*add)(struct notifier *);

	*(void **)&add = dlsym(RTLD_DEFAULT, "rcu_add_force_rcu_notifier");
	if (!add)
		return; /* it has none */
	add(&mine);
	*mine.previous = NULL;
}

/* ---- idle time ---- */

bool host_all_idle(void)
{
	bool idle;

	host.asking = true;
	idle = qemu.all_idle();
	host.asking = false;
	return idle;
}

/*
 * QEMU asks of each vCPU in turn, with the big lock. Where all of them idle the clock is at the
 * next timer by when it is told that they do not.
 */
static bool cpu_idles(void *cpu)
{
	(void)cpu;
	if (!in_vcpu_thread)
		return false;
	if (host.asking || qemu.deadline(QEMU_CLOCK_VIRTUAL, QEMU_TIMER_ATTR_ALL) < 0)
		return true;
	host.asking = true;
	if (qemu.all_idle())
		qemu.pass_idle_time();
	host.asking = false;
	return false;
}

/*
 * The accelerator's function for that, which TCG leaves empty: next to the one that kicks, and
 * seven before the one that tells the time where that is not exported (QEMU 7 and 8). NULL: not
 * found.
 */
static void **idle_slot(void **table)
{
	void *kick = dlsym(RTLD_DEFAULT, "rr_kick_vcpu_thread");
	void *time = dlsym(RTLD_DEFAULT, "icount_get");
	const unsigned int parent = 12,
			   end = 31; /* words of its base class, and of the smallest version */

	for (unsigned int i = parent; kick && i < end; i++)
		if (table[i] == kick)
			return table[i + 1] ? NULL : &table[i + 1];
	for (unsigned int i = parent + 7; time && i < end; i++)
		if (table[i] == time)
			return table[i - 7] ? NULL : &table[i - 7];
	return NULL;
}

static bool pass_idle_time_here(void)
{
	void *(*accelerator)(void);
	void **slot;

	*(void **)&qemu.pass_idle_time = dlsym(RTLD_DEFAULT, "icount_start_warp_timer");
	*(void **)&qemu.deadline = dlsym(RTLD_DEFAULT, "qemu_clock_deadline_ns_all");
	*(void **)&accelerator = dlsym(RTLD_DEFAULT, "cpus_get_accel");
	slot = accelerator ? idle_slot(accelerator()) : NULL;
	if (!slot || !qemu.pass_idle_time || !qemu.deadline)
		return false;
	*slot = (void *)cpu_idles;
	return true;
}

/* ---- the host's time ---- */

/* In place of gettimeofday() (get_clock_realtime() in include/qemu/timer.h). */
static int time_of_day(struct timeval *tv, void *zone)
{
	uint64_t now;

	if (!in_vcpu_thread)
		return qemu.time_of_day(tv, zone);
	now = __atomic_load_n(host.now, __ATOMIC_RELAXED);
	*tv = (struct timeval){.tv_sec = (time_t)(now / 1000000000),
			       .tv_usec = (suseconds_t)(now % 1000000000 / 1000)};
	return 0;
}

/* The linker may have made them absolute, or not. */
static const void *absolute(const struct link_map *map, const ElfW(Dyn) * d)
{
	return (const void *)(d->d_un.d_ptr < map->l_addr ? d->d_un.d_ptr + map->l_addr
							  : d->d_un.d_ptr);
}

/* Through which the program calls a function of a library. NULL: it does not. */
static void **call_slot(const struct link_map *map, const char *name)
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

static bool hide_time(void)
{
	void *program = dlopen(NULL, RTLD_LAZY), **slot = NULL;
	struct link_map *map;

	*(void **)&qemu.time_of_day = dlsym(RTLD_DEFAULT, "gettimeofday");
	if (program && !dlinfo(program, RTLD_DI_LINKMAP, &map))
		slot = call_slot(map, "gettimeofday");
	return slot && qemu.time_of_day && fill(slot, (void *)time_of_day);
}

const char *host_keep_out(const uint64_t *now)
{
	bool idle, time;

	in_vcpu_thread = true;
	host.now = now;
	*(void **)&qemu.all_idle = dlsym(RTLD_DEFAULT, "all_cpu_threads_idle");
	forbid_kicks();
	idle = pass_idle_time_here();
	time = hide_time();
	if (!idle)
		return "its main loop passes idle time over";
	return time ? NULL : "it asks for the host's time in a way of its own";
}
