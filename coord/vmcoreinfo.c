/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/vmcoreinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u
#define CHUNK (256u << 10) /* small enough to stay in the second-level cache */

/* An ELF note whose name and contents start as vmcoreinfo's do. */
struct note {
	uint32_t name_size;
	uint32_t text_size;
	uint32_t type;
	char name[12];
	char text[10];
} __attribute__((packed));

static bool note_plausible(const void *at)
{
	struct note note;

	memcpy(&note, at, sizeof(note));
	return note.name_size == sizeof("VMCOREINFO") && memcmp(note.name, "VMCOREINFO", 11) == 0 &&
	       note.text_size > sizeof(note.text) && note.text_size <= VMCOREINFO_MAX &&
	       memcmp(note.text, "OSRELEASE=", sizeof(note.text)) == 0;
}

bool vmcoreinfo_read(const struct ram *ram, uint64_t phys, struct vmcoreinfo *ret)
{
	const char *at = ram_at(ram, phys, sizeof(struct note));
	uint32_t len;

	if (!at || !note_plausible(at))
		return false;
	memcpy(&len, at + offsetof(struct note, text_size), sizeof(len));
	at = ram_at(ram, phys + offsetof(struct note, text), len);
	if (!at || len > VMCOREINFO_MAX)
		return false;
	memcpy(ret->text, at, len);
	ret->text[len] = '\0';
	ret->len = len;
	ret->phys = phys;
	return strlen(ret->text) == len && ret->text[len - 1] == '\n';
}

/* Where byte `offset` of the memory file shows in guest-physical memory. */
static bool offset_to_phys(const struct ram *ram, uint64_t offset, uint64_t *ret)
{
	for (unsigned int i = 0; i < ram->segment_count; i++) {
		const struct ram_segment *s = &ram->segments[i];

		if (offset < s->offset || offset - s->offset >= s->len)
			continue;
		*ret = s->phys + (offset - s->offset);
		return true;
	}
	return false;
}

struct scan {
	const struct ram *ram;
	char *chunk;
	struct vmcoreinfo *info;
	bool (*visit)(void *context, const struct vmcoreinfo *info);
	void *context;
	bool stopped;
};

static void scan_chunk(struct scan *scan, uint64_t offset, size_t len)
{
	uint64_t phys;

	for (size_t at = 0; at + sizeof(struct note) <= len && !scan->stopped; at += PAGE) {
		if (!note_plausible(scan->chunk + at))
			continue;
		if (!offset_to_phys(scan->ram, offset + at, &phys))
			continue;
		if (vmcoreinfo_read(scan->ram, phys, scan->info))
			scan->stopped = !scan->visit(scan->context, scan->info);
	}
}

/* Look at [start, end) of the mapping, which lies in one piece. */
static struct err *scan_range(struct scan *scan, uint64_t start, uint64_t end)
{
	start -= start % PAGE;
	while (start < end && !scan->stopped) {
		size_t want = end - start < CHUNK ? end - start : CHUNK;
		ssize_t got = ram_pread(scan->ram, scan->chunk, want, start);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_os(errno, "reading guest memory at offset 0x%llx",
				      (unsigned long long)start);
		scan_chunk(scan, start, (size_t)got);
		if ((size_t)got < want) /* the file ends here */
			return NULL;
		start += want;
	}
	return NULL;
}

static struct err *scan_all(struct scan *scan)
{
	uint64_t offset = 0, start, end;

	while (offset < scan->ram->size && !scan->stopped) {
		int found = ram_next_data(scan->ram, offset, &start, &end);

		if (found < 0)
			return err_os(errno, "looking for data in guest memory");
		if (!found || end <= offset)
			break;
		ERR_TRY(scan_range(scan, start, end));
		offset = end;
	}
	return NULL;
}

struct err *vmcoreinfo_each(const struct ram *ram,
			    bool (*visit)(void *context, const struct vmcoreinfo *info),
			    void *context)
{
	struct scan scan = {.ram = ram, .visit = visit, .context = context};
	struct err *err;

	scan.chunk = malloc(CHUNK);
	scan.info = malloc(sizeof(*scan.info));
	err = scan.chunk && scan.info ? scan_all(&scan) : err_nomem();
	free(scan.chunk);
	free(scan.info);
	return err;
}

/* The text after "PREFIX(NAME)=" or, without a prefix, "NAME=" at the start of a line. */
static const char *find(const struct vmcoreinfo *info, const char *prefix, const char *name)
{
	char key[160];
	int len = snprintf(key, sizeof(key), prefix ? "%s(%s)=" : "%s%s=", prefix ? prefix : "",
			   name);
	const char *line = info->text;

	if (len < 0 || (size_t)len >= sizeof(key))
		return NULL;
	while (line && *line) {
		if (strncmp(line, key, (size_t)len) == 0)
			return line + len;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

/* A number that ends its line. */
static bool number(const char *text, int base, uint64_t *ret)
{
	char *end;
	uint64_t value;

	if (!text || *text == '\n' || *text == ' ')
		return false;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || end == text || *end != '\n')
		return false;
	*ret = value;
	return true;
}

bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return number(find(info, "SYMBOL", name), 16, ret);
}

bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *name, int64_t *ret)
{
	return number(find(info, "NUMBER", name), 0, (uint64_t *)ret);
}

bool vmcoreinfo_offset(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return number(find(info, "OFFSET", name), 10, ret);
}

bool vmcoreinfo_string(const struct vmcoreinfo *info, const char *key, char *buffer, size_t size)
{
	const char *text = find(info, NULL, key);
	size_t len = text ? strcspn(text, "\n") : 0;

	if (!text || len >= size)
		return false;
	memcpy(buffer, text, len);
	buffer[len] = '\0';
	return true;
}
