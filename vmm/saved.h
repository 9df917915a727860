/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One saved machine as files: QEMU's device state, guest memory with its holes, and a few facts about
 * both. Knows nothing of where the files are: folders are vmm/warm.c's, and without a usable cache
 * folder the files are memfds.
 */
#ifndef VMM_SAVED_H
#define VMM_SAVED_H

#include "base/err.h"
#include "base/file.h"
#include "vmm/ram.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct saved {
	int state_fd, ram_fd;
	int console_fd; /* what the boot wrote on the console; -1: nothing is known */
	uint64_t state_size, ram_size;
	uint64_t ram_sum; /* checksum of all pages that are not zero */
	char state_hash[SHA256_TEXT];
	uint64_t mailbox;
};

void saved_init(struct saved *s); /* no files */
void saved_deinit(struct saved *s);

/* Writes the pages of `ram` that are not zero, fills in ram_size and ram_sum. */
struct err *saved_write_ram(struct saved *s, const struct ram *ram) __attribute__((warn_unused_result));
/*
 * Size and hash of the device state that QEMU wrote. First the host's clock is taken out of it, where
 * `exact`: QEMU puts it there, and nothing reads it under icount. Then the same machine made again has
 * the same hash.
 */
struct err *saved_measure_state(struct saved *s, bool exact) __attribute__((warn_unused_result));
/* Make its clocks `ns` ahead; under icount where `exact`. ERR_BAD_DATA. */
struct err *saved_advance_clock(struct saved *s, bool exact, uint64_t ns)
	__attribute__((warn_unused_result));
/* Of memory, device state and mailbox: the identity of the machine. */
void saved_hash(const struct saved *s, char ret[SHA256_TEXT]);

/* The facts as text, and back; ERR_BAD_DATA for anything but what saved_format() writes. */
#define SAVED_TEXT 512
const char *saved_format(const struct saved *s, char buffer[SAVED_TEXT]);
struct err *saved_parse(const char *text, struct saved *s) __attribute__((warn_unused_result));
/* Sizes and the state's hash against the files. ERR_BAD_DATA. */
struct err *saved_check(struct saved *s) __attribute__((warn_unused_result));

/* Fill fresh memory from the file, in a thread of its own, so that QEMU can start meanwhile. */
struct saved_load {
	const struct saved *saved;
	const struct ram *ram;
	pthread_t thread;
	bool started;
	int errnum;
	uint64_t sum;
};
struct err *saved_load_start(struct saved_load *l, const struct saved *s, const struct ram *ram)
	__attribute__((warn_unused_result));
/* Wait for it; ERR_BAD_DATA when the memory is not what was saved. Must follow saved_load_start(). */
struct err *saved_load_finish(struct saved_load *l) __attribute__((warn_unused_result));

#endif
