/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy of another process's memory that fills itself: a page that is read for the first time since
 * ram_refresh() is fetched then. So memory that QEMU does not share is, for whoever reads it, memory like
 * any other. What is written to the copy has to be pushed.
 *
 * The faults are userfaultfd's, served by a thread of its own. System calls cannot fault that way for an
 * ordinary user: they have to be given what ram_pread() read.
 */
#ifndef VMM_RAM_COPY_H
#define VMM_RAM_COPY_H

#include "base/err.h"
#include "vmm/ram.h"

struct ram_copy;

/* Makes `ram->base`. The pieces' files are /proc/PID/mem, with addresses for offsets; they are borrowed.
 * ERR_ENVIRONMENT: this host's kernel offers no userfaultfd. */
struct err *ram_copy_create(struct ram *ram, struct ram_copy **ret) __attribute__((warn_unused_result));
void ram_copy_destroy(struct ram_copy *c); /* the mapping stays; NULL is fine */

/* The first pages at or after `from` of a piece that the process has touched; false with errno ENXIO:
 * there are no more. */
bool ram_copy_data(const struct ram_copy *c, const struct ram_piece *piece, uint64_t from,
		   uint64_t *ret_start, uint64_t *ret_end);

#endif
