/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/code.h"

#include "coord/object.h"
#include "coord/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENERATED_MAX 65536
#define PROGRAM_PREFIX "bpf_prog_"
#define TAG_DIGITS 16

void code_deinit(struct code *c)
{
	free(c->generated);
	c->generated = NULL;
	c->count = 0;
	c->read = false;
}

/* ---- code that was made at run time ---- */

struct reader {
	struct code *code;
	struct field start, end, name;
};

/* "bpf_prog_TAG_NAME" is "bpf:NAME". */
static void set_name(struct code_generated *g, const char *name)
{
	size_t prefix = strlen(PROGRAM_PREFIX);

	if (str_starts(name, PROGRAM_PREFIX) && strlen(name) > prefix + TAG_DIGITS + 1 &&
	    name[prefix + TAG_DIGITS] == '_')
		snprintf(g->name, sizeof(g->name), "bpf:%s", name + prefix + TAG_DIGITS + 1);
	else
		snprintf(g->name, sizeof(g->name), "%s", name);
}

static bool read_one(void *context, uint64_t object)
{
	struct reader *r = context;
	struct code *c = r->code;
	struct code_generated *grown, *g;
	char name[CODE_NAME] = "";
	struct object o;

	if (c->count % 64 == 0) {
		grown = realloc(c->generated, (c->count + 64) * sizeof(*grown));
		if (!grown)
			return false;
		c->generated = grown;
	}
	object_init(&o, c->kernel, object);
	object_bytes(&o, &r->name, name, sizeof(name) - 1);
	g = &c->generated[c->count];
	*g = (struct code_generated){object_read(&o, &r->start), object_read(&o, &r->end), ""};
	set_name(g, name);
	if (!o.faulted && g->end > g->start)
		c->count++;
	return true;
}

/* A kernel without BPF has none. */
static void read_generated(struct code *c)
{
	static const char type[] = "struct bpf_ksym";
	const struct types *t = kernel_types(c->kernel);
	struct reader r = {.code = c};
	struct field link;
	uint64_t list;

	if (c->read)
		return;
	c->read = true;
	field_find(t, type, "lnode", &link);
	field_find(t, type, "start", &r.start);
	field_find(t, type, "end", &r.end);
	field_find(t, type, "name", &r.name);
	if (link.present && r.start.present && r.end.present && r.name.present &&
	    kernel_find_symbol(c->kernel, "bpf_kallsyms", &list))
		walk_list(c->kernel, list, link.offset, GENERATED_MAX, read_one, &r);
}

static const struct code_generated *find_generated(struct code *c, uint64_t address)
{
	read_generated(c);
	for (unsigned int i = 0; i < c->count; i++)
		if (address >= c->generated[i].start && address < c->generated[i].end)
			return &c->generated[i];
	return NULL;
}

/* ---- all code ---- */

void code_place(struct code *c, uint64_t ip, uint64_t inside, struct str *s)
{
	uint64_t start, end;
	struct str name = {0};

	if (code_function(c, inside, &name) && code_bounds(c, inside, &start, &end))
		str_addf(s, "%s+0x%" PRIx64 "/0x%" PRIx64, str_text(&name), ip - start,
			 end - start);
	else
		str_addf(s, "0x%" PRIx64, ip);
	str_deinit(&name);
}

bool code_function(struct code *c, uint64_t address, struct str *s)
{
	const struct code_generated *generated;
	uint64_t offset;
	char name[512];
	struct err *err = kernel_symbol_at(c->kernel, address, name, sizeof(name), &offset);

	if (!err) {
		str_add(s, name);
		return true;
	}
	err_free(err);
	generated = find_generated(c, address);
	if (generated)
		str_add_clean(s, generated->name, sizeof(generated->name));
	return generated != NULL;
}

bool code_bounds(struct code *c, uint64_t address, uint64_t *ret_start, uint64_t *ret_end)
{
	const struct code_generated *generated;
	uint64_t offset;
	char name[512];
	struct err *err = kernel_symbol_at(c->kernel, address, name, sizeof(name), &offset);

	if (!err) {
		*ret_start = address - offset;
		*ret_end = *ret_start + kernel_symbol_span(c->kernel, address);
		return true;
	}
	err_free(err);
	generated = find_generated(c, address);
	if (generated) {
		*ret_start = generated->start;
		*ret_end = generated->end;
	}
	return generated != NULL;
}

uint64_t code_program(struct code *c, const char *name)
{
	read_generated(c);
	for (unsigned int i = 0; i < c->count; i++)
		if (str_starts(c->generated[i].name, "bpf:") &&
		    strcmp(c->generated[i].name + strlen("bpf:"), name) == 0)
			return c->generated[i].start;
	return 0;
}
