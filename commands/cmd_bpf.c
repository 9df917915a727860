/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/bpf_show.h"
#include "commands/cold_show.h"
#include "commands/command.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "commands/words.h"
#include "coord/agent.h"
#include "coord/bpf.h"

#include <stdlib.h>
#include <string.h>

/* ---- the lists ---- */

static const struct out_column map_columns[] = {
	{"object", OUT_HIDDEN},
	{"id", OUT_RIGHT},
	{"name", 0},
	{"type", 0},
	{"key_size", OUT_RIGHT},
	{"value_size", OUT_RIGHT},
	{"max_entries", OUT_RIGHT},
	{"entries", OUT_RIGHT | OUT_HIDDEN},
	{"flags", OUT_RIGHT},
	{"memory", OUT_RIGHT},
	{"address", OUT_RIGHT | OUT_HIDDEN},
};

static const struct out_column program_columns[] = {
	{"object", OUT_HIDDEN},
	{"id", OUT_RIGHT},
	{"name", 0},
	{"type", 0},
	{"code", OUT_RIGHT},
	{"length", OUT_RIGHT},
	{"jited", OUT_HIDDEN},
	{"insns", OUT_RIGHT},
	{"maps", OUT_RIGHT},
	{"address", OUT_RIGHT | OUT_HIDDEN},
};

struct bpf_rows {
	struct bpf_list list;
	uint32_t map_type, program_type; /* BTF ids of struct bpf_map and struct bpf_prog */
};

/* What this map does not say, others do: it is not the kernel that lacks it. */
static struct out_value some(struct maybe m)
{
	return m.present ? out_u64(m.value) : out_none();
}

static void fill_map(void *context, unsigned int row, struct out_value *v)
{
	struct bpf_rows *rows = context;
	const struct bpf_map *map = &rows->list.maps[row];

	*v++ = out_string("map");
	*v++ = out_u64(map->id);
	*v++ = out_string(map->name);
	*v++ = out_string(map->type);
	*v++ = out_u64(map->key_size);
	*v++ = out_u64(map->value_size);
	*v++ = out_u64(map->max_entries);
	*v++ = some(map->entries);
	*v++ = out_hex(map->flags);
	*v++ = some(map->memory);
	*v++ = out_hex(map->address);
}

static void fill_program(void *context, unsigned int row, struct out_value *v)
{
	struct bpf_rows *rows = context;
	const struct bpf_program *program = &rows->list.programs[row];

	*v++ = out_string("program");
	*v++ = out_u64(program->id);
	*v++ = out_string(program->name);
	*v++ = out_string(program->type);
	*v++ = out_hex(program->code);
	*v++ = out_u64(program->code_len);
	*v++ = out_bool(program->jited);
	*v++ = out_u64(program->insns);
	*v++ = out_u64(program->maps);
	*v++ = out_hex(program->address);
}

static bool map_self(void *context, unsigned int row, struct value *ret)
{
	const struct bpf_rows *rows = context;

	*ret = value_object(rows->map_type, rows->list.maps[row].address);
	return true;
}

static bool program_self(void *context, unsigned int row, struct value *ret)
{
	const struct bpf_rows *rows = context;

	*ret = value_object(rows->program_type, rows->list.programs[row].address);
	return true;
}

static struct err *show_maps(struct session *s, struct bpf_rows *context, const char *clauses,
			     struct out *out)
{
	const struct rows rows = {.columns = map_columns,
				  .column_count = sizeof(map_columns) / sizeof(map_columns[0]),
				  .row_count = context->list.map_count,
				  .fill = fill_map,
				  .self = map_self,
				  .context = context};

	return rows_show(s, &rows, clauses, out);
}

static struct err *show_programs(struct session *s, struct bpf_rows *context, const char *clauses,
				 struct out *out)
{
	const struct rows rows = {.columns = program_columns,
				  .column_count =
					  sizeof(program_columns) / sizeof(program_columns[0]),
				  .row_count = context->list.program_count,
				  .fill = fill_program,
				  .self = program_self,
				  .context = context};

	return rows_show(s, &rows, clauses, out);
}

enum { LIST_MAPS = 1 << 0, LIST_PROGRAMS = 1 << 1 };

static struct err *show_lists(struct session *s, unsigned int which, const char *clauses,
			      struct out *out)
{
	struct bpf_rows rows = {0};
	struct kernel *kernel;
	struct err *err;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(types_parse(kernel_types(kernel), "struct bpf_map", &rows.map_type));
	ERR_TRY(types_parse(kernel_types(kernel), "struct bpf_prog", &rows.program_type));
	ERR_TRY(bpf_list(kernel, &rows.list));
	err = which & LIST_MAPS ? show_maps(s, &rows, clauses, out) : NULL;
	if (!err && which & LIST_PROGRAMS)
		err = show_programs(s, &rows, clauses, out);
	if (!err)
		show_damage(out, rows.list.damage);
	bpf_list_deinit(&rows.list);
	return err;
}

/* ---- map ---- */

static struct err *show_map(struct session *s, const char *text, struct out *out)
{
	struct bpf_open *open = NULL;
	const struct bpf_map *map;
	struct kernel *kernel;
	struct bpf_list list;
	const char *path;
	struct err *err;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(bpf_list(kernel, &list));
	err = bpf_split(&list, text, &map, &path);
	if (!err)
		err = bpf_open(kernel, map, &open);
	if (!err)
		err = *path ? bpf_show_place(open, text, path, out) : bpf_show_map(open, out);
	bpf_close(open);
	bpf_list_deinit(&list);
	return err;
}

/* ---- set ---- */

/* `bpf set MAP.VAR VALUE ...` is `write bpf MAP.VAR VALUE ...`. */
static struct err *set_variable(struct session *s, const struct words *words, struct out *out)
{
	char target[] = "bpf";
	struct err *err;
	char **write;

	if (session_options(s)->readonly)
		return err_new(ERR_REFUSED, "bpf set: refused by --readonly");
	write = calloc(words->count + 1, sizeof(*write));
	if (!write)
		return err_nomem();
	memcpy(write, words->words, words->count * sizeof(*write));
	write[0] = target;
	err = cold_show_run(s, true, words->count, write, out);
	free(write);
	return err;
}

/* ---- pin ---- */

static struct err *pin_named(struct session *s, const struct bpf_list *list, const char *text,
			     struct out *out)
{
	const struct bpf_map *map;
	struct agent *agent;
	const char *path;
	struct str name = {0}, place = {0};
	struct err *err;

	ERR_TRY(show_agent(s, &agent));
	ERR_TRY(bpf_split(list, text, &map, &path));
	if (*path)
		return err_new(ERR_USAGE, "%s: a map is pinned as a whole", text);
	str_add_clean(&name, map->name, sizeof(map->name));
	if (!name.len)
		str_addf(&name, "map_%u", map->id);
	err = agent_bpf_pin(agent, map->id, str_text(&name), &place);
	if (!err)
		out_text(out, "%s pinned as %s", str_text(&name), str_text(&place));
	str_deinit(&name);
	str_deinit(&place);
	return err;
}

static struct err *pin_map(struct session *s, const char *text, struct out *out)
{
	struct kernel *kernel;
	struct bpf_list list;
	struct err *err;

	if (session_options(s)->readonly)
		return err_new(ERR_REFUSED, "bpf pin: refused by --readonly");
	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(bpf_list(kernel, &list));
	err = pin_named(s, &list, text, out);
	bpf_list_deinit(&list);
	return err;
}

static struct err *run_words(struct session *s, const struct words *words, struct out *out)
{
	const char *what = words->words[0];

	if (strcmp(what, "map") == 0 && words->count == 2)
		return show_map(s, words->words[1], out);
	if (strcmp(what, "pin") == 0 && words->count == 2)
		return pin_map(s, words->words[1], out);
	if (strcmp(what, "set") == 0 && words->count > 2)
		return set_variable(s, words, out);
	return command_usage(&command_bpf);
}

static struct err *run_bpf(struct session *s, const struct command_line *line, struct out *out)
{
	const char *rest;
	size_t len = words_first(line->rest, &rest);
	struct words words;
	struct err *err;

	if (!len)
		return show_lists(s, LIST_MAPS | LIST_PROGRAMS, "", out);
	if (len == 4 && strncmp(line->rest, "maps", len) == 0)
		return show_lists(s, LIST_MAPS, rest, out);
	if (len == 8 && strncmp(line->rest, "programs", len) == 0)
		return show_lists(s, LIST_PROGRAMS, rest, out);
	ERR_TRY(words_split(line->rest, &words));
	err = words.count ? run_words(s, &words, out) : command_usage(&command_bpf);
	words_deinit(&words);
	return err;
}

const struct command command_bpf = {
	.name = "bpf",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "bpf [maps|programs [where EXPR] [sort KEY] [columns A,B] | map MAP | "
		 "set MAP.VAR VALUE | pin MAP]",
	.summary = "BPF maps and programs, what a map holds, its variables changed",
	.help = "MAP is an id, a name, or the end of a name from a dot on: .bss. `bpf map MAP` "
		"shows arrays, hashes\n"
		"and LRU hashes, all three also per CPU, .bss, .data and .rodata, in the types of "
		"the map's own BTF.\n"
		"MAP.VAR is a variable of a section, MAP[KEY] one value, MAP[KEY][CPU] a per-CPU "
		"one; fields and\n"
		"indexes may follow.\n"
		"\n"
		"`bpf set` is `write bpf MAP.VAR VALUE` with all its options: in a frozen window, "
		"within the variable's\n"
		"type, in `changes`, taken back by `undo`. What programs cannot write (.rodata) "
		"takes --force FIELD:\n"
		"the verifier has built its value into their code, so that only other readers see "
		"the new one.\n"
		"\n"
		"`bpf pin` has the guest pin the map in its /sys/fs/bpf under its name (a dot becomes _), "
		"until the end of\n"
		"the step in which that was done, if any.\n"
		"\n"
		"    bpf programs where jited == true sort -length\n"
		"    bpf map .bss\n"
		"    bpf map .bss.runtime_before[2]\n"
		"    bpf set .bss.vtime_now 1000000",
	.arguments = {{"WHAT", COMPLETE_WORD, "maps|programs|map|set|pin"},
		      {"MAP", COMPLETE_BPF, NULL}},
	.run = run_bpf,
};
