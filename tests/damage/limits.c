// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/damage/limits.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/* Of the sanitizers' runtime, where there is one. */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
					      void (*)(const volatile void *))
	__attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *) __attribute__((weak));
void __sanitizer_print_stack_trace(void) __attribute__((weak));

static struct {
	int64_t bytes, most;
	uint64_t start_ns;
} cost;

void damage_fail(const char *why, const char *text)
{
	fprintf(stderr, "%s: %s\n", why, text);
	if (__sanitizer_print_stack_trace)
		__sanitizer_print_stack_trace();
	abort();
}

static void on_malloc(const volatile void *at, size_t size)
{
	cost.bytes += (int64_t)size;
	if (cost.bytes <= cost.most)
		return;
	cost.most = cost.bytes;
	if (cost.most > LIMIT_BYTES)
		damage_fail("a walk", "too much memory");
}

static void on_free(const volatile void *at)
{
	if (at)
		cost.bytes -= (int64_t)__sanitizer_get_allocated_size(at);
}

static void on_alarm(int number)
{
	damage_fail("a walk", "too much time");
}

void limits_init(void)
{
	signal(SIGPROF, on_alarm);
	if (__sanitizer_install_malloc_and_free_hooks)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

static void set_alarm(unsigned int ms)
{
	const struct itimerval timer = {.it_value = {ms / 1000, ms % 1000 * 1000}};

	setitimer(ITIMER_PROF, &timer, NULL);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void limits_begin(void)
{
	set_alarm(LIMIT_CPU_MS);
	cost.bytes = cost.most = 0;
	cost.start_ns = cpu_ns();
}

struct cost limits_end(void)
{
	struct cost ret = {cpu_ns() - cost.start_ns, (uint64_t)cost.most};

	set_alarm(0);
	return ret;
}
