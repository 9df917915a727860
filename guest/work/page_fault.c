// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sys/mman.h>

void work_step_page_fault(struct work *w, const uint64_t *params)
{
	uint64_t bytes = params[0] * 4096;
	unsigned char *memory = work_fresh_memory(w, bytes);

	for (uint64_t at = 0; memory && at < bytes; at += 4096)
		memory[at] = 1;
	if (memory)
		madvise(memory, bytes, MADV_DONTNEED);
}
