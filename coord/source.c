/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/source.h"

#include "base/file.h"
#include "coord/globals.h"
#include "coord/types_dwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A variable that was looked for. */
#define KNOWN 64
struct known {
	char name[128];
	uint64_t address;
	Dwarf_Off type; /* 0: it has none, or is nowhere */
};

struct source {
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	uint64_t kaslr_offset;
	struct known known[KNOWN]; /* a ring */
	unsigned int known_count;
};

/* For which guest does not matter when `expected` is NULL. */
static struct err *check_build_id(struct source *s, const char *path, const char *expected)
{
	char found[2 * 64 + 1];
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(s->elf, &id);

	if (len <= 0 || len > 64)
		return err_new(ERR_ABSENT,
			       "%s has no build-id, so it cannot be told whether it is the "
			       "guest's kernel",
			       path);
	for (ssize_t i = 0; i < len; i++)
		sprintf(found + 2 * i, "%02x", ((const uint8_t *)id)[i]);
	if (!expected)
		return NULL;
	if (!expected[0])
		return err_new(ERR_REFUSED,
			       "the guest's kernel does not say its build-id (%s has %s)", path,
			       found);
	if (strcmp(found, expected) != 0)
		return err_new(ERR_REFUSED,
			       "%s is another build: its build-id is %s, the guest's is %s", path,
			       found, expected);
	return NULL;
}

static struct err *open_file(struct source *s, const char *path, const char *build_id)
{
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return err_os(errno, "%s", path);
	elf_version(EV_CURRENT);
	s->elf = elf_begin(s->fd, ELF_C_READ_MMAP, NULL);
	if (!s->elf || elf_kind(s->elf) != ELF_K_ELF)
		return err_new(ERR_BAD_DATA,
			       "%s is no ELF file (a vmlinux is wanted, not a bzImage)", path);
	ERR_TRY(check_build_id(s, path, build_id));
	s->dwarf = dwarf_begin_elf(s->elf, DWARF_C_READ, NULL);
	if (!s->dwarf)
		return err_new(ERR_ABSENT, "%s has no DWARF: %s", path, dwarf_errmsg(-1));
	return NULL;
}

struct err *source_open(const char *path, const char *build_id, uint64_t kaslr_offset,
			struct source **ret)
{
	struct source *s = calloc(1, sizeof(*s));
	struct err *err;

	if (!s)
		return err_nomem();
	s->fd = -1;
	s->kaslr_offset = kaslr_offset;
	err = open_file(s, path, build_id);
	if (err) {
		source_close(s);
		return err;
	}
	*ret = s;
	return NULL;
}

struct err *source_check(const char *path)
{
	struct source *s;

	ERR_TRY(source_open(path, NULL, 0, &s));
	source_close(s);
	return NULL;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	dwarf_end(s->dwarf);
	elf_end(s->elf);
	close_fd(&s->fd);
	free(s);
}

/* Builders' folders say nothing: show what follows the tree's own top folder, if it can be told. */
static const char *in_tree(Dwarf_Die *unit, const char *file)
{
	Dwarf_Attribute attribute;
	const char *folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
	size_t len = folder ? strlen(folder) : 0;

	if (len && strncmp(file, folder, len) == 0 && file[len] == '/')
		file += len + 1;
	while (strncmp(file, "./", 2) == 0)
		file += 2;
	return file;
}

static void set_line(Dwarf_Die *unit, const char *file, int line, struct source_line *ret)
{
	*ret = (struct source_line){0};
	snprintf(ret->file, sizeof(ret->file), "%s", in_tree(unit, file));
	ret->line = line;
}

/* The compile unit whose code holds link-time address `pc`. */
static bool find_unit(struct source *s, Dwarf_Addr pc, Dwarf_Die *ret)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	if (dwarf_addrdie(s->dwarf, pc, ret))
		return true;
	/* Not every compiler writes the address index (.debug_aranges). */
	while (dwarf_get_units(s->dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		if (dwarf_haspc(&die, pc) > 0) {
			*ret = die;
			return true;
		}
	}
	return false;
}

struct err *source_of_address(struct source *s, uint64_t address, struct source_line *ret)
{
	Dwarf_Addr pc = address - s->kaslr_offset;
	Dwarf_Line *line;
	Dwarf_Die unit;
	const char *file;
	int number;

	if (!find_unit(s, pc, &unit))
		return err_new(ERR_NOT_FOUND, "no source line for 0x%llx",
			       (unsigned long long)address);
	line = dwarf_getsrc_die(&unit, pc);
	file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	if (!file || dwarf_lineno(line, &number) || number < 1)
		return err_new(ERR_NOT_FOUND, "no source line for 0x%llx",
			       (unsigned long long)address);
	set_line(&unit, file, number, ret);
	return NULL;
}

/* Where an inlined function was called. */
static bool find_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct source_line *ret)
{
	Dwarf_Word file = 0, line = 0;
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	const char *name;
	size_t count;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) ||
	    dwarf_getsrcfiles(unit, &files, &count) || file >= count)
		return false;
	name = dwarf_filesrc(files, file, NULL, NULL);
	if (name)
		set_line(unit, name, (int)line, ret);
	return name != NULL;
}

/* The entries around `pc` as the code is nested, from the innermost on; the caller frees. */
static int scopes_at(Dwarf_Die *unit, Dwarf_Addr pc, Dwarf_Die **ret)
{
	Dwarf_Die *scopes = NULL;
	int count = dwarf_getscopes(unit, pc, &scopes);

	/* Past an inlined function those are the scopes of its definition. */
	if (count > 0)
		count = dwarf_getscopes_die(&scopes[0], ret);
	free(scopes);
	return count;
}

unsigned int source_frames(struct source *s, uint64_t address, struct source_frame *ret,
			   unsigned int max)
{
	struct source_line at = {0};
	unsigned int found = 0;
	Dwarf_Die unit, *scopes = NULL;
	int count;

	err_free(source_of_address(s, address, &at));
	if (!find_unit(s, address - s->kaslr_offset, &unit))
		return 0;
	count = scopes_at(&unit, address - s->kaslr_offset, &scopes);
	for (int i = 0; i < count && found < max; i++) {
		int tag = dwarf_tag(&scopes[i]);
		const char *name = dwarf_diename(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		ret[found] = (struct source_frame){.at = at};
		snprintf(ret[found++].function, sizeof(ret->function), "%s", name ? name : "?");
		at = (struct source_line){0};
		if (tag == DW_TAG_subprogram || !find_call(&unit, &scopes[i], &at))
			break;
	}
	free(scopes);
	if (!found && at.line && max)
		ret[found++] = (struct source_frame){.at = at}; /* assembly has lines only */
	return found;
}

/* Whether a definition of this name lies at `pc`; any when `pc` is 0. */
static bool is_at(Dwarf_Die *die, Dwarf_Addr pc)
{
	Dwarf_Attribute attribute;
	Dwarf_Addr low;
	Dwarf_Op *ops;
	size_t count;

	if (!pc)
		return true;
	if (dwarf_tag(die) == DW_TAG_subprogram) /* one in several pieces has no single start */
		return dwarf_entrypc(die, &low) == 0 ? low == pc : dwarf_haspc(die, pc) > 0;
	return dwarf_getlocation(dwarf_attr(die, DW_AT_location, &attribute), &ops, &count) == 0 &&
	       count > 0 && ops[0].atom == DW_OP_addr && ops[0].number == pc;
}

static bool is_definition(Dwarf_Die *die, const char *name, Dwarf_Addr pc)
{
	int tag = dwarf_tag(die);
	const char *own;
	bool declaration;
	Dwarf_Attribute attribute;

	if (tag != DW_TAG_subprogram && tag != DW_TAG_variable)
		return false;
	/* Definitions apart from their declaration take the name from it. */
	own = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attribute));
	if (!own || strcmp(own, name) != 0)
		return false;
	if (dwarf_formflag(dwarf_attr(die, DW_AT_declaration, &attribute), &declaration) == 0 &&
	    declaration)
		return false;
	return is_at(die, pc);
}

static bool search_unit(Dwarf_Die *unit, const char *name, Dwarf_Addr pc, Dwarf_Die *ret)
{
	if (dwarf_child(unit, ret) != 0)
		return false;
	do
		if (is_definition(ret, name, pc))
			return true;
	while (dwarf_siblingof(ret, ret) == 0);
	return false;
}

static struct err *find_definition(struct source *s, const char *name, uint64_t address,
				   Dwarf_Die *unit, Dwarf_Die *ret)
{
	Dwarf_Addr pc = address ? address - s->kaslr_offset : 0;
	Dwarf_CU *cu = NULL;

	/* A function's unit is in the index; a variable's has to be searched for. */
	if (pc && find_unit(s, pc, unit) && search_unit(unit, name, pc, ret))
		return NULL;
	while (dwarf_get_units(s->dwarf, cu, &cu, NULL, NULL, unit, NULL) == 0)
		if (search_unit(unit, name, pc, ret))
			return NULL;
	return err_new(ERR_NOT_FOUND, "no definition of %s in the vmlinux", name);
}

struct err *source_of_symbol(struct source *s, const char *name, uint64_t address,
			     struct source_line *ret)
{
	Dwarf_Die unit, die;
	const char *file;
	int line;

	ERR_TRY(find_definition(s, name, address, &unit, &die));
	file = dwarf_decl_file(&die);
	if (!file || dwarf_decl_line(&die, &line) || line < 1)
		return err_new(ERR_NOT_FOUND, "no source line for %s", name);
	set_line(&unit, file, line, ret);
	return NULL;
}

/* ---- types ---- */

/* Where a variable's type stands, 0 for none. Asked for again and again, by expressions over rows.
 */
static Dwarf_Off variable_type(struct source *s, const char *name, uint64_t address)
{
	struct known *known = &s->known[s->known_count % KNOWN];
	Dwarf_Attribute attribute;
	Dwarf_Die unit, die, type;
	struct err *err;

	for (unsigned int i = 0; i < s->known_count && i < KNOWN; i++)
		if (s->known[i].address == address && strcmp(s->known[i].name, name) == 0)
			return s->known[i].type;
	if (strlen(name) >= sizeof(known->name))
		return 0;
	strcpy(known->name, name);
	known->address = address;
	known->type = 0;
	s->known_count++;
	err = find_definition(s, name, address, &unit, &die);
	if (!err && dwarf_tag(&die) == DW_TAG_variable &&
	    dwarf_formref_die(dwarf_attr_integrate(&die, DW_AT_type, &attribute), &type))
		known->type = dwarf_dieoffset(&type);
	err_free(err);
	return known->type;
}

struct err *source_global_type(struct source *s, const struct types *types, const char *name,
			       uint64_t address, uint32_t *ret)
{
	struct err *err = global_type(types, name, ret);
	Dwarf_Die die;
	Dwarf_Off type;

	if (!err || err_kind(err) != ERR_ABSENT || !s)
		return err;
	type = variable_type(s, name, address);
	if (!type || !dwarf_offdie(s->dwarf, type, &die))
		return err;
	err_free(err);
	return err_wrap(types_import(types, &die, ret), "type of %s", name);
}

struct wanted {
	const char *name;
	size_t len;
	int tag; /* DW_TAG_*, 0: any */
};

/* What a type's name is about, without qualifiers. */
static struct wanted wanted_type(const char *text)
{
	static const struct {
		const char *word;
		int tag;
	} words[] = {{"const", 0},
		     {"volatile", 0},
		     {"struct", DW_TAG_structure_type},
		     {"union", DW_TAG_union_type},
		     {"enum", DW_TAG_enumeration_type}};
	struct wanted w = {.name = text};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].word);

		w.name += strspn(w.name, " \t");
		if (strncmp(w.name, words[i].word, len) != 0 || !strchr(" \t", w.name[len]))
			continue;
		w.name += len;
		w.tag = words[i].tag ? words[i].tag : w.tag;
	}
	w.name += strspn(w.name, " \t");
	w.len = strcspn(w.name, " \t*[");
	return w;
}

static bool is_wanted(Dwarf_Die *die, const struct wanted *w)
{
	int tag = dwarf_tag(die);
	const char *name;

	if (w->tag ? tag != w->tag
		   : tag != DW_TAG_structure_type && tag != DW_TAG_union_type &&
			     tag != DW_TAG_enumeration_type && tag != DW_TAG_typedef)
		return false;
	name = dwarf_diename(die);
	return name && strlen(name) == w->len && strncmp(name, w->name, w->len) == 0 &&
	       !dwarf_hasattr(die, DW_AT_declaration);
}

#define BLOCKS_MAX 16 /* nested in a function */

/* Also inside functions and their blocks, where BTF does not look. */
static bool search_types(Dwarf_Die *above, const struct wanted *w, unsigned int depth,
			 Dwarf_Die *ret)
{
	Dwarf_Die die;

	if (dwarf_child(above, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);

		if (is_wanted(&die, w)) {
			*ret = die;
			return true;
		}
		if ((tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block) &&
		    depth < BLOCKS_MAX && search_types(&die, w, depth + 1, ret))
			return true;
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

static struct err *import_named(struct source *s, const struct types *types, const char *text)
{
	const struct wanted w = wanted_type(text);
	Dwarf_CU *unit = NULL;
	Dwarf_Die top, die;
	uint32_t unused;

	while (w.len && dwarf_get_units(s->dwarf, unit, &unit, NULL, NULL, &top, NULL) == 0)
		if (search_types(&top, &w, 0, &die))
			return types_import(types, &die, &unused);
	return err_new(ERR_NOT_FOUND, "no type '%s' in the vmlinux", text);
}

struct err *source_parse_type(struct source *s, const struct types *types, const char *text,
			      uint32_t *ret)
{
	struct err *err = types_parse(types, text, ret), *second;

	if (!err || err_kind(err) != ERR_NOT_FOUND || !s)
		return err;
	second = import_named(s, types, text);
	if (second && err_kind(second) == ERR_NOT_FOUND) {
		err_free(second);
		return err;
	}
	err_free(err);
	ERR_TRY(err_wrap(second, "%s", text));
	return types_parse(types, text, ret);
}
