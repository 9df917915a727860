// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/*
 * The first worker hands out work; each of the others, when it has done its share, says so in its
 * own word and sleeps until it is woken. The time from there until it runs is what schbench(1)
 * reports.
 */
enum { BUSY, WAITING };

static void hand_out(struct work *w)
{
	uint32_t *news = &w->first->words[1], seen = __atomic_load_n(news, __ATOMIC_ACQUIRE);

	for (uint32_t i = 1; i < w->spawn->workers; i++) {
		struct wire_worker *other = work_slot(w, i);

		if (__atomic_load_n(&other->words[0], __ATOMIC_ACQUIRE) != WAITING)
			continue;
		other->stamp = work_now();
		__atomic_store_n(&other->words[0], BUSY, __ATOMIC_RELEASE);
		work_futex_wake(&other->words[0]);
	}
	work_futex_wait(news, seen);
}

void work_step_schbench(struct work *w, const uint64_t *params)
{
	uint32_t *mine = &w->slot->words[0], *news = &w->first->words[1];

	if (!w->number) {
		hand_out(w);
		return;
	}
	__atomic_store_n(mine, WAITING, __ATOMIC_RELEASE);
	__atomic_add_fetch(news, 1, __ATOMIC_RELEASE);
	work_futex_wake(news);
	while (__atomic_load_n(mine, __ATOMIC_ACQUIRE) == WAITING)
		work_futex_wait(mine, WAITING);
	work_count_since(w, w->slot->stamp);
	work_pause(params[1]);
	work_burn(params[0]);
}
