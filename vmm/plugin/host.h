/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the host out of the guest's history. Three things in QEMU happen when the host pleases and
 * are seen by the guest, sooner or later:
 * - Kicks. Who waits for an RCU grace period kicks the thread of the vCPUs out of a turn. It passes
 * through a quiescent state at the end of each turn anyway: nobody is told to kick it any more.
 * - Idle time. QEMU's main loop moves the clock on while every vCPU idles. It may look when the
 * last one has just gone to sleep and its turn is not accounted yet; the clock is then moved too
 * far. The thread of the vCPUs, which knows where it is, does it itself, and the main loop sees a
 * machine that never idles.
 * - The host's time. QEMU sizes its software TLB by how much of it was used in the last 100 ms of
 * the host. The size decides which translations are forgotten, and walking a page table anew sets
 * the accessed bit in it, which guest kernels read and clear: DAMON samples them, reclaim goes by
 * them. Whoever asks for the host's time in the thread of the vCPUs is told the guest's.
 */
#ifndef VMM_PLUGIN_HOST_H
#define VMM_PLUGIN_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* In the thread of the vCPUs, before it executes anything. `now` is QEMU's virtual time, kept up to
 * date by the caller. NULL, or what this QEMU does not let be kept out. */
const char *host_keep_out(const uint64_t *now);
/* In that thread, with the big lock: whether every vCPU idles. (To ask QEMU itself passes idle time
 * over.) */
bool host_all_idle(void);

#endif
