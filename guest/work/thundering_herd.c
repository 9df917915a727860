// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <stddef.h>

/* All wake up, one after the other gets the lock. */
void work_step_thundering_herd(struct work *w, const uint64_t *params)
{
	uint32_t *round = &w->first->words[0];

	if (!w->number) {
		work_sleep(w, params[0]);
		w->first->stamp = work_now();
		__atomic_add_fetch(round, 1, __ATOMIC_RELEASE);
		work_futex_wake_all(round);
		return;
	}
	work_await_round(w);
	work_lock(w, &w->first->words[1], NULL);
	work_burn(params[1]);
	work_unlock(&w->first->words[1]);
}
