/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A still: a machine of one instant. It is held for ever; its memory is what somebody has of it
 * (vmm/ram_pages.h), its registers and its console are what they were. It is made from a machine that lives, or from
 * what a file kept of one. Nothing runs in it, and nobody but its maker can tell it from a guest that is frozen.
 */
#ifndef VMM_STILL_H
#define VMM_STILL_H

#include "vmm/machine.h"
#include "vmm/registers.h"
#include "vmm/topology.h"

struct ram_pages;

#define STILL_MEMORY_MAX (UINT64_C(1) << 42)

/* What is known of it beside memory. The strings are copied. */
struct still {
	uint64_t time; /* guest ns since ready */
	struct machine_info info; /* of the machine it is of; its strings are not used */
	const char *qemu_version, *kernel, *reason;
	struct ram_segment segments[RAM_SEGMENTS_MAX];
	unsigned int segment_count;
	struct cpu_registers registers[TOPOLOGY_CPUS_MAX];
	unsigned int register_count; /* vCPUs whose registers are known: the first ones */
};

/* Of a machine that lives: memory is copied as it is looked at. Nothing else is known yet. `of` is borrowed until
 * ram_pages_close(). */
struct err *still_create(struct machine *of, struct machine **ret) __attribute__((warn_unused_result));
/* `of` is held: the still is of this instant. What was copied before is copied anew; time, registers and console are
 * taken. */
struct err *still_take(struct machine *still, struct machine *of) __attribute__((warn_unused_result));

/* Of what a file has: `pages` are put into still_pages() then. ERR_BAD_DATA: segments that overlap or are none. */
struct err *still_open(const struct still *what, const char *console, size_t console_len,
		       struct machine **ret) __attribute__((warn_unused_result));

/* Of a still: borrowed. */
struct ram_pages *still_pages(struct machine *still);
const struct still *still_info(const struct machine *m); /* NULL: it is none */

#endif
