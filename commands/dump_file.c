/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/dump_file.h"

#include "base/file.h"
#include "base/log.h"
#include "commands/dump_lines.h"
#include "commands/dump_memory.h"
#include "commands/dump_open.h"
#include "commands/dump_picture.h"
#include "commands/recorder.h"
#include "vmm/ram_pages.h"
#include "vmm/still.h"
#include "version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONSOLE_MAX (1u << 20)

struct writer {
	struct session *session; /* of the guest */
	struct picture picture;
	struct str answers;
};

static void add_string(struct str *s, const char *text)
{
	const struct out_value value = out_string(text);

	out_json_value(s, &value);
}

static void add_member(struct str *s, const char *name, const char *text)
{
	str_addf(s, "\"%s\": ", name);
	add_string(s, text);
	str_add(s, ",\n");
}

/* ---- one answer ---- */

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

static struct err *ask(struct writer *w, struct session *session, const char *line)
{
	struct str rows = {0};
	struct out *out = out_create(OUT_JSON, out_sink_str, &rows);
	uint64_t start = host_now();
	struct err *err;

	if (!out)
		return err_nomem();
	err = session_run_line(session, line, out);
	if (err)
		add_error(&rows, err);
	str_add(&w->answers, w->answers.len ? ",\n" : "\n");
	add_string(&w->answers, line);
	str_add(&w->answers, ": [");
	add_rows(&w->answers, &rows);
	str_add_c(&w->answers, ']');
	log_debug("dump: %s took %" PRIu64 " us", line, (host_now() - start) / 1000);
	err = str_error(&rows);
	out_destroy(out);
	str_deinit(&rows);
	return err;
}

static struct err *ask_picture(void *context, const char *line)
{
	struct writer *w = context;

	return ask(w, w->picture.session, line);
}

/* What no memory of the guest has. */
static struct err *ask_guest(void *context)
{
	struct writer *w = context;

	ERR_TRY(ask(w, w->session, "info machine"));
	ERR_TRY(ask(w, w->session, "counters"));
	for (unsigned int i = 0; dump_kept(i); i++)
		ERR_TRY(ask(w, w->session, dump_kept(i)));
	return NULL;
}

/* ---- the parts ---- */

static void add_machine(struct str *s, struct coord *coord)
{
	const struct machine_info *info = machine_info(coord_machine(coord));
	const struct ram *ram = machine_ram(coord_machine(coord));
	char topology[TOPOLOGY_TEXT];
	uint64_t behind = 0;

	coord_clock_behind(coord, &behind);
	str_add(s, "\"machine\": {\n");
	add_member(s, "clock", info->clock == CLOCK_VIRTUAL ? "virtual" : "real");
	add_member(s, "accelerator", info->accel == ACCEL_KVM ? "kvm" : "tcg");
	add_member(s, "reason", info->accel_reason);
	add_member(s, "qemu", info->qemu_version);
	add_member(s, "kernel", info->kernel);
	add_member(s, "topology", topology_format(&info->topology, topology));
	str_addf(s, "\"quantum\": %" PRIu64 ",\n\"clock_behind\": %" PRIu64 ",\n\"segments\": [",
		 info->quantum.ns, behind);
	for (unsigned int i = 0; i < ram->segment_count; i++)
		str_addf(s, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "", ram->segments[i].phys,
			 ram->segments[i].len);
	str_add(s, "]},\n");
}

static void add_registers(struct str *s, const struct still *still)
{
	str_add(s, "\"registers\": [");
	for (unsigned int cpu = 0; cpu < still->register_count; cpu++) {
		str_add(s, cpu ? ",\n[" : "\n[");
		for (unsigned int i = 0; i < REG_COUNT; i++)
			str_addf(s, "%s%" PRIu64, i ? "," : "", still->registers[cpu].value[i]);
		str_add_c(s, ']');
	}
	str_add(s, "],\n");
}

static struct err *add_console(struct str *s, struct machine *still)
{
	char *text = malloc(CONSOLE_MAX);

	if (!text)
		return err_nomem();
	*text = '\0';
	machine_console(still, text, CONSOLE_MAX);
	add_member(s, "console", text);
	free(text);
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

static struct err *compose(struct writer *w, struct str *s)
{
	struct coord *coord = session_coord(w->picture.session);
	struct machine *still = coord_machine(coord);
	struct ram_pages *pages = still_pages(still);

	ERR_TRY(dump_lines_each(w->picture.session, DUMP_LINE_SHORT, ask_picture, w));
	ERR_TRY(dump_lines_each(w->picture.session, DUMP_LINE_LONG, ask_picture, w));
	ram_pages_close(pages);
	str_addf(s, "{\n\"ktdbg_dump\": %d,\n\"ktdbg\": \"%s\",\n\"guest_time\": %" PRIu64 ",\n", DUMP_VERSION,
		 KTDBG_VERSION, coord_time(coord));
	str_addf(s, "\"freeze\": %" PRIu64 ",\n\"late_pages\": %u,\n", w->picture.freeze,
		 ram_pages_late(pages));
	add_machine(s, coord);
	add_registers(s, still_info(still));
	ERR_TRY(add_console(s, still));
	add_history(s, session_recorder(w->session));
	str_add(s, "\"answers\": {");
	str_add_n(s, w->answers.data, w->answers.len);
	str_add(s, "\n},\n\"memory\": ");
	ERR_TRY(dump_memory_write(pages, machine_ram(still)->base, s));
	str_add(s, "\n}\n");
	return str_error(s);
}

struct err *dump_file_write(struct session *s, const char *path, struct dump_done *ret)
{
	struct writer w = {.session = s};
	struct str text = {0};
	struct err *err = picture_take(s, ask_guest, &w, &w.picture);

	if (!err)
		err = compose(&w, &text);
	if (!err)
		err = str_error(&w.answers);
	if (!err)
		err = replace_file(path, text.data, text.len);
	ret->bytes = text.len;
	ret->freeze = w.picture.freeze;
	picture_deinit(&w.picture);
	str_deinit(&w.answers);
	str_deinit(&text);
	return err;
}
