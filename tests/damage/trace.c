// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/damage/trace.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096ul
#define OPEN_MAX_PAGES 8 /* that one instruction may touch */
#define LOADS_MAX 200	 /* of one page that are noted: then it stays open */
#define COPY_LOADS 4	 /* so many loads side by side are a copy: all of the page counts as read */
#define COPY_STEP 64	 /* bytes that one load takes at the most */
#define FLAG_TRAP 0x100	 /* of EFLAGS: stop after one instruction */

/* What the signal handlers know; `seen` has a bit for each word of memory. */
static struct {
	const struct ram *ram;
	uint64_t *seen;
	uint8_t *loads; /* of each page */
	const uint8_t *last;
	unsigned int in_row; /* loads each of which followed the one before */
	uint8_t *open[OPEN_MAX_PAGES];
	unsigned int open_count;
	struct sigaction old_segv, old_trap;
} trace;

static bool in_ram(const uint8_t *at)
{
	return at >= trace.ram->base && at < trace.ram->base + trace.ram->size;
}

/* Whether the page of `at` need not be watched any more. */
static bool is_known(const uint8_t *at)
{
	uint64_t offset = (uint64_t)(at - trace.ram->base), page = offset / PAGE;

	trace.seen[offset / 512] |= 1ull << offset / 8 % 64;
	trace.in_row = at > trace.last && at - trace.last <= COPY_STEP ? trace.in_row + 1 : 0;
	trace.last = at;
	if (trace.in_row >= COPY_LOADS)
		memset(&trace.seen[page * PAGE / 512], 0xff, PAGE / 64);
	return trace.in_row >= COPY_LOADS || ++trace.loads[page] >= LOADS_MAX;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	uint8_t *at = info->si_addr, *page = at - (uintptr_t)at % PAGE;

	if (!in_ram(at) || trace.open_count == OPEN_MAX_PAGES) {
		/* A fault of the code's own: it happens again, and is reported. */
		sigaction(SIGSEGV, &trace.old_segv, NULL);
		return;
	}
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	if (is_known(at))
		return;
	trace.open[trace.open_count++] = page;
	u->uc_mcontext.gregs[REG_EFL] |= FLAG_TRAP;
}

static void on_step(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	while (trace.open_count)
		mprotect(trace.open[--trace.open_count], PAGE, PROT_NONE);
	u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)FLAG_TRAP;
}

static void watch(void (*code)(void *context), void *context)
{
	struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &fault, &trace.old_segv);
	sigaction(SIGTRAP, &step, &trace.old_trap);
	mprotect(trace.ram->base, trace.ram->size, PROT_NONE);
	code(context);
	mprotect(trace.ram->base, trace.ram->size, PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &trace.old_segv, NULL);
	sigaction(SIGTRAP, &trace.old_trap, NULL);
}

static struct err *collect(uint64_t chunks, struct places *ret)
{
	unsigned int count = 0;

	for (uint64_t i = 0; i < chunks; i++)
		count += (unsigned int)__builtin_popcountll(trace.seen[i]);
	ret->words = malloc((count + 1) * sizeof(*ret->words));
	ret->count = 0;
	if (!ret->words)
		return err_nomem();
	for (uint64_t i = 0; i < chunks; i++)
		for (uint64_t bits = trace.seen[i]; bits; bits &= bits - 1)
			ret->words[ret->count++] =
				(uint32_t)(i * 64 + (unsigned int)__builtin_ctzll(bits));
	return NULL;
}

struct err *trace_run(const struct ram *ram, void (*code)(void *context), void *context,
		      struct places *ret)
{
	struct err *err = err_nomem();

	trace.ram = ram;
	trace.seen = calloc(ram->size / 512, sizeof(*trace.seen));
	trace.loads = calloc(ram->size / PAGE, 1);
	if (trace.seen && trace.loads) {
		watch(code, context);
		err = collect(ram->size / 512, ret);
	}
	free(trace.seen);
	free(trace.loads);
	return err;
}

void places_deinit(struct places *p)
{
	free(p->words);
	*p = (struct places){0};
}
