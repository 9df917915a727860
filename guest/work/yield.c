// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sched.h>

void work_step_yield(struct work *w, const uint64_t *params)
{
	work_spin(params[0]);
	sched_yield();
}
