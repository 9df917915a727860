/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved machines: a guest that has booted and settled, kept as device state and sparse RAM below the
 * cache folder (machines/KEY/), so that the next start takes tenths of a second and every history of
 * the virtual clock begins at the same state.
 *
 * KEY is a hash of all that the saved state depends on. The folders are vmm/store.h's, which also has
 * what `ktdbg cache` needs.
 */
#ifndef VMM_WARM_H
#define VMM_WARM_H

#include "base/err.h"
#include "vmm/store.h"

struct machine;

/* For machine_boot(): restore the machine's entry, building it first when it is missing. */
struct err *warm_start(struct machine *m) __attribute__((warn_unused_result));

#endif
