/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "coord/printk.h"

#include <stdlib.h>
#include <string.h>

#define LINES_DEFAULT 20
#define LINES_MAX 100000

static struct err *take_count(const struct command *command, const struct command_line *line,
			      unsigned int *ret)
{
	uint64_t count = LINES_DEFAULT;

	if (line->count > 1)
		return command_usage(command);
	if (line->count)
		ERR_TRY(parse_u64(line->words[0], &count));
	if (count < 1 || count > LINES_MAX)
		return err_new(ERR_USAGE, "%s: want 1 to %d lines", line->words[0], LINES_MAX);
	*ret = (unsigned int)count;
	return NULL;
}

/* ---- console ---- */

#define CONSOLE_MAX (1u << 20)

/* Where the last `count` lines begin. */
static const char *last_lines(const char *text, unsigned int count)
{
	const char *p = text + strlen(text);

	if (p > text && p[-1] == '\n')
		p--;
	for (; p > text; p--)
		if (p[-1] == '\n' && --count == 0)
			break;
	return p;
}

/* Past an escape sequence: ESC [ PARAMETERS LETTER, or ESC and one more. */
static const char *skip_escape(const char *p)
{
	p++;
	if (*p == '[') {
		p++;
		while (*p >= 0x20 && *p < 0x40)
			p++;
	}
	return *p ? p + 1 : p;
}

/* What moves a terminal's cursor or colours it is not text: firmware and programs write it.
 * Carriage returns are the terminal line's. */
static void drop_controls(char *text)
{
	const char *from = text;
	char *to = text;

	while (*from) {
		if (*from == '\x1b')
			from = skip_escape(from);
		else if (*from == '\r')
			from++;
		else
			*to++ = *from++;
	}
	*to = '\0';
}

static struct err *run_console(struct session *s, const struct command_line *line, struct out *out)
{
	unsigned int count;
	char *text;

	ERR_TRY(take_count(&command_console, line, &count));
	if (machine_info(coord_machine(session_coord(s)))->attached)
		return err_new(ERR_ABSENT, "the console of a guest that was attached to is not ours; "
					   "`dmesg` reads the kernel's log");
	text = calloc(1, CONSOLE_MAX);
	if (!text)
		return err_nomem();
	machine_console(coord_machine(session_coord(s)), text, CONSOLE_MAX);
	drop_controls(text);
	out_lines(out, last_lines(text, count));
	free(text);
	return NULL;
}

/* ---- dmesg ---- */

static const char *const dmesg_keys[] = {
	"seq",
	"time",
	"level",
	"text",
};

static void dmesg_json(const struct printk_record *record, struct out *out)
{
	const struct out_value values[] = {out_u64(record->seq), out_u64(record->time),
					   out_u64(record->level), out_string(record->text)};

	out_record_begin(out);
	for (unsigned int i = 0; i < 4; i++)
		out_record(out, dmesg_keys[i], values[i]);
	out_record_end(out);
}

/* A record may hold several lines; each gets the record's time. */
static void dmesg_text(const struct printk_record *record, struct out *out)
{
	const unsigned long long second = 1000000000ull;
	const char *text = record->text;

	do {
		size_t len = strcspn(text, "\n");

		out_text(out, "[%5llu.%06llu] %.*s", (unsigned long long)record->time / second,
			 (unsigned long long)record->time % second / 1000, (int)len, text);
		text += len;
	} while (*text++);
}

static struct err *run_dmesg(struct session *s, const struct command_line *line, struct out *out)
{
	struct printk_log log;
	struct kernel *kernel;
	unsigned int count;

	ERR_TRY(take_count(&command_dmesg, line, &count));
	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(printk_read(kernel, count, &log));
	for (unsigned int i = 0; i < log.count; i++)
		if (out_format(out) == OUT_JSON)
			dmesg_json(&log.records[i], out);
		else
			dmesg_text(&log.records[i], out);
	if (log.damage[0])
		out_text(out, "not all could be read: %s", log.damage);
	printk_log_deinit(&log);
	return NULL;
}

const struct command command_console = {
	.name = "console",
	.key = "4",
	.group = GROUP_INSPECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED,
	.usage = "console [N]",
	.summary = "the last lines of the guest's serial console",
	.help = "N lines, 20 without it.",
	.arguments = {{"N", COMPLETE_NONE, NULL}},
	.run = run_console,
};

const struct command command_dmesg = {
	.name = "dmesg",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "dmesg [N]",
	.summary = "the last lines of the kernel's ring buffer, read from memory",
	.help = "N lines, 20 without it. Works when the guest hangs.",
	.arguments = {{"N", COMPLETE_NONE, NULL}},
	.run = run_dmesg,
};
