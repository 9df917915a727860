/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/model_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Address of the first of these symbols that exists, 0 when none does. `names` as for field_find().
 */
static uint64_t symbol_or_zero(struct kernel *k, const char *names)
{
	while (*names) {
		size_t len = strcspn(names, "|");
		char name[128];
		uint64_t address;

		if (len < sizeof(name)) {
			memcpy(name, names, len);
			name[len] = '\0';
			if (kernel_find_symbol(k, name, &address))
				return address;
		}
		names += len + (names[len] == '|');
	}
	return 0;
}

#define FIND_FIELD(name, type, paths) field_find(t, type, paths, &l->name);
#define ADD_TASK_LINE(name, type, paths) cache_lines_add(&l->task_lines, &l->name);
#define ADD_DETAIL_LINE(name, type, paths) cache_lines_add(&l->detail_lines, &l->name);

static void find_fields(const struct types *t, struct model_layout *l)
{
	TASK_FIELDS(FIND_FIELD)
	TASK_FIELDS(ADD_TASK_LINE)
	DETAIL_FIELDS(FIND_FIELD)
	DETAIL_FIELDS(ADD_DETAIL_LINE)
	RQ_FIELDS(FIND_FIELD)
	QUEUE_FIELDS(FIND_FIELD)
}

/* Without these there is no list of tasks and no run queue to show. */
static struct err *check_fields(const struct model_layout *l)
{
	const struct {
		const struct field *field;
		const char *name;
	} needed[] = {
		{&l->pid, "task_struct.pid"},
		{&l->comm, "task_struct.comm"},
		{&l->state, "task_struct.__state"},
		{&l->tasks, "task_struct.tasks"},
		{&l->signal, "task_struct.signal"},
		{&l->thread_node, "task_struct.thread_node"},
		{&l->thread_head, "signal_struct.thread_head"},
		{&l->sched_class, "task_struct.sched_class"},
		{&l->rq_curr, "rq.curr"},
		{&l->rq_nr_running, "rq.nr_running"},
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].field->present)
			return err_new(ERR_ABSENT, "this kernel has no %s", needed[i].name);
	return NULL;
}

/* How long a jiffy is, in ns: the clock source that counts jiffies has it as its rate. 0: unknown.
 */
static uint64_t find_tick(struct kernel *k)
{
	struct field mult, shift;
	struct object o;
	uint64_t ns;

	field_find(kernel_types(k), "clocksource", "mult", &mult);
	field_find(kernel_types(k), "clocksource", "shift", &shift);
	if (!mult.present || !shift.present)
		return 0;
	object_init(&o, k, symbol_or_zero(k, "clocksource_jiffies"));
	ns = object_read(&o, &mult) >> (object_read(&o, &shift) & 31);
	/* 1000 Hz to 24 Hz: anything else is no rate. */
	return ns >= 900000 && ns <= 42000000 ? ns : 0;
}

static struct err *find_symbols(struct kernel *k, struct model_layout *l)
{
	static const char *const class_names[CLASS_UNKNOWN] = {
		[CLASS_STOP] = "stop_sched_class", [CLASS_DL] = "dl_sched_class",
		[CLASS_RT] = "rt_sched_class",	   [CLASS_FAIR] = "fair_sched_class",
		[CLASS_EXT] = "ext_sched_class",   [CLASS_IDLE] = "idle_sched_class",
	};

	ERR_TRY(kernel_symbol(k, "init_task", &l->init_task));
	ERR_TRY(kernel_symbol(k, "runqueues", &l->runqueues));
	for (unsigned int i = 0; i < CLASS_UNKNOWN; i++)
		l->classes[i] = symbol_or_zero(k, class_names[i]);
	l->cpustat.value = symbol_or_zero(k, "kernel_cpustat");
	l->cpustat.present = l->cpustat.value != 0;
	l->preempt_count = symbol_or_zero(k, "__preempt_count");
	if (!l->preempt_count && l->pcpu_preempt_count.present) {
		l->preempt_count = symbol_or_zero(k, "pcpu_hot");
		l->preempt_count += l->preempt_count ? l->pcpu_preempt_count.offset : 0;
	}
	l->jiffies = symbol_or_zero(k, "jiffies_64");
	l->schedstats = symbol_or_zero(k, "sched_schedstats");
	l->timekeeper = symbol_or_zero(k, "tk_core|timekeeper_data");
	l->root = symbol_or_zero(k, "cgrp_dfl_root");
	l->tick_ns = find_tick(k);
	return NULL;
}

static void find_cpustat_slots(const struct types *t, struct model_layout *l)
{
	static const char *const names[SLOT_COUNT] = {
		[SLOT_USER] = "CPUTIME_USER",
		[SLOT_NICE] = "CPUTIME_NICE",
		[SLOT_SYSTEM] = "CPUTIME_SYSTEM",
		[SLOT_SOFTIRQ] = "CPUTIME_SOFTIRQ",
		[SLOT_IRQ] = "CPUTIME_IRQ",
		[SLOT_IDLE] = "CPUTIME_IDLE",
		[SLOT_IOWAIT] = "CPUTIME_IOWAIT",
		[SLOT_STEAL] = "CPUTIME_STEAL",
		[SLOT_GUEST] = "CPUTIME_GUEST",
		[SLOT_GUEST_NICE] = "CPUTIME_GUEST_NICE",
		[SLOT_FORCEIDLE] = "CPUTIME_FORCEIDLE",
	};

	for (unsigned int i = 0; i < SLOT_COUNT; i++) {
		struct err *err = types_enumerator(t, names[i], &l->cpustat_slot[i]);

		if (err || l->cpustat_slot[i] < 0 || l->cpustat_slot[i] > 64)
			l->cpustat_slot[i] = -1;
		err_free(err);
	}
}

static uint32_t enum_id(const struct types *t, const char *name)
{
	uint32_t id = 0;

	err_free(types_parse(t, name, &id));
	return id;
}

static uint64_t enum_value(const struct types *t, const char *name)
{
	int64_t value = 0;

	err_free(types_enumerator(t, name, &value));
	return (uint64_t)value;
}

static void find_cpu_controller(const struct types *t, struct model_layout *l)
{
	struct err *err = types_enumerator(t, "cpu_cgrp_id", &l->cpu_css);

	if (err || l->cpu_css < 0 || l->cpu_css > 63)
		l->cpu_css = -1;
	err_free(err);
	l->css_online = enum_value(t, "CSS_ONLINE");
}

/* The states' values moved between releases, and before 6.16 they were called SCX_OPS_ENABLED etc.
 */
static void find_scx_states(const struct types *t, struct model_layout *l)
{
	static const char *const names[] = {"ENABLING", "ENABLED", "DISABLING", "DISABLED"};

	for (size_t i = 0; i < 4; i++) {
		char name[32];
		int64_t value;
		struct err *err;

		snprintf(name, sizeof(name), "SCX_%s", names[i]);
		err = types_enumerator(t, name, &value);
		if (err) {
			err_free(err);
			snprintf(name, sizeof(name), "SCX_OPS_%s", names[i]);
			err = types_enumerator(t, name, &value);
		}
		if (!err && value >= 0 && value < 4)
			for (size_t c = 0; names[i][c]; c++)
				l->scx_states[value][c] = (char)tolower(names[i][c]);
		err_free(err);
	}
}

/* The event counters are the members of one struct; `pcpu` points to it, or to a struct that holds
 * it. */
static void find_scx_events(const struct types *t, struct model_layout *l)
{
	uint32_t id, base = l->pcpu_events.present ? l->pcpu_events.offset : 0;
	struct err *err = types_parse(t, "struct scx_event_stats", &id);
	struct member member;
	const char *name;

	if (err) {
		err_free(err);
		return;
	}
	for (unsigned int i = 0; types_member_at(t, id, i, &name, &member); i++) {
		if (l->event_count == LAYOUT_EVENTS)
			return;
		snprintf(l->events[l->event_count].name, sizeof(l->events[0].name), "%s", name);
		l->events[l->event_count++].field = (struct field){
			.present = true,
			.is_signed = true,
			.offset = base + (uint32_t)(member.bit_offset / 8),
			.size = (uint32_t)types_size(t, member.type),
			.type = member.type,
		};
	}
}

static void find_scx_enums(const struct types *t, struct model_layout *l)
{
	l->enums[ENUM_RQ_FLAGS] = enum_id(t, "enum scx_rq_flags");
	l->enums[ENUM_ENT_FLAGS] = enum_id(t, "enum scx_ent_flags");
	l->enums[ENUM_TASK_STATE] = enum_id(t, "enum scx_task_state");
	l->enums[ENUM_OPS_FLAGS] = enum_id(t, "enum scx_ops_flags");
	l->enums[ENUM_OPS_STATE] = enum_id(t, "enum scx_ops_state");
	l->enums[ENUM_ENQ_FLAGS] = enum_id(t, "enum scx_enq_flags");
	l->enums[ENUM_EXIT_KIND] = enum_id(t, "enum scx_exit_kind");
	l->task_state_mask = enum_value(t, "SCX_TASK_STATE_MASK");
	l->task_state_shift = (unsigned int)enum_value(t, "SCX_TASK_STATE_SHIFT") & 31;
	l->reenq_mask = enum_value(t, "SCX_TASK_REENQ_REASON_MASK");
	l->qseq_shift = (unsigned int)enum_value(t, "SCX_OPSS_QSEQ_SHIFT") & 31;
	l->rq_bypassing = enum_value(t, "SCX_RQ_BYPASSING");
	l->pcpu_bypassing = enum_value(t, "SCX_SCHED_PCPU_BYPASSING");
}

static void find_scx(struct kernel *k, struct model_layout *l)
{
	const struct types *t = kernel_types(k);
	int64_t cursor = 0;
	struct err *err;

	SCX_FIELDS(FIND_FIELD)
	l->scx_state = symbol_or_zero(k, "scx_enable_state_var|scx_ops_enable_state_var");
	l->scx_root = symbol_or_zero(k, "scx_root");
	l->scx_ops = symbol_or_zero(k, "scx_ops");
	l->scx_old_dsq_hash = symbol_or_zero(k, "dsq_hash");
	l->scx_old_exit_info = symbol_or_zero(k, "scx_exit_info");
	l->scx_old_exit_kind = symbol_or_zero(k, "scx_exit_kind");
	l->scx_nr_rejected = symbol_or_zero(k, "scx_nr_rejected");
	l->scx_enable_seq = symbol_or_zero(k, "scx_enable_seq");
	l->scx_old_bypass_depth = symbol_or_zero(k, "scx_bypass_depth|scx_ops_bypass_depth");
	l->scx_switched_all = symbol_or_zero(k, "__scx_switched_all");
	l->scx_old_watchdog = symbol_or_zero(k, "scx_watchdog_timeout");
	l->scx_old_global_dsqs = symbol_or_zero(k, "global_dsqs");
	l->nr_node_ids = symbol_or_zero(k, "nr_node_ids");
	l->scx_old_aborting = symbol_or_zero(k, "scx_aborting");
	find_scx_states(t, l);
	find_scx_events(t, l);
	find_scx_enums(t, l);
	err = types_enumerator(t, "SCX_DSQ_LNODE_ITER_CURSOR", &cursor);
	l->cursor_flag = err ? 0 : (uint32_t)cursor;
	err_free(err);
}

struct err *model_layout_create(struct kernel *k, struct model_layout **ret)
{
	struct model_layout *l = calloc(1, sizeof(*l));
	const struct types *t = kernel_types(k);
	struct err *err;
	uint32_t id;

	if (!l)
		return err_nomem();
	l->users = 1;
	find_fields(t, l);
	find_cpustat_slots(t, l);
	find_cpu_controller(t, l);
	err = check_fields(l);
	if (!err)
		err = find_symbols(k, l);
	if (!err)
		err = types_parse(t, "struct rq", &id);
	if (!err) {
		l->rq_size = types_size(t, id);
		err = types_parse(t, "struct task_struct", &id);
	}
	if (err) {
		free(l);
		return err_wrap(err, "scheduler model");
	}
	l->task_size = types_size(t, id);
	if (kernel_info(k)->sched_ext)
		find_scx(k, l);
	*ret = l;
	return NULL;
}

void model_layout_put(struct model_layout *layout)
{
	if (layout && --layout->users == 0)
		free(layout);
}
