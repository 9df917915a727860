/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The objects that lie on a sleeper's own stack while it waits: waiters of locks, timers. */
#include "coord/why_sleeper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* THREAD_SIZE is 16 KiB, 32 with KASAN. */
#define STACK_WORDS 4096
/* Waiters of one lock that are looked at. */
#define WAITERS_MAX 1000

/* ---- objects on the stack ---- */

void sleeper_read_stack(struct sleeper *s)
{
	const struct unwind_trace *trace = s->q->why->trace;
	uint64_t low, high;
	struct err *err;

	if (!trace->count)
		return;
	low = trace->frames[0].sp & ~7ull;
	/* Frames end where the stack does; what an entry saved lies above the last one. */
	high = trace->frames[trace->count - 1].sp;
	if (high <= low || high - low > 8 * STACK_WORDS)
		return;
	s->count = (unsigned int)((high - low) / 8);
	s->words = malloc((size_t)s->count * 8);
	err = s->words ? kernel_read(s->q->why->kernel, low, s->words, (size_t)s->count * 8) : NULL;
	if (err || !s->words)
		s->count = 0;
	err_free(err);
	s->low = low;
}

/* An object on the stack whose `task` member points to the sleeper, from word *at on; 0: none. */
static uint64_t object_of_task(const struct sleeper *s, const struct field *task, unsigned int *at)
{
	for (; task->present && *at < s->count; (*at)++)
		if (s->words[*at] == s->q->task->address)
			return s->low + 8ull * (*at)++ - task->offset;
	return 0;
}

bool sleeper_word(const struct sleeper *s, uint64_t base, const struct field *f, uint64_t *ret)
{
	struct object o;

	object_init(&o, s->q->why->kernel, base);
	*ret = object_read(&o, f);
	return f->present && !o.faulted;
}

/* ---- timers ---- */

bool why_timer_left(struct why *w, uint64_t timer, int64_t *ret)
{
	const struct types *t = kernel_types(w->kernel);
	struct maybe now = model_monotonic_now(w->kernel, w->model);
	struct field queued, expires, base, offset;
	struct object o, b;

	field_find(t, "struct hrtimer", "is_queued|state", &queued);
	field_find(t, "struct hrtimer", "node.expires", &expires);
	field_find(t, "struct hrtimer", "base", &base);
	/* Other clocks than the monotonic one are kept as distances from it. */
	field_find(t, "struct hrtimer_clock_base", "offset", &offset);
	object_init(&o, w->kernel, timer);
	object_init(&b, w->kernel, object_read(&o, &base));
	*ret = (int64_t)(object_read(&o, &expires) - object_read(&b, &offset) - now.value);
	return now.present && queued.present && expires.present && offset.present &&
	       object_read(&o, &queued) && !o.faulted && !b.faulted;
}

/* By a high-resolution timer, which a sleeper has on its stack. */
static bool fine_timer(const struct sleeper *s, int64_t *ret)
{
	const struct types *t = kernel_types(s->q->why->kernel);
	struct field task, timer, function;
	uint64_t wakeup, base, value;
	unsigned int at = 0;

	field_find(t, "struct hrtimer_sleeper", "task", &task);
	field_find(t, "struct hrtimer_sleeper", "timer", &timer);
	field_find(t, "struct hrtimer_sleeper", "timer.function", &function);
	if (!timer.present || !kernel_find_symbol(s->q->why->kernel, "hrtimer_wakeup", &wakeup))
		return false;
	while ((base = object_of_task(s, &task, &at)))
		if (sleeper_word(s, base, &function, &value) && value == wakeup &&
		    why_timer_left(s->q->why, base + timer.offset, ret))
			return true;
	return false;
}

/* By the timer wheel. */
static bool coarse_timer(const struct sleeper *s, int64_t *ret)
{
	struct kernel *k = s->q->why->kernel;
	const struct types *t = kernel_types(k);
	struct field task, pending, function, expires;
	uint64_t timeout, base, value;
	struct maybe left = {0};
	unsigned int at = 0;

	field_find(t, "struct process_timer", "task", &task);
	field_find(t, "struct process_timer", "timer.entry.pprev", &pending);
	field_find(t, "struct process_timer", "timer.function", &function);
	field_find(t, "struct process_timer", "timer.expires", &expires);
	if (!kernel_find_symbol(k, "process_timeout", &timeout))
		return false;
	while (!left.present && (base = object_of_task(s, &task, &at)))
		if (sleeper_word(s, base, &function, &value) && value == timeout &&
		    sleeper_word(s, base, &pending, &value) && value &&
		    sleeper_word(s, base, &expires, &value))
			left = model_until_jiffy(k, s->q->why->model, value);
	*ret = (int64_t)left.value;
	return left.present;
}

struct why_text sleeper_timer(const struct sleeper *s)
{
	struct why_text text = {""};
	int64_t left;

	if (!fine_timer(s, &left) && !coarse_timer(s, &left))
		return text;
	if (left > 0)
		snprintf(text.text, sizeof(text.text), ", for %s more",
			 why_time((uint64_t)left).text);
	else
		snprintf(text.text, sizeof(text.text), "; its time is up");
	return text;
}

/* ---- locks ---- */

static const struct model_task *task_at(const struct sleeper *s, uint64_t address)
{
	int i = model_find_address(s->q->why->model, address);

	return i < 0 ? NULL : &s->q->why->model->tasks[i];
}

/* "cgroup_mutex", or its address. */
static struct why_text lock_name(const struct sleeper *s, uint64_t lock)
{
	struct why_text text;
	uint64_t offset = 1;
	char name[48];
	struct err *err =
		kernel_in_image(s->q->why->kernel, lock)
			? kernel_symbol_at(s->q->why->kernel, lock, name, sizeof(name), &offset)
			: NULL;

	err_free(err);
	if (offset == 0)
		snprintf(text.text, sizeof(text.text), "%s", name);
	else
		snprintf(text.text, sizeof(text.text), "at 0x%" PRIx64, lock);
	return text;
}

/* `owner` as a lock keeps it: flags in its low bits. */
static void say_lock(struct sleeper *s, const char *kind, uint64_t lock, uint64_t owner)
{
	const struct model_task *holder = task_at(s, owner & ~7ull);
	struct why_text name = lock_name(s, lock);

	why_fact(s->q, "lock", "%s %s", kind, name.text);
	if (holder) {
		why_fact(s->q, "owner", "%s, state %c", why_name(holder).text, holder->state);
		why_say(s->q, WHY_BLOCKED, "waits for the %s %s, which %s holds (%s)", kind,
			name.text, why_name(holder).text, why_doing(holder));
	} else {
		why_say(s->q, WHY_BLOCKED, "waits for the %s %s; who holds it cannot be told", kind,
			name.text);
	}
}

void sleeper_at_mutex(struct sleeper *s)
{
	struct field owner;
	uint64_t lock, holder;

	field_find(kernel_types(s->q->why->kernel), "struct mutex", "owner", &owner);
	if (sleeper_word(s, s->q->task->address, &s->q->why->blocked_on, &lock) && lock &&
	    sleeper_word(s, lock, &owner, &holder))
		say_lock(s, "mutex", lock, holder);
}

/* Is `waiter` in the ring of waiters that begins at `first`, a list_head in the lock or a waiter?
 */
static bool in_ring(struct sleeper *s, uint64_t first, uint64_t waiter)
{
	uint64_t at = first;

	for (unsigned int i = 0; i < WAITERS_MAX; i++) {
		struct err *err;

		if (at == waiter)
			return true;
		err = kernel_read_u64(s->q->why->kernel, at, &at);
		if (err) {
			err_free(err);
			return false;
		}
		if (at == first)
			return false;
	}
	return false;
}

/* A pointer to the lock lies in some frame: it is the one in whose ring the waiter stands. */
static uint64_t lock_of(struct sleeper *s, uint64_t waiter, const struct field *ring)
{
	bool is_list = ring->size == 16;
	uint64_t first;

	for (unsigned int i = 0; i < s->count; i++) {
		uint64_t lock = s->words[i];

		if (lock % 8 || lock < 0x8000000000000000ull)
			continue;
		first = lock + ring->offset;
		if (!is_list && !sleeper_word(s, lock, ring, &first))
			continue;
		if (first && in_ring(s, first, waiter))
			return lock;
	}
	return 0;
}

void sleeper_at_rwsem(struct sleeper *s)
{
	const struct types *t = kernel_types(s->q->why->kernel);
	struct field task, ring, owner;
	uint64_t waiter, lock, holder;
	unsigned int at = 0;

	field_find(t, "struct rwsem_waiter", "task", &task);
	field_find(t, "struct rw_semaphore", "wait_list|first_waiter", &ring);
	field_find(t, "struct rw_semaphore", "owner", &owner);
	while (ring.present && (waiter = object_of_task(s, &task, &at))) {
		lock = lock_of(s, waiter, &ring);
		if (!lock || !sleeper_word(s, lock, &owner, &holder))
			continue;
		/* Bit 0: readers hold it, and the last of them to come is no proof. */
		say_lock(s, "rw_semaphore", lock, holder & 1 ? 0 : holder);
		return;
	}
}

void sleeper_at_rt_mutex(struct sleeper *s)
{
	const struct types *t = kernel_types(s->q->why->kernel);
	struct field lock_field, owner;
	uint64_t lock, holder;

	field_find(t, "struct rt_mutex_waiter", "lock", &lock_field);
	field_find(t, "struct rt_mutex_base", "owner", &owner);
	if (s->q->detail.pi_blocked_on.value &&
	    sleeper_word(s, s->q->detail.pi_blocked_on.value, &lock_field, &lock) &&
	    sleeper_word(s, lock, &owner, &holder))
		say_lock(s, "rt_mutex", lock, holder);
}
