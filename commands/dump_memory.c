/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/dump_memory.h"

#include "vmm/ram.h"
#include "vmm/ram_pages.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

static const char coding[] = "gzip+base64";

/* ---- writing ---- */

static la_ssize_t add_packed(struct archive *a, void *context, const void *data, size_t len)
{
	struct str *packed = context;

	(void)a;
	str_add_n(packed, data, len);
	return packed->failed ? -1 : (la_ssize_t)len;
}

static bool begin(struct archive *a, struct archive_entry *entry, struct str *packed)
{
	if (archive_write_set_format_raw(a) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_filter_option(a, "gzip", "compression-level", "1") != ARCHIVE_OK ||
	    archive_write_set_filter_option(a, "gzip", "timestamp", NULL) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open(a, packed, NULL, add_packed, NULL) != ARCHIVE_OK)
		return false;
	archive_entry_set_filetype(entry, AE_IFREG);
	return archive_write_header(a, entry) == ARCHIVE_OK;
}

static bool add_pages(struct archive *a, const struct ram_pages *pages, const uint8_t *base)
{
	uint64_t start, end;

	for (uint64_t at = 0; ram_pages_next(pages, at, &start, &end); at = end)
		if (archive_write_data(a, base + start, end - start) != (la_ssize_t)(end - start))
			return false;
	return true;
}

static struct err *pack(const struct ram_pages *pages, const uint8_t *base, struct str *packed)
{
	struct archive_entry *entry = archive_entry_new();
	struct archive *a = archive_write_new();
	struct err *err = NULL;

	if (!a || !entry)
		err = err_nomem();
	else if (!begin(a, entry, packed) || !add_pages(a, pages, base) ||
		 archive_write_close(a) != ARCHIVE_OK)
		err = err_new(ERR_OS, "packing memory: %s", archive_error_string(a));
	archive_entry_free(entry);
	archive_write_free(a);
	return err;
}

static struct err *add_base64(struct str *s, const struct str *packed)
{
	size_t len = BASE64_ENCODE_RAW_LENGTH(packed->len);
	char *text = malloc(len + 1);

	if (!text)
		return err_nomem();
	base64_encode_raw(text, packed->len, (const uint8_t *)packed->data);
	str_add_n(s, text, len);
	free(text);
	return NULL;
}

struct err *dump_memory_write(const struct ram_pages *pages, const void *base, struct str *s)
{
	struct str packed = {0};
	uint64_t start, end;
	const char *comma = "";
	struct err *err;

	str_addf(s, "{\"page_size\": %d, \"runs\": [", RAM_PAGE);
	for (uint64_t at = 0; ram_pages_next(pages, at, &start, &end); at = end, comma = ",")
		str_addf(s, "%s[%" PRIu64 ",%" PRIu64 "]", comma, start / RAM_PAGE,
			 (end - start) / RAM_PAGE);
	str_addf(s, "],\n\"coding\": \"%s\", \"data\": \"", coding);
	err = pack(pages, base, &packed);
	if (!err)
		err = str_error(&packed);
	if (!err)
		err = add_base64(s, &packed);
	str_add(s, "\"}");
	str_deinit(&packed);
	return err;
}

/* ---- reading ---- */

static struct err *member(struct json_object *object, const char *name, enum json_type type,
			  struct json_object **ret)
{
	if (!json_object_object_get_ex(object, name, ret) || !json_object_is_type(*ret, type))
		return err_new(ERR_BAD_DATA, "memory.%s: no %s", name, json_type_to_name(type));
	return NULL;
}

static bool number(struct json_object *pair, size_t i, uint64_t *ret)
{
	struct json_object *value = json_object_array_get_idx(pair, i);

	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return false;
	*ret = json_object_get_uint64(value);
	return true;
}

static struct err *read_run(struct archive *a, struct ram_pages *pages, uint64_t page, uint64_t count)
{
	uint8_t data[RAM_PAGE];

	for (; count; count--, page++) {
		if (archive_read_data(a, data, sizeof(data)) != (la_ssize_t)sizeof(data))
			return err_new(ERR_BAD_DATA, "memory.data: ends before page %" PRIu64, page);
		ERR_TRY(ram_pages_put(pages, page, data));
	}
	return NULL;
}

static struct err *read_runs(struct json_object *runs, struct archive *a, struct ram_pages *pages)
{
	uint64_t page, count, next = 0;

	for (size_t i = 0; i < json_object_array_length(runs); i++) {
		struct json_object *pair = json_object_array_get_idx(runs, i);

		if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2 ||
		    !number(pair, 0, &page) || !number(pair, 1, &count) || !count || page < next ||
		    count > RAM_PAGES_MAX || page > UINT64_MAX / RAM_PAGE - count)
			return err_new(ERR_BAD_DATA, "memory.runs[%zu]: no run of pages behind the one before",
				       i);
		ERR_TRY(err_wrap(read_run(a, pages, page, count), "memory.runs[%zu]", i));
		next = page + count;
	}
	return NULL;
}

static struct err *unpack(const void *packed, size_t len, struct json_object *runs, struct ram_pages *pages)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	struct err *err;

	if (!a)
		return err_nomem();
	if (archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_memory(a, packed, len) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		err = err_new(ERR_BAD_DATA, "memory.data: not gzip's");
	else
		err = read_runs(runs, a, pages);
	archive_read_free(a);
	return err;
}

struct err *dump_memory_read(struct json_object *memory, struct ram_pages *pages)
{
	struct json_object *runs, *data, *name;
	struct base64_decode_ctx decode;
	size_t len, text_len;
	const char *text;
	uint8_t *packed;
	struct err *err;

	ERR_TRY(member(memory, "runs", json_type_array, &runs));
	ERR_TRY(member(memory, "coding", json_type_string, &name));
	ERR_TRY(member(memory, "data", json_type_string, &data));
	if (strcmp(json_object_get_string(name), coding) != 0)
		return err_new(ERR_BAD_DATA, "memory.coding: only \"%s\" is known", coding);
	text = json_object_get_string(data);
	text_len = (size_t)json_object_get_string_len(data);
	packed = malloc(BASE64_DECODE_LENGTH(text_len) + 1);
	if (!packed)
		return err_nomem();
	base64_decode_init(&decode);
	if (base64_decode_update(&decode, &len, packed, text_len, text) && base64_decode_final(&decode))
		err = unpack(packed, len, runs, pages);
	else
		err = err_new(ERR_BAD_DATA, "memory.data: no base64");
	free(packed);
	return err;
}
