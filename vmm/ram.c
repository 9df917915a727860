/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/ram.h"
#include "base/file.h"
#include "vmm/ram_copy.h"
#include "vmm/ram_pages.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* pc_q35_init() of QEMU: a machine that would reach into the PCI hole has 2 GiB below it. */
static void set_segments(struct ram *ram)
{
	uint64_t low = ram->size >= UINT64_C(0xb0000000) ? 2 * GIB : ram->size;

	ram->segments[0] = (struct ram_segment){.phys = 0, .offset = 0, .len = low};
	ram->segment_count = 1;
	if (low == ram->size)
		return;
	ram->segments[1] =
		(struct ram_segment){.phys = 4 * GIB, .offset = low, .len = ram->size - low};
	ram->segment_count = 2;
}

static struct err *map_pieces(struct ram *ram)
{
	uint8_t *base = mmap(NULL, ram->size, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return err_os(errno, "reserving %llu bytes for guest memory",
			      (unsigned long long)ram->size);
	ram->base = base;
	for (unsigned int i = 0; i < ram->piece_count; i++) {
		const struct ram_piece *p = &ram->pieces[i];

		if (mmap(base + p->offset, p->len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 p->fd, (off_t)p->start) == MAP_FAILED)
			return err_os(errno, "mapping guest memory");
	}
	/* Worth 0.1 s of page faults where the host lets shared memory have huge pages. */
	madvise(base, ram->size, MADV_HUGEPAGE);
	return NULL;
}

static struct err *add_piece(struct ram *ram, uint64_t len)
{
	struct ram_piece *p = &ram->pieces[ram->piece_count];

	p->fd = memfd_create("guest-ram", MFD_CLOEXEC);
	if (p->fd < 0)
		return err_os(errno, "memfd for guest memory");
	p->offset = ram->size;
	p->len = len;
	ram->piece_count++;
	ram->size += len;
	if (ftruncate(p->fd, (off_t)len))
		return err_os(errno, "%llu bytes of guest memory", (unsigned long long)len);
	return NULL;
}

static struct err *fill(struct ram *ram, uint64_t size, unsigned int pieces)
{
	uint64_t each = pieces > 1 ? size / pieces / MIB * MIB : size;

	if (!pieces || pieces > RAM_PIECES_MAX || !each)
		return err_new(ERR_USAGE, "%llu bytes of memory cannot be shared by %u nodes",
			       (unsigned long long)size, pieces);
	for (unsigned int i = 0; i + 1 < pieces; i++)
		ERR_TRY(add_piece(ram, each));
	ERR_TRY(add_piece(ram, size - each * (pieces - 1)));
	ram->fd = ram->pieces[0].fd;
	set_segments(ram);
	return map_pieces(ram);
}

struct err *ram_create_pieces(uint64_t size, unsigned int pieces, struct ram *ret)
{
	struct ram ram = {.fd = -1};
	struct err *err = fill(&ram, size, pieces);

	if (err) {
		ram_deinit(&ram);
		return err;
	}
	*ret = ram;
	return NULL;
}

struct err *ram_create(uint64_t size, struct ram *ret)
{
	return ram_create_pieces(size, 1, ret);
}

struct err *ram_open(int fd, struct ram *ret)
{
	struct ram ram = {.fd = fd, .pieces = {{.fd = fd}}, .piece_count = 1};
	struct stat st;
	struct err *err;

	if (fstat(fd, &st))
		err = err_os(errno, "memory image");
	else if (st.st_size <= 0)
		err = err_new(ERR_BAD_DATA, "memory image is empty");
	else {
		ram.size = ram.pieces[0].len = (uint64_t)st.st_size;
		set_segments(&ram);
		err = map_pieces(&ram);
	}
	if (err) {
		ram_deinit(&ram);
		return err;
	}
	*ret = ram;
	return NULL;
}

struct err *ram_map(struct ram *ram, bool shared)
{
	ram->fd = ram->pieces[0].fd;
	return shared ? map_pieces(ram) : ram_copy_create(ram, &ram->copy);
}

void ram_deinit(struct ram *ram)
{
	ram_copy_destroy(ram->copy);
	ram_pages_destroy(ram->pages);
	if (ram->base)
		munmap(ram->base, ram->size);
	for (unsigned int i = 0; i < ram->piece_count; i++)
		close_fd(&ram->pieces[i].fd);
	*ram = (struct ram){.fd = -1};
}

static bool find(const struct ram *ram, uint64_t phys, size_t len, uint64_t *ret)
{
	for (unsigned int i = 0; i < ram->segment_count; i++) {
		const struct ram_segment *s = &ram->segments[i];

		if (phys >= s->phys && phys - s->phys < s->len &&
		    len <= s->len - (phys - s->phys)) {
			*ret = s->offset + (phys - s->phys);
			return true;
		}
	}
	return false;
}

void *ram_at(const struct ram *ram, uint64_t phys, size_t len)
{
	uint64_t offset;

	if (!find(ram, phys, len, &offset) || (ram->pages && !ram_pages_have(ram->pages, offset, len)))
		return NULL;
	return ram->base + offset;
}

static int piece_of(const struct ram *ram, uint64_t offset)
{
	for (unsigned int i = 0; i < ram->piece_count; i++)
		if (offset - ram->pieces[i].offset < ram->pieces[i].len)
			return (int)i;
	return -1;
}

int ram_locate(const struct ram *ram, uint64_t phys, uint64_t *ret_offset)
{
	uint64_t offset;
	int piece;

	if (!find(ram, phys, sizeof(uint32_t), &offset))
		return -1;
	piece = piece_of(ram, offset);
	if (piece >= 0)
		*ret_offset = offset - ram->pieces[piece].offset;
	return piece;
}

void ram_refresh(const struct ram *ram)
{
	if (ram->copy)
		madvise(ram->base, ram->size, MADV_DONTNEED);
}

/* Shared memory stays where it is, and a copy can be made again; the only copy cannot. */
void ram_give_back(const struct ram *ram)
{
	if (!ram->pages)
		(void)madvise(ram->base, ram->size, MADV_DONTNEED);
}

struct err *ram_push(const struct ram *ram, const void *at, size_t len)
{
	uint64_t offset = (uint64_t)((const uint8_t *)at - ram->base);
	const struct ram_piece *p;
	int piece;
	ssize_t n;

	if (!ram->copy)
		return NULL;
	piece = offset < ram->size ? piece_of(ram, offset) : -1;
	if (piece < 0)
		return err_new(ERR_BAD_DATA, "a write beyond guest memory");
	p = &ram->pieces[piece];
	n = pwrite(p->fd, at, len, (off_t)(p->start + (offset - p->offset)));
	if (n == (ssize_t)len)
		return NULL;
	return err_os(n < 0 ? errno : EIO, "writing the memory of qemu");
}

/* Only what ram_next_data() told of is asked for. */
static ssize_t read_pages(const struct ram *ram, void *buffer, size_t len, uint64_t offset)
{
	if (offset >= ram->size || len > ram->size - offset)
		return 0;
	memcpy(buffer, ram->base + offset, len);
	return (ssize_t)len;
}

ssize_t ram_pread(const struct ram *ram, void *buffer, size_t len, uint64_t offset)
{
	const struct ram_piece *p;
	uint64_t at;
	int piece;

	if (ram->pages)
		return read_pages(ram, buffer, len, offset);
	piece = piece_of(ram, offset);
	if (piece < 0)
		return 0;
	p = &ram->pieces[piece];
	at = offset - p->offset;
	return pread(p->fd, buffer, len < p->len - at ? len : p->len - at, (off_t)(p->start + at));
}

/* SEEK_DATA and SEEK_HOLE within one piece, from its offset `from`. */
static bool piece_data(const struct ram_piece *p, uint64_t from, uint64_t *ret_start,
		       uint64_t *ret_end)
{
	off_t start = lseek(p->fd, (off_t)(p->start + from), SEEK_DATA), end;

	if (start < 0 || (uint64_t)start - p->start >= p->len) {
		errno = start < 0 ? errno : ENXIO;
		return false;
	}
	end = lseek(p->fd, start, SEEK_HOLE);
	if (end < 0)
		return false;
	*ret_start = (uint64_t)start - p->start;
	*ret_end = (uint64_t)end - p->start;
	if (*ret_end > p->len)
		*ret_end = p->len;
	return true;
}

int ram_next_data(const struct ram *ram, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
	if (ram->pages)
		return ram_pages_next(ram->pages, offset, ret_start, ret_end);
	for (int i = piece_of(ram, offset); i >= 0 && i < (int)ram->piece_count; i++) {
		const struct ram_piece *p = &ram->pieces[i];
		uint64_t from = offset > p->offset ? offset - p->offset : 0, start, end;
		bool found = ram->copy ? ram_copy_data(ram->copy, p, from, &start, &end)
				       : piece_data(p, from, &start, &end);

		if (!found && errno == ENXIO)
			continue;
		if (!found)
			return -1;
		*ret_start = p->offset + start;
		*ret_end = p->offset + end;
		return 1;
	}
	return 0;
}

/* Four lanes of multiply-xor: it keeps up with memcpy. */
uint64_t ram_page_sum(const void *page, uint64_t offset)
{
	const uint64_t *w = page;
	uint64_t a = offset + 1, b = ~offset, c = offset * 3, d = 0x51;

	for (unsigned int i = 0; i < RAM_PAGE / 8; i += 4) {
		a = (a ^ w[i]) * UINT64_C(0x9e3779b97f4a7c15);
		b = (b ^ w[i + 1]) * UINT64_C(0xbf58476d1ce4e5b9);
		c = (c ^ w[i + 2]) * UINT64_C(0x94d049bb133111eb);
		d = (d ^ w[i + 3]) * UINT64_C(0xd6e8feb86659fd93);
	}
	a ^= b >> 31 ^ c >> 17 ^ d >> 7;
	b = (a + b + c + d) * UINT64_C(0x9e3779b97f4a7c15);
	return b ^ b >> 29;
}

bool ram_page_zero(const void *page)
{
	const char *p = page;

	return !p[0] && !memcmp(p, p + 1, RAM_PAGE - 1);
}

/* Of one range that may hold data. */
static uint64_t range_sum(const uint8_t *base, uint64_t start, uint64_t end)
{
	uint64_t sum = 0;

	for (uint64_t at = start; at < end; at += RAM_PAGE)
		if (!ram_page_zero(base + at))
			sum += ram_page_sum(base + at, at);
	return sum;
}

int ram_sum(const struct ram *ram, uint64_t *ret)
{
	uint64_t at = 0, start, end, sum = 0;
	int more;

	while ((more = ram_next_data(ram, at, &start, &end)) > 0) {
		sum += range_sum(ram->base, start, end);
		at = end;
	}
	if (!more)
		*ret = sum;
	return more;
}
