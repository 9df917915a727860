/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/kernel_cache.h"

#include "base/file.h"
#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The setup header of Documentation/arch/x86/boot.rst, by file offset. */
#define SETUP_SECTS 0x1f1
#define SETUP_MAGIC 0x202 /* "HdrS" */
#define BOOT_PROTOCOL 0x206
#define VERSION_POINTER 0x20e /* less 0x200 */
#define PAYLOAD_OFFSET 0x248  /* from the end of the setup sectors; protocol 2.08 */
#define PAYLOAD_LENGTH 0x24c
#define SETUP_BYTES 0x250
#define SECTOR 512
/* The version text lies in the setup code, which has at most 64 sectors. */
#define HEAD_BYTES (65 * SECTOR)

#define PAYLOAD_MAX (256 << 20)  /* compressed */
#define UNPACKED_MAX (1LL << 30) /* a stock kernel unpacks to some 70 MB */

static uint16_t get16(const unsigned char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static uint32_t get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* As much of `len` bytes at `offset` as the file has. */
static size_t read_at(int fd, void *buffer, size_t len, off_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = pread(fd, (char *)buffer + done, len - done, offset + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

/* The first word of the version text, which goes on with who built it and when. */
static bool head_version(const unsigned char *head, size_t len, char ret[KERNEL_VERSION_TEXT])
{
	size_t at = (size_t)get16(head + VERSION_POINTER) + 0x200, n = 0;

	if (at == 0x200)
		return false;
	while (at < len && head[at] > ' ' && head[at] < 0x7f && head[at] != '/' &&
	       n < KERNEL_VERSION_TEXT - 1)
		ret[n++] = (char)head[at++];
	ret[n] = '\0';
	return n > 0;
}

/* Read and check the setup header; `head` has HEAD_BYTES. */
static struct err *read_head(int fd, const char *path, unsigned char *head,
			     char version[KERNEL_VERSION_TEXT])
{
	size_t len = read_at(fd, head, HEAD_BYTES, 0);

	if (len < SETUP_BYTES || memcmp(head + SETUP_MAGIC, "HdrS", 4) != 0)
		return err_new(ERR_BAD_DATA, "%s is no x86 boot image (bzImage)", path);
	if (!head_version(head, len, version))
		return err_new(ERR_BAD_DATA, "%s does not say its kernel version", path);
	return NULL;
}

struct err *kernel_image_version(const char *path, char ret[KERNEL_VERSION_TEXT])
{
	unsigned char head[HEAD_BYTES];
	struct err *err;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_os(errno, "cannot open %s", path);
	err = read_head(fd, path, head, ret);
	close(fd);
	return err;
}

/*
 * What the unpacked kernel is searched for, as a stream. The name of the struct_ops type is in the
 * image's read-only data when sched_ext is built in; BTF begins with a fixed header (magic, version 1,
 * no flags, 24 bytes of header, types first: Documentation/bpf/btf.rst).
 */
static const char ops_name[] = "\0sched_ext_ops";
static const char btf_header[] = {'\x9f', '\xeb', 1, 0, 24, 0, 0, 0, 0, 0, 0, 0};
#define OVERLAP 16 /* at least the longer pattern, less one byte */

struct search {
	bool sched_ext, btf;
	int64_t unpacked;
	char carry[OVERLAP];
	size_t carried;
};

static void search_bytes(struct search *s, const char *data, size_t len)
{
	s->sched_ext |= memmem(data, len, ops_name, sizeof(ops_name)) != NULL;
	s->btf |= memmem(data, len, btf_header, sizeof(btf_header)) != NULL;
}

/* A block of the stream, and the seam between it and the one before. */
static void search_block(struct search *s, const char *data, size_t len)
{
	char seam[2 * OVERLAP];
	size_t head = len < OVERLAP ? len : OVERLAP, have;

	memcpy(seam, s->carry, s->carried);
	memcpy(seam + s->carried, data, head);
	have = s->carried + head;
	search_bytes(s, seam, have);
	search_bytes(s, data, len);
	if (len >= OVERLAP) {
		memcpy(s->carry, data + len - OVERLAP, OVERLAP);
		s->carried = OVERLAP;
	} else {
		s->carried = have < OVERLAP ? have : OVERLAP;
		memcpy(s->carry, seam + have - s->carried, s->carried);
	}
	s->unpacked += (int64_t)len;
}

/* Unpack and search. The payload ends in its unpacked size, which a decompressor takes for a broken
 * second stream: an error after the data is the normal end. */
static void search_payload(struct search *s, const void *payload, size_t len)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	const void *block;
	int64_t offset;
	size_t size;

	if (!a)
		return;
	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, payload, len) == ARCHIVE_OK &&
	    archive_read_next_header(a, &entry) == ARCHIVE_OK)
		while (s->unpacked < UNPACKED_MAX && !(s->sched_ext && s->btf) &&
		       archive_read_data_block(a, &block, &size, &offset) == ARCHIVE_OK)
			search_block(s, block, size);
	archive_read_free(a);
}

static enum kernel_feature feature(const struct search *s, bool found)
{
	if (found)
		return FEATURE_YES;
	return s->unpacked > (8 << 20) ? FEATURE_NO : FEATURE_UNKNOWN;
}

static struct err *read_features(int fd, const unsigned char *head, struct kernel_image *image)
{
	unsigned int sectors = head[SETUP_SECTS] ? head[SETUP_SECTS] : 4;
	uint32_t len = get32(head + PAYLOAD_LENGTH);
	off_t at = (off_t)(sectors + 1) * SECTOR + get32(head + PAYLOAD_OFFSET);
	struct search search = {0};
	char *payload;
	size_t have;

	if (get16(head + BOOT_PROTOCOL) < 0x208 || len == 0 || len > PAYLOAD_MAX ||
	    (uint64_t)at + len > image->size)
		return NULL;
	payload = malloc(len);
	if (!payload)
		return err_nomem();
	have = read_at(fd, payload, len, at);
	search_payload(&search, payload, have);
	free(payload);
	image->sched_ext = feature(&search, search.sched_ext);
	image->btf = feature(&search, search.btf);
	return NULL;
}

struct err *kernel_image_read(const char *path, struct kernel_image *ret)
{
	struct kernel_image image = {.sched_ext = FEATURE_UNKNOWN, .btf = FEATURE_UNKNOWN};
	unsigned char head[HEAD_BYTES];
	struct stat st;
	struct err *err;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		err = err_os(errno, "cannot open %s", path);
		close_fd(&fd);
		return err;
	}
	image.size = (uint64_t)st.st_size;
	err = read_head(fd, path, head, image.version);
	if (!err)
		err = read_features(fd, head, &image);
	close(fd);
	if (!err)
		*ret = image;
	return err;
}

const char *kernel_feature_name(enum kernel_feature f)
{
	switch (f) {
	case FEATURE_NO:
		return "no";
	case FEATURE_YES:
		return "yes";
	default:
		return "unknown";
	}
}
