// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/damage/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOADS_MAX 2

struct core {
	Elf64_Ehdr elf;
	Elf64_Phdr headers[1 + LOADS_MAX];
};

static struct err *read_range(int fd, off_t at, uint64_t len, uint8_t *to)
{
	while (len) {
		ssize_t part = pread(fd, to, len, at);

		if (part <= 0)
			return err_os(part ? errno : EIO, "reading it");
		to += part;
		at += part;
		len -= (uint64_t)part;
	}
	return NULL;
}

/* What the file does not hold stays a hole. */
static struct err *read_load(int fd, const Elf64_Phdr *load, uint8_t *to)
{
	off_t end = (off_t)(load->p_offset + load->p_filesz), from = (off_t)load->p_offset;

	while ((from = lseek(fd, from, SEEK_DATA)) >= 0 && from < end) {
		off_t hole = lseek(fd, from, SEEK_HOLE), until = hole < end ? hole : end;

		ERR_TRY(read_range(fd, from, (uint64_t)(until - from),
				   to + (from - (off_t)load->p_offset)));
		from = until;
	}
	return NULL;
}

static struct err *load(int fd, struct memory *m)
{
	struct core core;
	uint64_t size = 0;

	if (pread(fd, &core, sizeof(core), 0) != sizeof(core) || core.elf.e_phnum < 2 ||
	    core.elf.e_phnum > 1 + LOADS_MAX)
		return err_new(ERR_BAD_DATA, "not a dump");
	for (unsigned int i = 1; i < core.elf.e_phnum; i++)
		size += core.headers[i].p_filesz;
	ERR_TRY(ram_create(size, &m->ram));
	for (unsigned int i = 1; i < core.elf.e_phnum; i++)
		ERR_TRY(read_load(fd, &core.headers[i],
				  m->ram.base + m->ram.segments[i - 1].offset));
	return NULL;
}

struct err *memory_load(const char *path, struct memory *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err *err;

	if (fd < 0)
		return err_os(errno, "%s", path);
	err = load(fd, ret);
	close(fd);
	ret->changes = mmap(NULL, sizeof(*ret->changes), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ret->changes == MAP_FAILED)
		ret->changes = NULL;
	if (!err && !ret->changes)
		err = err_nomem();
	return err_wrap(err, "%s", path);
}

uint64_t memory_word(const struct memory *m, uint64_t offset)
{
	uint64_t word;

	memcpy(&word, m->ram.base + offset, sizeof(word));
	return word;
}

void memory_change(struct memory *m, uint64_t offset, const void *bytes, uint64_t len)
{
	struct changes *c = m->changes;

	if (c->count == CHANGES_MAX || len > CHANGE_BYTES || offset > m->ram.size - len)
		return;
	c->list[c->count].offset = offset;
	c->list[c->count].len = len;
	memcpy(c->list[c->count].before, m->ram.base + offset, len);
	c->count++;
	memcpy(m->ram.base + offset, bytes, len);
}

void memory_undo(struct memory *m)
{
	struct changes *c = m->changes;

	for (; c->count; c->count--)
		memcpy(m->ram.base + c->list[c->count - 1].offset, c->list[c->count - 1].before,
		       c->list[c->count - 1].len);
}

uint64_t memory_sum(const struct memory *m)
{
	uint64_t at = 0, start, end, word, sum = 0;

	while (ram_next_data(&m->ram, at, &start, &end) == 1) {
		for (at = start; at < end; at += 8) {
			/* A page of zeros equals a hole. */
			word = memory_word(m, at);
			if (word)
				sum += (word ^ at) * 0x9e3779b97f4a7c15ull;
		}
		at = end;
	}
	return sum;
}

void memory_deinit(struct memory *m)
{
	ram_deinit(&m->ram);
	if (m->changes)
		munmap(m->changes, sizeof(*m->changes));
}
