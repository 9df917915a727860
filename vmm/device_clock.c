/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/device_clock.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

/* The section's name with its length, instance 0, version 2; then three words of 64 bits, big end
 * first: the ticks' offset, one that is not used, the clock's offset. */
static const uint8_t header[] = {5, 't', 'i', 'm', 'e', 'r', 0, 0, 0, 0, 0, 0, 0, 2};
#define TICKS_OFFSET 0
#define CLOCK_OFFSET 16
#define SECTION_SIZE 24

#define CALIBRATION 20000000 /* ns */

static void add(uint8_t *at, uint64_t value)
{
	uint64_t old;

	memcpy(&old, at, sizeof(old));
	old = __builtin_bswap64(__builtin_bswap64(old) + value);
	memcpy(at, &old, sizeof(old));
}

/* Ticks of this host's TSC, which is what TCG gives its guests, in `ns`. */
static uint64_t ticks_in(uint64_t ns)
{
	uint64_t start = host_now(), ticks = __rdtsc(), passed;

	while ((passed = host_now() - start) < CALIBRATION)
		;
	return (uint64_t)((__uint128_t)(__rdtsc() - ticks) * ns / passed);
}

static struct err *advance(uint8_t *state, uint64_t size, uint64_t ns)
{
	uint8_t *at = memmem(state, size, header, sizeof(header));
	uint64_t left;

	if (!at)
		return err_new(ERR_BAD_DATA, "the saved device state has no timer section");
	at += sizeof(header);
	left = size - (uint64_t)(at - state);
	if (left < SECTION_SIZE)
		return err_new(ERR_BAD_DATA, "the saved device state ends in its timer section");
	if (memmem(at, left, header, sizeof(header)))
		return err_new(ERR_BAD_DATA, "the saved device state has two timer sections");
	add(at + TICKS_OFFSET, ticks_in(ns));
	add(at + CLOCK_OFFSET, ns);
	return NULL;
}

/* A copy that may be written. */
static struct err *copy_state(const struct saved *s, int *ret, uint8_t **ret_state)
{
	int fd = memfd_create("saved-state", MFD_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, (off_t)s->state_size))
		p = mmap(NULL, s->state_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || pread(s->state_fd, p, s->state_size, 0) != (ssize_t)s->state_size) {
		struct err *err = err_os(errno, "copying the saved device state");

		if (p != MAP_FAILED)
			munmap(p, s->state_size);
		close_fd(&fd);
		return err;
	}
	*ret = fd;
	*ret_state = p;
	return NULL;
}

struct err *device_clock_advance(struct saved *s, uint64_t ns)
{
	uint8_t *state;
	struct err *err;
	int fd;

	ERR_TRY(copy_state(s, &fd, &state));
	err = advance(state, s->state_size, ns);
	munmap(state, s->state_size);
	if (err) {
		close(fd);
		return err;
	}
	close_fd(&s->state_fd);
	s->state_fd = fd;
	return saved_measure_state(s, false);
}
