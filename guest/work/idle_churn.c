// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sys/prctl.h>

void work_step_idle_churn(struct work *w, const uint64_t *params)
{
	if (!w->round)
		prctl(PR_SET_TIMERSLACK, 1);
	work_burn(params[0]);
	work_sleep(w, params[1]);
}
