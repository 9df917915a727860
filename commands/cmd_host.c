/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/doctor.h"
#include "vmm/kernel_cache.h"
#include "vmm/warm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct err *run_doctor(struct session *s, const struct command_line *line, struct out *out)
{
	if (!line->count)
		return doctor_run(out);
	if (line->count == 1 && strcmp(line->words[0], "kvm") == 0)
		return doctor_kvm(out);
	return command_usage(&command_doctor);
}

/* ---- kernel ---- */

static const struct out_column kernel_columns[] = {
	{"version", 0},	     {"sched_ext", 0}, {"btf", 0},
	{"size", OUT_RIGHT}, {"default", 0},   {"path", 0},
};

static struct err *kernel_list(struct out *out)
{
	struct kernel_list list;

	ERR_TRY(kernel_cache_list(&list));
	out_table_begin(out, kernel_columns, sizeof(kernel_columns) / sizeof(kernel_columns[0]));
	for (unsigned int i = 0; i < list.count; i++) {
		const struct kernel_entry *entry = &list.entries[i];
		char text[DURATION_TEXT];
		struct out_value values[] = {
			out_string(entry->image.version),
			out_string(kernel_feature_name(entry->image.sched_ext)),
			out_string(kernel_feature_name(entry->image.btf)),
			out_u64(entry->image.size),
			out_bool(entry->is_default),
			out_string(entry->path),
		};

		values[3].string = format_size(entry->image.size, text);
		out_row(out, values);
	}
	out_table_end(out);
	kernel_list_deinit(&list);
	return NULL;
}

static void fetch_progress(void *context, const char *what)
{
	session_progress(context, what);
}

static struct err *kernel_fetch(struct session *s, const char *wanted, struct out *out)
{
	char *path;
	struct err *err = kernel_cache_fetch(wanted, fetch_progress, s, &path);

	session_progress(s, NULL);
	ERR_TRY(err);
	out_text(out, "%s", path);
	free(path);
	return NULL;
}

static struct err *image_record(const char *path, struct out *out)
{
	struct kernel_image image;
	char text[DURATION_TEXT];
	struct out_value size;

	ERR_TRY(kernel_image_read(path, &image));
	size = out_u64(image.size);
	size.string = format_size(image.size, text);
	out_record_begin(out);
	out_record(out, "path", out_string(path));
	out_record(out, "version", out_string(image.version));
	out_record(out, "size", size);
	out_record(out, "sched_ext", out_string(kernel_feature_name(image.sched_ext)));
	out_record(out, "btf", out_string(kernel_feature_name(image.btf)));
	out_record_end(out);
	return NULL;
}

static struct err *kernel_image_info(struct session *s, const char *wanted, struct out *out)
{
	char *path;
	struct err *err;

	ERR_TRY(kernel_cache_resolve(wanted ? wanted : session_options(s)->kernel, &path));
	err = image_record(path, out);
	free(path);
	return err;
}

static struct err *run_kernel(struct session *s, const struct command_line *line, struct out *out)
{
	const char *argument = line->count == 2 ? line->words[1] : NULL;

	if (line->count < 1 || line->count > 2)
		return command_usage(&command_kernel);
	if (strcmp(line->words[0], "list") == 0 && !argument)
		return kernel_list(out);
	if (strcmp(line->words[0], "fetch") == 0)
		return kernel_fetch(s, argument, out);
	if (strcmp(line->words[0], "info") == 0)
		return kernel_image_info(s, argument, out);
	return command_usage(&command_kernel);
}

/* ---- cache ---- */

static const struct out_column cache_columns[] = {
	{"key", 0},
	{"size", OUT_RIGHT},
	{"used", 0},
	{"machine", 0},
};

static const char *date_text(int64_t seconds, char buffer[32])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&when, &tm) || !strftime(buffer, 32, "%Y-%m-%d %H:%M", &tm))
		buffer[0] = '\0';
	return buffer;
}

static struct err *cache_list(struct out *out)
{
	struct warm_entry *entries;
	unsigned int count;

	ERR_TRY(warm_cache_list(&entries, &count));
	out_table_begin(out, cache_columns, sizeof(cache_columns) / sizeof(cache_columns[0]));
	for (unsigned int i = 0; i < count; i++) {
		char size[DURATION_TEXT], date[32];
		struct out_value values[] = {out_string(entries[i].key), out_u64(entries[i].bytes),
					     out_s64(entries[i].used),
					     out_string(entries[i].summary)};

		values[1].string = format_size(entries[i].bytes, size);
		values[2].string = date_text(entries[i].used, date);
		out_row(out, values);
	}
	out_table_end(out);
	free(entries);
	return NULL;
}

static struct err *cache_clear(struct out *out)
{
	unsigned int count;
	uint64_t bytes;
	char size[DURATION_TEXT];

	ERR_TRY(warm_cache_clear(&count, &bytes));
	out_text(out, "%u saved machine%s removed, %s", count, count == 1 ? "" : "s",
		 format_size(bytes, size));
	return NULL;
}

static struct err *run_cache(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count == 1 && strcmp(line->words[0], "list") == 0)
		return cache_list(out);
	if (line->count == 1 && strcmp(line->words[0], "clear") == 0)
		return cache_clear(out);
	return command_usage(&command_cache);
}

const struct command command_doctor = {
	.name = "doctor",
	.key = "",
	.group = GROUP_HOST,
	.flags = CMD_HOST,
	.usage = "doctor [kvm]",
	.summary = "what this host can do, and why not",
	.help = "KVM, QEMU, its plugin interface, kernels, the guest image, the terminal. Exit "
		"status 3 when no\n"
		"guest can be started.\n"
		"\n"
		"`doctor kvm` uses /dev/kvm itself: runs a guest in long mode, holds the steal time "
		"that a guest\n"
		"reads against the host's schedstat, and moves a vCPU with Xen runstates from one "
		"machine to\n"
		"the next. Each check passes, fails or is not offered; exit status 0 when all pass, "
		"1 when one\n"
		"fails, 77 when one is not offered.",
	.arguments = {{"WHAT", COMPLETE_WORD, "kvm"}},
	.run = run_doctor,
};

const struct command command_kernel = {
	.name = "kernel",
	.key = "",
	.group = GROUP_HOST,
	.flags = CMD_HOST,
	.usage = "kernel list|fetch [VERSION]|info [PATH|VERSION]",
	.summary = "kernel images in the cache",
	.help = "`fetch` gets a stock kernel with sched_ext from the distribution's archive, the "
		"newest or the\n"
		"newest of VERSION (7.1). `info` tells what an image is.",
	.arguments = {{"VERB", COMPLETE_WORD, "list|fetch|info"}, {"PATH", COMPLETE_FILE, NULL}},
	.run = run_kernel,
};

const struct command command_cache = {
	.name = "cache",
	.key = "",
	.group = GROUP_HOST,
	.flags = CMD_HOST,
	.usage = "cache list|clear",
	.summary = "saved machines of warm starts",
	.help = "They are made again when needed.",
	.arguments = {{"VERB", COMPLETE_WORD, "list|clear"}},
	.run = run_cache,
};
