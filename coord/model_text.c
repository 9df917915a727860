/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the model knows as words and masks, in the kernel's own names. */
#include "coord/model_impl.h"

#include "base/mask.h"

#include <inttypes.h>
#include <string.h>

#define MASK_CPUS 8192u /* more than any guest has */

/* ---- sets of CPUs ---- */

bool model_read_mask(struct kernel *k, uint64_t address, uint64_t *mask, unsigned int bits)
{
	unsigned int cpus = kernel_cpus(k) < bits ? kernel_cpus(k) : bits;
	struct err *err;

	memset(mask, 0, MASK_WORDS(bits) * sizeof(*mask));
	err = kernel_read(k, address, mask, (cpus + 7) / 8);
	if (err) {
		err_free(err);
		return false;
	}
	if (cpus % 64)
		mask[cpus / 64] &= (1ull << cpus % 64) - 1;
	return true;
}

bool model_mask(struct kernel *k, uint64_t address, struct str *s)
{
	unsigned int cpus = kernel_cpus(k) < MASK_CPUS ? kernel_cpus(k) : MASK_CPUS;
	uint64_t mask[MASK_WORDS(MASK_CPUS)];

	if (!model_read_mask(k, address, mask, cpus))
		return false;
	mask_list(mask, cpus, s);
	return true;
}

/* A cpumask_var_t is a pointer with CONFIG_CPUMASK_OFFSTACK, else the mask itself. */
bool model_mask_var(struct kernel *k, struct object *o, const struct field *f, struct str *s)
{
	uint64_t address = object_address(o, f);

	if (!f->present)
		return false;
	if (types_kind(kernel_types(k), f->type) == TYPE_POINTER)
		address = object_read(o, f);
	return address && model_mask(k, address, s);
}

bool model_kicks(struct kernel *k, const struct model *m, unsigned int cpu, enum model_kick kick,
		 struct str *s)
{
	const struct model_layout *l = m->layout;
	const struct field *const fields[KICK_COUNT] = {
		[KICK_ANY] = &l->rq_kick,
		[KICK_IF_IDLE] = &l->rq_kick_if_idle,
		[KICK_PREEMPT] = &l->rq_kick_preempt,
		[KICK_WAIT] = &l->rq_kick_wait,
		[KICK_SYNC] = &l->rq_kick_sync,
	};
	struct object rq;

	if (cpu >= m->cpu_count || !m->cpus[cpu].rq)
		return false;
	object_init(&rq, k, m->cpus[cpu].rq);
	return model_mask_var(k, &rq, fields[kick], s);
}

/* ---- flags ---- */

static void add_word(struct str *s, size_t start, const char *word)
{
	str_addf(s, "%s%s", s->len > start ? "|" : "", word);
}

/* An enum of flags also tells how wide its numbers are: SCX_TASK_STATE_BITS is no flag. */
static bool is_flag_name(const char *name)
{
	static const char *const ends[] = {"_SHIFT", "_BITS", "_MASK"};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
			return false;
	return true;
}

static const char *flag_name(const struct types *t, uint32_t id, uint64_t flag)
{
	const char *name = id ? types_enum_name(t, id, (int64_t)flag) : NULL;

	/* The top bit of an enum of 32 bits is a negative number. */
	if (!name && id && flag == 1ull << 31)
		name = types_enum_name(t, id, INT32_MIN);
	return name && is_flag_name(name) ? name : NULL;
}

static void add_flags(const struct types *t, uint32_t id, uint64_t value, size_t start,
		      struct str *s)
{
	uint64_t rest = 0;

	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t flag = 1ull << bit;
		const char *name;

		if (!(value & flag))
			continue;
		name = flag_name(t, id, flag);
		if (name)
			add_word(s, start, name);
		else
			rest |= flag;
	}
	if (rest)
		str_addf(s, "%s0x%" PRIx64, s->len > start ? "|" : "", rest);
}

/* The part of scx.flags that says how far a task's life under sched_ext is: a number of its own
 * enum once, of enumerators that are already in place since 7.1. */
static uint64_t add_task_state(const struct model_layout *l, const struct types *t, uint64_t value,
			       size_t start, struct str *s)
{
	uint64_t state = value & l->task_state_mask, reason = value & l->reenq_mask;
	const char *name = NULL;

	if (l->enums[ENUM_TASK_STATE] && state)
		name = types_enum_name(t, l->enums[ENUM_TASK_STATE],
				       (int64_t)(state >> l->task_state_shift));
	else if (state)
		name = types_enum_name(t, l->enums[ENUM_ENT_FLAGS], (int64_t)state);
	if (name)
		add_word(s, start, name);
	else if (state)
		return value & ~reason;
	if (reason) {
		name = types_enum_name(t, l->enums[ENUM_ENT_FLAGS], (int64_t)reason);
		if (!name)
			return value & ~state;
		add_word(s, start, name);
	}
	return value & ~state & ~reason;
}

void model_flags(struct kernel *k, const struct model *m, enum model_flags which, uint64_t value,
		 struct str *s)
{
	static const enum layout_enum enums[] = {
		[FLAGS_RQ] = ENUM_RQ_FLAGS,
		[FLAGS_TASK] = ENUM_ENT_FLAGS,
		[FLAGS_OPS] = ENUM_OPS_FLAGS,
		[FLAGS_ENQUEUE] = ENUM_ENQ_FLAGS,
	};
	const struct types *t = kernel_types(k);
	size_t start = s->len;

	if (which == FLAGS_TASK && m->layout->task_state_mask && m->layout->enums[ENUM_ENT_FLAGS])
		value = add_task_state(m->layout, t, value, start, s);
	add_flags(t, m->layout->enums[enums[which]], value, start, s);
	if (s->len == start)
		str_add(s, "0");
}

const char *model_ops_state(struct kernel *k, const struct model *m, uint64_t state)
{
	uint32_t id = m->layout->enums[ENUM_OPS_STATE];

	return id ? types_enum_name(kernel_types(k), id, (int64_t)state) : NULL;
}

/* SCX_DSQ_* of enum scx_dsq_id_flags, unchanged since 6.12; SCX_DSQ_BYPASS is younger. */
#define DSQ_BUILTIN (1ull << 63)
#define DSQ_LOCAL_ON (DSQ_BUILTIN | 1ull << 62)

void model_dsq_name(uint64_t id, struct str *s)
{
	static const char *const names[] = {"invalid", "global", "local", "bypass"};

	if (id >> 62 == DSQ_LOCAL_ON >> 62)
		str_addf(s, "local:%" PRIu32, (uint32_t)id);
	else if (id & DSQ_BUILTIN && (id & ~DSQ_BUILTIN) < sizeof(names) / sizeof(names[0]))
		str_add(s, names[id & ~DSQ_BUILTIN]);
	else
		str_addf(s, "0x%" PRIx64, id);
}
