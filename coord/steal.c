/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/steal.h"

#include "coord/object.h"

/* Where the kernel has it; 8 bytes that lie in one page. */
static struct err *find(struct coord *c, unsigned int cpu, uint64_t **ret)
{
	struct kernel *k;
	struct field times;
	uint64_t symbol, base;
	int64_t slot;

	ERR_TRY(coord_kernel(c, &k));
	ERR_TRY(types_enumerator(kernel_types(k), "CPUTIME_STEAL", &slot));
	field_find(kernel_types(k), "kernel_cpustat", "cpustat", &times);
	if (!times.present || slot < 0 || (uint64_t)slot * 8 + 8 > times.size ||
	    !kernel_find_symbol(k, "kernel_cpustat", &symbol))
		return err_new(ERR_ABSENT, "this kernel keeps no account of steal");
	ERR_TRY(kernel_percpu(k, symbol, cpu, &base));
	base += times.offset + (uint64_t)slot * 8;
	*ret = base % 8 ? NULL : kernel_at(k, base, 8);
	return *ret ? NULL : err_fault(base);
}

struct err *steal_read(struct coord *c, unsigned int cpu, uint64_t *ret)
{
	uint64_t *place;

	ERR_TRY(find(c, cpu, &place));
	*ret = __atomic_load_n(place, __ATOMIC_RELAXED);
	return NULL;
}

struct err *steal_add(struct coord *c, unsigned int cpu, uint64_t ns)
{
	uint64_t *place;

	ERR_TRY(find(c, cpu, &place));
	__atomic_fetch_add(place, ns, __ATOMIC_RELAXED);
	coord_touched(c);
	return NULL;
}

/* A stall that ends later than this one stays as it is. */
static struct err *stall_all(struct machine *m, unsigned int first, unsigned int count, uint64_t until)
{
	for (unsigned int cpu = first; cpu < first + count; cpu++)
		if (machine_stalled_until(m, cpu) < until)
			ERR_TRY(machine_stall(m, cpu, until));
	return NULL;
}

/* An interrupted wait ends the stall too. */
static struct err *let_go(struct machine *m, unsigned int first, unsigned int count, uint64_t until)
{
	for (unsigned int cpu = first; cpu < first + count; cpu++)
		if (machine_stalled_until(m, cpu) == until)
			ERR_TRY(machine_stall(m, cpu, machine_time(m)));
	return NULL;
}

/* Inside a window. */
static struct err *pass(struct coord *c, unsigned int first, unsigned int count, uint64_t ns,
			uint64_t *ret)
{
	struct machine *m = coord_machine(c);
	uint64_t begin = machine_time(m), *place;
	struct err *err;

	/* Before any time passes: is there an account for all of them? */
	for (unsigned int cpu = first; cpu < first + count; cpu++)
		ERR_TRY(find(c, cpu, &place));
	ERR_TRY(stall_all(m, first, count, begin + ns));
	err = coord_run_until(c, begin + ns);
	*ret = machine_time(m) - begin;
	for (unsigned int cpu = first; cpu < first + count; cpu++) {
		struct err *add = steal_add(c, cpu, *ret);

		if (!err)
			err = add;
		else
			err_free(add);
	}
	if (err)
		err_free(let_go(m, first, count, begin + ns));
	return err;
}

struct err *steal_inject(struct coord *c, unsigned int first, unsigned int count, uint64_t ns,
			 uint64_t *ret)
{
	if (machine_info(coord_machine(c))->clock != CLOCK_VIRTUAL)
		return err_new(ERR_ABSENT, "steal is injected under the virtual clock only; under the real "
					   "one it is what the host takes (--cpu-budget)");
	if (coord_frozen(c))
		return err_new(ERR_REFUSED, "the guest is frozen, so no time can pass in it; thaw it first");
	ERR_TRY(coord_enter(c));
	return coord_leave_with(c, pass(c, first, count, ns, ret));
}
