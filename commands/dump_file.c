/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/dump_file.h"

#include "base/file.h"
#include "base/log.h"
#include "commands/recorder.h"
#include "coord/bpf.h"
#include "coord/model.h"
#include "version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct writer {
	struct session *session;
	const struct model *model;
	struct str text;
	bool more; /* an answer stands before */
};

/* ---- one answer ---- */

static void add_string(struct str *s, const char *text)
{
	const struct out_value value = out_string(text);

	out_json_value(s, &value);
}

/* The objects that a command wrote, a line each, as the elements of an array. */
static void add_rows(struct str *s, const struct str *rows)
{
	size_t len = rows->len;

	while (len && rows->data[len - 1] == '\n')
		len--;
	for (size_t i = 0; i < len; i++)
		if (rows->data[i] == '\n')
			str_add(s, ",\n");
		else
			str_add_c(s, rows->data[i]);
}

static void add_error(struct str *rows, struct err *err)
{
	str_add(rows, "{\"error\": ");
	add_string(rows, err_detail(err));
	str_add(rows, "}\n");
	err_free(err);
}

static struct err *ask(struct writer *w, const char *line)
{
	struct str rows = {0};
	struct out *out = out_create(OUT_JSON, out_sink_str, &rows);
	uint64_t start = host_now();
	struct err *err;

	if (!out)
		return err_nomem();
	err = session_run_line(w->session, line, out);
	if (err)
		add_error(&rows, err);
	str_add(&w->text, w->more ? ",\n" : "\n");
	w->more = true;
	add_string(&w->text, line);
	str_add(&w->text, ": [");
	add_rows(&w->text, &rows);
	str_add_c(&w->text, ']');
	log_debug("dump: %s took %" PRIu64 " us", line, (host_now() - start) / 1000);
	err = str_error(&rows);
	out_destroy(out);
	str_deinit(&rows);
	return err;
}

static struct err *ask_number(struct writer *w, const char *words, unsigned int number)
{
	char line[64];

	snprintf(line, sizeof(line), "%s%u", words, number);
	return ask(w, line);
}

/* ---- all of them ---- */

/* What is looked at first is what the rest leans on. */
static const char *const lines[] = {
	"status",      "info machine",	       "info kernel",	"cpus",
	"tasks",       "dsq",		       "scx",		"cgroups",
	"counters",    "counters samples 600", "backtrace all", "locks",
	"why",	       "console 100000",       "dmesg 100000",	"bpf maps",
	"bpf programs", "changes",	       "replies",	"steps",
};

/* The variables of BPF programs. */
static struct err *ask_globals(struct writer *w)
{
	struct bpf_list list;
	struct kernel *kernel;
	struct err *err;

	ERR_TRY(session_kernel(w->session, &kernel));
	err = bpf_list(kernel, &list);
	if (err) { /* "bpf maps" has said why */
		err_free(err);
		return NULL;
	}
	for (unsigned int i = 0; !err && i < list.map_count; i++)
		if (strchr(list.maps[i].name, '.'))
			err = ask_number(w, "bpf map ", list.maps[i].id);
	bpf_list_deinit(&list);
	return err;
}

static struct err *ask_all(struct writer *w)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		ERR_TRY(ask(w, lines[i]));
	for (unsigned int i = 0; i < w->model->cpu_count; i++) {
		ERR_TRY(ask_number(w, "rq ", i));
		ERR_TRY(ask_number(w, "registers cpu:", i));
	}
	ERR_TRY(ask_globals(w));
	for (unsigned int i = 0; i < w->model->task_count; i++)
		if (w->model->tasks[i].pid > 0)
			ERR_TRY(ask_number(w, "task ", (unsigned int)w->model->tasks[i].pid));
	return NULL;
}

static struct err *look(struct writer *w)
{
	ERR_TRY(coord_model(session_coord(w->session), &w->model));
	str_add(&w->text, "\"answers\": {");
	ERR_TRY(ask_all(w));
	str_add(&w->text, "\n}");
	return NULL;
}

static void add_history(struct str *s, const struct recorder *r)
{
	str_add(s, "\"history\": [");
	for (size_t i = 0; i < recorder_lines(r); i++) {
		str_add(s, i ? ",\n" : "\n");
		add_string(s, recorder_line(r, i));
	}
	str_add(s, "\n],\n");
}

static struct err *look_frozen(struct writer *w, uint64_t *ret_freeze)
{
	struct coord *coord = session_coord(w->session);
	uint64_t start = host_now();
	struct err *err;

	ERR_TRY(coord_enter(coord));
	err = coord_leave_with(coord, look(w));
	*ret_freeze = host_now() - start;
	return err;
}

struct err *dump_file_write(struct session *s, const char *path, struct dump_done *ret)
{
	struct writer w = {.session = s};
	struct str text = {0};
	struct kernel *kernel;
	struct err *err;

	ERR_TRY(session_kernel(s, &kernel)); /* also boots */
	str_addf(&text, "{\n\"ktdbg_dump\": 1,\n\"ktdbg\": \"%s\",\n\"guest_time\": %" PRIu64 ",\n",
		 KTDBG_VERSION, coord_time(session_coord(s)));
	err = look_frozen(&w, &ret->freeze);
	str_addf(&text, "\"freeze\": %" PRIu64 ",\n", ret->freeze);
	add_history(&text, session_recorder(s));
	str_add_n(&text, w.text.data, w.text.len);
	str_add(&text, "\n}\n");
	if (!err)
		err = str_error(&w.text);
	if (!err)
		err = str_error(&text);
	if (!err)
		err = replace_file(path, text.data, text.len);
	ret->bytes = text.len;
	str_deinit(&w.text);
	str_deinit(&text);
	return err;
}
