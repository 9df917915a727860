/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/task_columns.h"

#include "base/parse.h"
#include "tui/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct table_column task_columns[TASK_COLUMNS] = {
	[TASK_PID] = {"PID", {6, 0, 0, 99}, ALIGN_RIGHT},
	[TASK_TGID] = {"TGID", {6, 0, 0, 30}, ALIGN_RIGHT},
	[TASK_STATE] = {"S", {1, 0, 0, 95}, ALIGN_LEFT},
	[TASK_CLASS] = {"CLASS", {5, 0, 0, 92}, ALIGN_LEFT},
	[TASK_POLICY] = {"POLICY", {8, 0, 0, 40}, ALIGN_LEFT},
	[TASK_PRIO] = {"PRI", {4, 0, 0, 70}, ALIGN_RIGHT},
	[TASK_NICE] = {"NI", {3, 0, 0, 72}, ALIGN_RIGHT},
	[TASK_CPU] = {"CPU", {3, 0, 0, 90}, ALIGN_RIGHT},
	[TASK_CPU_SHARE] = {"CPU%", {5, 0, 0, 91}, ALIGN_RIGHT},
	[TASK_RUNTIME] = {"RUNTIME", {7, 0, 0, 85}, ALIGN_RIGHT},
	[TASK_SWITCHES] = {"SWITCHES", {8, 0, 0, 60}, ALIGN_RIGHT},
	[TASK_SWITCH_RATE] = {"SW/s", {5, 0, 0, 80}, ALIGN_RIGHT},
	[TASK_DELAY] = {"DELAY", {7, 0, 0, 55}, ALIGN_RIGHT},
	[TASK_WAITING] = {"WAITING", {7, 0, 0, 82}, ALIGN_RIGHT},
	[TASK_VRUNTIME] = {"VRUNTIME", {14, 0, 0, 35}, ALIGN_RIGHT},
	[TASK_ON_RQ] = {"ON_RQ", {5, 0, 0, 38}, ALIGN_RIGHT},
	[TASK_DSQ] = {"DSQ", {18, 0, 0, 26}, ALIGN_RIGHT},
	[TASK_VTIME] = {"DSQ_VTIME", {16, 0, 0, 28}, ALIGN_RIGHT},
	[TASK_SLICE] = {"SLICE", {7, 0, 0, 29}, ALIGN_RIGHT},
	[TASK_WEIGHT] = {"WEIGHT", {6, 0, 0, 27}, ALIGN_RIGHT},
	[TASK_SCX_FLAGS] = {"SCXFLAGS", {10, 0, 0, 15}, ALIGN_RIGHT},
	[TASK_START] = {"START", {9, 0, 0, 20}, ALIGN_RIGHT},
	[TASK_ADDRESS] = {"TASK_STRUCT", {18, 0, 0, 12}, ALIGN_LEFT},
	[TASK_COMM] = {"COMM", {15, 1, 0, 98}, ALIGN_LEFT},
};

static const char *const meanings[TASK_COLUMNS] = {
	[TASK_PID] = "id of the thread",
	[TASK_TGID] = "id of its process",
	[TASK_STATE] = "state, as in /proc/PID/stat",
	[TASK_CLASS] = "scheduling class",
	[TASK_POLICY] = "policy that was asked for",
	[TASK_PRIO] = "the kernel's priority",
	[TASK_NICE] = "nice value",
	[TASK_CPU] = "CPU it runs on or ran on last",
	[TASK_CPU_SHARE] = "share of a CPU, of guest time",
	[TASK_RUNTIME] = "time on a CPU since it was made",
	[TASK_SWITCHES] = "context switches",
	[TASK_SWITCH_RATE] = "context switches a second of guest time",
	[TASK_DELAY] = "time spent waiting, all in all",
	[TASK_WAITING] = "time since it was queued, of a task that waits",
	[TASK_VRUNTIME] = "virtual run time of the fair class",
	[TASK_ON_RQ] = "1 queued, 2 migrating",
	[TASK_DSQ] = "id of the dispatch queue it is on",
	[TASK_VTIME] = "scx.dsq_vtime",
	[TASK_SLICE] = "scx.slice",
	[TASK_WEIGHT] = "scx.weight",
	[TASK_SCX_FLAGS] = "scx.flags",
	[TASK_START] = "guest time at which it was made",
	[TASK_ADDRESS] = "address of its task_struct",
	[TASK_COMM] = "name",
};

const char *task_column_meaning(int column)
{
	return meanings[column];
}

double task_cpu_share(const struct sampler *s, const struct model_task *t)
{
	const struct model_task *old = sampler_old_task(s, t);

	return old ? sampler_rate(s, t->runtime, old->runtime) / 1e7 : 0;
}

static double switch_rate(const struct sampler *s, const struct model_task *t)
{
	const struct model_task *old = sampler_old_task(s, t);

	return old ? sampler_rate(s, t->switches, old->switches) : 0;
}

/* Numbers that stand as they are, or time; false for the columns that are something else. */
static bool column_number(const struct model_task *t, int column, struct maybe *ret, bool *duration)
{
	*duration = false;
	*ret = (struct maybe){true, 0};
	switch (column) {
	case TASK_SWITCHES:
		ret->value = t->switches;
		return true;
	case TASK_VRUNTIME:
		ret->value = t->vruntime;
		return true;
	case TASK_ON_RQ:
		ret->value = t->on_rq;
		return true;
	case TASK_CPU:
		ret->value = t->cpu;
		return true;
	case TASK_VTIME:
		*ret = t->scx_vtime;
		return true;
	case TASK_WEIGHT:
		*ret = t->scx_weight;
		return true;
	}
	*duration = true;
	switch (column) {
	case TASK_RUNTIME:
		ret->value = t->runtime;
		return true;
	case TASK_DELAY:
		*ret = t->run_delay;
		return true;
	case TASK_WAITING:
		*ret = t->waiting;
		ret->present = ret->value != 0;
		return true;
	case TASK_SLICE:
		*ret = t->scx_slice;
		return true;
	case TASK_START:
		ret->value = t->start_time;
		return true;
	}
	return false;
}

static bool column_hex(const struct model_task *t, int column, struct maybe *ret)
{
	switch (column) {
	case TASK_DSQ:
		*ret = t->scx_dsq_id;
		return true;
	case TASK_SCX_FLAGS:
		*ret = t->scx_flags;
		return true;
	case TASK_ADDRESS:
		*ret = (struct maybe){true, t->address};
		return true;
	}
	return false;
}

static bool column_signed(const struct model_task *t, int column, int *ret)
{
	switch (column) {
	case TASK_PID:
		*ret = t->pid;
		return true;
	case TASK_TGID:
		*ret = t->tgid;
		return true;
	case TASK_PRIO:
		*ret = t->prio;
		return true;
	case TASK_NICE:
		*ret = t->nice;
		return true;
	}
	return false;
}

static enum role state_role(char state)
{
	return state == 'R'   ? ROLE_GOOD
	       : state == 'D' ? ROLE_ERROR
	       : state == 'Z' ? ROLE_WARNING
			      : ROLE_NORMAL;
}

/* Four digits at most: "123us", "12.3ms". */
static void add_duration(struct str *text, uint64_t ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	int unit = 0;

	while (unit < 3 && value >= 999.5) {
		value /= 1000;
		unit++;
	}
	str_addf(text, "%.*f%s",
		 unit == 0 || value >= 99.95 ? 0
		 : value >= 9.995	     ? 1
					     : 2,
		 value, units[unit]);
}

/* The built-in queues by name (include/linux/sched/ext.h: SCX_DSQ_FLAG_BUILTIN, _GLOBAL, _LOCAL).
 */
static void dsq_text(const struct maybe *id, struct str *text)
{
	if (!id->present)
		return;
	if (id->value == (1ull << 63 | 1))
		str_add(text, "global");
	else if (id->value == (1ull << 63 | 2))
		str_add(text, "local");
	else
		str_addf(text, "0x%" PRIx64, id->value);
}

static void rate_text(const struct sampler *s, const struct model_task *t, int column,
		      struct str *text, enum role *role)
{
	double value = column == TASK_CPU_SHARE ? task_cpu_share(s, t) : switch_rate(s, t);

	str_addf(text, column == TASK_CPU_SHARE && value < 99.95 ? "%.1f" : "%.0f", value);
	*role = value < 0.05 ? ROLE_DIM : ROLE_NORMAL;
}

static void name_text(const struct model_task *t, int column, struct str *text, enum role *role)
{
	switch (column) {
	case TASK_STATE:
		str_add_c(text, t->state);
		*role = state_role(t->state);
		break;
	case TASK_CLASS:
		str_add(text, sched_class_name(t->class));
		*role = class_role(t->class);
		break;
	case TASK_POLICY:
		str_add(text, sched_policy_name(t->policy));
		break;
	default:
		str_add_clean(text, t->comm, sizeof(t->comm));
		*role = t->current ? ROLE_GOOD : t->kthread ? ROLE_DIM : ROLE_NORMAL;
		break;
	}
}

void task_column_text(const struct sampler *s, const struct model_task *t, int column,
		      struct str *text, enum role *role)
{
	struct maybe number;
	bool duration;
	int plain;

	if (column == TASK_CPU_SHARE || column == TASK_SWITCH_RATE) {
		rate_text(s, t, column, text, role);
	} else if (column_signed(t, column, &plain)) {
		str_addf(text, "%d", plain);
	} else if (column == TASK_DSQ) {
		dsq_text(&t->scx_dsq_id, text);
	} else if (column_hex(t, column, &number)) {
		if (number.present)
			str_addf(text, "0x%" PRIx64, number.value);
	} else if (column_number(t, column, &number, &duration)) {
		if (number.present && duration)
			add_duration(text, number.value);
		else if (number.present)
			str_addf(text, "%" PRIu64, number.value);
	} else {
		name_text(t, column, text, role);
	}
}

static int compare_double(double a, double b)
{
	return a < b ? -1 : a > b;
}

static int compare_maybe(const struct maybe *a, const struct maybe *b)
{
	if (a->present != b->present)
		return a->present ? 1 : -1;
	return a->value < b->value ? -1 : a->value > b->value;
}

static int compare_names(const struct model_task *a, const struct model_task *b, int column)
{
	switch (column) {
	case TASK_STATE:
		return a->state - b->state;
	case TASK_CLASS:
		return (int)a->class - (int)b->class;
	case TASK_POLICY:
		return (int)a->policy - (int)b->policy;
	default:
		return strncmp(a->comm, b->comm, sizeof(a->comm));
	}
}

static int compare_column(const struct sampler *s, const struct model_task *a,
			  const struct model_task *b, int column)
{
	struct maybe ma, mb;
	bool duration;
	int ia, ib;

	if (column == TASK_CPU_SHARE)
		return compare_double(task_cpu_share(s, a), task_cpu_share(s, b));
	if (column == TASK_SWITCH_RATE)
		return compare_double(switch_rate(s, a), switch_rate(s, b));
	if (column_signed(a, column, &ia) && column_signed(b, column, &ib))
		return ia < ib ? -1 : ia > ib;
	if (column_hex(a, column, &ma) && column_hex(b, column, &mb))
		return compare_maybe(&ma, &mb);
	if (column_number(a, column, &ma, &duration) && column_number(b, column, &mb, &duration))
		return compare_maybe(&ma, &mb);
	return compare_names(a, b, column);
}

int task_column_compare(const struct sampler *s, const struct model_task *a,
			const struct model_task *b, int column)
{
	int order = compare_column(s, a, b, column);

	if (order)
		return order;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static bool name_value(const struct model_task *t, int column, struct value *ret)
{
	char comm[sizeof(t->comm) + 1], state[2] = {t->state, '\0'};

	switch (column) {
	case TASK_STATE:
		*ret = value_string(state);
		return true;
	case TASK_CLASS:
		*ret = value_string(sched_class_name(t->class));
		return true;
	case TASK_POLICY:
		*ret = value_string(sched_policy_name(t->policy));
		return true;
	case TASK_COMM:
		snprintf(comm, sizeof(comm), "%.*s", (int)sizeof(t->comm), t->comm);
		*ret = value_string(comm);
		return true;
	}
	return false;
}

static bool column_value(const struct model_task *t, int column, struct value *ret)
{
	struct maybe number;
	bool duration;
	int plain;

	if (column_signed(t, column, &plain)) {
		*ret = value_number(plain);
		return true;
	}
	if (name_value(t, column, ret))
		return true;
	if (!column_hex(t, column, &number) && !column_number(t, column, &number, &duration))
		return false;
	*ret = value_unsigned(number.value);
	if (!number.present)
		ret->kind = VALUE_ABSENT;
	return true;
}

bool task_column_value(const struct model_task *t, const char *name, struct value *ret)
{
	if (strcmp(name, "kthread") == 0 || strcmp(name, "current") == 0) {
		*ret = value_number(name[0] == 'k' ? t->kthread : t->current);
		return true;
	}
	for (int i = 0; i < TASK_COLUMNS; i++)
		if (strcasecmp(task_columns[i].title, name) == 0)
			return column_value(t, i, ret);
	return false;
}
