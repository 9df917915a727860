/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The `memory` of a dump: which pages are in it, and their bytes one after the other, packed (gzip, base64).
 * docs/dump.schema.json describes it. A file's is hostile: nothing is taken on trust.
 */
#ifndef COMMANDS_DUMP_MEMORY_H
#define COMMANDS_DUMP_MEMORY_H

#include "base/err.h"
#include "base/str.h"

struct json_object;
struct ram_pages;

/* As one JSON object, appended. `base` is the mapping that the pages are of. */
struct err *dump_memory_write(const struct ram_pages *pages, const void *base, struct str *s)
	__attribute__((warn_unused_result));
/* ERR_BAD_DATA: "memory.runs[3]: WHAT". */
struct err *dump_memory_read(struct json_object *memory, struct ram_pages *pages)
	__attribute__((warn_unused_result));

#endif
