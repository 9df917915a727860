/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searches over all symbol names: by prefix, and for names near a wrong one. */
#include "coord/kernel_private.h"

#include <stdlib.h>
#include <string.h>

struct match {
	uint32_t symbol;
	char *name;
};

struct matches {
	struct match *list;
	size_t count, size;
};

static bool matches_add(struct matches *m, uint32_t symbol, const char *name)
{
	struct match *list;

	if (m->count == m->size) {
		m->size = m->size ? m->size * 2 : 64;
		list = realloc(m->list, m->size * sizeof(*list));
		if (!list)
			return false;
		m->list = list;
	}
	m->list[m->count].symbol = symbol;
	m->list[m->count].name = strdup(name);
	return m->list[m->count].name && ++m->count;
}

static int by_name(const void *a, const void *b)
{
	const struct match *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

void kernel_symbols_each(struct kernel *k, const char *prefix,
			 bool (*visit)(void *context, const char *name, uint64_t address,
				       char kind),
			 void *context)
{
	char name[KALLSYMS_NAME], kind;
	struct matches m = {0};
	bool more = true;

	for (unsigned int i = 0; i < kallsyms_count(k->symbols); i++) {
		kallsyms_name(k->symbols, i, name, NULL);
		if (str_starts(name, prefix) && !matches_add(&m, i, name))
			break;
	}
	if (m.count)
		qsort(m.list, m.count, sizeof(*m.list), by_name);
	for (size_t i = 0; i < m.count; i++) {
		if (more) {
			kallsyms_name(k->symbols, m.list[i].symbol, name, &kind);
			more = visit(context, name, kallsyms_address(k->symbols, m.list[i].symbol),
				     kind);
		}
		free(m.list[i].name);
	}
	free(m.list);
}

/* One bit a letter: names whose letters differ in many places are not near, and are skipped
 * cheaply. */
static uint32_t letters(const char *text)
{
	uint32_t set = 0;

	for (; *text; text++)
		set |= 1u << (*text & 31);
	return set;
}

/* Names that the build makes, which nobody means. */
static bool is_generated(const char *name)
{
	static const char *const prefixes[] = {"__pfx_",       "__ksymtab_", "__kstrtab",
					       "__UNIQUE_ID_", "__cfi_",     "__flags_",
					       "__crc_",       "__SCK__",    "__SCT__"};

	for (unsigned int i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (str_starts(name, prefixes[i]))
			return true;
	return false;
}

struct err *kernel_no_symbol(struct kernel *k, const char *wanted)
{
	unsigned int limit = (unsigned int)strlen(wanted) / 3 + 1;
	uint32_t wanted_letters = letters(wanted);
	char name[KALLSYMS_NAME];
	struct nearest nearest;
	struct str text = {0};
	struct err *err;

	nearest_init(&nearest, wanted);
	for (unsigned int i = 0; i < kallsyms_count(k->symbols); i++) {
		kallsyms_name(k->symbols, i, name, NULL);
		if ((unsigned int)__builtin_popcount(letters(name) ^ wanted_letters) > 2 * limit &&
		    !strstr(name, wanted))
			continue;
		if (!is_generated(name))
			nearest_offer(&nearest, name);
	}
	nearest_add(&nearest, &text);
	err = err_new(ERR_NOT_FOUND, "no symbol '%s'%s", wanted, str_text(&text));
	str_deinit(&text);
	return err;
}
