/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/ram_copy.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Fetched at a time: a walk looks at neighbours, and a fault costs as much as copying this. */
#define CHUNK ((uint64_t)16 * RAM_PAGE)
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define PAGEMAP_BATCH 512

struct ram_copy {
	const uint8_t *base;
	uint64_t size;
	struct ram_piece pieces[RAM_PIECES_MAX];
	unsigned int piece_count;
	int faults; /* userfaultfd */
	int stop;   /* eventfd: readable when the thread is to end */
	int pagemap;
	pthread_t thread;
	bool started;
};

static bool put(const struct ram_copy *c, uint64_t offset, const void *data, uint64_t len)
{
	struct uffdio_copy copy = {.dst = (uintptr_t)c->base + offset,
				   .src = (uintptr_t)data,
				   .len = len};

	return ioctl(c->faults, UFFDIO_COPY, &copy) == 0;
}

/* Some pages of the chunk may be there already, and stop the copy; then it is done page by page. */
static void put_chunk(const struct ram_copy *c, uint64_t offset, const uint8_t *data, uint64_t len)
{
	if (put(c, offset, data, len))
		return;
	for (uint64_t at = 0; at < len; at += RAM_PAGE)
		(void)put(c, offset + at, data + at, RAM_PAGE);
}

/* What a process that is gone cannot give any more is zero: nobody may wait for ever. */
static void fetch(const struct ram_copy *c, uint64_t offset, uint8_t *buffer)
{
	const struct ram_piece *p = c->pieces;
	uint64_t at, len;
	ssize_t n;

	while (offset - p->offset >= p->len && p + 1 < c->pieces + c->piece_count)
		p++;
	at = (offset - p->offset) / CHUNK * CHUNK;
	len = p->len - at < CHUNK ? p->len - at : CHUNK;
	n = pread(p->fd, buffer, len, (off_t)(p->start + at));
	if (n < (ssize_t)len)
		memset(buffer + (n > 0 ? n : 0), 0, len - (uint64_t)(n > 0 ? n : 0));
	put_chunk(c, p->offset + at, buffer, len);
}

static void *serve(void *context)
{
	const struct ram_copy *c = context;
	struct pollfd fds[] = {{.fd = c->faults, .events = POLLIN},
			       {.fd = c->stop, .events = POLLIN}};
	uint8_t *buffer = aligned_alloc(RAM_PAGE, CHUNK);
	struct uffd_msg message;

	while (buffer && poll(fds, 2, -1) >= 0 && !fds[1].revents)
		if (read(c->faults, &message, sizeof(message)) == sizeof(message) &&
		    message.event == UFFD_EVENT_PAGEFAULT)
			fetch(c, message.arg.pagefault.address - (uintptr_t)c->base, buffer);
	free(buffer);
	return NULL;
}

static struct err *open_faults(struct ram_copy *c)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register area = {
		.range = {.start = (uintptr_t)c->base, .len = c->size},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	c->faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (c->faults < 0)
		c->faults = (int)syscall(SYS_userfaultfd,
					 O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (c->faults < 0 || ioctl(c->faults, UFFDIO_API, &api) ||
	    ioctl(c->faults, UFFDIO_REGISTER, &area))
		return err_new(ERR_ENVIRONMENT,
			       "memory that qemu does not share needs userfaultfd: %s",
			       strerror(errno));
	return NULL;
}

/* Signals are for the thread that waits for guests. */
static struct err *start_thread(struct ram_copy *c)
{
	sigset_t all, old;
	int error;

	c->stop = eventfd(0, EFD_CLOEXEC);
	if (c->stop < 0)
		return err_os(errno, "eventfd");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&c->thread, NULL, serve, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	c->started = !error;
	return error ? err_os(error, "starting a thread") : NULL;
}

static struct err *start(struct ram_copy *c, struct ram *ram)
{
	void *base = mmap(NULL, ram->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return err_os(errno, "reserving %llu bytes for guest memory",
			      (unsigned long long)ram->size);
	c->base = ram->base = base;
	c->size = ram->size;
	memcpy(c->pieces, ram->pieces, sizeof(c->pieces));
	c->piece_count = ram->piece_count;
	madvise(base, ram->size, MADV_NOHUGEPAGE);
	ERR_TRY(open_faults(c));
	return start_thread(c);
}

/* Beside the memory's file lies the map of its pages; -1 where the host denies it. */
static int open_pagemap(int mem)
{
	char link[40], path[128];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", mem);
	n = readlink(link, path, sizeof(path) - sizeof("pagemap"));
	if (n < 4 || memcmp(path + n - 4, "/mem", 4))
		return -1;
	strcpy(path + n - 3, "pagemap");
	return open(path, O_RDONLY | O_CLOEXEC);
}

struct err *ram_copy_create(struct ram *ram, struct ram_copy **ret)
{
	struct ram_copy *c = calloc(1, sizeof(*c));
	struct err *err;

	if (!c)
		return err_nomem();
	c->faults = c->stop = -1;
	c->pagemap = open_pagemap(ram->pieces[0].fd);
	err = start(c, ram);
	if (err) {
		ram_copy_destroy(c);
		return err;
	}
	*ret = c;
	return NULL;
}

void ram_copy_destroy(struct ram_copy *c)
{
	if (!c)
		return;
	if (c->started) {
		eventfd_write(c->stop, 1);
		pthread_join(c->thread, NULL);
	}
	close_fd(&c->faults);
	close_fd(&c->stop);
	close_fd(&c->pagemap);
	free(c);
}

/* From page `at` on, the first whose being touched is `wanted`; `end` when there is none. */
static uint64_t seek(const struct ram_copy *c, uint64_t at, uint64_t end, bool wanted)
{
	uint64_t entries[PAGEMAP_BATCH];

	while (at < end) {
		size_t want = end - at < PAGEMAP_BATCH ? end - at : PAGEMAP_BATCH;
		ssize_t n = pread(c->pagemap, entries, 8 * want, (off_t)(8 * at));

		if (n < 8) /* not known: all of it may be */
			return wanted ? at : end;
		for (size_t i = 0; i < (size_t)n / 8; i++, at++)
			if (!(entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) == !wanted)
				return at;
	}
	return end;
}

bool ram_copy_data(const struct ram_copy *c, const struct ram_piece *piece, uint64_t from,
		   uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t first = (piece->start + from) / RAM_PAGE;
	uint64_t end = (piece->start + piece->len) / RAM_PAGE;
	uint64_t start = seek(c, first, end, true);

	if (start >= end) {
		errno = ENXIO;
		return false;
	}
	*ret_start = start * RAM_PAGE - piece->start;
	*ret_end = seek(c, start, end, false) * RAM_PAGE - piece->start;
	return true;
}
