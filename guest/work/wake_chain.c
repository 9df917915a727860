// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* A token goes round; who has it works, and wakes the next. */
void work_step_wake_chain(struct work *w, const uint64_t *params)
{
	uint32_t *token = &w->slot->words[0];
	struct wire_worker *next = work_slot(w, w->number + 1);

	if (w->number || w->round) {
		while (!__atomic_load_n(token, __ATOMIC_ACQUIRE))
			work_futex_wait(token, 0);
		work_count_since(w, w->slot->stamp);
		__atomic_store_n(token, 0, __ATOMIC_RELEASE);
	}
	work_burn(params[0]);
	next->stamp = work_now();
	__atomic_store_n(&next->words[0], 1, __ATOMIC_RELEASE);
	work_futex_wake(&next->words[0]);
}
