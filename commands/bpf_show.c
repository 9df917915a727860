/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/bpf_show.h"

#include "coord/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A compound value in a table is cut here; alone it is shown whole. */
#define CELL_TEXT 240
#define CELL_DEPTH 4
#define PLACE_DEPTH 8

/* Values without a type: their bytes, in the order of memory. */
#define BYTES_MAX 4096

/* One cell's text and what it stands for. */
struct cell {
	struct out_value value;
	char buffer[256];
};

static bool is_compound(const struct types *t, uint32_t type)
{
	enum type_kind kind = types_kind(t, type);

	return kind == TYPE_STRUCT || kind == TYPE_UNION || kind == TYPE_ARRAY;
}

/* The lines of a struct as one. */
static void add_line(struct str *s, const char *text)
{
	for (; *text; text++) {
		if (*text != '\n') {
			str_add_c(s, *text);
			continue;
		}
		str_add_c(s, ' ');
		text += strspn(text + 1, "\t");
	}
}

static void bytes_text(struct kernel *k, uint64_t address, uint32_t len, struct str *s)
{
	uint8_t bytes[BYTES_MAX];
	uint32_t shown = len < BYTES_MAX ? len : BYTES_MAX;
	struct err *err = kernel_read(k, address, bytes, shown);

	if (err)
		str_addf(s, "<fault 0x%llx>", (unsigned long long)err_address(err));
	for (uint32_t i = 0; !err && i < shown; i++)
		str_addf(s, "%02x", bytes[i]);
	if (!err && shown < len)
		str_add(s, "...");
	err_free(err);
}

/* Anything else than a scalar or a text as one line. */
static void line_text(struct kernel *k, const struct value *v, uint32_t size, struct str *s)
{
	struct str text = {0};

	if (!v->type) {
		bytes_text(k, v->address, size, s);
		return;
	}
	value_format(k, v, CELL_DEPTH, &text);
	add_line(s, str_text(&text));
	str_deinit(&text);
}

/* `size` is used where the type does not say. */
static void fill_cell(struct kernel *k, uint32_t type, uint64_t address, uint32_t size,
		      struct cell *ret)
{
	const struct value v = value_object(type, address);
	struct str line = {0};

	if (type && (!is_compound(kernel_types(k), type) || value_is_text(k, &v))) {
		ret->value = value_out(k, &v, ret->buffer);
		return;
	}
	line_text(k, &v, size, &line);
	if ((size_t)snprintf(ret->buffer, CELL_TEXT, "%s", str_text(&line)) >= CELL_TEXT)
		strcpy(ret->buffer + CELL_TEXT - 4, "...");
	ret->value = out_string(ret->buffer);
	str_deinit(&line);
}

/* ---- sections ---- */

static const struct out_column variable_columns[] = {
	{"name", 0},
	{"type", 0},
	{"address", OUT_RIGHT},
	{"value", 0},
};

static void variable_row(struct bpf_open *open, const struct section_variable *variable,
			 uint64_t address, struct out *out)
{
	struct kernel *k = bpf_open_kernel(open);
	struct str type = {0};
	struct cell cell;

	types_name(kernel_types(k), variable->type, &type);
	fill_cell(k, variable->type, address, 0, &cell);
	out_row(out, (const struct out_value[]){
			     out_string(variable->name),
			     variable->type ? out_string(str_text(&type)) : out_absent(),
			     out_hex(address),
			     variable->type ? cell.value : out_absent(),
		     });
	str_deinit(&type);
}

static void show_variables(struct bpf_open *open, struct out *out)
{
	struct section_variable variable;
	uint64_t address;

	out_table_begin(out, variable_columns,
			sizeof(variable_columns) / sizeof(variable_columns[0]));
	for (unsigned int i = 0; i < BPF_SHOW_MAX && bpf_variable_at(open, i, &variable, &address);
	     i++)
		variable_row(open, &variable, address, out);
	out_table_end(out);
}

/* ---- elements ---- */

struct elements {
	struct bpf_element *all;
	unsigned int count, size;
	bool no_memory;
};

static bool add_element(void *context, const struct bpf_element *e)
{
	struct elements *elements = context;

	if (elements->count == elements->size) {
		unsigned int size = elements->size ? 2 * elements->size : 64;
		void *grown = realloc(elements->all, size * sizeof(*elements->all));

		if (!grown) {
			elements->no_memory = true;
			return false;
		}
		elements->all = grown;
		elements->size = size;
	}
	elements->all[elements->count++] = *e;
	return true;
}

/* By key as a number where it is one, else by its first bytes; where those are equal by address, so
 * that the order is always the same. */
struct order {
	bool is_signed, is_text;
	unsigned int bits;
};

static uint64_t sort_key(const struct order *order, uint64_t index)
{
	unsigned int drop = 64 - order->bits;

	if (order->is_text)
		return __builtin_bswap64(index);
	if (order->is_signed) /* so that negative ones come first */
		return (uint64_t)((int64_t)(index << drop) >> drop) ^ 1ull << 63;
	return index;
}

static int compare(const void *a, const void *b, void *context)
{
	const struct bpf_element *x = a, *y = b;
	uint64_t left = sort_key(context, x->index), right = sort_key(context, y->index);

	if (left != right)
		return left < right ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static void sort_elements(const struct bpf_open *open, struct elements *elements)
{
	const struct types *t = kernel_types(bpf_open_kernel(open));
	uint32_t type = bpf_open_key_type(open), size = bpf_open_map(open)->key_size;
	struct order order = {
		.is_signed = type && types_signed(t, type),
		.is_text = size > 8 || (type && is_compound(t, type)),
		.bits = size && size < 8 ? 8 * size : 64,
	};

	if (!bpf_open_is_array(open) && elements->count)
		qsort_r(elements->all, elements->count, sizeof(*elements->all), compare, &order);
}

static const struct out_column element_columns[] = {
	{"key", OUT_RIGHT},
	{"value", 0},
	{"address", OUT_RIGHT | OUT_HIDDEN},
};
static const struct out_column percpu_columns[] = {
	{"key", OUT_RIGHT},
	{"cpu", OUT_RIGHT},
	{"value", 0},
	{"address", OUT_RIGHT | OUT_HIDDEN},
};

static void element_row(struct bpf_open *open, const struct bpf_element *e, struct out *out)
{
	const struct bpf_map *map = bpf_open_map(open);
	struct kernel *k = bpf_open_kernel(open);
	struct out_value values[4], *v = values;
	struct cell key, value;

	key.value = out_u64(e->index);
	if (e->key)
		fill_cell(k, bpf_open_key_type(open), e->key, map->key_size, &key);
	fill_cell(k, bpf_open_value_type(open), e->value, map->value_size, &value);
	*v++ = key.value;
	if (bpf_open_is_percpu(open))
		*v++ = out_u64(e->cpu);
	*v++ = value.value;
	*v = out_hex(e->value);
	out_row(out, values);
}

static void write_elements(struct bpf_open *open, const struct elements *elements,
			   const struct walk *w, struct out *out)
{
	bool percpu = bpf_open_is_percpu(open);
	struct str trouble = {0};

	out_table_begin(out, percpu ? percpu_columns : element_columns,
			percpu ? sizeof(percpu_columns) / sizeof(percpu_columns[0])
			       : sizeof(element_columns) / sizeof(element_columns[0]));
	for (unsigned int i = 0; i < elements->count; i++)
		element_row(open, &elements->all[i], out);
	out_table_end(out);
	walk_describe(w, &trouble);
	if (trouble.len)
		out_text(out, "map %u%s", bpf_open_map(open)->id, str_text(&trouble));
	str_deinit(&trouble);
}

static struct err *show_elements(struct bpf_open *open, struct out *out)
{
	struct elements elements = {0};
	struct walk w = bpf_each(open, BPF_SHOW_MAX, add_element, &elements);
	struct err *err = elements.no_memory ? err_nomem() : NULL;

	if (!err) {
		sort_elements(open, &elements);
		write_elements(open, &elements, &w, out);
	}
	free(elements.all);
	return err;
}

/* ---- one value ---- */

static void show_value(struct kernel *k, const char *name, const struct value *v, uint32_t size,
		       struct out *out)
{
	struct str text = {0}, json = {0}, type = {0};
	struct out_value value;
	char buffer[256];

	if (v->type) {
		value_format(k, v, PLACE_DEPTH, &text);
		types_name(kernel_types(k), v->type, &type);
	} else {
		bytes_text(k, v->address, size, &text);
	}
	if (!v->type) {
		value = out_string(str_text(&text));
	} else if (value_is_compound(k, v)) {
		value_json(k, v, PLACE_DEPTH, &json);
		value = out_json(str_text(&json));
	} else {
		value = value_out(k, v, buffer);
	}
	out_result(out, name, str_text(&type), str_text(&text), value);
	str_deinit(&text);
	str_deinit(&json);
	str_deinit(&type);
}

struct err *bpf_show_place(struct bpf_open *open, const char *name, const char *path,
			   struct out *out)
{
	struct place place;
	struct value v;

	ERR_TRY(bpf_place(open, path, &place));
	v = value_at(&place);
	show_value(bpf_open_kernel(open), name, &v, bpf_open_map(open)->value_size, out);
	return NULL;
}

struct err *bpf_show_map(struct bpf_open *open, struct out *out)
{
	if (bpf_open_is_section(open))
		show_variables(open, out);
	else if (bpf_open_map(open)->kind == BPF_KIND_STRUCT_OPS)
		return bpf_show_place(open, bpf_open_map(open)->name, "", out);
	else
		return show_elements(open, out);
	return NULL;
}
