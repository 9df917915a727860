/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/halt_list.h"

#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "commands/dump_file.h"
#include "commands/recorder.h"

#include <stdlib.h>
#include <string.h>

struct err *halt_add(struct session *s, const struct halt_spec *spec, struct out *out)
{
	unsigned int number;
	struct err *err = halts_add(coord_halts(session_coord(s)), spec, &number);

	if (err) {
		if (spec->ops->destroy)
			spec->ops->destroy(spec->context);
		return err;
	}
	out_text(out, "%u: %s", number, spec->text);
	return NULL;
}

static const struct out_column columns[] = {
	{"number", OUT_RIGHT},
	{"what", 0},
	{"hits", OUT_RIGHT},
	{"stops", OUT_RIGHT},
};

struct err *halt_list(struct session *s, const char *kind, struct out *out)
{
	const struct halts *h = coord_halts(session_coord(s));
	struct halt_info info;

	out_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned int i = 0; halts_at(h, i, &info); i++)
		if (!kind || strncmp(info.text, kind, strlen(kind)) == 0)
			out_row(out, (struct out_value[]){out_u64(info.number), out_string(info.text),
							  out_u64(info.hits), out_u64(info.stops)});
	out_table_end(out);
	return NULL;
}

struct err *halt_delete(struct session *s, const struct command_line *line, struct out *out)
{
	(void)out;
	for (unsigned int i = 0; i < line->count; i++) {
		uint64_t number;

		ERR_TRY(parse_u64(line->words[i], &number));
		if (number > UINT32_MAX)
			return err_new(ERR_USAGE, "%s: no number of a halt", line->words[i]);
		ERR_TRY(halts_delete(coord_halts(session_coord(s)), (unsigned int)number));
	}
	return NULL;
}

bool halt_report(struct session *s, struct out *out)
{
	const char *why = coord_stopped(session_coord(s));

	if (!why)
		return false;
	out_text(out, "%s", why);
	if (session_options(s)->dump_dir)
		free(halt_dump(s, why));
	coord_stop_is_known(session_coord(s));
	return true;
}

char *halt_take(struct session *s)
{
	struct coord *coord = session_coord(s);
	char *why;

	if (!coord || !coord_stopped(coord))
		return NULL;
	why = strdup(coord_stopped(coord));
	coord_stop_is_known(coord);
	/* The recorder keeps its own trouble, and shows it at the next command. */
	err_free(recorder_command(session_recorder(s), coord_time(coord), "freeze"));
	return why;
}

static bool is_trigger(const char *why)
{
	return strncmp(why + strspn(why, "0123456789"), ": trigger ", strlen(": trigger ")) == 0;
}

static struct err *dump_path(struct session *s, char **ret)
{
	const char *folder = session_options(s)->dump_dir;
	char time[DURATION_TEXT];

	if (!folder)
		return state_path("trigger.json", ret);
	ERR_TRY(make_directories(folder, 0777));
	*ret = str_format("%s/trigger-%s.json", folder, format_seconds(coord_time(session_coord(s)), time));
	return *ret ? NULL : err_nomem();
}

char *halt_dump(struct session *s, const char *why)
{
	struct dump_done done;
	char *path = NULL;
	struct err *err;

	if (!is_trigger(why))
		return NULL;
	err = dump_path(s, &path);
	if (!err)
		err = dump_file_write(s, path, &done);
	if (!err)
		return path;
	log_info("no dump: %s", err_detail(err));
	err_free(err);
	free(path);
	return NULL;
}

void halt_defaults(struct session *s)
{
	static const char *const lines[] = {"trigger exit", "trigger panic", "trigger stall"};
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	bool more;

	for (size_t i = 0; out && i < sizeof(lines) / sizeof(lines[0]); i++)
		err_free(session_execute(s, lines[i], out, &more));
	out_destroy(out);
	str_deinit(&text);
}
