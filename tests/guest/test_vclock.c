/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual clock: a guest cannot tell that it was held. One history is run many times, with and
 * without holds, on an idle host and on a busy one, and must end in the same bytes of memory every
 * time.
 */
#include "tests/guest/boot.h"
#include "tests/guest/machines.h"

#include "guest/wire.h"

#include <stdio.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define GRID UINT64_C(100000)
#define HISTORY (800 * MS)

/* How a run is disturbed. */
struct disturbance {
	unsigned int holds; /* about so many, at random times */
	unsigned int load;  /* busy processes on the host */
	unsigned int seed;
};

/* To a random later time, by a stop asked for beforehand or by a hold whenever it comes. */
static void one_hold(struct machine *m, const struct disturbance *d, unsigned int *random,
		     uint64_t end)
{
	uint64_t time = machine_time(m) + (uint64_t)rand_r(random) % (2 * HISTORY / d->holds);
	struct machine_stop stop = {.time = time < end ? time : end};
	enum machine_stop_reason reason;

	expect_ok(machine_run(m, &stop));
	if (rand_r(random) & 1) {
		usleep((unsigned int)rand_r(random) % 20000);
		expect_ok(machine_hold(m, 30 * SECOND));
	} else {
		expect_ok(machine_wait(m, 120 * SECOND, &reason));
		assert_int_equal(machine_time(m), (stop.time + GRID - 1) / GRID * GRID);
	}
	usleep((unsigned int)rand_r(random) % 3000);
}

/* The whole way on a fresh guest with two spinners and a pair that plays ping-pong: four CPUs are
 * busy. */
static void run_history(const struct disturbance *d, char hash[SHA256_TEXT])
{
	struct machine *m;
	unsigned int random = d->seed;
	struct load busy;
	uint64_t end;

	coord = guest_boot();
	m = coord_machine(coord);
	guest_spawn(coord, "@runner", "workers=2 work=spin");
	guest_spawn(coord, "@runner", "workers=2 work=pipe");
	load(&busy, d->load);
	end = machine_time(m) + HISTORY;
	while (d->holds && machine_time(m) < end)
		one_hold(m, d, &random, end);
	if (machine_time(m) < end)
		pass(m, end - machine_time(m));
	assert_int_equal(machine_time(m), end);
	unload(&busy);
	memory_hash(m, hash);
	coord_destroy(coord);
}

static void holds_leave_no_trace(void **state)
{
	static const struct disturbance runs[] = {{0, 0, 1}, {15, 0, 2}, {30, 2, 3}, {1, 2, 4}};
	char first[SHA256_TEXT], hash[SHA256_TEXT];

	run_history(&runs[0], first);
	for (unsigned int i = 1; i < sizeof(runs) / sizeof(runs[0]); i++) {
		run_history(&runs[i], hash);
		assert_string_equal(hash, first);
	}
}

/* A machine as ktdbg boots it, without the coordinator's own doing. */
static struct machine *boot(struct quantum quantum)
{
	struct machine_setup s;
	struct machine *m = NULL;

	machine_setup_init(&s);
	s.config.quantum = quantum;
	expect_ok(machine_boot(&s.config, NULL, &m));
	assert_int_equal(machine_info(m)->clock, CLOCK_VIRTUAL);
	assert_int_equal(machine_state(m), MACHINE_HELD);
	assert_int_equal(machine_time(m), 0);
	machine_setup_deinit(&s);
	return m;
}

static void history_of_quantum(struct quantum q, unsigned int stops, char hash[SHA256_TEXT])
{
	struct machine *m = boot(q);

	/* The last time is a point of every quantum: a multiple of 640 us and of 100 us. */
	for (unsigned int i = 1; i <= stops; i++)
		pass(m, 320 * MS / (stops + 1));
	pass(m, 320 * MS - machine_time(m));
	assert_int_equal(machine_time(m), 320 * MS);
	memory_hash(m, hash);
	machine_destroy(m);
}

/* Each seed is an interleaving of its own, and stops do not change it. */
static void random_quanta(void **state)
{
	char a[SHA256_TEXT], b[SHA256_TEXT], c[SHA256_TEXT];

	history_of_quantum((struct quantum){.seed = 7}, 0, a);
	history_of_quantum((struct quantum){.seed = 7}, 9, b);
	history_of_quantum((struct quantum){.ns = GRID}, 0, c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
}

static void stops_are_exact(void **state)
{
	struct machine *m = boot((struct quantum){.ns = GRID});
	struct machine_stop stop = {.time = 50 * MS + 1};
	enum machine_stop_reason reason;

	assert_int_equal(machine_grid(m), GRID);
	expect_ok(machine_run(m, &stop));
	expect_ok(machine_wait(m, 30 * SECOND, &reason));
	assert_int_equal(reason, STOP_TIME);
	assert_int_equal(machine_time(m), 50 * MS + GRID); /* rounded up */
	stop.time = 10;
	expect_ok(machine_run(m, &stop)); /* has passed: no step */
	expect_ok(machine_wait(m, 30 * SECOND, &reason));
	assert_int_equal(machine_time(m), 50 * MS + GRID);
	machine_destroy(m);
}

static void a_new_stop_replaces_the_old(void **state)
{
	struct machine *m = boot((struct quantum){.ns = GRID});
	struct machine_stop late = {.time = 3600 * SECOND},
			    soon = MACHINE_STOP_NONE;
	enum machine_stop_reason reason;

	expect_ok(machine_run(m, &late));
	assert_int_equal(machine_state(m), MACHINE_RUNNING);
	expect_err(machine_wait(m, 5 * MS, &reason), ERR_TIMEOUT, "the guest did not stop in time");
	assert_int_equal(machine_state(m), MACHINE_RUNNING);
	expect_ok(machine_run(m, &late));
	expect_ok(machine_hold(m, 30 * SECOND));
	expect_ok(machine_hold(m, 30 * SECOND));
	soon.time = machine_time(m) + 10 * MS;
	soon.watch_phys = 0;
	expect_ok(machine_run(m, &soon));
	expect_ok(machine_wait(m, 30 * SECOND, &reason));
	assert_int_equal(machine_time(m), soon.time);
	machine_destroy(m);
}

/* The agent's heartbeat is a word of memory that only the guest changes. */
static void a_watched_word_ends_the_run(void **state)
{
	struct machine *m = boot((struct quantum){.ns = GRID});
	uint64_t phys = machine_mailbox(m) + offsetof(struct wire_header, heartbeat);
	const uint32_t *beat = ram_at(machine_ram(m), phys, 4);
	struct machine_stop stop = {.time = 60 * SECOND, .watch_phys = phys};
	enum machine_stop_reason reason;

	stop.watch_value = *beat + 5;
	expect_ok(machine_run(m, &stop));
	expect_ok(machine_wait(m, 60 * SECOND, &reason));
	assert_int_equal(reason, STOP_WATCH);
	assert_int_equal(*beat, stop.watch_value);
	assert_true(machine_time(m) < SECOND);
	assert_int_equal(machine_time(m) % GRID, 0);
	stop.watch_phys++;
	expect_err_with(machine_run(m, &stop), ERR_USAGE, "cannot watch guest-physical 0x");
	machine_destroy(m);
}

static void pacing(void **state)
{
	struct machine *m = boot((struct quantum){.ns = GRID});
	uint64_t start, slept;

	machine_set_paced(m, true);
	start = host_now();
	pass(m, 300 * MS);
	slept = host_now() - start;
	assert_in_range(slept, 290 * MS, 30 * SECOND);
	expect_ok(machine_run(m, NULL));
	usleep(50000);
	expect_ok(machine_hold(m, 30 * SECOND));
	assert_in_range(machine_time(m), 300 * MS + GRID, 300 * MS + (host_now() - start));
	machine_set_paced(m, false);
	start = host_now();
	pass(m, 20 * SECOND); /* an idle guest's time flies */
	assert_true(host_now() - start < 20 * SECOND);
	machine_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_leave_no_trace),
		cmocka_unit_test(random_quanta),
		cmocka_unit_test(stops_are_exact),
		cmocka_unit_test(a_new_stop_replaces_the_old),
		cmocka_unit_test(a_watched_word_ends_the_run),
		cmocka_unit_test(pacing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
