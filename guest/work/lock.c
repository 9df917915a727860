// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <stddef.h>

enum { FREE, TAKEN, CONTENDED };

/* Drepper's three states: only a lock that somebody waits for costs a wake-up. */
void work_lock(struct work *w, uint32_t *word, const uint64_t *stamp)
{
	uint32_t was = FREE;

	if (__atomic_compare_exchange_n(word, &was, TAKEN, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	if (was != CONTENDED)
		was = __atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE);
	while (was != FREE) {
		work_futex_wait(word, CONTENDED);
		was = __atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE);
		if (was == FREE && stamp)
			work_count_since(w, *stamp);
	}
}

void work_unlock(uint32_t *word)
{
	if (__atomic_exchange_n(word, FREE, __ATOMIC_RELEASE) == CONTENDED)
		work_futex_wake(word);
}
