/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a character device of the guest wrote: QEMU appends to a memfd, which never blocks and so
 * cannot disturb the guest's clock; ktdbg polls its size and punches holes behind the newest
 * CONSOLE_KEEP bytes. Guest output is not cleaned here. Not thread safe.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define CONSOLE_KEEP (UINT64_C(1) << 20)

struct console {
	int fd;           /* QEMU opens it through /proc/self/fd */
	uint64_t punched; /* bytes given back at the front */
};

struct err *console_init(struct console *c, const char *name) __attribute__((warn_unused_result));
void console_deinit(struct console *c);

/* A memfd with the newest bytes, for a machine that is saved; the caller closes it. */
struct err *console_save(struct console *c, int *ret) __attribute__((warn_unused_result));
/* Before the guest writes: begin with what `fd` has, at most CONSOLE_KEEP bytes; -1 is fine. */
struct err *console_restore(struct console *c, int fd) __attribute__((warn_unused_result));

/* Bytes ever written. Also gives old ones back. */
uint64_t console_total(struct console *c);
/* At most `size` bytes from position `at`; how many there were (0 when they are gone or not there yet). */
size_t console_read(struct console *c, uint64_t at, char *buffer, size_t size);
/* The newest bytes, at most `size` - 1, with a NUL; returns console_total(). */
uint64_t console_tail(struct console *c, char *buffer, size_t size);
/* The last `lines` lines, each with two blanks before it, cleaned for a terminal; caller frees; "" when
 * there are none, NULL without memory. */
char *console_last_lines(struct console *c, unsigned int lines);

#endif
