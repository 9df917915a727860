/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breaks leave no trace: a history with breakpoints that are hit, steps and watched memory ends in
 * the same bytes of memory as the one without. And they are exact: the same instruction, at the
 * same instant.
 */
#include "tests/guest/boot.h"
#include "tests/guest/machines.h"

#include "vmm/breaks.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define HISTORY (60 * MS)

struct disturbance {
	bool entry, inside, write;
	unsigned int step_every; /* hits between two rows of steps; 0: none */
	bool late;		 /* breaks change at a hit, within a turn */
	unsigned int writes;	 /* hits after which writes are watched no longer; 0: to the end */
};

struct history {
	char hash[SHA256_TEXT];
	unsigned int hits[BREAK_STEP + 1];
	uint64_t first; /* guest time of the first hit at the first place */
};

static uint64_t symbol(struct coord *guest, const char *name)
{
	struct kernel *kernel;
	uint64_t address;

	expect_ok(coord_kernel(guest, &kernel));
	expect_ok(kernel_symbol(kernel, name, &address));
	return address;
}

/* Behind the instructions that begin every function, `endbr64` or the four bytes that the kernel
 * put in its place, and the `nop` of ftrace: no block begins there. */
static uint64_t inside(struct coord *guest, const char *name)
{
	uint64_t address = symbol(guest, name);
	struct kernel *kernel;
	uint8_t code[4];

	expect_ok(coord_kernel(guest, &kernel));
	expect_ok(kernel_read(kernel, address, code, sizeof(code)));
	return address + (code[0] == 0xf3 || code[2] == 0x40 ? 9 : 5);
}

static unsigned int places(struct coord *guest, const struct disturbance *d,
			   struct machine_break *list)
{
	unsigned int n = 0;

	if (d->entry)
		list[n++] = (struct machine_break){BREAK_ENTRY, symbol(guest, "schedule"), 0};
	if (d->entry)
		list[n++] = (struct machine_break){BREAK_ENTRY, symbol(guest, "try_to_wake_up"), 0};
	if (d->inside)
		list[n++] =
			(struct machine_break){BREAK_INSIDE, inside(guest, "update_rq_clock"), 0};
	if (d->write)
		list[n++] = (struct machine_break){BREAK_WRITE, symbol(guest, "jiffies"), 8};
	return n;
}

static void check_hit(struct coord *guest, const struct machine_hit *hit,
		      const struct machine_break *list, unsigned int count)
{
	struct cpu_registers now;
	bool known = hit->kind == BREAK_STEP;

	for (unsigned int i = 0; i < count; i++)
		known |= hit->kind == BREAK_WRITE
				 ? hit->data >= list[i].address &&
					   hit->data < list[i].address + list[i].length
				 : hit->pc == list[i].address;
	assert_true(known);
	assert_int_equal(hit->registers.value[REG_RIP], hit->pc);
	expect_ok(machine_registers(coord_machine(guest), hit->cpu, &now));
	assert_memory_equal(&now, &hit->registers, sizeof(now));
}

static void steps(struct machine *m, unsigned int cpu, struct history *h)
{
	struct machine_stop stop = {.time = machine_time(m) + MS, .steps = 7, .step_cpu = cpu};
	enum machine_stop_reason reason;
	struct machine_hit hit;

	expect_ok(machine_run(m, &stop));
	expect_ok(machine_wait(m, 60 * SECOND, &reason));
	if (machine_hit(m, &hit)) {
		assert_int_equal(hit.kind, BREAK_STEP);
		assert_int_equal(hit.cpu, cpu);
		h->hits[BREAK_STEP]++;
	}
}

/* The way to `end`, stopping wherever it does. */
static void go(struct coord *guest, const struct disturbance *d, uint64_t end, struct history *h)
{
	struct machine *m = coord_machine(guest);
	struct machine_break list[MACHINE_BREAKS_MAX];
	unsigned int count = places(guest, d, list), all = count, total = 0;
	struct machine_stop stop = {.time = end, .breaks = true};
	enum machine_stop_reason reason;
	struct machine_hit hit;
	uint64_t last = 0;

	expect_ok(machine_set_breaks(m, list, d->late ? 1 : count));
	for (;;) {
		expect_ok(machine_run(m, &stop));
		expect_ok(machine_wait(m, 60 * SECOND, &reason));
		if (reason != STOP_BREAK)
			break;
		assert_true(machine_hit(m, &hit));
		assert_true(machine_time(m) >= last);
		last = machine_time(m);
		check_hit(guest, &hit, list, all);
		if (hit.pc == list[0].address && !h->first)
			h->first = last;
		h->hits[hit.kind]++;
		if (++total == 1 && d->late)
			expect_ok(machine_set_breaks(m, list, count));
		/* What watches writes is the last of the list. */
		if (hit.kind == BREAK_WRITE && h->hits[BREAK_WRITE] == d->writes)
			expect_ok(machine_set_breaks(m, list, --count));
		if (d->step_every && total % d->step_every == 0)
			steps(m, hit.cpu, h);
	}
	assert_int_equal(reason, STOP_TIME);
}

static void run_history(const struct disturbance *d, struct history *h)
{
	struct coord *guest = guest_boot();
	struct machine *m = coord_machine(guest);
	uint64_t end;

	*h = (struct history){0};
	guest_spawn(guest, "@runner", "workers=2 work=spin");
	guest_spawn(guest, "@runner", "workers=2 work=pipe");
	end = machine_time(m) + HISTORY;
	if (d)
		go(guest, d, end, h);
	else
		pass(m, HISTORY);
	assert_int_equal(machine_time(m), end);
	memory_hash(m, h->hash);
	coord_destroy(guest);
}

static void breaks_leave_no_trace(void **state)
{
	static const struct disturbance runs[] = {
		{.entry = true},
		{.entry = true, .inside = true, .step_every = 3},
		{.entry = true,
		 .late = true,
		 .inside = true,
		 .write = true,
		 .step_every = 5,
		 .writes = 6},
	};
	struct history undisturbed, h;
	uint64_t first = 0;

	(void)state;
	run_history(NULL, &undisturbed);
	for (unsigned int i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		run_history(&runs[i], &h);
		assert_string_equal(h.hash, undisturbed.hash);
		assert_true(h.hits[BREAK_ENTRY] > 100);
		assert_true(!runs[i].inside || h.hits[BREAK_INSIDE] > 100);
		assert_int_equal(h.hits[BREAK_WRITE], runs[i].writes);
		assert_true(!runs[i].step_every || h.hits[BREAK_STEP] > 10);
		assert_true(!first || h.first == first);
		first = h.first;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaks_leave_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
