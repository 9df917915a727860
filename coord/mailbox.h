/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mailbox of guest/wire.h as bytes in guest memory: bounded copies in and out, over pages whose
 * addresses the guest claims. Nothing read here is trusted; a bad claim is ERR_BAD_DATA or ERR_FAULT.
 * Not responsible for letting guest time pass. Plain data, valid while the guest is held.
 */
#ifndef COORD_MAILBOX_H
#define COORD_MAILBOX_H

#include "base/err.h"
#include "guest/wire.h"
#include "vmm/ram.h"

#include <stdint.h>

struct mailbox {
	const struct ram *ram;
	uint64_t page[WIRE_PAGES]; /* guest-physical, page aligned, inside RAM */
};

/* Checks magic, version, page count and every page's address. `phys` is that of page 0. */
struct err *mailbox_open(const struct ram *ram, uint64_t phys, struct mailbox *ret)
	__attribute__((warn_unused_result));

/* `offset` counts from the mailbox's beginning. ERR_FAULT past its end. */
struct err *mailbox_read(const struct mailbox *m, uint64_t offset, void *buffer, size_t len)
	__attribute__((warn_unused_result));
struct err *mailbox_write(const struct mailbox *m, uint64_t offset, const void *buffer, size_t len)
	__attribute__((warn_unused_result));
/* Guest-physical address of a byte; 0 past the end. */
uint64_t mailbox_phys(const struct mailbox *m, uint64_t offset);

/* A copy, its numbers in range and its texts terminated. */
struct err *mailbox_header(const struct mailbox *m, struct wire_header *ret)
	__attribute__((warn_unused_result));

/* One slot, with its texts terminated, its state and number of phases in range; `slot` < WIRE_WORKERS. */
struct err *mailbox_worker(const struct mailbox *m, unsigned int slot, struct wire_worker *ret)
	__attribute__((warn_unused_result));

/* One phase of the sequence of the worker in `slot`; `phase` < WIRE_PHASES. */
struct err *mailbox_phase(const struct mailbox *m, unsigned int slot, unsigned int phase,
			  struct wire_phase *ret) __attribute__((warn_unused_result));

/* The response, lengths and counts in range and the message terminated. */
struct err *mailbox_response(const struct mailbox *m, struct wire_response *ret)
	__attribute__((warn_unused_result));

#endif
