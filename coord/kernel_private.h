/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel.c and adopt.c share. Not for others: coord/kernel.h is the interface.
 */
#ifndef COORD_KERNEL_PRIVATE_H
#define COORD_KERNEL_PRIVATE_H

#include "coord/kallsyms.h"
#include "coord/kernel.h"
#include "coord/pagetable.h"
#include "coord/types.h"
#include "coord/vmcoreinfo.h"

#define START_KERNEL_MAP 0xffffffff80000000ull /* arch/x86: __START_KERNEL_map */
#define CPUS_MAX 8192u			       /* the largest CONFIG_NR_CPUS of x86 */

struct kernel {
	const struct ram *ram;
	struct kernel_info info;
	char release[65], build_id[65];
	struct vmcoreinfo *vmcoreinfo;
	struct kallsyms *symbols;
	struct types *types;
	uint64_t image_start, image_end; /* symbols outside this range name no address */
	uint64_t direct_map;		 /* page_offset_base */
	unsigned int cpus;
	uint64_t *percpu_offsets; /* __per_cpu_offset, `cpus` of them */
	uint64_t online_mask;	  /* address of __cpu_online_mask, 0: none */
	struct pagetable pagetable;
	uint32_t dropped_at; /* pagetable.fills at the last kernel_drop_pages() */
};

/* kernel_read() without an error object; false when a page is not mapped. */
bool kernel_copy(struct kernel *k, uint64_t va, void *buffer, size_t len);

/* ERR_NOT_FOUND for symbol `wanted`, with near names. */
struct err *kernel_no_symbol(struct kernel *k, const char *wanted)
	__attribute__((warn_unused_result));

#endif
