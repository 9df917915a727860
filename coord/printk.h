/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's log, read from its ring buffer in guest memory (kernel/printk/printk_ringbuffer.c, since
 * 5.10): a ring of descriptors, an array of record infos and a ring of text. Needs no help of the guest.
 *
 * The guest is not trusted: ids, counts and positions are masked and checked, the walk is bounded by
 * the number of descriptors. Not responsible for holding the guest. Threads: the caller's.
 */
#ifndef COORD_PRINTK_H
#define COORD_PRINTK_H

#include "base/err.h"
#include "coord/kernel.h"

#include <stdint.h>

struct printk_record {
	uint64_t seq;
	uint64_t time;          /* ns of the kernel's own clock (local_clock) */
	unsigned int level;     /* 0 emergency to 7 debug */
	char *text;             /* without its newline, not cleaned */
};

struct printk_log {
	struct printk_record *records; /* oldest first */
	unsigned int count;
	char damage[128];       /* "" or what was left out */
};

/* The newest `max` records. ERR_ABSENT when this kernel has no such ring, ERR_BAD_DATA when the ring's
 * head makes no sense. */
struct err *printk_read(struct kernel *k, unsigned int max, struct printk_log *ret)
	__attribute__((warn_unused_result));
void printk_log_deinit(struct printk_log *log);

#endif
