/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/steal_book.h"

#include "coord/object.h"
#include "coord/types.h"
#include "vmm/bridge.h"
#include "vmm/topology.h"

#include <stdlib.h>

struct steal_book {
	enum steal_source source;
	unsigned int cpus;
	uint64_t **words;	 /* the kernel's account of each CPU */
	const uint64_t **clocks; /* struct kvm_steal_time.steal of each CPU, NULL: none */
	struct bridge *bridge;	 /* NULL: not our part */
};

const char *steal_book_source_name(enum steal_source s)
{
	static const char *const names[] = {"kvm-steal-time", "bridge", "inject"};

	return names[s];
}

static enum steal_source source_of(struct machine *m)
{
	const struct machine_info *info = machine_info(m);

	if (info->accel == ACCEL_KVM)
		return STEAL_KVM;
	return info->clock == CLOCK_REAL ? STEAL_BRIDGE : STEAL_INJECTED;
}

/* An aligned 64-bit word of a per-CPU variable, NULL when it cannot be reached. */
static uint64_t *percpu_word(struct kernel *k, uint64_t symbol, unsigned int cpu)
{
	uint64_t address;
	struct err *err = kernel_percpu(k, symbol, cpu, &address);

	if (err) {
		err_free(err);
		return NULL;
	}
	return address % 8 ? NULL : kernel_at(k, address, 8);
}

/* kernel_cpustat.cpustat[CPUTIME_STEAL], ns. */
static struct err *find_words(struct steal_book *s, struct kernel *k)
{
	const struct types *t = kernel_types(k);
	struct field times;
	uint64_t symbol;
	int64_t slot;

	ERR_TRY(types_enumerator(t, "CPUTIME_STEAL", &slot));
	field_find(t, "kernel_cpustat", "cpustat", &times);
	if (slot < 0 || slot >= 64 || !times.present ||
	    !kernel_find_symbol(k, "kernel_cpustat", &symbol))
		return err_new(ERR_ABSENT, "this kernel keeps no steal time");
	for (unsigned int cpu = 0; cpu < s->cpus; cpu++) {
		s->words[cpu] = percpu_word(k, symbol + times.offset + 8 * (uint64_t)slot, cpu);
		if (!s->words[cpu])
			return err_new(ERR_ABSENT, "the steal time of cpu %u cannot be reached",
				       cpu);
	}
	return NULL;
}

/* The record that KVM writes, where the guest's kernel has one. */
static void find_clocks(struct steal_book *s, struct kernel *k)
{
	struct field steal;
	uint64_t symbol;

	field_find(kernel_types(k), "kvm_steal_time", "steal", &steal);
	if (s->source != STEAL_KVM || !steal.present ||
	    !kernel_find_symbol(k, "steal_time", &symbol))
		return;
	for (unsigned int cpu = 0; cpu < s->cpus; cpu++)
		s->clocks[cpu] = percpu_word(k, symbol + steal.offset, cpu);
}

static struct err *build_bridge(struct steal_book *s, struct machine *m)
{
	int tids[TOPOLOGY_CPUS_MAX];
	unsigned int count = machine_vcpu_threads(m, tids, TOPOLOGY_CPUS_MAX);

	return bridge_start(machine_info(m)->pid, tids, s->words, count < s->cpus ? count : s->cpus,
			    &s->bridge);
}

static struct err *fill(struct steal_book *s, struct kernel *k, struct machine *m)
{
	s->words = calloc(s->cpus, sizeof(*s->words));
	s->clocks = calloc(s->cpus, sizeof(*s->clocks));
	if (!s->words || !s->clocks)
		return err_nomem();
	ERR_TRY(find_words(s, k));
	find_clocks(s, k);
	return s->source == STEAL_BRIDGE ? build_bridge(s, m) : NULL;
}

struct err *steal_book_create(struct kernel *k, struct machine *m, struct steal_book **ret)
{
	struct steal_book *s;
	struct err *err;

	if (machine_info(m)->still)
		return err_new(ERR_ABSENT, "one instant has no time to be stolen");
	/* What its clocks say is up to whoever started it. */
	if (machine_info(m)->attached)
		return err_new(ERR_ABSENT, "the guest was attached to");
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_nomem();
	s->source = source_of(m);
	s->cpus = topology_cpus(&machine_info(m)->topology);
	if (s->cpus > kernel_cpus(k))
		s->cpus = kernel_cpus(k);
	err = fill(s, k, m);
	if (err)
		steal_book_destroy(s);
	else
		*ret = s;
	return err;
}

void steal_book_destroy(struct steal_book *s)
{
	if (!s)
		return;
	bridge_stop(s->bridge);
	free(s->words);
	free(s->clocks);
	free(s);
}

enum steal_source steal_book_source(const struct steal_book *s)
{
	return s->source;
}

unsigned int steal_book_cpus(const struct steal_book *s)
{
	return s->cpus;
}

void steal_book_flush(struct steal_book *s)
{
	if (s->bridge)
		bridge_flush(s->bridge);
}

uint64_t steal_book_guest(struct steal_book *s, unsigned int cpu)
{
	steal_book_flush(s);
	return cpu < s->cpus ? __atomic_load_n(s->words[cpu], __ATOMIC_RELAXED) : 0;
}

bool steal_book_kvm(const struct steal_book *s, unsigned int cpu, uint64_t *ret)
{
	if (cpu >= s->cpus || !s->clocks[cpu])
		return false;
	*ret = __atomic_load_n(s->clocks[cpu], __ATOMIC_RELAXED);
	return true;
}

void steal_book_add(struct steal_book *s, unsigned int cpu, uint64_t ns)
{
	if (cpu < s->cpus)
		bridge_add(s->words[cpu], ns);
}

void steal_book_add_all(struct steal_book *s, uint64_t ns)
{
	for (unsigned int cpu = 0; cpu < s->cpus; cpu++)
		steal_book_add(s, cpu, ns);
}
