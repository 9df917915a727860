/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints: a machine kept under a name, as device state, memory and the account of its vCPUs,
 * beyond the end of ktdbg (checkpoints/NAME/ below the state folder). It goes only into a machine
 * of the same kernel, image, QEMU, topology and memory, and only whole: the new QEMU process takes
 * the old one's place after everything has been read and checked.
 *
 * At the moment of saving every vCPU counts as runnable. The gap up to the restore, as far as the
 * guest is to see it, moves the guest's clock (in the timer section of the device state) and comes
 * back from machine_take_gap().
 *
 * Under the virtual clock all of it is part of the guest's history. So that nothing of QEMU's own that no
 * device state has can make a difference, the machine goes on from what was saved right after the saving, in
 * a new process: it then does what a restored one does. Held in the middle of a turn, at a break, it first
 * goes on to the next point of the clock.
 *
 * Threads: one.
 */
#ifndef VMM_CHECKPOINT_H
#define VMM_CHECKPOINT_H

#include "base/err.h"
#include "vmm/machine.h"

#include <stdint.h>

#define CHECKPOINT_NAME 64 /* letters, digits, and -_. after the first; and NUL */

/* The machine is held. A checkpoint of that name is replaced once the new one is on the disk. Under the
 * virtual clock guest memory is mapped anew, on failure too, and breaks (vmm/breaks.h) are to be set anew. */
struct err *checkpoint_save(struct machine *m, const char *name)
	__attribute__((warn_unused_result));

/* The time since the saving; not under the virtual clock, whose guest nothing of the host's reaches. */
#define CHECKPOINT_GAP_REAL UINT64_MAX
/*
 * Put `m`, which is held, back to it, `gap` ns later, without breaks (vmm/breaks.h). On failure `m` is what it was: ERR_NOT_FOUND,
 * ERR_REFUSED (another kernel, image, QEMU..., with both), ERR_BAD_DATA (damaged).
 */
struct err *checkpoint_restore(struct machine *m, const char *name, uint64_t gap)
	__attribute__((warn_unused_result));

struct checkpoint_entry {
	char name[CHECKPOINT_NAME];
	uint64_t bytes;	   /* on disk */
	int64_t saved;	   /* seconds since 1970 */
	uint64_t time;	   /* guest ns since ready */
	char summary[256]; /* what it is of, or what is wrong with it; cleaned */
};
/* All, by name; caller frees. */
struct err *checkpoint_list(struct checkpoint_entry **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result));
struct err *checkpoint_delete(const char *name) __attribute__((warn_unused_result));

#endif
