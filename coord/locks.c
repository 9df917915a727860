/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/locks.h"

#include "coord/object.h"
#include "vmm/registers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bits of a mutex's owner that are no address. */
#define MUTEX_FLAGS 7ull

struct cpu_at {
	bool known, spins, off;
	struct cpu_registers registers;
};

struct search {
	struct kernel *kernel;
	const struct model *model;
	struct cpu_at cpus[LOCKS_CPUS];
	struct lock_state *locks;
	unsigned int count, size;
	struct field owner; /* of a mutex */
};

/* ---- the CPUs ---- */

static bool in_slow_path(struct kernel *k, uint64_t ip)
{
	uint64_t offset;
	char name[64];
	struct err *err = kernel_symbol_at(k, ip, name, sizeof(name), &offset);
	bool found = !err && str_starts(name, "native_queued_spin_lock_slowpath");

	err_free(err);
	return found;
}

static void look_at_cpus(struct search *s, struct machine *machine)
{
	for (unsigned int i = 0; i < s->model->cpu_count && i < LOCKS_CPUS; i++) {
		struct cpu_at *cpu = &s->cpus[i];
		struct err *err = machine_registers(machine, i, &cpu->registers);

		cpu->known = !err;
		err_free(err);
		if (!cpu->known || registers_in_user(&cpu->registers))
			continue;
		cpu->spins = in_slow_path(s->kernel, cpu->registers.value[REG_RIP]);
		cpu->off = !(cpu->registers.value[REG_RFLAGS] & RFLAGS_IF);
	}
}

/* Whether the lock's address is in a register; a vCPU keeps it there while it spins. */
static bool has_address(const struct cpu_at *cpu, uint64_t lock)
{
	for (int r = 0; r < REG_RIP; r++)
		if (cpu->registers.value[r] == lock)
			return true;
	return false;
}

static void find_waiters(struct search *s, struct lock_state *lock)
{
	for (unsigned int i = 0; i < s->model->cpu_count && i < LOCKS_CPUS; i++) {
		const struct cpu_at *cpu = &s->cpus[i];

		if (cpu->spins && has_address(cpu, lock->address))
			mask_set(lock->spinners, i);
		else if (cpu->off && !cpu->spins)
			mask_set(lock->candidates, i);
	}
}

/* ---- the locks ---- */

static struct lock_state *add(struct search *s, uint64_t address, const char *name)
{
	struct lock_state *lock;

	if (s->count == s->size) {
		unsigned int size = s->size ? 2 * s->size : 16;
		struct lock_state *locks = realloc(s->locks, size * sizeof(*locks));

		if (!locks)
			return NULL;
		s->locks = locks;
		s->size = size;
	}
	lock = &s->locks[s->count++];
	*lock = (struct lock_state){.address = address, .owner = -1};
	snprintf(lock->name, sizeof(lock->name), "%s", name);
	return lock;
}

static struct err *spinlock(struct search *s, uint64_t address, const char *name)
{
	struct lock_state *lock;
	struct err *err;
	uint32_t word;

	err = kernel_read_u32(s->kernel, address, &word);
	if (err || !word) {
		err_free(err);
		return NULL;
	}
	lock = add(s, address, name);
	if (!lock)
		return err_nomem();
	find_waiters(s, lock);
	return NULL;
}

static struct err *mutex(struct search *s, const char *name)
{
	struct lock_state *lock;
	uint64_t address, owner = 0;
	struct object o;

	if (!kernel_find_symbol(s->kernel, name, &address))
		return NULL;
	object_init(&o, s->kernel, address);
	owner = object_read(&o, &s->owner) & ~MUTEX_FLAGS;
	if (!owner)
		return NULL;
	lock = add(s, address, name);
	if (!lock)
		return err_nomem();
	lock->is_mutex = true;
	lock->owner = model_find_address(s->model, owner);
	return NULL;
}

static struct err *run_queues(struct search *s)
{
	struct field lock;
	char name[32];

	field_find(kernel_types(s->kernel), "struct rq", "__lock|lock", &lock);
	for (unsigned int i = 0; lock.present && i < s->model->cpu_count; i++) {
		snprintf(name, sizeof(name), "rq %u", i);
		if (s->model->cpus[i].rq)
			ERR_TRY(spinlock(s, s->model->cpus[i].rq + lock.offset, name));
	}
	return NULL;
}

static struct err *dispatch_queues(struct search *s)
{
	struct model_dsq *dsqs = NULL;
	struct str damage = {0}, name = {0};
	unsigned int count = 0;
	struct field lock;
	struct err *err = NULL;

	field_find(kernel_types(s->kernel), "struct scx_dispatch_q", "lock", &lock);
	if (s->model->scx.present && lock.present)
		err = model_all_dsqs(s->kernel, s->model, &dsqs, &count, &damage);
	for (unsigned int i = 0; !err && i < count; i++) {
		str_clear(&name);
		str_add(&name, "dsq ");
		model_dsq_name(dsqs[i].id, &name);
		if (dsqs[i].kind == DSQ_LOCAL)
			str_addf(&name, ":%d", dsqs[i].cpu);
		err = spinlock(s, dsqs[i].address + lock.offset, str_text(&name));
	}
	free(dsqs);
	str_deinit(&name);
	str_deinit(&damage);
	return err;
}

static struct err *named(struct search *s)
{
	static const char *const spinlocks[] = {"scx_tasks_lock", "scx_sched_lock",
						"scx_exit_bstr_buf_lock", "tasklist_lock"};
	static const char *const mutexes[] = {"scx_enable_mutex", "cgroup_mutex",
					      "sched_domains_mutex", "cpu_add_remove_lock"};
	uint64_t address;

	for (size_t i = 0; i < sizeof(spinlocks) / sizeof(*spinlocks); i++)
		if (kernel_find_symbol(s->kernel, spinlocks[i], &address))
			ERR_TRY(spinlock(s, address, spinlocks[i]));
	for (size_t i = 0; s->owner.present && i < sizeof(mutexes) / sizeof(*mutexes); i++)
		ERR_TRY(mutex(s, mutexes[i]));
	return NULL;
}

struct err *locks_held(struct kernel *k, const struct model *m, struct machine *machine,
		       struct lock_state **ret, unsigned int *ret_count)
{
	struct search *s = calloc(1, sizeof(*s));
	struct err *err;

	if (!s)
		return err_nomem();
	s->kernel = k;
	s->model = m;
	field_find(kernel_types(k), "struct mutex", "owner", &s->owner);
	if (machine)
		look_at_cpus(s, machine);
	err = run_queues(s);
	if (!err)
		err = dispatch_queues(s);
	if (!err)
		err = named(s);
	if (err) {
		free(s->locks);
	} else {
		*ret = s->locks;
		*ret_count = s->count;
	}
	free(s);
	return err;
}
