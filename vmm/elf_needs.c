// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmm/elf_needs.h"

#include "base/file.h"
#include "base/str.h"

#include <elf.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE (256u << 20) /* bytes */
#define MAX_NEEDS 256
#define MAX_CONF_DEPTH 4

/* One file in memory with what was found in its headers; offsets are checked against `len`. */
struct elf {
	const char *path;
	char *data;
	size_t len;
	const Elf64_Phdr *programs;
	unsigned int program_count;
	uint64_t strings; /* file offset of the dynamic string table, 0: none */
	const char *run_path; /* "" for none */
};

static const void *at(const struct elf *e, uint64_t offset, uint64_t len)
{
	return offset <= e->len && len <= e->len - offset ? e->data + offset : NULL;
}

/* A NUL-terminated text inside the file. */
static const char *text_at(const struct elf *e, uint64_t offset)
{
	return offset < e->len && memchr(e->data + offset, 0, e->len - offset) ? e->data + offset : NULL;
}

static struct err *bad(const struct elf *e, const char *why)
{
	return err_new(ERR_BAD_DATA, "%s: %s", e->path, why);
}

static struct err *open_elf(const char *path, struct elf *ret)
{
	struct elf e = {.path = path, .run_path = ""};
	const Elf64_Ehdr *h;
	struct err *err = read_whole_file(path, MAX_FILE, &e.data, &e.len);

	if (err)
		return err;
	h = at(&e, 0, sizeof(*h));
	if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_machine != EM_X86_64 || h->e_phentsize != sizeof(Elf64_Phdr)) {
		err = bad(&e, "not a 64-bit x86 ELF program");
	} else {
		e.programs = at(&e, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr));
		e.program_count = h->e_phnum;
		if (!e.programs || h->e_phoff % 8)
			err = bad(&e, "its program headers lie outside the file");
	}
	if (err) {
		free(e.data);
		return err;
	}
	*ret = e;
	return NULL;
}

/* File offset of a virtual address; 0 when no segment has it. */
static uint64_t offset_of(const struct elf *e, uint64_t va)
{
	for (unsigned int i = 0; i < e->program_count; i++) {
		const Elf64_Phdr *p = &e->programs[i];

		if (p->p_type == PT_LOAD && va >= p->p_vaddr && va - p->p_vaddr < p->p_filesz)
			return va - p->p_vaddr + p->p_offset;
	}
	return 0;
}

static const Elf64_Phdr *find_segment(const struct elf *e, uint32_t type)
{
	for (unsigned int i = 0; i < e->program_count; i++)
		if (e->programs[i].p_type == type)
			return &e->programs[i];
	return NULL;
}

/* The i-th dynamic entry; NULL at the end. */
static const Elf64_Dyn *dynamic_entry(const struct elf *e, uint64_t i)
{
	const Elf64_Phdr *p = find_segment(e, PT_DYNAMIC);
	const Elf64_Dyn *d;

	if (!p || p->p_offset % 8 || i >= p->p_filesz / sizeof(*d))
		return NULL;
	d = at(e, p->p_offset + i * sizeof(*d), sizeof(*d));
	return d && d->d_tag != DT_NULL ? d : NULL;
}

static void find_strings(struct elf *e)
{
	const Elf64_Dyn *d;
	uint64_t path = 0;
	bool have_path = false;

	for (uint64_t i = 0; (d = dynamic_entry(e, i)); i++) {
		if (d->d_tag == DT_STRTAB)
			e->strings = offset_of(e, d->d_un.d_ptr);
		if (d->d_tag == DT_RUNPATH || (d->d_tag == DT_RPATH && !have_path)) {
			path = d->d_un.d_val;
			have_path = true;
		}
	}
	if (have_path && e->strings) {
		const char *text = text_at(e, e->strings + path);

		e->run_path = text ? text : "";
	}
}

struct search {
	struct elf_needs needs;
	char **folders; /* of /etc/ld.so.conf and the default ones */
	unsigned int folder_count;
};

static struct err *add_folder(struct search *s, const char *folder)
{
	char **more = reallocarray(s->folders, s->folder_count + 1, sizeof(*more));

	if (!more)
		return err_nomem();
	s->folders = more;
	more[s->folder_count] = strdup(folder);
	if (!more[s->folder_count])
		return err_nomem();
	s->folder_count++;
	return NULL;
}

static struct err *read_conf(struct search *s, const char *path, unsigned int depth);

static struct err *include_conf(struct search *s, const char *pattern, unsigned int depth)
{
	struct err *err = NULL;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return NULL;
	for (size_t i = 0; i < found.gl_pathc && !err; i++)
		err = read_conf(s, found.gl_pathv[i], depth + 1);
	globfree(&found);
	return err;
}

/* A configuration that cannot be read has no folders; the search then names what it misses. */
static struct err *read_conf(struct search *s, const char *path, unsigned int depth)
{
	char *data, *save, *line;
	struct err *err;
	size_t len;

	if (depth > MAX_CONF_DEPTH)
		return NULL;
	err = read_whole_file(path, 1 << 20, &data, &len);
	if (err) {
		err_free(err);
		return NULL;
	}
	for (line = strtok_r(data, "\n", &save); line && !err; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (strncmp(line, "include ", 8) == 0) {
			line += 8 + strspn(line + 8, " \t");
			line[strcspn(line, " \t#")] = '\0';
			err = include_conf(s, line, depth);
		} else if (*line == '/') {
			line[strcspn(line, " \t#=")] = '\0';
			err = add_folder(s, line);
		}
	}
	free(data);
	return err;
}

static struct err *find_folders(struct search *s)
{
	static const char *const defaults[] = {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu",
					       "/lib64", "/usr/lib64", "/lib", "/usr/lib"};

	ERR_TRY(read_conf(s, "/etc/ld.so.conf", 0));
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		ERR_TRY(add_folder(s, defaults[i]));
	return NULL;
}

/* FOLDER/NAME when it is a readable file; $ORIGIN stands for the folder of `origin`. NULL: no. */
static char *try_folder(const char *folder, size_t len, const char *origin, const char *name)
{
	static const char *const words[] = {"$ORIGIN", "${ORIGIN}"};
	const char *slash = strrchr(origin, '/');
	char *path = NULL;

	for (unsigned int i = 0; i < 2 && !path; i++) {
		size_t word = strlen(words[i]);

		if (len >= word && strncmp(folder, words[i], word) == 0)
			path = str_format("%.*s%.*s/%s", slash ? (int)(slash - origin) : 1,
					  slash ? origin : ".", (int)(len - word), folder + word, name);
	}
	if (!path)
		path = str_format("%.*s/%s", (int)len, folder, name);
	if (path && access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *find_library(const struct search *s, const struct elf *e, const char *name)
{
	char *path = NULL;

	if (strchr(name, '/'))
		return access(name, R_OK) == 0 ? strdup(name) : NULL;
	for (const char *p = e->run_path; *p && !path; p += strspn(p, ":")) {
		size_t len = strcspn(p, ":");

		path = try_folder(p, len, e->path, name);
		p += len;
	}
	for (unsigned int i = 0; i < s->folder_count && !path; i++)
		path = try_folder(s->folders[i], strlen(s->folders[i]), "", name);
	return path;
}

/* Takes `path`. */
static struct err *add_need(struct search *s, char *path, const char *soname)
{
	struct elf_need *more = reallocarray(s->needs.list, s->needs.count + 1, sizeof(*more));
	char *name = soname ? strdup(soname) : NULL;

	if (more)
		s->needs.list = more;
	if (!more || !path || (soname && !name)) {
		free(path);
		free(name);
		return err_nomem();
	}
	more[s->needs.count++] = (struct elf_need){path, name};
	return NULL;
}

static bool have_need(const struct search *s, const char *soname)
{
	for (unsigned int i = 0; i < s->needs.count; i++)
		if (s->needs.list[i].soname && strcmp(s->needs.list[i].soname, soname) == 0)
			return true;
	return false;
}

static struct err *add_library(struct search *s, const struct elf *e, const char *name)
{
	char *path;

	if (have_need(s, name))
		return NULL;
	if (s->needs.count == MAX_NEEDS)
		return bad(e, "it needs more than 256 libraries");
	path = find_library(s, e, name);
	if (!path)
		return err_new(ERR_NOT_FOUND, "%s needs %s, which is not on this machine", e->path, name);
	return add_need(s, path, name);
}

static struct err *add_libraries(struct search *s, struct elf *e)
{
	const Elf64_Dyn *d;

	find_strings(e);
	for (uint64_t i = 0; (d = dynamic_entry(e, i)); i++) {
		const char *name;

		if (d->d_tag != DT_NEEDED)
			continue;
		name = e->strings ? text_at(e, e->strings + d->d_un.d_val) : NULL;
		if (!name || !*name)
			return bad(e, "the name of a library lies outside the file");
		ERR_TRY(add_library(s, e, name));
	}
	return NULL;
}

static struct err *add_interpreter(struct search *s, const struct elf *e)
{
	const Elf64_Phdr *p = find_segment(e, PT_INTERP);
	const char *name = p ? text_at(e, p->p_offset) : NULL;

	if (!p)
		return NULL;
	if (!name || *name != '/')
		return bad(e, "its interpreter has no path");
	if (access(name, R_OK))
		return err_new(ERR_NOT_FOUND, "%s needs %s, which is not on this machine", e->path, name);
	return add_need(s, strdup(name), NULL);
}

/* Only a program's interpreter counts: that of a library is never asked for. */
static struct err *follow(struct search *s, const char *path, bool is_program)
{
	struct elf e;
	struct err *err = open_elf(path, &e);

	if (err)
		return err;
	if (is_program)
		err = add_interpreter(s, &e);
	if (!err)
		err = add_libraries(s, &e);
	free(e.data);
	return err;
}

struct err *elf_needs_find(const char *program, struct elf_needs *ret)
{
	struct search s = {0};
	struct err *err = find_folders(&s);

	if (!err)
		err = follow(&s, program, true);
	/* The list grows while it is walked: libraries of libraries. */
	for (unsigned int i = 0; i < s.needs.count && !err; i++)
		err = follow(&s, s.needs.list[i].path, false);
	for (unsigned int i = 0; i < s.folder_count; i++)
		free(s.folders[i]);
	free(s.folders);
	if (err) {
		elf_needs_deinit(&s.needs);
		return err;
	}
	*ret = s.needs;
	return NULL;
}

void elf_needs_deinit(struct elf_needs *needs)
{
	for (unsigned int i = 0; i < needs->count; i++) {
		free(needs->list[i].path);
		free(needs->list[i].soname);
	}
	free(needs->list);
	*needs = (struct elf_needs){0};
}
