/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/vmcore.h"

#include "base/file.h"
#include "base/interrupt.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VMCORE_PAGE 4096u
#define CHUNK ((size_t)1 << 20)
#define NOTE_NAME "VMCOREINFO"
#define NOTE_NAME_ROOM 12u /* with its NUL, rounded up to 4 */

/* Everything before the memory: ELF header, program headers, the note. */
struct vmcore_head {
	Elf64_Ehdr elf;
	Elf64_Phdr note_header;
	Elf64_Phdr loads[RAM_SEGMENTS_MAX];
	Elf64_Nhdr note;
	char note_name[NOTE_NAME_ROOM];
};

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static void fill_note(struct vmcore_head *head, size_t text_len)
{
	head->note = (Elf64_Nhdr){
		.n_namesz = sizeof(NOTE_NAME), .n_descsz = (Elf64_Word)text_len, .n_type = 0};
	memcpy(head->note_name, NOTE_NAME, sizeof(NOTE_NAME));
	head->note_header = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = offsetof(struct vmcore_head, note),
		.p_filesz = sizeof(head->note) + NOTE_NAME_ROOM + round_up(text_len, 4),
		.p_align = 4,
	};
}

static void fill_head(struct vmcore_head *head, struct kernel *k, const struct ram *ram,
		      size_t text_len)
{
	uint64_t at = round_up(sizeof(*head) + round_up(text_len, 4), VMCORE_PAGE);

	*head = (struct vmcore_head){
		.elf = {
			.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    EV_CURRENT},
			.e_type = ET_CORE,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = offsetof(struct vmcore_head, note_header),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = (Elf64_Half)(1 + ram->segment_count),
		},
	};
	fill_note(head, text_len);
	for (unsigned int i = 0; i < ram->segment_count; i++) {
		const struct ram_segment *segment = &ram->segments[i];

		head->loads[i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_offset = at,
			.p_vaddr = kernel_direct_map(k, segment->phys),
			.p_paddr = segment->phys,
			.p_filesz = segment->len,
			.p_memsz = segment->len,
			.p_align = VMCORE_PAGE,
		};
		at += segment->len;
	}
}

/* Copies [start, end) of the memory to `to` of the file, not through our mapping, which stays untouched. */
static struct err *copy_range(const struct ram *ram, int fd, uint64_t start, uint64_t end, uint64_t to,
			      char *buffer)
{
	while (start < end) {
		size_t want = end - start < CHUNK ? end - start : CHUNK;
		ssize_t done;

		if (interrupted())
			return err_new(ERR_INTERRUPTED, "interrupted");
		done = ram_pread(ram, buffer, want, start);
		if (done > 0)
			done = pwrite(fd, buffer, (size_t)done, (off_t)to);
		if (done <= 0)
			return err_os(done ? errno : EIO, "cannot write");
		start += (uint64_t)done;
		to += (uint64_t)done;
	}
	return NULL;
}

static struct err *copy_segment(const struct ram *ram, int fd, const struct ram_segment *segment,
				uint64_t to, uint64_t *bytes)
{
	uint64_t at = segment->offset, limit = segment->offset + segment->len, start, end;
	char *buffer = malloc(CHUNK);
	struct err *err = buffer ? NULL : err_nomem();

	while (!err && at < limit && ram_next_data(ram, at, &start, &end) > 0 && start < limit) {
		if (end > limit)
			end = limit;
		err = copy_range(ram, fd, start, end, to + (start - segment->offset), buffer);
		*bytes += end - start;
		at = end;
	}
	free(buffer);
	return err;
}

static struct err *write_vmcore(struct kernel *k, const struct ram *ram, int fd, uint64_t *ret_bytes)
{
	size_t text_len;
	const char *text = kernel_vmcoreinfo(k, &text_len);
	struct vmcore_head head;
	uint64_t bytes = 0;

	fill_head(&head, k, ram, text_len);
	ERR_TRY(write_all(fd, &head, sizeof(head)));
	ERR_TRY(write_all(fd, text, text_len));
	for (unsigned int i = 0; i < ram->segment_count; i++) {
		uint64_t to = head.loads[i].p_offset;

		if (ftruncate(fd, (off_t)(to + ram->segments[i].len)))
			return err_os(errno, "cannot write");
		ERR_TRY(copy_segment(ram, fd, &ram->segments[i], to, &bytes));
	}
	*ret_bytes = bytes;
	return NULL;
}

struct err *vmcore_write(struct kernel *k, const struct ram *ram, const char *path, uint64_t *ret_bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct err *err;

	if (fd < 0)
		return err_os(errno, "cannot create %s", path);
	err = write_vmcore(k, ram, fd, ret_bytes);
	if (close(fd) && !err)
		err = err_os(errno, "cannot write");
	if (err)
		unlink(path);
	return err_wrap(err, "%s", path);
}
