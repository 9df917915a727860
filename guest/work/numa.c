// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <linux/mempolicy.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The nodes that this worker may use, by turns. */
static uint64_t next_node(struct work *w)
{
	uint64_t allowed[1024 / 64] = {0}, rest;

	syscall(SYS_get_mempolicy, NULL, allowed, sizeof(allowed) * 8, NULL, MPOL_F_MEMS_ALLOWED);
	rest = allowed[0] & ~((2ULL << w->due) - 1);
	if (!rest)
		rest = allowed[0];
	w->due = rest ? (uint64_t)__builtin_ctzll(rest) : 0;
	return 1ULL << w->due;
}

static void place(struct work *w, unsigned char *memory, uint64_t bytes, unsigned int flags)
{
	uint64_t node = next_node(w);

	syscall(SYS_mbind, memory, bytes, MPOL_BIND, &node, 64 + 1, flags);
	for (uint64_t at = 0; at < bytes; at += 4096)
		memory[at]++;
}

/* Fresh memory on the next node. */
void work_step_numa_sweep(struct work *w, const uint64_t *params)
{
	uint64_t bytes = params[0] * 4096;
	unsigned char *memory = work_fresh_memory(w, bytes);

	if (!memory)
		return;
	madvise(memory, bytes, MADV_DONTNEED);
	place(w, memory, bytes, 0);
}

/* The same memory, moved to the next node, and its worker after it. */
void work_step_numa_migration(struct work *w, const uint64_t *params)
{
	uint64_t bytes = params[0] * 4096;
	unsigned char *memory = work_fresh_memory(w, bytes);

	if (!w->round)
		work_read_cpus(w);
	if (memory)
		place(w, memory, bytes, MPOL_MF_MOVE);
	work_bind_node(w, (unsigned int)w->due);
}
