/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/dump_open.h"

#include "base/file.h"
#include "base/str.h"
#include "commands/dump_memory.h"
#include "vmm/ram_pages.h"
#include "vmm/still.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 30)
#define COLUMNS_MAX 64

struct dump {
	struct json_object *root;
	struct json_object *answers; /* of root */
	uint64_t clock_behind;
};

void dump_close(struct dump *d)
{
	if (!d)
		return;
	json_object_put(d->root);
	free(d);
}

uint64_t dump_clock_behind(const struct dump *d)
{
	return d->clock_behind;
}

/* ---- members ---- */

/* `in` is the path of `object` with its dot, for the message. */
static struct err *member(struct json_object *object, const char *in, const char *name, enum json_type type,
			  struct json_object **ret)
{
	if (json_object_object_get_ex(object, name, ret) && json_object_is_type(*ret, type))
		return NULL;
	return err_new(ERR_BAD_DATA, "%s%s: no %s", in, name, json_type_to_name(type));
}

static bool unsigned_number(struct json_object *value, uint64_t *ret)
{
	if (!json_object_is_type(value, json_type_int) ||
	    (json_object_get_int64(value) < 0 && json_object_get_uint64(value) == 0))
		return false;
	*ret = json_object_get_uint64(value);
	return true;
}

static struct err *number(struct json_object *object, const char *in, const char *name, uint64_t *ret)
{
	struct json_object *value;

	ERR_TRY(member(object, in, name, json_type_int, &value));
	if (!unsigned_number(value, ret))
		return err_new(ERR_BAD_DATA, "%s%s: negative", in, name);
	return NULL;
}

static struct err *text(struct json_object *object, const char *in, const char *name, const char **ret)
{
	struct json_object *value;

	ERR_TRY(member(object, in, name, json_type_string, &value));
	*ret = json_object_get_string(value);
	return NULL;
}

/* ---- the machine ---- */

static struct err *read_segments(struct json_object *machine, struct still *ret)
{
	struct json_object *list;
	uint64_t offset = 0;

	ERR_TRY(member(machine, "machine.", "segments", json_type_array, &list));
	ret->segment_count = (unsigned int)json_object_array_length(list);
	if (!ret->segment_count || json_object_array_length(list) > RAM_SEGMENTS_MAX)
		return err_new(ERR_BAD_DATA, "machine.segments: 1 to %d are handled", RAM_SEGMENTS_MAX);
	for (unsigned int i = 0; i < ret->segment_count; i++) {
		struct json_object *pair = json_object_array_get_idx(list, i);
		struct ram_segment *s = &ret->segments[i];

		if (!json_object_is_type(pair, json_type_array) || json_object_array_length(pair) != 2 ||
		    !unsigned_number(json_object_array_get_idx(pair, 0), &s->phys) ||
		    !unsigned_number(json_object_array_get_idx(pair, 1), &s->len))
			return err_new(ERR_BAD_DATA, "machine.segments[%u]: no pair of numbers", i);
		s->offset = offset;
		offset += s->len;
	}
	ret->info.memory = offset;
	return NULL;
}

static struct err *read_cpu(struct json_object *values, unsigned int cpu, struct cpu_registers *ret)
{
	if (!json_object_is_type(values, json_type_array) || json_object_array_length(values) != REG_COUNT)
		return err_new(ERR_BAD_DATA, "registers[%u]: no array of %d", cpu, REG_COUNT);
	for (unsigned int i = 0; i < REG_COUNT; i++)
		if (!unsigned_number(json_object_array_get_idx(values, i), &ret->value[i]))
			return err_new(ERR_BAD_DATA, "registers[%u][%u]: no number", cpu, i);
	return NULL;
}

static struct err *read_registers(struct json_object *root, struct still *ret)
{
	struct json_object *list;

	ERR_TRY(member(root, "", "registers", json_type_array, &list));
	if (json_object_array_length(list) > TOPOLOGY_CPUS_MAX)
		return err_new(ERR_BAD_DATA, "registers: more than %d vCPUs", TOPOLOGY_CPUS_MAX);
	ret->register_count = (unsigned int)json_object_array_length(list);
	for (unsigned int i = 0; i < ret->register_count; i++)
		ERR_TRY(read_cpu(json_object_array_get_idx(list, i), i, &ret->registers[i]));
	return NULL;
}

static struct err *read_machine(struct json_object *root, struct still *ret, uint64_t *behind)
{
	const char *clock, *accelerator, *topology;
	struct json_object *machine;

	ERR_TRY(number(root, "", "guest_time", &ret->time));
	ERR_TRY(member(root, "", "machine", json_type_object, &machine));
	ERR_TRY(text(machine, "machine.", "clock", &clock));
	ERR_TRY(text(machine, "machine.", "accelerator", &accelerator));
	ERR_TRY(text(machine, "machine.", "topology", &topology));
	ERR_TRY(text(machine, "machine.", "reason", &ret->reason));
	ERR_TRY(text(machine, "machine.", "qemu", &ret->qemu_version));
	ERR_TRY(text(machine, "machine.", "kernel", &ret->kernel));
	ERR_TRY(number(machine, "machine.", "clock_behind", behind));
	ERR_TRY(number(machine, "machine.", "quantum", &ret->info.quantum.ns));
	ERR_TRY(err_wrap(topology_parse(topology, &ret->info.topology), "machine.topology"));
	ret->info.clock = strcmp(clock, "virtual") == 0 ? CLOCK_VIRTUAL : CLOCK_REAL;
	ret->info.accel = strcmp(accelerator, "kvm") == 0 ? ACCEL_KVM : ACCEL_TCG;
	ERR_TRY(read_segments(machine, ret));
	return read_registers(root, ret);
}

static struct err *make_machine(struct dump *d, struct machine **ret)
{
	struct json_object *memory;
	struct still what = {0};
	struct machine *m;
	const char *console;
	struct err *err;

	ERR_TRY(read_machine(d->root, &what, &d->clock_behind));
	ERR_TRY(text(d->root, "", "console", &console));
	ERR_TRY(member(d->root, "", "answers", json_type_object, &d->answers));
	ERR_TRY(member(d->root, "", "memory", json_type_object, &memory));
	ERR_TRY(err_wrap(still_open(&what, console, strlen(console), &m), "machine"));
	err = dump_memory_read(memory, still_pages(m));
	if (err)
		machine_destroy(m);
	else
		*ret = m;
	return err;
}

/* ---- the file ---- */

static struct err *bad_json(const char *data, size_t at, const char *why)
{
	unsigned int line = 1;
	size_t start = 0;

	for (size_t i = 0; i < at; i++)
		if (data[i] == '\n') {
			line++;
			start = i + 1;
		}
	return err_new(ERR_BAD_DATA, "%u:%zu: %s", line, at - start + 1, why);
}

static struct err *parse(const char *data, size_t len, struct json_object **ret)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root;
	enum json_tokener_error error;
	size_t end;

	if (!tokener)
		return err_nomem();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, data, (int)len);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (error == json_tokener_continue)
		return bad_json(data, len, "the file ends in the middle");
	if (error != json_tokener_success)
		return bad_json(data, end, json_tokener_error_desc(error));
	*ret = root;
	return NULL;
}

static struct err *read_dump(struct dump *d, const char *data, size_t len, struct machine **ret)
{
	uint64_t version;

	ERR_TRY(parse(data, len, &d->root));
	if (!json_object_is_type(d->root, json_type_object))
		return err_new(ERR_BAD_DATA, "no dump: no object");
	ERR_TRY(number(d->root, "", "ktdbg_dump", &version));
	if (version != DUMP_VERSION)
		return err_new(ERR_BAD_DATA, "ktdbg_dump: version %" PRIu64 ", and this ktdbg reads %d", version,
			       DUMP_VERSION);
	return make_machine(d, ret);
}

/* There is no guest to look at, and nothing was wrong with the command that wanted one. */
static struct err *as_environment(struct err *err, const char *path)
{
	struct err *ret;

	if (!err || err_kind(err) == ERR_NOMEM)
		return err;
	ret = err_new(ERR_ENVIRONMENT, "%s: %s", path, err_detail(err));
	err_free(err);
	return ret;
}

struct err *dump_open(const char *path, struct dump **ret, struct machine **ret_machine)
{
	struct dump *d;
	char *data;
	size_t len;
	struct err *err;

	ERR_TRY(as_environment(read_whole_file(path, FILE_MAX, &data, &len), path));
	d = calloc(1, sizeof(*d));
	err = d ? read_dump(d, data, len, ret_machine) : err_nomem();
	free(data);
	if (err)
		dump_close(d);
	else
		*ret = d;
	return as_environment(err, path);
}

/* ---- what only the file knows ---- */

static const char *const kept[] = {"counters samples 600", "changes", "replies", "steps"};
#define KEPT (sizeof(kept) / sizeof(kept[0]))

const char *dump_kept(unsigned int i)
{
	return i < KEPT ? kept[i] : NULL;
}

/* Without a number at its end. */
static size_t words_length(const char *line)
{
	size_t len = strlen(line);

	while (len && strchr("0123456789 ", line[len - 1]))
		len--;
	return len;
}

/* The one that `NAME REST` is answered from; its number is of no account. */
static const char *find_kept(const char *name, const char *rest)
{
	size_t len = strlen(name), words = words_length(rest);

	for (unsigned int i = 0; i < KEPT; i++) {
		size_t all = words_length(kept[i]);

		if (all == len + (words ? words + 1 : 0) && strncmp(kept[i], name, len) == 0 &&
		    (!words || strncmp(kept[i] + len + 1, rest, words) == 0))
			return kept[i];
	}
	return NULL;
}

bool dump_keeps(const char *name, const char *rest)
{
	return find_kept(name, rest);
}

static struct out_value cell(struct json_object *value)
{
	uint64_t u64;

	switch (json_object_get_type(value)) {
	case json_type_null:
		return out_none();
	case json_type_boolean:
		return out_bool(json_object_get_boolean(value));
	case json_type_int:
		return unsigned_number(value, &u64) ? out_u64(u64) : out_s64(json_object_get_int64(value));
	case json_type_string:
		return out_string(json_object_get_string(value));
	default:
		return out_json(json_object_to_json_string(value));
	}
}

static void record(struct json_object *row, struct out *out)
{
	out_record_begin(out);
	for (struct json_object_iterator i = json_object_iter_begin(row), end = json_object_iter_end(row);
	     !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
		out_record(out, json_object_iter_peek_name(&i), cell(json_object_iter_peek_value(&i)));
	out_record_end(out);
}

static const char *first_key(struct json_object *row)
{
	struct json_object_iterator i = json_object_iter_begin(row), end = json_object_iter_end(row);

	return json_object_iter_equal(&i, &end) ? "" : json_object_iter_peek_name(&i);
}

static unsigned int make_columns(struct json_object *row, struct out_column *columns)
{
	struct json_object_iterator i = json_object_iter_begin(row), end = json_object_iter_end(row);
	unsigned int count = 0;

	for (; count < COLUMNS_MAX && !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		bool is_number = json_object_is_type(json_object_iter_peek_value(&i), json_type_int);

		columns[count++] = (struct out_column){json_object_iter_peek_name(&i),
						       is_number ? OUT_RIGHT : 0};
	}
	return count;
}

/* The rows from `start` on that are of one kind, with the columns of the first; returns where the next begin. */
static size_t table(struct json_object *rows, size_t start, struct out *out)
{
	struct json_object *row = json_object_array_get_idx(rows, start);
	struct out_column columns[COLUMNS_MAX];
	struct out_value values[COLUMNS_MAX];
	const char *kind = first_key(row);
	unsigned int count = make_columns(row, columns);
	size_t i = start;

	out_table_begin(out, columns, count);
	for (; row && strcmp(first_key(row), kind) == 0; row = json_object_array_get_idx(rows, ++i)) {
		struct json_object *value;

		for (unsigned int c = 0; c < count; c++)
			values[c] = json_object_object_get_ex(row, columns[c].name, &value) ? cell(value)
											     : out_none();
		out_row(out, values);
	}
	out_table_end(out);
	return i;
}

struct err *dump_answer(const struct dump *d, const char *name, const char *rest, struct out *out)
{
	const char *line = find_kept(name, rest);
	struct json_object *rows;
	size_t count;

	ERR_TRY(member(d->answers, "answers.", line, json_type_array, &rows));
	count = json_object_array_length(rows);
	for (size_t i = 0; i < count; i++)
		if (!json_object_is_type(json_object_array_get_idx(rows, i), json_type_object))
			return err_new(ERR_BAD_DATA, "answers.%s[%zu]: no object", line, i);
	if (count == 1)
		record(json_object_array_get_idx(rows, 0), out);
	for (size_t i = 0; count > 1 && i < count;)
		i = table(rows, i, out);
	return NULL;
}
