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

_Static_assert(MODEL_TIMES == SLOT_COUNT, "a name and a place for each");

const char *model_time_name(unsigned int i)
{
	static const char *const names[SLOT_COUNT] = {
		[SLOT_USER] = "user",
		[SLOT_NICE] = "nice",
		[SLOT_SYSTEM] = "system",
		[SLOT_SOFTIRQ] = "softirq",
		[SLOT_IRQ] = "irq",
		[SLOT_IDLE] = "idle",
		[SLOT_IOWAIT] = "iowait",
		[SLOT_STEAL] = "steal",
		[SLOT_GUEST] = "guest",
		[SLOT_GUEST_NICE] = "guest_nice",
		[SLOT_FORCEIDLE] = "forceidle",
	};

	return names[i < SLOT_COUNT ? i : 0];
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
	for (unsigned int i = 0; i < SLOT_COUNT; i++)
		cpu->times[i] = read_slot(&stat, l, (enum cputime_slot)i);
	if (stat.faulted)
		model_damage(m, "kernel_cpustat of cpu %u: bad address 0x%" PRIx64, cpu->cpu,
			     stat.fault);
}

/*
 * The word of a queued spinlock (include/asm-generic/qspinlock_types.h, below 16K CPUs): the lowest
 * byte is held, the next pending, the upper 14 bits the last waiting CPU plus one.
 */
static void read_lock(struct object *rq, const struct model_layout *l, struct model_cpu *cpu)
{
	struct maybe word = maybe_field(rq, &l->rq_lock_word), owner;

	cpu->locked = object_read(rq, &l->rq_locked) != 0;
	cpu->lock_pending = (struct maybe){word.present, (word.value >> 8 & 0xff) != 0};
	word.value &= 0xffffffff;
	if (word.present && word.value >> 18)
		cpu->lock_tail = (struct maybe){true, (word.value >> 18) - 1};
	owner = maybe_field(rq, &l->rq_lock_owner);
	if (owner.present && cpu->locked)
		cpu->lock_owner = owner;
}

/* The top bit of x86's preempt count is the inverse of "reschedule". */
static void read_preempt(struct kernel *k, const struct model_layout *l, struct model_cpu *cpu)
{
	const uint32_t no_resched = 1u << 31;
	uint64_t address;
	uint32_t count;
	struct err *err;

	if (!l->preempt_count)
		return;
	err = kernel_percpu(k, l->preempt_count, cpu->cpu, &address);
	if (!err)
		err = kernel_read_u32(k, address, &count);
	if (err) {
		err_free(err);
		return;
	}
	cpu->preempt_count = (struct maybe){true, count & ~no_resched};
	cpu->need_resched = (struct maybe){true, !(count & no_resched)};
}

static void read_idle_state(struct kernel *k, const struct model_layout *l, struct object *rq,
			    struct model_cpu *cpu)
{
	struct object state;

	cpu->idle_state = maybe_field(rq, &l->rq_idle_state);
	if (!cpu->idle_state.value)
		return;
	object_init(&state, k, cpu->idle_state.value);
	object_bytes(&state, &l->idle_state_name, cpu->idle_name, sizeof(cpu->idle_name) - 1);
}

static void read_scx_rq(struct object *rq, const struct model_layout *l, struct model_cpu *cpu)
{
	cpu->scx_flags = maybe_field(rq, &l->rq_scx_flags);
	cpu->ops_qseq = maybe_field(rq, &l->rq_scx_ops_qseq);
	cpu->kick_sync = maybe_field(rq, &l->rq_scx_kick_sync);
	cpu->cpu_released = maybe_field(rq, &l->rq_scx_cpu_released);
	cpu->nr_immed = maybe_field(rq, &l->rq_scx_nr_immed);
	cpu->cpuperf = maybe_field(rq, &l->rq_scx_perf);
	cpu->scx_clock = maybe_field(rq, &l->rq_scx_clock);
	if (cpu->scx_flags.present && l->rq_bypassing)
		cpu->bypassing =
			(struct maybe){true, (cpu->scx_flags.value & l->rq_bypassing) != 0};
}

static void read_more(struct object *rq, const struct model_layout *l, struct model_cpu *cpu)
{
	cpu->clock_task = maybe_field(rq, &l->rq_clock_task);
	cpu->capacity = maybe_field(rq, &l->rq_capacity);
	cpu->nr_uninterruptible = maybe_field(rq, &l->rq_nr_uninterruptible);
	cpu->nr_iowait = maybe_field(rq, &l->rq_nr_iowait);
	cpu->nr_pinned = maybe_field(rq, &l->rq_nr_pinned);
	cpu->avg_idle = maybe_field(rq, &l->rq_avg_idle);
	cpu->tick_stopped = maybe_field(rq, &l->rq_tick_stopped);
}

/* What is not counted is absent, not 0; the static key's count says whether it is. */
static bool has_schedstats(struct kernel *k, const struct model_layout *l)
{
	uint32_t on = 1;

	if (l->schedstats)
		err_free(kernel_read_u32(k, l->schedstats, &on));
	return on;
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
	read_lock(&rq, l, cpu);
	cpu->idle = object_read(&rq, &l->rq_curr) == object_read(&rq, &l->rq_idle);
	if (has_schedstats(k, l)) {
		cpu->sched_goidle = maybe_field(&rq, &l->rq_goidle);
		cpu->ttwu_count = maybe_field(&rq, &l->rq_ttwu);
		cpu->ttwu_local = maybe_field(&rq, &l->rq_ttwu_local);
	}
	read_more(&rq, l, cpu);
	read_idle_state(k, l, &rq, cpu);
	read_scx_rq(&rq, l, cpu);
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
		if (cpu->online && cpu->clock > m->clock)
			m->clock = cpu->clock;
		read_cpustat(k, m, cpu);
		read_preempt(k, m->layout, cpu);
	}
	return NULL;
}
