/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/recorder.h"

#include "base/parse.h"
#include "commands/journal.h"
#include "commands/match.h"
#include "commands/options.h"
#include "commands/recording.h"
#include "commands/worker_names.h"
#include "coord/agent.h"
#include "coord/coord.h"

#include <stdlib.h>
#include <string.h>

/* What the history may hold in memory; beyond, a file can no longer be begun in the middle. */
#define HISTORY_MAX (256u << 20)

struct recorder {
	char *header; /* of the guest that runs, NULL before the boot */
	struct coord
		*coord; /* that guest's; borrowed, only used while a command of it is recorded */
	char **lines;	/* the history: lines without their newline */
	size_t line_count, line_room;
	size_t bytes;
	bool overflowed;
	struct journal *journal; /* the file, NULL: none */
	bool header_written;
	char *problem; /* why the file ended, until somebody has asked */
	bool cut;      /* a file ended so */
};

struct err *recorder_create(struct recorder **ret)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return err_nomem();
	*ret = r;
	return NULL;
}

static void forget_history(struct recorder *r)
{
	for (size_t i = 0; i < r->line_count; i++)
		free(r->lines[i]);
	free(r->lines);
	r->lines = NULL;
	r->line_count = r->line_room = r->bytes = 0;
	r->overflowed = false;
}

static void close_file(struct recorder *r)
{
	journal_close(r->journal);
	r->journal = NULL;
	r->header_written = false;
}

/* ---- the file ---- */

/* The session goes on without it. Takes `err`. */
static void give_up(struct recorder *r, struct err *err)
{
	if (!err)
		return;
	free(r->problem);
	r->problem = str_format("the recording ends here: %s (%s)", err_detail(err),
				journal_path(r->journal));
	r->cut = true;
	err_free(err);
	close_file(r);
}

char *recorder_problem(struct recorder *r)
{
	char *problem = r->problem;

	r->problem = NULL;
	return problem;
}

bool recorder_was_cut(const struct recorder *r)
{
	return r->cut;
}

/* One entry: whole or not at all. */
static void write_entry(struct recorder *r, const char *text, size_t len)
{
	give_up(r, journal_add(r->journal, text, len));
}

void recorder_sync(struct recorder *r)
{
	if (r->journal)
		give_up(r, journal_sync(r->journal));
}

void recorder_show(struct recorder *r, const char *text, size_t len, FILE *to)
{
	if (r->journal) {
		journal_show(r->journal, text, len, to);
		return;
	}
	fwrite(text, 1, len, to);
	fflush(to);
}

static struct err *write_history(struct recorder *r)
{
	struct str s = {0};
	struct err *err;

	str_add(&s, r->header);
	for (size_t i = 0; i < r->line_count; i++)
		str_addf(&s, "%s\n", r->lines[i]);
	err = str_error(&s);
	if (!err)
		write_entry(r, s.data, s.len);
	str_deinit(&s);
	recorder_sync(r);
	return err;
}

struct err *recorder_start(struct recorder *r, const char *path)
{
	if (r->journal)
		return err_new(ERR_REFUSED, "%s is being recorded already; `record stop` ends it",
			       recorder_path(r));
	if (r->overflowed)
		return err_new(ERR_REFUSED,
			       "too much was done since boot to begin a recording now; "
			       "`poweroff` and `boot` start anew");
	ERR_TRY(journal_open(path, "ktdbg recording", &r->journal));
	if (!r->header)
		return NULL;
	r->header_written = true;
	return write_history(r);
}

/* Without a guest there is no history, but the file is to be a recording. */
static void finish_file(struct recorder *r)
{
	static const char empty[] = RECORDING_FIRST_LINE "\n\n";

	if (!r->header_written)
		write_entry(r, empty, strlen(empty));
	recorder_sync(r);
	close_file(r);
}

struct err *recorder_stop(struct recorder *r)
{
	if (!r->journal)
		return err_new(ERR_USAGE, "nothing is being recorded");
	finish_file(r);
	return NULL;
}

void recorder_destroy(struct recorder *r)
{
	if (!r)
		return;
	if (r->journal)
		finish_file(r);
	forget_history(r);
	free(r->header);
	free(r->problem);
	free(r);
}

const char *recorder_path(const struct recorder *r)
{
	return r->journal ? journal_path(r->journal) : NULL;
}

/* ---- the header ---- */

static void add_header(struct str *s, const char *key, const char *value)
{
	if (value && *value)
		str_addf(s, "%s %s\n", key, value);
}

/* The kernel by its release, which is its name in the cache; a path where one was given. */
static void header_kernel(const struct options *options, struct coord *coord, struct str *s)
{
	struct kernel *kernel;
	struct err *err = coord_kernel(coord, &kernel);
	bool path = options->kernel && strchr(options->kernel, '/');

	if (err) {
		add_header(s, "kernel", options->kernel);
		err_free(err);
		return;
	}
	str_addf(s, "kernel %s", path ? options->kernel : kernel_info(kernel)->release);
	if (kernel_info(kernel)->build_id[0])
		str_addf(s, " %s", kernel_info(kernel)->build_id);
	str_add_c(s, '\n');
}

/* The options that make a guest what it is, where they are not the default; topology and clock
 * always. */
static void header_options(const struct options *options, const struct machine_info *info,
			   struct str *s)
{
	char topology[TOPOLOGY_TEXT];

	add_header(s, "topology", topology_format(&info->topology, topology));
	add_header(s, "clock", info->clock == CLOCK_VIRTUAL ? "virtual" : "real");
	for (const struct option_row *row = option_table; row->name; row++) {
		struct str value = {0};

		if (!(row->flags & OPTION_RECORDED) || !row->format ||
		    strcmp(row->name, "topology") == 0 || strcmp(row->name, "clock") == 0)
			continue;
		row->format(options, &value);
		add_header(s, row->name, str_text(&value));
		str_deinit(&value);
	}
	if (options->cold_boot)
		str_add(s, "cold-boot\n");
	for (unsigned int i = 0; i < options->add_file_count; i++)
		add_header(s, "add-file", options->add_files[i]);
}

static char *make_header(const struct options *options, struct coord *coord)
{
	const struct machine_info *info = machine_info(coord_machine(coord));
	struct str s = {0};

	str_add(&s, RECORDING_FIRST_LINE "\n");
	header_kernel(options, coord, &s);
	header_options(options, info, &s);
	add_header(&s, "image", info->image_hash);
	add_header(&s, "qemu", info->qemu_version);
	add_header(&s, "saved-machine", info->saved_hash);
	str_add_c(&s, '\n');
	return str_take(&s);
}

struct err *recorder_boot(struct recorder *r, const struct options *options, struct coord *coord)
{
	if (r->journal && r->header_written)
		finish_file(r);
	forget_history(r);
	free(r->header);
	r->header = make_header(options, coord);
	r->coord = coord;
	if (!r->header)
		return err_nomem();
	if (!r->journal)
		return NULL;
	r->header_written = true;
	return write_history(r);
}

/* ---- entries ---- */

static bool history_grow(struct recorder *r)
{
	size_t room = r->line_room ? r->line_room * 2 : 256;
	char **lines = reallocarray(r->lines, room, sizeof(*lines));

	if (!lines)
		return false;
	r->lines = lines;
	r->line_room = room;
	return true;
}

static void keep_line(struct recorder *r, const char *text, size_t len)
{
	char *copy;

	if (r->overflowed)
		return;
	if (r->bytes + len > HISTORY_MAX || (r->line_count == r->line_room && !history_grow(r))) {
		r->overflowed = true;
		return;
	}
	copy = strndup(text, len);
	if (!copy) {
		r->overflowed = true;
		return;
	}
	r->lines[r->line_count++] = copy;
	r->bytes += len + 1 + sizeof(copy);
}

static void keep_lines(struct recorder *r, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		keep_line(r, text, len);
		text += len + (text[len] == '\n');
	}
}

/* To the history, and to the file while there is one. Takes `s`. */
static struct err *add_entry(struct recorder *r, struct str *s)
{
	struct err *err = str_error(s);

	if (!err) {
		keep_lines(r, str_text(s));
		if (r->journal && r->header_written)
			write_entry(r, str_text(s), s->len);
	}
	str_deinit(s);
	return err;
}

/* ---- workers by name ---- */

/* "worker(CGROUP,I)" of our worker that has this pid now; false when none has. */
static bool add_worker_name(void *context, unsigned long pid, struct str *s)
{
	const struct recorder *r = context;
	struct agent_worker *workers;
	unsigned int count;
	bool found = false;
	struct err *err;

	if (!r->coord || !coord_agent(r->coord))
		return false;
	err = agent_workers(coord_agent(r->coord), NULL, &workers, &count);
	if (err) {
		err_free(err);
		return false;
	}
	for (unsigned int i = 0; i < count && !found; i++) {
		const struct agent_worker *w = &workers[i];

		if (!w->alive || (unsigned long)w->pid != pid)
			continue;
		str_addf(s, "worker(%s,%u)", *w->cgroup ? w->cgroup : WIRE_RUNNER, w->index);
		found = true;
	}
	free(workers);
	return found;
}

void recorder_name_workers(struct recorder *r, const char *line, size_t len, struct str *s)
{
	worker_names_add(line, len, add_worker_name, r, s);
}

struct err *recorder_command(struct recorder *r, uint64_t time, const char *line)
{
	char seconds[DURATION_TEXT];
	struct str s = {0};

	str_addf(&s, "[%s] ", format_seconds(time, seconds));
	while (*line) {
		size_t len = strcspn(line, "\n");

		recorder_name_workers(r, line, len, &s);
		str_add_c(&s, '\n');
		line += len + (line[len] == '\n');
	}
	return add_entry(r, &s);
}

/* ---- output ---- */

static void add_output(struct str *s, const char *text, size_t len)
{
	char *line = strndup(text, len);

	if (!line) {
		s->failed = true;
		return;
	}
	str_add(s, *line ? RECORDING_OUTPUT : "  |");
	match_quote(line, s);
	str_add_c(s, '\n');
	free(line);
}

struct err *recorder_output(struct recorder *r, const char *text, size_t len)
{
	const char *end = text + len;
	struct str s = {0};

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		add_output(&s, text, n);
		text += n + 1;
	}
	return add_entry(r, &s);
}

struct err *recorder_error(struct recorder *r, const struct err *error)
{
	struct str s = {0};
	struct err *err;

	recording_error_text(error, &s);
	err = str_error(&s);
	if (!err)
		err = recorder_output(r, s.data, s.len);
	str_deinit(&s);
	return err;
}

size_t recorder_lines(const struct recorder *r)
{
	return r->line_count;
}

const char *recorder_line(const struct recorder *r, size_t i)
{
	return r->lines[i];
}

/* ---- time travel ---- */

struct err *recorder_text(const struct recorder *r, struct str *ret)
{
	if (r->overflowed)
		return err_new(ERR_REFUSED, "too much was done since boot to keep it all");
	str_add(ret, r->header ? r->header : RECORDING_FIRST_LINE "\n\n");
	for (size_t i = 0; i < r->line_count; i++)
		str_addf(ret, "%s\n", r->lines[i]);
	return str_error(ret);
}

unsigned int recorder_header_lines(const struct recorder *r)
{
	unsigned int count = 0;

	for (const char *p = r->header; p && (p = strchr(p, '\n')); p++)
		count++;
	return count;
}

/* The file's length when it holds the first `count` lines. */
static uint64_t length_of(const struct recorder *r, size_t count)
{
	size_t length = strlen(r->header);

	for (size_t i = 0; i < count; i++)
		length += strlen(r->lines[i]) + 1;
	return length;
}

/* What a pipe or a device was told cannot be taken back. */
static void cut_file(struct recorder *r, size_t count)
{
	give_up(r, journal_cut(r->journal, length_of(r, count)));
}

void recorder_truncate(struct recorder *r, size_t count)
{
	if (count >= r->line_count)
		return;
	if (r->journal && r->header_written)
		cut_file(r, count);
	for (size_t i = count; i < r->line_count; i++) {
		r->bytes -= strlen(r->lines[i]) + 1 + sizeof(r->lines[i]);
		free(r->lines[i]);
	}
	r->line_count = count;
}

struct err *recorder_append(struct recorder *r, const char *text)
{
	struct str s = {0};

	str_add(&s, text);
	return add_entry(r, &s);
}

void recorder_take_file(struct recorder *to, struct recorder *from)
{
	size_t same = 0;
	struct str rest = {0};

	if (!from->journal || !from->header_written || !to->header)
		return;
	while (same < to->line_count && same < from->line_count &&
	       strcmp(to->lines[same], from->lines[same]) == 0)
		same++;
	cut_file(from, same);
	if (!from->journal) {
		to->problem = from->problem;
		to->cut = true;
		from->problem = NULL;
		return;
	}
	to->journal = from->journal;
	to->header_written = true;
	from->journal = NULL;
	from->header_written = false;
	for (size_t i = same; i < to->line_count; i++)
		str_addf(&rest, "%s\n", to->lines[i]);
	write_entry(to, str_text(&rest), rest.len);
	str_deinit(&rest);
}
