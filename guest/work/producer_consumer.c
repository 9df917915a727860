// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* Until *count is not `bad`, then one more or one less. */
static void take(struct work *w, uint32_t *count, uint32_t bad, uint32_t add)
{
	uint32_t now = __atomic_load_n(count, __ATOMIC_ACQUIRE);
	int waited = 0;

	for (;;) {
		if (now == bad) {
			work_futex_wait(count, bad);
			waited = 1;
			now = __atomic_load_n(count, __ATOMIC_ACQUIRE);
		} else if (__atomic_compare_exchange_n(count, &now, now + add, 0, __ATOMIC_ACQ_REL,
						       __ATOMIC_ACQUIRE)) {
			break;
		}
	}
	if (waited)
		work_count_since(w, w->peer->stamp);
	w->slot->stamp = work_now();
	work_futex_wake(count);
}

/* The even one of a pair produces into a queue of `depth`, whose length is in its slot. */
void work_step_producer_consumer(struct work *w, const uint64_t *params)
{
	if (w->number % 2 == 0) {
		work_burn(params[1]);
		take(w, &w->slot->words[0], (uint32_t)params[0], 1);
	} else {
		take(w, &w->peer->words[0], 0, UINT32_MAX);
		work_burn(params[2]);
	}
}
