/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's clocks inside a saved device state: QEMU's section "timer" (version 2, since QEMU
 * 0.9) has the offsets of its virtual clock and of the ticks that a TCG guest reads as its TSC. The
 * state is untrusted input.
 */
#ifndef VMM_DEVICE_CLOCK_H
#define VMM_DEVICE_CLOCK_H

#include "vmm/saved.h"

/* Make the state one of a machine whose clocks are `ns` ahead; s->state_fd is then a memfd.
 * ERR_BAD_DATA when it has not exactly one such section. */
struct err *device_clock_advance(struct saved *s, uint64_t ns) __attribute__((warn_unused_result));

#endif
