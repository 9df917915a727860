/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's clocks inside a saved device state: QEMU's section "timer" (version 2, since QEMU 0.12)
 * has the offsets of its host-driven clock and of the ticks that a TCG guest reads as its TSC; where
 * QEMU counts instructions, the part "timer/icount" (version 1) of it has how far both are ahead of
 * their number. The state is untrusted input.
 */
#ifndef VMM_DEVICE_CLOCK_H
#define VMM_DEVICE_CLOCK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Make the state one of a machine whose clocks are `ns` ahead; `icount`: they count instructions.
 * ERR_BAD_DATA when it has not exactly one such section. */
struct err *device_clock_advance(uint8_t *state, uint64_t size, bool icount, uint64_t ns)
	__attribute__((warn_unused_result));
/* Take the host's clock out of a state under icount, where nothing reads it. */
void device_clock_forget_host(uint8_t *state, uint64_t size);

#endif
