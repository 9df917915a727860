/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct groups {
	const struct model *model;
	struct kernel *kernel;
	struct model_group *groups;
	unsigned int count;
	const struct model_group *one; /* whose CPUs are shown */
	uint32_t type; /* BTF id of what a row is: struct task_group, struct cfs_rq */
	struct str name, limit, throttled, damage;
};

/* ---- all groups ---- */

static const struct out_column group_columns[] = {
	{"name", 0},
	{"weight", OUT_RIGHT},
	{"cpu_max", 0},
	{"tasks", OUT_RIGHT},
	{"all_tasks", OUT_RIGHT},
	{"throttled", 0},
	{"refill", OUT_RIGHT},
	{"nr_throttled", OUT_RIGHT},
	{"path", OUT_HIDDEN},
	{"depth", OUT_RIGHT | OUT_HIDDEN},
	{"idle", OUT_RIGHT | OUT_HIDDEN},
	{"frozen", OUT_RIGHT | OUT_HIDDEN},
	{"quota", OUT_RIGHT | OUT_HIDDEN},
	{"period", OUT_RIGHT | OUT_HIDDEN},
	{"burst", OUT_RIGHT | OUT_HIDDEN},
	{"pool", OUT_RIGHT | OUT_HIDDEN},
	{"nr_periods", OUT_RIGHT | OUT_HIDDEN},
	{"throttled_time", OUT_RIGHT | OUT_HIDDEN},
	{"task_group", OUT_HIDDEN},
	{"address", OUT_HIDDEN},
};

/* The last part of the path, moved to the right by how deep it is. */
static struct out_value indented(struct groups *g, const struct model_group *group)
{
	const char *last = strrchr(group->path, '/');

	str_clear(&g->name);
	for (unsigned int i = 1; i < group->depth; i++)
		str_add(&g->name, "  ");
	str_add(&g->name, last && last[1] ? last + 1 : group->path);
	return out_string(str_text(&g->name));
}

#define NO_QUOTA UINT64_MAX

/* As the file cpu.max has it: microseconds, "max" for none. */
static struct out_value limit(struct groups *g, const struct model_group *group)
{
	if (!group->quota.present || !group->period.present)
		return out_absent();
	str_clear(&g->limit);
	if (group->quota.value == NO_QUOTA)
		str_add(&g->limit, "max");
	else
		str_addf(&g->limit, "%" PRIu64, group->quota.value / 1000);
	str_addf(&g->limit, " %" PRIu64, group->period.value / 1000);
	return out_string(str_text(&g->limit));
}

/* The CPUs on which it has used up its part. */
static struct out_value throttled(struct groups *g, const struct model_group *group)
{
	struct model_group_cpu queue;
	bool known = false;

	str_clear(&g->throttled);
	for (unsigned int cpu = 0; cpu < g->model->cpu_count; cpu++) {
		if (!model_group_cpu(g->kernel, g->model, group, cpu, &queue))
			continue;
		known |= queue.throttled.present;
		if (queue.throttled.value)
			str_addf(&g->throttled, "%s%u", g->throttled.len ? "," : "", cpu);
	}
	return known ? out_string(str_text(&g->throttled)) : out_absent();
}

static struct out_value quota(struct maybe quota)
{
	if (!quota.present)
		return out_absent();
	return quota.value == NO_QUOTA ? out_none() : out_u64(quota.value);
}

/* The root and groups without the cpu controller have no limits: that is not the kernel's lack. */
static struct out_value controlled(const struct model_group *group, struct out_value cell)
{
	bool limited = group->task_group && group->depth > 0;

	return cell.kind == OUT_ABSENT && !limited ? out_none() : cell;
}

static void fill_group(void *context, unsigned int row, struct out_value *v)
{
	struct groups *g = context;
	const struct model_group *group = &g->groups[row];

	*v++ = indented(g, group);
	*v++ = controlled(group, show_maybe(group->weight));
	*v++ = controlled(group, limit(g, group));
	*v++ = out_u64(group->tasks);
	*v++ = out_u64(group->all_tasks);
	*v++ = controlled(group, throttled(g, group));
	*v++ = group->refill.present ? show_maybe_signed(group->refill) : out_none();
	*v++ = controlled(group, show_maybe(group->nr_throttled));
	*v++ = out_string(group->path);
	*v++ = out_u64(group->depth);
	*v++ = controlled(group, show_maybe(group->idle));
	*v++ = show_maybe(group->frozen);
	*v++ = controlled(group, quota(group->quota));
	*v++ = controlled(group, show_maybe(group->period));
	*v++ = controlled(group, show_maybe(group->burst));
	*v++ = controlled(group, show_maybe(group->pool));
	*v++ = controlled(group, show_maybe(group->nr_periods));
	*v++ = controlled(group, show_maybe(group->throttled_time));
	*v++ = group->task_group ? out_hex(group->task_group) : out_none();
	*v++ = out_hex(group->address);
}

static bool group_self(void *context, unsigned int row, struct value *ret)
{
	const struct groups *g = context;

	*ret = value_object(g->type, g->groups[row].task_group);
	return g->groups[row].task_group != 0;
}

static struct err *list_groups(struct session *s, struct groups *g, const char *clauses,
			       struct out *out)
{
	const struct rows rows = {.columns = group_columns,
				  .column_count = sizeof(group_columns) / sizeof(group_columns[0]),
				  .row_count = g->count,
				  .fill = fill_group,
				  .self = group_self,
				  .context = g};

	ERR_TRY(types_parse(kernel_types(g->kernel), "struct task_group", &g->type));
	return rows_show(s, &rows, clauses, out);
}

/* ---- one group on each CPU ---- */

static const struct out_column queue_columns[] = {
	{"cpu", OUT_RIGHT},	 {"queued", OUT_RIGHT},	   {"throttled", OUT_RIGHT},
	{"above", OUT_RIGHT},	 {"remaining", OUT_RIGHT}, {"refill", OUT_RIGHT},
	{"address", OUT_HIDDEN},
};

static void fill_queue(void *context, unsigned int row, struct out_value *v)
{
	struct groups *g = context;
	struct model_group_cpu queue;
	bool known = model_group_cpu(g->kernel, g->model, g->one, row, &queue);

	*v++ = out_u64(row);
	*v++ = show_maybe(queue.nr);
	*v++ = show_maybe(queue.throttled);
	*v++ = show_maybe(queue.above);
	*v++ = show_maybe_signed(queue.remaining);
	*v++ = queue.throttled.value ? show_maybe_signed(g->one->refill) : out_none();
	*v++ = known ? out_hex(queue.queue) : out_absent();
}

static bool queue_self(void *context, unsigned int row, struct value *ret)
{
	const struct groups *g = context;
	struct model_group_cpu queue;
	bool known = model_group_cpu(g->kernel, g->model, g->one, row, &queue);

	*ret = value_object(g->type, queue.queue);
	return known;
}

static struct err *list_queues(struct session *s, struct groups *g, const char *name,
			       const char *clauses, struct out *out)
{
	const struct rows rows = {.columns = queue_columns,
				  .column_count = sizeof(queue_columns) / sizeof(queue_columns[0]),
				  .row_count = g->model->cpu_count,
				  .fill = fill_queue,
				  .self = queue_self,
				  .context = g};

	for (unsigned int i = 0; i < g->count; i++) {
		const char *path = g->groups[i].path;

		if (strcmp(path, name) == 0 || strcmp(path + (path[0] == '/'), name) == 0)
			g->one = &g->groups[i];
	}
	if (!g->one)
		return err_new(ERR_NOT_FOUND, "no group '%s' among %u; `cgroups` lists them", name,
			       g->count);
	if (!g->one->task_group)
		return err_new(ERR_ABSENT, "the cpu controller is not enabled for '%s'", name);
	ERR_TRY(types_parse(kernel_types(g->kernel), "struct cfs_rq", &g->type));
	return rows_show(s, &rows, clauses, out);
}

static struct err *show(struct session *s, struct groups *g, const char *word, const char *clauses,
			struct out *out)
{
	ERR_TRY(session_kernel(s, &g->kernel));
	ERR_TRY(coord_model(session_coord(s), &g->model));
	ERR_TRY(model_groups(g->kernel, g->model, &g->groups, &g->count, &g->damage));
	ERR_TRY(word ? list_queues(s, g, word, clauses, out) : list_groups(s, g, clauses, out));
	show_damage(out, str_text(&g->damage));
	return NULL;
}

static struct err *run_cgroups(struct session *s, const struct command_line *line, struct out *out)
{
	struct groups g = {0};
	const char *clauses;
	struct err *err;
	char *word;

	ERR_TRY(rows_word(line->rest, &word, &clauses));
	err = show(s, &g, word, clauses, out);
	free(word);
	model_groups_destroy(g.groups, g.count);
	str_deinit(&g.name);
	str_deinit(&g.limit);
	str_deinit(&g.throttled);
	str_deinit(&g.damage);
	return err;
}

const struct command command_cgroups = {
	.name = "cgroups",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "cgroups [NAME] [where EXPR] [sort KEY] [columns A,B]",
	.summary = "the tree of cgroups: weight, limit, tasks, where throttled",
	.help = "Read from the kernel's memory, so it also tells of groups that the guest made "
		"itself. "
		"`throttled`\n"
		"names the CPUs on which a group has used up its part of cpu.max, `refill` the ns "
		"until "
		"it gets more\n"
		"(exact to a tick). With NAME: the group's queue on each CPU, and what is left of "
		"its "
		"part there.\n"
		"More columns: path depth idle frozen quota period burst pool nr_periods "
		"throttled_time task_group\n"
		"address; a quota without limit is shown as absent. Expressions also see the "
		"members of "
		"struct\n"
		"task_group, with NAME those of struct cfs_rq.\n"
		"\n"
		"    cgroups where throttled != \"\"",
	.arguments = {{"NAME", COMPLETE_CGROUP, NULL}, {"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_cgroups,
};
