// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* The pair's word lies in the even one's slot and says whose turn it is. */
void work_step_futex(struct work *w, const uint64_t *params)
{
	uint32_t mine = w->number % 2;
	uint32_t *turn = mine ? &w->peer->words[0] : &w->slot->words[0];
	uint32_t now = __atomic_load_n(turn, __ATOMIC_ACQUIRE);

	while (now != mine) {
		work_futex_wait(turn, now);
		now = __atomic_load_n(turn, __ATOMIC_ACQUIRE);
		if (now == mine && w->peer->stamp) {
			uint64_t time = work_now();

			work_count_latency(w, time > w->peer->stamp ? time - w->peer->stamp : 0);
		}
	}
	w->slot->stamp = work_now();
	__atomic_store_n(turn, !mine, __ATOMIC_RELEASE);
	work_futex_wake(turn);
}
