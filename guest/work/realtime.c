// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* All of a spawn on one CPU, the first of them SCHED_FIFO. */
static void take_places(struct work *w)
{
	work_read_cpus(w);
	work_bind(0, work_nth_cpu(w, 0));
	if (!w->number)
		work_set_policy(SCHED_FIFO, 1);
}

static void run(struct work *w, uint64_t burn, uint64_t rest)
{
	if (!w->round)
		take_places(w);
	if (w->number) {
		work_spin(20000);
		return;
	}
	work_burn(burn);
	work_sleep(w, rest);
}

void work_step_rt_starvation(struct work *w, const uint64_t *params)
{
	run(w, params[0], params[1]);
}

void work_step_preempt_storm(struct work *w, const uint64_t *params)
{
	run(w, params[0], params[1]);
}
