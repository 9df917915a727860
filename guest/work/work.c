// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CPU_TIME_EVERY 1000000ULL /* ns: the clock of a thread costs a system call */
#define BURN_STEPS 2000           /* some microseconds */

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

uint64_t work_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t work_cpu_time(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void work_spin(uint64_t steps)
{
	for (uint64_t i = 0; i < steps; i++)
		__asm__ volatile("" ::: "memory");
}

void work_burn(uint64_t ns)
{
	uint64_t end = work_cpu_time() + ns;

	while (work_cpu_time() < end)
		work_spin(BURN_STEPS);
}

void work_count_latency(struct work *w, uint64_t ns)
{
	struct wire_worker *s = w->slot;
	unsigned int bucket = ns ? 63 - (unsigned int)__builtin_clzll(ns) : 0;

	if (bucket >= WIRE_LATENCY_BUCKETS)
		bucket = WIRE_LATENCY_BUCKETS - 1;
	s->wakeups++;
	s->latency[bucket]++;
	if (ns > s->max_latency)
		s->max_latency = ns;
	if (!w->phase)
		return;
	w->phase->wakeups++;
	w->phase->latency[bucket]++;
	if (ns > w->phase->max_latency)
		w->phase->max_latency = ns;
}

static void sleep_until(uint64_t due)
{
	struct timespec t = {(time_t)(due / 1000000000ULL), (long)(due % 1000000000ULL)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

void work_count_since(struct work *w, uint64_t stamp)
{
	uint64_t now = work_now();

	if (stamp)
		work_count_latency(w, now > stamp ? now - stamp : 0);
}

void work_sleep(struct work *w, uint64_t ns)
{
	uint64_t due = work_now() + ns;

	sleep_until(due);
	work_count_since(w, due);
}

void work_pause(uint64_t ns)
{
	sleep_until(work_now() + ns);
}

uint64_t work_random(struct work *w)
{
	uint64_t x = w->random ? w->random : 0x9e3779b97f4a7c15ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return w->random = x;
}

void work_seed(struct work *w)
{
	w->random = (w->number + 1) * 0x9e3779b97f4a7c15ULL;
}

struct wire_worker *work_slot(const struct work *w, uint32_t i)
{
	return &w->all[w->slots[i % w->spawn->workers]];
}

static unsigned char *map_memory(struct work *w, uint64_t bytes, int flags)
{
	void *p;

	if (w->memory)
		return w->memory;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	if (p == MAP_FAILED) {
		work_pause(1000000);
		return NULL;
	}
	return w->memory = p;
}

unsigned char *work_memory(struct work *w, uint64_t bytes)
{
	return map_memory(w, bytes, MAP_POPULATE);
}

unsigned char *work_fresh_memory(struct work *w, uint64_t bytes)
{
	return map_memory(w, bytes, 0);
}

void work_futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void work_futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void work_futex_wake_all(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void work_await_round(struct work *w)
{
	uint32_t *round = &w->first->words[0], now;

	while ((now = __atomic_load_n(round, __ATOMIC_ACQUIRE)) == w->seen)
		work_futex_wait(round, now);
	w->seen = now;
	work_count_since(w, w->first->stamp);
}

/*
 * The host clears what was seen when a step begins. A worker that was taken off its CPU between asking
 * where it is and noting it must not bring back what was true before that: hence the exchange.
 */
static void note_cpu(struct wire_worker *s, uint64_t cpu)
{
	uint64_t *word, old, bit;

	if (cpu >= WIRE_SEEN_CPUS)
		return;
	word = &s->seen[cpu / 64];
	bit = 1ULL << (cpu % 64);
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	if (!(old & bit) && (uint64_t)sched_getcpu() == cpu)
		__atomic_compare_exchange_n(word, &old, old | bit, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* The end of an iteration. CPU time first, so that it is never more than the time that passed. */
static void tick(struct work *w)
{
	struct wire_worker *s = w->slot;
	uint64_t now, cpu = (uint64_t)sched_getcpu();

	if (w->last - w->cpu_read >= CPU_TIME_EVERY) {
		w->cpu_read = w->last;
		s->cpu_time = work_cpu_time() - w->cpu_start;
	}
	now = work_now();
	if (now - w->last > s->max_gap)
		s->max_gap = now - w->last;
	if (now - w->last > s->gap)
		s->gap = now - w->last;
	if (cpu != s->cpu) {
		s->migrations++;
		s->cpu = cpu;
	}
	note_cpu(s, cpu);
	w->last = now;
	s->update_time = now;
	s->iterations++;
}

void work_loop(struct work *w)
{
	work_fn step = work_function(w->spawn->work.type);

	if (!step)
		_exit(1);
	w->last = w->cpu_read = w->slot->start_time = w->slot->update_time = work_now();
	w->cpu_start = work_cpu_time();
	w->slot->cpu = (uint64_t)sched_getcpu();
	for (;;) {
		step(w, w->spawn->work.params);
		tick(w);
		w->round++;
	}
}
