// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sched.h>

static void touch(struct work *w, uint64_t bytes, uint64_t stride)
{
	unsigned char *memory = work_memory(w, bytes);

	for (uint64_t at = 0; memory && at < bytes; at += stride)
		memory[at]++;
}

void work_step_cache_pressure(struct work *w, const uint64_t *params)
{
	touch(w, params[0], params[1]);
}

void work_step_cache_yield(struct work *w, const uint64_t *params)
{
	touch(w, params[0], params[1]);
	sched_yield();
}

void work_step_cache_pipe(struct work *w, const uint64_t *params)
{
	static const uint64_t one_byte[] = {1};

	touch(w, params[0], params[1]);
	work_step_pipe(w, one_byte);
}
