/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/show.h"
#include "coord/source.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- symbol ---- */

/* How an address reads: "schedule+0x12", or "" outside the kernel's image. */
static struct err *symbol_text(struct kernel *kernel, uint64_t address, struct str *ret)
{
	char name[512];
	uint64_t offset;
	struct err *err = kernel_symbol_at(kernel, address, name, sizeof(name), &offset);

	if (err && err_kind(err) != ERR_NOT_FOUND)
		return err;
	if (err) {
		err_free(err);
		return NULL;
	}
	str_add(ret, name);
	if (offset)
		str_addf(ret, "+0x%" PRIx64, offset);
	return NULL;
}

static void symbol_type(struct session *s, struct kernel *kernel, const char *name, uint64_t address,
			struct out *out)
{
	struct str text = {0};
	uint32_t type;
	struct err *err =
		source_global_type(session_source(s), kernel_types(kernel), name, address, &type);

	if (!err) {
		types_name(kernel_types(kernel), type, &text);
		out_record(out, "type", out_string(str_text(&text)));
	}
	err_free(err);
	str_deinit(&text);
}

static void symbol_source(struct session *s, const char *name, uint64_t address, struct out *out)
{
	struct source_line line;
	char text[sizeof(line.file) + 16];
	struct err *err;

	if (!session_source(s))
		return;
	err = source_of_symbol(session_source(s), name, address, &line);
	if (err) {
		err_free(err);
		err = source_of_address(session_source(s), address, &line);
	}
	if (err) {
		out_record(out, "source", out_absent());
		err_free(err);
		return;
	}
	snprintf(text, sizeof(text), "%s:%d", line.file, line.line);
	out_record(out, "source", out_string(text));
}

static bool is_named(struct kernel *kernel, const char *name, uint64_t address)
{
	uint64_t found;
	struct err *err = kernel_symbol(kernel, name, &found);

	if (err) {
		err_free(err);
		return false;
	}
	return found == address;
}

static struct err *run_symbol(struct session *s, const struct command_line *line, struct out *out)
{
	struct str text = {0};
	struct kernel *kernel;
	uint64_t address;
	struct err *err;

	if (line->count != 1)
		return command_usage(&command_symbol);
	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(show_address(s, line->words[0], &address));
	err = symbol_text(kernel, address, &text);
	/* Where names share an address, the one that was asked for is meant. */
	if (!err && text.len && is_named(kernel, line->words[0], address)) {
		str_clear(&text);
		str_add(&text, line->words[0]);
	}
	if (!err && !text.len)
		err = err_new(ERR_NOT_FOUND, "0x%" PRIx64 " lies in no symbol of the kernel",
			      address);
	if (!err) {
		out_record_begin(out);
		out_record(out, "symbol", out_string(str_text(&text)));
		out_record(out, "address", out_hex(address));
		symbol_type(s, kernel, str_text(&text), address, out);
		symbol_source(s, str_text(&text), address, out);
		out_record_end(out);
	}
	str_deinit(&text);
	return err;
}

/* ---- memory ---- */

#define MEMORY_LINE 16
#define MEMORY_MAX 65536

static void dump_json(struct out *out, uint64_t address, const uint8_t *bytes, unsigned int count)
{
	struct str hex = {0};

	for (unsigned int i = 0; i < count; i++)
		str_addf(&hex, "%02x", bytes[i]);
	out_record_begin(out);
	out_record(out, "address", out_hex(address));
	out_record(out, "bytes", out_string(str_text(&hex)));
	out_record_end(out);
	str_deinit(&hex);
}

/* "ffffffff81000000  48 8d 25 51 ..  H.%Q.." as hexdump -C has it. */
static void dump_line(struct out *out, uint64_t address, const uint8_t *bytes, unsigned int count)
{
	struct str s = {0};

	str_addf(&s, "%016" PRIx64, address);
	for (unsigned int i = 0; i < MEMORY_LINE; i++) {
		str_add(&s, i % 8 ? " " : "  ");
		if (i < count)
			str_addf(&s, "%02x", bytes[i]);
		else
			str_add(&s, "  ");
	}
	str_add(&s, "  |");
	for (unsigned int i = 0; i < count; i++)
		str_add_c(&s, bytes[i] < 0x80 && isprint(bytes[i]) ? (char)bytes[i] : '.');
	str_add_c(&s, '|');
	out_text(out, "%s", str_text(&s));
	str_deinit(&s);
}

/* What can be read is shown, up to the first bad address, which is then the error. */
static struct err *dump_memory(struct kernel *kernel, uint64_t address, uint64_t len,
			       struct out *out)
{
	while (len) {
		uint8_t bytes[MEMORY_LINE];
		unsigned int count = len < MEMORY_LINE ? (unsigned int)len : MEMORY_LINE;

		ERR_TRY(kernel_read(kernel, address, bytes, count));
		if (out_format(out) == OUT_JSON)
			dump_json(out, address, bytes, count);
		else
			dump_line(out, address, bytes, count);
		address += count;
		len -= count;
	}
	return NULL;
}

static struct err *run_memory(struct session *s, const struct command_line *line, struct out *out)
{
	uint64_t address, len;
	struct kernel *kernel;

	if (line->count != 2)
		return command_usage(&command_memory);
	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(show_address(s, line->words[0], &address));
	ERR_TRY(parse_size(line->words[1], &len));
	if (len > MEMORY_MAX)
		return err_new(ERR_USAGE, "%s: at most %d bytes at a time", line->words[1],
			       MEMORY_MAX);
	if (address > UINT64_MAX - len)
		return err_new(ERR_USAGE, "%s: runs past the end of the address space",
			       line->words[0]);
	return dump_memory(kernel, address, len, out);
}

const struct command command_symbol = {
	.name = "symbol",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "symbol NAME|ADDR",
	.summary = "address of a kernel symbol, or the symbol at an address",
	.help = "With the variable's type where the kernel's BTF tells, and its source line with "
		"--vmlinux.\n"
		"\n"
		"    symbol jiffies_64\n"
		"    symbol 0xffffffff81000123",
	.arguments = {{"NAME", COMPLETE_SYMBOL, NULL}},
	.run = run_symbol,
};

const struct command command_memory = {
	.name = "memory",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "memory ADDR LEN",
	.summary = "bytes at a kernel address",
	.help = "ADDR is a number, a symbol or an expression; LEN takes K (at most 64K).\n"
		"\n"
		"    memory linux_banner 64",
	.arguments = {{"ADDR", COMPLETE_SYMBOL, NULL}, {"LEN", COMPLETE_NONE, NULL}},
	.run = run_memory,
};
