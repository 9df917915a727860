/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved machines: a guest that has booted and settled, kept as device state and sparse RAM below the
 * cache folder (machines/KEY/), so that the next start takes tenths of a second and every history of
 * the virtual clock begins at the same state.
 *
 * KEY is a hash of all that the saved state depends on. An entry is published by renaming a whole
 * folder, so two ktdbg that build the same one at once do no harm: one wins. Entries are checked when
 * used; a damaged one is thrown away and built again.
 */
#ifndef VMM_WARM_H
#define VMM_WARM_H

#include "base/err.h"

#include <stdint.h>

struct machine;

/* For machine_boot(): restore the machine's entry, building it first when it is missing. */
struct err *warm_start(struct machine *m) __attribute__((warn_unused_result));

struct warm_entry {
	char key[33];
	uint64_t bytes;    /* on disk */
	int64_t used;      /* seconds since 1970 of the last use */
	char summary[256]; /* kernel, topology, accelerator, clock */
};

/* All entries, most recently used first; caller frees `ret`. */
struct err *warm_cache_list(struct warm_entry **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result));
/* Remove all; how many, and how many bytes that freed. */
struct err *warm_cache_clear(unsigned int *ret_count, uint64_t *ret_bytes)
	__attribute__((warn_unused_result));

#endif
