/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the host's clock from the thread of the vCPUs. QEMU sizes its software TLB by how much of it was
 * used in the last 100 ms of the host. The size decides which translations are forgotten, and walking
 * a page table anew sets the accessed bit in it, which guest kernels read and clear: DAMON samples them,
 * reclaim goes by them. So whoever asks for the host's time in that thread is told the guest's.
 */
#ifndef VMM_PLUGIN_HOST_TIME_H
#define VMM_PLUGIN_HOST_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* In the thread of the vCPUs; `now` is QEMU's virtual time, kept up to date by the caller. False: QEMU does not
 * ask in the way that can be answered, and histories may differ. */
bool host_time_hide(const uint64_t *now);

#endif
