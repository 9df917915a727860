/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's side of a machine: where its threads may run, and what became of them. */
#include "vmm/machine_impl.h"

static struct budget_threads threads_of(const struct machine *m)
{
	return (struct budget_threads){m->qemu.pid, m->tids, m->tid_count};
}

static bool is_confined(const struct machine *m)
{
	return m->budget.cpus || m->budget.pin;
}

struct err *machine_confine(struct machine *m)
{
	struct budget_threads threads = threads_of(m);

	return is_confined(m) ? budget_apply(&m->budget, &threads) : NULL;
}

struct err *machine_set_budget(struct machine *m, unsigned int cpus, bool pin)
{
	struct budget_threads threads = threads_of(m);
	struct budget wanted = {.cpus = cpus, .pin = pin};

	if (is_virtual(m))
		return err_new(
			ERR_REFUSED,
			"a CPU budget needs --clock real: under the virtual clock one thread "
			"runs all vCPUs");
	ERR_TRY(budget_apply(&wanted, &threads));
	m->budget = wanted;
	return NULL;
}

struct err *machine_budget(struct machine *m, const struct budget **ret)
{
	struct budget_threads threads = threads_of(m);

	if (!is_confined(m)) {
		*ret = NULL;
		return NULL;
	}
	ERR_TRY(budget_check(&m->budget, &threads, NULL));
	*ret = &m->budget;
	return NULL;
}

void machine_vcpu_place(struct machine *m, unsigned int vcpu, struct budget_place *ret)
{
	struct budget_threads threads = threads_of(m);

	budget_place(&threads, vcpu, ret);
}

struct err *machine_begin_runstates(struct machine *m)
{
	return is_virtual(m) ? NULL
			     : runstates_begin(&m->runstates, m->qemu.pid, m->tids, m->tid_count, 0,
					       NULL);
}

struct err *machine_runstates(struct machine *m, const struct vcpu_runstate **ret,
			      unsigned int *ret_count)
{
	if (!m->runstates.count)
		return err_new(ERR_ABSENT,
			       "no runstates under the virtual clock: one thread runs all vCPUs");
	runstates_sample(&m->runstates, m->qemu.pid, m->tids, machine_time(m),
			 machine_state(m) == MACHINE_HELD);
	*ret = m->runstates.vcpus;
	*ret_count = m->runstates.count;
	return NULL;
}
