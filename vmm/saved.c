/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/saved.h"
#include "vmm/device_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE RAM_PAGE
#define BATCH ((uint64_t)256 << 10) /* stays in the second-level cache */
#define STATE_MAX ((off_t)256 << 20)

void saved_init(struct saved *s)
{
	*s = (struct saved){.state_fd = -1, .ram_fd = -1, .console_fd = -1};
}

void saved_deinit(struct saved *s)
{
	close_fd(&s->state_fd);
	close_fd(&s->ram_fd);
	close_fd(&s->console_fd);
}

static int pwrite_all(int fd, const void *data, uint64_t len, uint64_t offset)
{
	const char *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		p += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int pread_all(int fd, void *data, uint64_t len, uint64_t offset)
{
	char *p = data;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		p += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

/* Runs of pages that are not zero, from one range that may hold data. */
static int write_range(struct saved *s, const uint8_t *base, uint64_t start, uint64_t end)
{
	uint64_t from = start, at;
	int error = 0;

	for (at = start; at < end && !error; at += PAGE) {
		if (!ram_page_zero(base + at)) {
			s->ram_sum += ram_page_sum(base + at, at);
			continue;
		}
		if (at > from)
			error = pwrite_all(s->ram_fd, base + from, at - from, from);
		from = at + PAGE;
	}
	if (!error && end > from)
		error = pwrite_all(s->ram_fd, base + from, end - from, from);
	return error;
}

struct err *saved_write_ram(struct saved *s, const struct ram *ram)
{
	uint64_t at = 0, start, end;
	int more, error = 0;

	s->ram_size = ram->size;
	s->ram_sum = 0;
	if (ftruncate(s->ram_fd, (off_t)ram->size))
		return err_os(errno, "saving guest memory");
	while (!error && (more = ram_next_data(ram, at, &start, &end)) > 0) {
		error = write_range(s, ram->base, start, end);
		at = end;
	}
	if (!error && more < 0)
		error = errno;
	return error ? err_os(error, "saving guest memory") : NULL;
}

static struct err *hash_state(struct saved *s, char hash[SHA256_TEXT])
{
	void *p;

	if (!s->state_size)
		return err_new(ERR_BAD_DATA, "the saved device state is empty");
	p = mmap(NULL, s->state_size, PROT_READ, MAP_PRIVATE, s->state_fd, 0);
	if (p == MAP_FAILED)
		return err_os(errno, "reading the saved device state");
	sha256_bytes(p, s->state_size, hash);
	munmap(p, s->state_size);
	return NULL;
}

/* The whole of it, to be changed in place. */
static struct err *map_state(int fd, uint64_t size, uint8_t **ret)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return err_os(errno, "reading the saved device state");
	*ret = p;
	return NULL;
}

struct err *saved_measure_state(struct saved *s, bool exact)
{
	struct stat st;

	if (fstat(s->state_fd, &st))
		return err_os(errno, "saved device state");
	s->state_size = (uint64_t)st.st_size;
	if (exact && s->state_size) {
		uint8_t *state;

		ERR_TRY(map_state(s->state_fd, s->state_size, &state));
		device_clock_forget_host(state, s->state_size);
		munmap(state, s->state_size);
	}
	return hash_state(s, s->state_hash);
}

/* What was opened is somebody's file: a copy in memory takes its place. */
static struct err *copy_state(struct saved *s, uint8_t **ret)
{
	int fd = memfd_create("saved-state", MFD_CLOEXEC);
	struct err *err = NULL;

	if (fd < 0 || ftruncate(fd, (off_t)s->state_size))
		err = err_os(errno, "copying the saved device state");
	if (!err)
		err = map_state(fd, s->state_size, ret);
	if (!err) {
		int error = pread_all(s->state_fd, *ret, s->state_size, 0);

		if (error) {
			munmap(*ret, s->state_size);
			err = err_os(error, "copying the saved device state");
		}
	}
	if (err) {
		close_fd(&fd);
		return err;
	}
	close_fd(&s->state_fd);
	s->state_fd = fd;
	return NULL;
}

struct err *saved_advance_clock(struct saved *s, bool exact, uint64_t ns)
{
	uint8_t *state;
	struct err *err;

	ERR_TRY(copy_state(s, &state));
	err = device_clock_advance(state, s->state_size, exact, ns);
	munmap(state, s->state_size);
	return err ? err : hash_state(s, s->state_hash);
}

const char *saved_format(const struct saved *s, char buffer[SAVED_TEXT])
{
	snprintf(buffer, SAVED_TEXT,
		 "ktdbg machine 1\nram %" PRIu64 " %016" PRIx64 "\nstate %" PRIu64
		 " %s\nmailbox %" PRIx64 "\n",
		 s->ram_size, s->ram_sum, s->state_size, s->state_hash, s->mailbox);
	return buffer;
}

void saved_hash(const struct saved *s, char ret[SHA256_TEXT])
{
	char text[SAVED_TEXT];

	saved_format(s, text);
	sha256_bytes(text, strlen(text), ret);
}

struct err *saved_parse(const char *text, struct saved *s)
{
	char again[SAVED_TEXT];

	if (sscanf(text,
		   "ktdbg machine 1\nram %" SCNu64 " %" SCNx64 "\nstate %" SCNu64
		   " %64s\nmailbox %" SCNx64 "\n",
		   &s->ram_size, &s->ram_sum, &s->state_size, s->state_hash, &s->mailbox) != 5 ||
	    strcmp(saved_format(s, again), text))
		return err_new(ERR_BAD_DATA, "the saved machine's description is damaged");
	return NULL;
}

struct err *saved_check(struct saved *s)
{
	char hash[SHA256_TEXT];
	struct stat state, ram;

	if (fstat(s->state_fd, &state) || fstat(s->ram_fd, &ram))
		return err_os(errno, "saved machine");
	if (state.st_size > STATE_MAX || (uint64_t)state.st_size != s->state_size ||
	    (uint64_t)ram.st_size != s->ram_size)
		return err_new(ERR_BAD_DATA, "the saved machine's files have the wrong size");
	ERR_TRY(hash_state(s, hash));
	if (strcmp(hash, s->state_hash))
		return err_new(ERR_BAD_DATA, "the saved device state is damaged");
	return NULL;
}

/*
 * One stretch of the file that holds data, within one piece of memory. Read and written, not stored
 * through mappings: no page of memory is zeroed first, and a failing disk is an error, not a
 * SIGBUS.
 */
static int load_range(struct saved_load *l, uint8_t *buffer, const struct ram_piece *piece,
		      uint64_t start, uint64_t end)
{
	int error = 0;

	for (uint64_t at = start; at < end && !error; at += BATCH) {
		uint64_t len = end - at < BATCH ? end - at : BATCH;

		error = pread_all(l->saved->ram_fd, buffer, len, at);
		for (uint64_t p = 0; p < len && !error; p += PAGE)
			if (!ram_page_zero(buffer + p))
				l->sum += ram_page_sum(buffer + p, at + p);
		if (!error)
			error = pwrite_all(piece->fd, buffer, len, at - piece->offset);
	}
	return error;
}

static int load_piece(struct saved_load *l, uint8_t *buffer, const struct ram_piece *piece)
{
	uint64_t limit = piece->offset + piece->len;
	off_t start = (off_t)piece->offset, end;
	int error = 0;

	while (!error && (uint64_t)start < limit) {
		start = lseek(l->saved->ram_fd, start, SEEK_DATA);
		if (start < 0)
			return errno == ENXIO ? 0 : errno;
		if ((uint64_t)start >= limit)
			break;
		end = lseek(l->saved->ram_fd, start, SEEK_HOLE);
		if (end < 0)
			return errno;
		if ((uint64_t)end > limit)
			end = (off_t)limit;
		error = load_range(l, buffer, piece, (uint64_t)start, (uint64_t)end);
		start = end;
	}
	return error;
}

static void *load_thread(void *context)
{
	struct saved_load *l = context;
	uint8_t *buffer = aligned_alloc(PAGE, BATCH);

	if (!buffer)
		l->errnum = ENOMEM;
	for (unsigned int i = 0; i < l->ram->piece_count && !l->errnum; i++)
		l->errnum = load_piece(l, buffer, &l->ram->pieces[i]);
	free(buffer);
	return NULL;
}

struct err *saved_load_start(struct saved_load *l, const struct saved *s, const struct ram *ram)
{
	sigset_t all, old;
	int error;

	*l = (struct saved_load){.saved = s, .ram = ram};
	if (s->ram_size != ram->size)
		return err_new(ERR_BAD_DATA, "the saved machine has another memory size");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the main thread's */
	error = pthread_create(&l->thread, NULL, load_thread, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return err_os(error, "starting a thread");
	l->started = true;
	return NULL;
}

struct err *saved_load_finish(struct saved_load *l)
{
	if (!l->started)
		return NULL;
	pthread_join(l->thread, NULL);
	l->started = false;
	if (l->errnum)
		return err_os(l->errnum, "loading guest memory");
	if (l->sum != l->saved->ram_sum)
		return err_new(ERR_BAD_DATA, "the saved guest memory is damaged");
	return NULL;
}
