/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What others need for the same: raw QMP (`xp`) and gdb over QEMU's debug stub, both against a bare,
 * stopped QEMU of its own. That is the floor of each way, with no symbols and no guest.
 */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rivals {
	bool has_qmp, has_gdb;
	uint64_t qmp_read_ns;   /* one `xp /1gx`, median */
	uint64_t qmp_walk_ns;   /* 8,000 of them */
	uint64_t gdb_start_ns;  /* from exec to attached and gone */
	uint64_t gdb_read_ns;   /* one 8-byte read, mean */
	uint64_t gdb_walk_ns;   /* 8,000 of them */
	uint64_t gdb_rss;       /* bytes */
};

/* `folder` is for its sockets. What is missing on this host stays unset in `ret`. */
struct err *rivals_measure(const char *folder, struct rivals *ret) __attribute__((warn_unused_result));

#endif
