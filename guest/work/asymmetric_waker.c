// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sys/resource.h>

/* As futex, but the even one of a pair is slow and of less weight. */
void work_step_asymmetric_waker(struct work *w, const uint64_t *params)
{
	uint64_t mine = w->number % 2;

	if (!w->round && !mine)
		setpriority(PRIO_PROCESS, 0, (int)params[2]);
	work_burn(params[mine]);
	work_step_futex(w, params);
}
