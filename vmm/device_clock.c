/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/device_clock.h"
#include "base/file.h"

#include <string.h>
#include <x86intrin.h>

struct part {
	const char *name;
	uint8_t header[24];
	unsigned int header_size, size;
};

/* The name with its length, instance 0, version 2; then three words of 64 bits, big end first: the
 * ticks' offset, one that is not used, the clock's offset. */
static const struct part timers = {
	"timer section", {5, 't', 'i', 'm', 'e', 'r', 0, 0, 0, 0, 0, 0, 0, 2}, 14, 24};
#define TICKS_OFFSET 0
#define CLOCK_OFFSET 16

/* The mark of a subsection, the name with its length, version 1; then what is added to the number
 * of instructions, as ns, and that number. */
static const struct part counted = {
	"count of instructions",
	{5, 12, 't', 'i', 'm', 'e', 'r', '/', 'i', 'c', 'o', 'u', 'n', 't', 0, 0, 0, 1},
	18,
	16};
#define BIAS_OFFSET 0

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

/* The only one, whole; *ret is behind its header. */
static struct err *find(uint8_t *state, uint64_t size, const struct part *part, uint8_t **ret)
{
	uint8_t *at = memmem(state, size, part->header, part->header_size);
	uint64_t left;

	if (!at)
		return err_new(ERR_BAD_DATA, "the saved device state has no %s", part->name);
	at += part->header_size;
	left = size - (uint64_t)(at - state);
	if (left < part->size)
		return err_new(ERR_BAD_DATA, "the saved device state ends in its %s", part->name);
	if (memmem(at, left, part->header, part->header_size))
		return err_new(ERR_BAD_DATA, "the saved device state has more than one %s",
			       part->name);
	*ret = at;
	return NULL;
}

struct err *device_clock_advance(uint8_t *state, uint64_t size, bool icount, uint64_t ns)
{
	uint8_t *at;

	ERR_TRY(find(state, size, icount ? &counted : &timers, &at));
	if (icount) {
		add(at + BIAS_OFFSET, ns);
		return NULL;
	}
	add(at + TICKS_OFFSET, ticks_in(ns));
	add(at + CLOCK_OFFSET, ns);
	return NULL;
}

void device_clock_forget_host(uint8_t *state, uint64_t size)
{
	uint8_t *at;
	struct err *err = find(state, size, &timers, &at);

	if (!err)
		memset(at, 0, timers.size);
	err_free(err);
}
