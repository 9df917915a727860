/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run queue and the time accounting of every CPU. */
#include "coord/model_impl.h"

#include <inttypes.h>
#include <stdlib.h>

static struct maybe maybe_field(struct object *o, const struct field *f)
{
	return (struct maybe){f->present, object_read(o, f)};
}

/* One slot of the array of u64 in struct kernel_cpustat. */
static struct maybe read_slot(struct object *stat, const struct model_layout *l,
			      enum cputime_slot slot)
{
	struct field f = {.present = true, .offset = l->cpustat_times.offset, .size = 8};

	if (l->cpustat_slot[slot] < 0)
		return (struct maybe){0};
	return (struct maybe){true, object_read_at(stat, &f, (uint64_t)l->cpustat_slot[slot] * 8)};
}

static struct maybe sum(struct maybe a, struct maybe b)
{
	return (struct maybe){a.present && b.present, a.value + b.value};
}

static void read_cpustat(struct kernel *k, struct model *m, struct model_cpu *cpu)
{
	const struct model_layout *l = m->layout;
	struct object stat;
	uint64_t address;
	struct err *err;

	if (!l->cpustat.present || !l->cpustat_times.present)
		return;
	err = kernel_percpu(k, l->cpustat.value, cpu->cpu, &address);
	if (err) {
		err_free(err);
		return;
	}
	object_init(&stat, k, address);
	cpu->user = sum(read_slot(&stat, l, SLOT_USER), read_slot(&stat, l, SLOT_NICE));
	cpu->system = sum(read_slot(&stat, l, SLOT_SYSTEM),
			  sum(read_slot(&stat, l, SLOT_IRQ), read_slot(&stat, l, SLOT_SOFTIRQ)));
	cpu->idle_time = sum(read_slot(&stat, l, SLOT_IDLE), read_slot(&stat, l, SLOT_IOWAIT));
	cpu->steal = read_slot(&stat, l, SLOT_STEAL);
	if (stat.faulted)
		model_damage(m, "kernel_cpustat of cpu %u: bad address 0x%" PRIx64, cpu->cpu,
			     stat.fault);
}

static void read_rq(struct kernel *k, struct model *m, struct model_cpu *cpu)
{
	const struct model_layout *l = m->layout;
	struct object rq;

	object_init(&rq, k, cpu->rq);
	cpu->nr_running = (unsigned int)object_read(&rq, &l->rq_nr_running);
	cpu->nr_fair = (unsigned int)object_read(&rq, &l->rq_nr_fair);
	cpu->nr_rt = (unsigned int)object_read(&rq, &l->rq_nr_rt);
	cpu->nr_dl = (unsigned int)object_read(&rq, &l->rq_nr_dl);
	cpu->nr_ext = maybe_field(&rq, &l->rq_nr_ext);
	cpu->local_dsq_nr = maybe_field(&rq, &l->rq_local_nr);
	cpu->clock = object_read(&rq, &l->rq_clock);
	cpu->switches = object_read(&rq, &l->rq_switches);
	cpu->locked = object_read(&rq, &l->rq_locked) != 0;
	cpu->idle = object_read(&rq, &l->rq_curr) == object_read(&rq, &l->rq_idle);
	cpu->sched_goidle = maybe_field(&rq, &l->rq_goidle);
	cpu->ttwu_count = maybe_field(&rq, &l->rq_ttwu);
	cpu->ttwu_local = maybe_field(&rq, &l->rq_ttwu_local);
	if (rq.faulted)
		model_damage(m, "rq of cpu %u: bad address 0x%" PRIx64, cpu->cpu, rq.fault);
}

struct err *model_take_cpus(struct kernel *k, struct model *m)
{
	unsigned int count = kernel_cpus(k);

	m->cpus = calloc(count ? count : 1, sizeof(*m->cpus));
	if (!m->cpus)
		return err_nomem();
	m->cpu_count = count;
	for (unsigned int i = 0; i < count; i++) {
		struct model_cpu *cpu = &m->cpus[i];
		struct err *err = kernel_percpu(k, m->layout->runqueues, i, &cpu->rq);

		cpu->cpu = i;
		cpu->current_task = -1;
		cpu->online = kernel_cpu_online(k, i);
		if (err) {
			model_damage(m, "rq of cpu %u: %s", i, err_detail(err));
			err_free(err);
			continue;
		}
		read_rq(k, m, cpu);
		read_cpustat(k, m, cpu);
	}
	return NULL;
}
