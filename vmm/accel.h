/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which accelerator. KVM is taken only when this CPU and this user may use it and a trial boot of the
 * very kernel makes progress: a /dev/kvm that opens proves nothing. The verdict is remembered for this
 * boot of the host, QEMU and kernel.
 */
#ifndef VMM_ACCEL_H
#define VMM_ACCEL_H

#include "vmm/machine.h"

/*
 * Blocks for at most 5 s. `wanted` KVM that cannot be used is ERR_ENVIRONMENT; AUTO then means TCG.
 * `reason` gets a sentence that explains the choice. Honours interrupted().
 */
struct err *accel_choose(enum accel wanted, const char *program, const char *kernel, enum accel *ret,
			 char *reason, size_t reason_size) __attribute__((warn_unused_result));

#endif
