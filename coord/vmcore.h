/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory as an ELF core file with a VMCOREINFO note, as kdump writes it: what drgn, crash
 * and gdb open. Pages that the guest never touched stay holes, so a 512 MiB guest costs what it uses.
 *
 * Not responsible for holding the guest: call inside a window for a consistent image. CPU registers are
 * not in it; memory is enough for everything but the stack of a task that runs at this moment.
 */
#ifndef COORD_VMCORE_H
#define COORD_VMCORE_H

#include "base/err.h"
#include "coord/kernel.h"
#include "vmm/ram.h"

#include <stdint.h>

/* Writes a new file (never over an existing one) of mode 0600; removed again when writing fails.
 * `ret_bytes` gets the bytes of data written, without holes. ERR_OS, ERR_INTERRUPTED. */
struct err *vmcore_write(struct kernel *k, const struct ram *ram, const char *path, uint64_t *ret_bytes)
	__attribute__((warn_unused_result));

#endif
