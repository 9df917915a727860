// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

void work_step_affinity_churn(struct work *w, const uint64_t *params)
{
	if (!w->round) {
		work_read_cpus(w);
		work_seed(w);
	}
	work_bind(0, work_nth_cpu(w, work_random(w)));
	work_burn(params[0]);
}

/* Of the next one: it is moved while it runs, or while it waits to run. */
void work_step_cross_affinity_churn(struct work *w, const uint64_t *params)
{
	if (!w->round) {
		work_read_cpus(w);
		work_seed(w);
	}
	work_bind(work_slot(w, w->number + 1)->pid, work_nth_cpu(w, work_random(w)));
	work_burn(params[0]);
}
