/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"
#include "coord/coord.h"
#include "coord/snapshot.h"

#include <string.h>

static struct err *take(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *c = session_coord(s);
	const struct snapshot *taken;

	ERR_TRY(snapshots_take(coord_snapshots(c), c, line->words[1], &taken));
	out_text(out, "%s: %u CPUs, %u tasks, %u dispatch queues", taken->name, taken->model->cpu_count,
		 taken->model->task_count, taken->dsq_count);
	return NULL;
}

static const struct out_column columns[] = {
	{"name", 0},		 {"time", OUT_RIGHT}, {"cpus", OUT_RIGHT},
	{"tasks", OUT_RIGHT}, {"dsqs", OUT_RIGHT}, {"sched_ext", 0},
	{"ops", 0},
};

static void list_one(struct out *out, const struct snapshot *snapshot)
{
	const struct model *m = snapshot->model;
	struct str ops = {0};

	str_add_clean(&ops, m->scx.ops, sizeof(m->scx.ops));
	out_row(out, (struct out_value[]){
			     out_string(snapshot->name),
			     out_duration(m->time),
			     out_u64(m->cpu_count),
			     out_u64(m->task_count),
			     out_u64(snapshot->dsq_count),
			     m->scx.present ? out_string(m->scx.state) : out_absent(),
			     ops.len ? out_string(str_text(&ops)) : out_none(),
		     });
	str_deinit(&ops);
}

static struct err *list(struct session *s, const struct command_line *line, struct out *out)
{
	const struct snapshots *all = coord_snapshots(session_coord(s));
	const struct snapshot *snapshot;

	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned int i = 0; (snapshot = snapshots_at(all, i)); i++)
		list_one(out, snapshot);
	out_table_end(out);
	return NULL;
}

/* ---- what is different ---- */

static const struct out_column diff_columns[] = {
	{"what", 0}, {"field", 0}, {"before", OUT_RIGHT}, {"after", OUT_RIGHT},
};

static struct out_value text_or_none(const char *text)
{
	return *text ? out_string(text) : out_none();
}

static void show_difference(void *context, const struct difference *d)
{
	struct out_value values[] = {out_string(d->what), text_or_none(d->field), text_or_none(d->before),
				     text_or_none(d->after)};

	out_row(context, values);
}

static struct err *diff(struct session *s, const struct command_line *line, struct out *out)
{
	const struct snapshots *all = coord_snapshots(session_coord(s));
	bool counters = line->count == 4;
	const struct snapshot *a, *b;
	struct err *err;

	if (counters && strcmp(line->words[3], "counters") != 0)
		return command_usage(&command_snapshot);
	ERR_TRY(snapshots_find(all, line->words[1], &a));
	ERR_TRY(snapshots_find(all, line->words[2], &b));
	out_table_begin(out, diff_columns, sizeof(diff_columns) / sizeof(diff_columns[0]));
	err = snapshot_diff(a, b, counters, show_difference, out);
	if (err)
		out_table_drop(out);
	else
		out_table_end(out);
	return err;
}

/* ---- writes ---- */

static const struct out_column watch_columns[] = {
	{"symbol", 0}, {"address", OUT_RIGHT}, {"bytes", OUT_RIGHT}, {"writes", OUT_RIGHT}, {"taken", OUT_RIGHT},
};

static struct err *list_watches(struct session *s, struct out *out)
{
	struct coord *c = session_coord(s);
	const struct snapshot_watch *w;
	uint64_t writes;

	out_table_begin(out, watch_columns, sizeof(watch_columns) / sizeof(watch_columns[0]));
	for (unsigned int i = 0; (w = snapshots_watched(coord_snapshots(c), c, i, &writes)); i++)
		out_row(out, (struct out_value[]){out_string(w->symbol), out_hex(w->address), out_u64(w->len),
						  out_u64(writes), out_u64(w->taken)});
	out_table_end(out);
	return NULL;
}

static struct err *watch(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *c = session_coord(s);

	if (line->count == 1)
		return list_watches(s, out);
	return snapshots_watch(coord_snapshots(c), c, line->words[1]);
}

static struct err *unwatch(struct session *s, const struct command_line *line, struct out *out)
{
	struct coord *c = session_coord(s);

	return snapshots_unwatch(coord_snapshots(c), c, line->words[1]);
}

static const struct verb {
	const char *name;
	unsigned int least, most; /* words with the verb */
	struct err *(*run)(struct session *s, const struct command_line *line, struct out *out);
} verbs[] = {
	{"take", 2, 2, take},
	{"list", 1, 1, list},
	{"diff", 3, 4, diff},
	{"watch", 1, 2, watch},
	{"unwatch", 2, 2, unwatch},
};

static struct err *run_snapshot(struct session *s, const struct command_line *line, struct out *out)
{
	for (size_t i = 0; line->count && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, line->words[0]) == 0 && line->count >= verbs[i].least &&
		    line->count <= verbs[i].most)
			return verbs[i].run(s, line, out);
	return command_usage(&command_snapshot);
}

const struct command command_snapshot = {
	.name = "snapshot",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "snapshot take NAME | list | diff A B [counters] | watch [SYMBOL] | unwatch SYMBOL",
	.summary = "keep the whole scheduler model under a name, and compare",
	.help = "The newest 64 are kept; taking a name again replaces it. `diff` shows what changed of "
		"sched_ext, CPUs,\n"
		"dispatch queues and tasks; with `counters` also what always changes: CPU time, switches, "
		"run delay.\n"
		"`watch` takes one, SYMBOL.N, right behind each instruction that writes to a kernel "
		"variable, at most one a\n"
		"millisecond of guest time; all writes are counted. Virtual clock only; the guest runs "
		"slower from then on,\n"
		"which it cannot notice.\n"
		"\n"
		"    snapshot take before\n"
		"    run 10ms\n"
		"    snapshot take after\n"
		"    snapshot diff before after",
	.arguments = {{"VERB", COMPLETE_WORD, "take|list|diff|watch|unwatch"},
		      {"NAME", COMPLETE_SYMBOL, NULL}},
	.run = run_snapshot,
};
