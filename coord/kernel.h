/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The adopted kernel: guest virtual memory, symbols and types of one running Linux, found in its
 * memory alone. Adoption finds vmcoreinfo in RAM, then kallsyms, then BTF; KASLR is solved on the
 * way.
 *
 * Guest memory is hostile: every read is checked, every walk bounded. A translation cache is valid
 * between kernel_window_begin() and the guest's next run. Not responsible for holding the guest.
 * Threads: one at a time.
 */
#ifndef COORD_KERNEL_H
#define COORD_KERNEL_H

#include "base/err.h"
#include "base/str.h"
#include "vmm/ram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel;
struct types; /* coord/types.h */

/*
 * Adopt the kernel that runs in `ram` (borrowed for the kernel's life). `hint` is a guest-physical
 * address at which vmcoreinfo was found before, 0 for none. ERR_NOT_FOUND: no kernel in RAM (yet);
 * ERR_ABSENT: the kernel lacks kallsyms or BTF, the detail says which and what it would need.
 */
struct err *kernel_adopt(const struct ram *ram, uint64_t hint, struct kernel **ret)
	__attribute__((warn_unused_result));
void kernel_destroy(struct kernel *k);

/*
 * The same kernel seen through other types, such as those of a BPF object: memory, symbols and
 * per-CPU variables are `k`'s, kernel_types() gives `types`, which the view takes over. For one
 * window: destroy it before the guest runs, and before `k`. On failure `types` stays the caller's.
 */
struct err *kernel_view_create(struct kernel *k, struct types *types, struct kernel **ret)
	__attribute__((warn_unused_result));
void kernel_view_destroy(struct kernel *view); /* NULL is fine */

/* What was found. All strings borrowed. */
struct kernel_info {
	const char *release;   /* "7.2.12+deb13-cloud-amd64" */
	const char *build_id;  /* 40 hex digits, "" when the kernel does not say */
	uint64_t kaslr_offset; /* bytes */
	uint64_t phys_base;
	bool five_levels;     /* of page tables */
	uint64_t vmcoreinfo;  /* guest-physical address, the hint for the next adoption */
	unsigned int symbols; /* how many */
	uint64_t adopt_ns;    /* host ns that adoption took */
	bool sched_ext;	      /* the kernel has CONFIG_SCHED_CLASS_EXT */
};
const struct kernel_info *kernel_info(const struct kernel *k);
const struct types *kernel_types(const struct kernel *k);
/* The text of vmcoreinfo as found in the guest, lines of KEY=VALUE; borrowed, not NUL terminated.
 */
const char *kernel_vmcoreinfo(const struct kernel *k, size_t *ret_len);

/* Forget translations: call when the guest has run since the last window. Now and then it also
 * gives pages back, as kernel_drop_pages() does. */
void kernel_window_begin(struct kernel *k);

/* Give the pages of guest memory that were looked at back to the host: resident memory falls,
 * values do not change. Also forgets translations. */
void kernel_drop_pages(struct kernel *k);

/* Kernel virtual memory. ERR_FAULT carries the first bad address; a write is all or nothing. */
struct err *kernel_read(struct kernel *k, uint64_t va, void *buffer, size_t len)
	__attribute__((warn_unused_result));
struct err *kernel_write(struct kernel *k, uint64_t va, const void *buffer, size_t len)
	__attribute__((warn_unused_result));
struct err *kernel_read_u64(struct kernel *k, uint64_t va, uint64_t *ret)
	__attribute__((warn_unused_result));
struct err *kernel_read_u32(struct kernel *k, uint64_t va, uint32_t *ret)
	__attribute__((warn_unused_result));
/* At most `size` - 1 bytes up to the NUL; raw, not cleaned. */
struct err *kernel_read_string(struct kernel *k, uint64_t va, char *buffer, size_t size)
	__attribute__((warn_unused_result));
/* Guest-physical address of `va` through the kernel's own page tables. */
struct err *kernel_translate(struct kernel *k, uint64_t va, uint64_t *ret_phys)
	__attribute__((warn_unused_result));
/* The aligned word at `va` of the process whose top page table is at `pgd` (mm_struct.pgd); false: it is not
 * in memory. */
bool kernel_user_u32(struct kernel *k, uint64_t pgd, uint64_t va, uint32_t *ret);
/* Host pointer to [va, va + len) when it lies in one page, else NULL. Valid in this window. */
void *kernel_at(struct kernel *k, uint64_t va, size_t len);
/* The kernel's direct mapping of guest-physical `phys`. */
uint64_t kernel_direct_map(const struct kernel *k, uint64_t phys);

/* kallsyms. ERR_NOT_FOUND offers near names. */
struct err *kernel_symbol(struct kernel *k, const char *name, uint64_t *ret)
	__attribute__((warn_unused_result));
/* The same for those who only ask whether it exists: no search for near names. */
bool kernel_find_symbol(struct kernel *k, const char *name, uint64_t *ret);
/* "name+0x12/0x80"-style lookup: the symbol at or below `address`; ERR_NOT_FOUND outside the
 * kernel. */
struct err *kernel_symbol_at(struct kernel *k, uint64_t address, char *name, size_t size,
			     uint64_t *ret_offset) __attribute__((warn_unused_result));
/* Bytes from the symbol that kernel_symbol_at() gives for `address` to the next one; 0: unknown. */
uint64_t kernel_symbol_span(struct kernel *k, uint64_t address);
/* Whether `address` lies in the kernel's image, where symbols are. */
bool kernel_in_image(const struct kernel *k, uint64_t address);
/* Calls `visit` for each symbol whose name starts with `prefix`, in name order, until it returns
 * false. */
void kernel_symbols_each(struct kernel *k, const char *prefix,
			 bool (*visit)(void *context, const char *name, uint64_t address,
				       char kind),
			 void *context);

/* Per-CPU variables. `symbol` is the address in the symbol table. ERR_NOT_FOUND: CPU out of range.
 */
unsigned int kernel_cpus(const struct kernel *k); /* nr_cpu_ids */
bool kernel_cpu_online(struct kernel *k, unsigned int cpu);
struct err *kernel_percpu(struct kernel *k, uint64_t symbol, unsigned int cpu, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif
