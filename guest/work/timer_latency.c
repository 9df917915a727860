// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

/* On a grid of `period` from the start; what was slept over is left out. */
void work_step_timer_latency(struct work *w, const uint64_t *params)
{
	uint64_t now = work_now();
	struct timespec t;

	if (!w->round) {
		prctl(PR_SET_TIMERSLACK, 1);
		w->due = now;
	}
	w->due += (now < w->due ? 1 : (now - w->due) / params[0] + 1) * params[0];
	t = (struct timespec){(time_t)(w->due / 1000000000ULL), (long)(w->due % 1000000000ULL)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
	work_count_since(w, w->due);
}
