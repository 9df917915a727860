/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of cold operations, from text and back to it. */
#include "coord/cold.h"

#include "base/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct err *width_parse(const char *text, struct width *ret)
{
	static const struct {
		const char *name;
		struct width width;
	} widths[] = {
		{"u8", {WIDTH_UNSIGNED, 1}},   {"u16", {WIDTH_UNSIGNED, 2}},
		{"u32", {WIDTH_UNSIGNED, 4}},  {"u64", {WIDTH_UNSIGNED, 8}},
		{"s8", {WIDTH_SIGNED, 1}},     {"s16", {WIDTH_SIGNED, 2}},
		{"s32", {WIDTH_SIGNED, 4}},    {"s64", {WIDTH_SIGNED, 8}},
		{"or-u32", {WIDTH_OR_U32, 4}},
	};
	uint64_t count;

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		if (strcmp(text, widths[i].name) == 0) {
			*ret = widths[i].width;
			return NULL;
		}
	}
	if (!str_starts(text, "bytes:"))
		return err_new(ERR_USAGE,
			       "type '%s': one of u8 u16 u32 u64 s8 s16 s32 s64 bytes:N or-u32",
			       text);
	ERR_TRY(parse_u64(text + 6, &count));
	if (count < 1 || count > COLD_BYTES_MAX)
		return err_new(ERR_USAGE, "type '%s': from 1 to %d bytes", text, COLD_BYTES_MAX);
	*ret = (struct width){WIDTH_BYTES, (unsigned int)count};
	return NULL;
}

struct err *cold_force_parse(const char *text, unsigned int *flags)
{
	static const struct {
		const char *name;
		unsigned int flag;
	} layers[] = {
		{"L4", COLD_FORCE_L4}, {"L5", COLD_FORCE_L5},	    {"L6", COLD_FORCE_L6},
		{"L8", COLD_FORCE_L8}, {"FIELD", COLD_FORCE_FIELD},
	};
	unsigned int found = 0;

	while (*text) {
		size_t len = strcspn(text, ","), i;

		for (i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
			if (strlen(layers[i].name) == len &&
			    strncmp(text, layers[i].name, len) == 0)
				break;
		if (i < sizeof(layers) / sizeof(layers[0]))
			found |= layers[i].flag;
		else if (len == 2 && text[0] == 'L' && text[1] >= '1' && text[1] <= '3')
			return err_new(ERR_REFUSED, "--force: %.2s cannot be skipped", text);
		else
			return err_new(ERR_USAGE,
				       "--force: '%.*s' is none of L4, L5, L6, L8, FIELD", (int)len,
				       text);
		text += len + (text[len] == ',');
	}
	if (!found)
		return err_new(ERR_USAGE,
			       "--force: one or more of L4, L5, L6, L8, FIELD are expected");
	*flags |= found;
	return NULL;
}

void target_format(const struct target *t, char *buffer, size_t size)
{
	const char *dot = t->field[0] && t->field[0] != '[' && t->field[0] != '.' ? "." : "";

	switch (t->kind) {
	case TARGET_TASK:
		if (t->start_ns)
			snprintf(buffer, size, "task %d@%" PRIu64 " %s", t->pid, t->start_ns,
				 t->field);
		else
			snprintf(buffer, size, "task %d %s", t->pid, t->field);
		return;
	case TARGET_PERCPU:
		snprintf(buffer, size, "percpu %s%s%s cpu %u", t->name, dot, t->field, t->cpu);
		return;
	case TARGET_SYMBOL:
		snprintf(buffer, size, "symbol %s%s%s", t->name, dot, t->field);
		return;
	case TARGET_KVA:
		snprintf(buffer, size, "kva 0x%" PRIx64, t->address);
		return;
	case TARGET_DIRECT:
		snprintf(buffer, size, "direct 0x%" PRIx64, t->address);
		return;
	case TARGET_BPF:
		snprintf(buffer, size, "bpf %s", t->field);
		return;
	}
}
