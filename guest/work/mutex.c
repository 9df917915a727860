// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

enum { FREE, TAKEN, CONTENDED };

/* Drepper's three states: only a lock that somebody waits for costs a wake-up. */
static void lock(struct work *w, uint32_t *word)
{
	uint32_t was = FREE;

	if (__atomic_compare_exchange_n(word, &was, TAKEN, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	if (was != CONTENDED)
		was = __atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE);
	while (was != FREE) {
		uint64_t now;

		work_futex_wait(word, CONTENDED);
		was = __atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE);
		now = work_now();
		if (was == FREE && w->first->stamp)
			work_count_latency(w, now > w->first->stamp ? now - w->first->stamp : 0);
	}
}

static void unlock(struct work *w, uint32_t *word)
{
	w->first->stamp = work_now();
	if (__atomic_exchange_n(word, FREE, __ATOMIC_RELEASE) == CONTENDED)
		work_futex_wake(word);
}

void work_step_mutex(struct work *w, const uint64_t *params)
{
	lock(w, &w->first->words[1]);
	work_burn(params[0]);
	unlock(w, &w->first->words[1]);
	work_burn(params[1]);
}
