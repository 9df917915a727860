// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <stddef.h>

static const work_fn functions[WORK_COUNT] = {
	[WORK_SPIN] = work_step_spin,
	[WORK_YIELD] = work_step_yield,
	[WORK_MIXED] = work_step_mixed,
	[WORK_ALU] = work_step_alu,
	[WORK_BURSTY] = work_step_bursty,
	[WORK_PIPE] = work_step_pipe,
	[WORK_FUTEX] = work_step_futex,
	[WORK_SLEEP] = work_step_sleep,
	[WORK_FORK_EXIT] = work_step_fork_exit,
	[WORK_MUTEX] = work_step_mutex,
	[WORK_SEQUENCE] = work_step_sequence,
	[WORK_IO] = work_step_io,
};

work_fn work_function(uint32_t id)
{
	return id < WORK_COUNT ? functions[id] : NULL;
}
