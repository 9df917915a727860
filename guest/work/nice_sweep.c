// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sys/resource.h>

void work_step_nice_sweep(struct work *w, const uint64_t *params)
{
	setpriority(PRIO_PROCESS, 0, (int)(w->round % 40) - 20);
	work_burn(params[0]);
}
