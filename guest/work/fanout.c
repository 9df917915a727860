// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* The first one's words: the number of the round, and how many have yet to finish it. */
static void lead(struct work *w)
{
	uint32_t *round = &w->first->words[0], *left = &w->first->words[1], n;

	__atomic_store_n(left, w->spawn->workers - 1, __ATOMIC_RELEASE);
	w->first->stamp = work_now();
	__atomic_add_fetch(round, 1, __ATOMIC_RELEASE);
	work_futex_wake_all(round);
	while ((n = __atomic_load_n(left, __ATOMIC_ACQUIRE)))
		work_futex_wait(left, n);
}

static void finish(struct work *w)
{
	uint32_t *left = &w->first->words[1];

	if (__atomic_sub_fetch(left, 1, __ATOMIC_ACQ_REL) == 0)
		work_futex_wake(left);
}

void work_step_futex_fanout(struct work *w, const uint64_t *params)
{
	if (!w->number) {
		lead(w);
		work_burn(params[0]);
		return;
	}
	work_await_round(w);
	finish(w);
}

void work_step_fanout_compute(struct work *w, const uint64_t *params)
{
	if (!w->number) {
		lead(w);
		return;
	}
	work_await_round(w);
	work_step_alu(w, params);
	finish(w);
}
