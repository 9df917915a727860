// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static void lock(struct work *w, uint32_t *word, uint64_t inherit)
{
	uint32_t expected = 0;

	if (!inherit)
		work_lock(w, word, NULL);
	else if (!__atomic_compare_exchange_n(word, &expected, (uint32_t)w->slot->pid, 0,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		syscall(SYS_futex, word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static void unlock(struct work *w, uint32_t *word, uint64_t inherit)
{
	uint32_t expected = (uint32_t)w->slot->pid;

	if (!inherit)
		work_unlock(word);
	else if (!__atomic_compare_exchange_n(word, &expected, 0, 0, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED))
		syscall(SYS_futex, word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

/*
 * Three on one CPU: the low one holds what the high one wants, and the middle one, which wants
 * nothing, keeps it from running. The latency is how long the high one waited for the lock.
 */
void work_step_priority_inversion(struct work *w, const uint64_t *params)
{
	uint32_t role = w->number % 3, *word = &w->group->words[1];
	uint64_t asked;

	if (!w->round) {
		work_read_cpus(w);
		work_bind(0, work_nth_cpu(w, w->number / 3));
		work_set_policy(SCHED_FIFO, 1 + (int)role);
	}
	if (role == 1) {
		work_burn(params[2]);
		work_pause(params[3]);
		return;
	}
	if (role == 2)
		work_pause(params[3]);
	asked = work_now();
	lock(w, word, params[0]);
	if (role == 2)
		work_count_since(w, asked);
	work_burn(role ? params[1] / 10 : params[1]);
	unlock(w, word, params[0]);
	if (!role)
		work_pause(params[3] / 100); /* nearly always it holds the lock */
}
