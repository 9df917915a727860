/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/locks.h"

#include <stdio.h>
#include <stdlib.h>

static const struct out_column lock_columns[] = {
	{"lock", 0}, {"kind", 0}, {"holder", 0}, {"spinning", 0}, {"address", 0},
};

struct lock_rows {
	const struct model *model;
	const struct lock_state *locks;
	struct str holder, spinners;
	char comm[SHOW_COMM];
};

static bool add_cpus(const uint64_t *mask, const char *before, struct str *s)
{
	if (mask_next(mask, LOCKS_CPUS, 0) == LOCKS_CPUS)
		return false;
	str_add(s, before);
	mask_list(mask, LOCKS_CPUS, s);
	return true;
}

static struct out_value holder_cell(struct lock_rows *rows, const struct lock_state *lock)
{
	unsigned int candidates = mask_count(lock->candidates, LOCKS_CPUS);

	str_clear(&rows->holder);
	if (lock->owner >= 0) {
		const struct model_task *t = &rows->model->tasks[lock->owner];

		str_addf(&rows->holder, "%d %s", t->pid, show_comm(t, rows->comm));
		return out_string(str_text(&rows->holder));
	}
	if (!add_cpus(lock->candidates, candidates == 1 ? "cpu " : "one of cpus ", &rows->holder))
		return out_none();
	return out_string(str_text(&rows->holder));
}

static void fill_lock(void *context, unsigned int row, struct out_value *v)
{
	struct lock_rows *rows = context;
	const struct lock_state *lock = &rows->locks[row];

	*v++ = out_string(lock->name);
	*v++ = out_string(lock->is_mutex ? "mutex" : "spinlock");
	*v++ = holder_cell(rows, lock);
	str_clear(&rows->spinners);
	*v++ = add_cpus(lock->spinners, "cpu ", &rows->spinners)
		       ? out_string(str_text(&rows->spinners))
		       : out_none();
	*v = out_hex(lock->address);
}

static struct err *run_locks(struct session *s, const struct command_line *line, struct out *out)
{
	struct lock_rows context = {0};
	struct lock_state *locks = NULL;
	struct rows rows = {.columns = lock_columns,
			    .column_count = sizeof(lock_columns) / sizeof(*lock_columns),
			    .fill = fill_lock,
			    .context = &context};
	struct kernel *kernel;
	struct err *err;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(coord_model(session_coord(s), &context.model));
	ERR_TRY(locks_held(kernel, context.model, coord_machine(session_coord(s)), &locks,
			   &rows.row_count));
	context.locks = locks;
	if (rows.row_count || line->rest[0])
		err = rows_show(s, &rows, line->rest, out);
	else {
		out_text(out, "no lock of the scheduler is held");
		err = NULL;
	}
	free(locks);
	str_deinit(&context.holder);
	str_deinit(&context.spinners);
	return err;
}

const struct command command_locks = {
	.name = "locks",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "locks [where EXPR] [sort KEY] [columns A,B]",
	.summary = "locks of the scheduler that are held, and who waits",
	.help = "Of run queues, dispatch queues and the scheduler's own variables. A mutex names "
		"its owner. A\n"
		"spinlock does not: `holder` is the CPU that stands in the kernel with interrupts "
		"off and does\n"
		"not wait itself, or, when there are several, all of them. `spinning` are the CPUs "
		"that wait with\n"
		"the lock's address in a register.\n"
		"\n"
		"    locks where kind == \"spinlock\"",
	.arguments = {{"EXPR", COMPLETE_EXPRESSION, NULL}},
	.run = run_locks,
};
