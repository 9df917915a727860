// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

void work_step_policy_churn(struct work *w, const uint64_t *params)
{
	static const int policies[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR};
	int policy = policies[w->round % (params[1] ? 5 : 3)];

	work_set_policy(policy, policy == SCHED_FIFO || policy == SCHED_RR);
	work_burn(params[0]);
}
