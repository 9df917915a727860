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
#include "base/str.h"
#include "vmm/store.h"

struct machine;

/* For machine_boot(): restore the machine's entry, building it first when it is missing. */
struct err *warm_start(struct machine *m) __attribute__((warn_unused_result));

/* The parts of it, for checkpoints. Everything that saved state depends on, as lines of text. */
struct err *warm_identity(struct machine *m, struct str *s) __attribute__((warn_unused_result));
/* What the machine is, in a line. */
void warm_summary(struct machine *m, struct str *s);
/* Pause it and take its device state and console; under the real clock it can go on. */
struct err *warm_save_state(struct machine *m, struct saved *s) __attribute__((warn_unused_result));
/* Start a QEMU from what was saved; held. Checks all of it first or on the way: ERR_BAD_DATA. */
struct err *warm_restore(struct machine *m, struct saved *s) __attribute__((warn_unused_result));

#endif
