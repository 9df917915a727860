/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both halves of the virtual clock against each other: the plugin's source on a QEMU that is played
 * here, in a thread of its own, and ktdbg's half in the test. The guest is busy in some stretches
 * and idle in others. Whatever stops and holds are asked for, the points inside busy stretches must
 * be those of the grid, all of them and no other: they are what bounds the vCPUs' turns.
 */
#include "tests/expect.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define PLUGIN_API 1
#include "vmm/plugin/vclock_plugin.c"

#include "vmm/vclock.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define START (777 * MS + 123) /* QEMU's virtual clock when the guest begins */
#define END (400 * MS)
#define POINTS_MAX 100000

/* The played QEMU. Stretches of 3 ms; what is in each is a function of its number. */
static struct {
	uint64_t clock, expire, origin;
	uint64_t points[POINTS_MAX]; /* busy ones, guest time */
	unsigned int count;
	bool quit;
	void (*work)(void *cpu, uint64_t data); /* to be done after the point */
	uint64_t data;
} fake;

#define STRETCH (3 * MS)

static bool busy_at(uint64_t guest)
{
	return vclock_mix(guest / STRETCH) % 4 == 0;
}

/* At the very start of a stretch nothing has run yet: a point there bounds no turn. */
static bool inside(uint64_t guest)
{
	return busy_at(guest) && (guest % STRETCH || busy_at(guest - 1));
}

static int64_t fake_deadline(int type, int attributes)
{
	uint64_t guest = fake.clock - fake.origin, at = guest / STRETCH + 1;

	while (!busy_at(at * STRETCH))
		at++;
	return (int64_t)(at * STRETCH - guest);
}

static void fake_timer_init(void *ts, void *group, int type, int scale, int attributes,
			    void (*cb)(void *), void *opaque)
{
}

static void fake_timer_mod(void *ts, int64_t expire)
{
	fake.expire = (uint64_t)expire;
}

static int64_t fake_clock(int type)
{
	return (int64_t)fake.clock;
}

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn cb)
{
}

static void *fake_get_cpu(int index)
{
	return NULL;
}

static void fake_work(void *cpu, void (*work)(void *cpu, uint64_t data), uint64_t data)
{
	fake.work = work;
	fake.data = data;
}

/* The other half of the plugin: nothing is to be stopped at here. */
bool breaks_init(struct vclock_page *page, const struct breaks_clock *clock)
{
	return false;
}

void breaks_translate(struct qemu_plugin_tb *tb)
{
}

const char *host_keep_out(const uint64_t *now)
{
	return NULL;
}

bool host_all_idle(void)
{
	return !busy_at(fake.clock - fake.origin);
}

void breaks_at_point(bool stood)
{
}

void breaks_spy(bool on)
{
}

uint64_t breaks_rip(int index)
{
	return 0;
}

static void *fake_qemu(void *context)
{
	on_state(NULL, true, 0);
	while (!__atomic_load_n(&fake.quit, __ATOMIC_SEQ_CST)) {
		assert_true(fake.expire >= fake.clock);
		fake.clock = fake.expire;
		at_point(NULL);
		if (fake.work)
			fake.work(NULL, fake.data);
		fake.work = NULL;
		fake.origin = plugin.page->origin;
		if (fake.expire - fake.origin > END + SECOND)
			break;
		if (inside(fake.expire - fake.origin) && fake.count < POINTS_MAX)
			fake.points[fake.count++] = fake.expire - fake.origin;
	}
	return NULL;
}

struct fixture {
	struct vclock clock;
	struct qemu qemu; /* this process, which lives */
	struct ram ram;
	pthread_t thread;
};

static void begin(struct fixture *f, const struct quantum *q)
{
	char page[32], ram[32], *argv[] = {page, ram};

	*f = (struct fixture){.qemu = {.pid = getpid(), .qmp.dead = true}};
	memset(&fake, 0, sizeof(fake));
	memset(&plugin, 0, sizeof(plugin));
	fake.clock = START;
	expect_ok(vclock_init(&f->clock));
	expect_ok(ram_create(MS, &f->ram));
	snprintf(page, sizeof(page), "page=%d", f->clock.fd);
	snprintf(ram, sizeof(ram), "ram=%d", f->ram.fd);
	/* No QEMU here: its functions are not found, which must be said; then ours are put in. */
	assert_int_equal(qemu_plugin_install(0, NULL, 2, argv), -1);
	assert_int_equal(f->clock.page->problem, ENOSYS);
	f->clock.page->problem = 0;
	qemu.timer_init_full = fake_timer_init;
	qemu.timer_mod = fake_timer_mod;
	qemu.clock_get_ns = fake_clock;
	qemu.clock_deadline_ns = fake_deadline;
	qemu.get_cpu = fake_get_cpu;
	qemu.async_safe_run_on_cpu = fake_work;
	plugin.page = f->clock.page;
	plugin.parent = getppid();
	plugin.epoch = plugin.page->go;
	assert_int_equal(pthread_create(&f->thread, NULL, fake_qemu, NULL), 0);
	expect_ok(vclock_wait(&f->clock, &f->qemu, 10 * SECOND));
	assert_int_equal(vclock_now(&f->clock), START);
	vclock_set_time(&f->clock, 0);
	vclock_set_quantum(&f->clock, q);
	assert_int_equal(vclock_now(&f->clock), 0);
}

static void end(struct fixture *f)
{
	const struct machine_stop none = MACHINE_STOP_NONE;

	__atomic_store_n(&fake.quit, true, __ATOMIC_SEQ_CST);
	if (vclock_held(&f->clock))
		expect_ok(vclock_run(&f->clock, &f->ram, &none));
	pthread_join(f->thread, NULL);
	ram_deinit(&f->ram);
	vclock_deinit(&f->clock);
}

static void run_to(struct fixture *f, uint64_t time)
{
	const struct machine_stop stop = {.time = time};

	expect_ok(vclock_run(&f->clock, &f->ram, &stop));
	expect_ok(vclock_wait(&f->clock, &f->qemu, 10 * SECOND));
}

/* Every point of the grid in a busy stretch, once. */
static void expect_grid(const struct quantum *q)
{
	uint64_t at = 0;
	unsigned int n = 0;

	for (;;) {
		at = vclock_next_point(q->ns, q->seed, at);
		if (at > END)
			break;
		if (!inside(at))
			continue;
		assert_true(n < fake.count);
		assert_int_equal(fake.points[n], at);
		n++;
	}
	assert_true(n > 20);
}

static void disturbed_history(const struct quantum *q, unsigned int stops, unsigned int seed)
{
	const struct machine_stop none = MACHINE_STOP_NONE;
	struct fixture f;

	begin(&f, q);
	while (stops && vclock_now(&f.clock) < END) {
		uint64_t time = vclock_now(&f.clock) + (uint64_t)rand_r(&seed) % (2 * END / stops);

		if (rand_r(&seed) % 4) {
			run_to(&f, time);
			assert_int_equal(vclock_now(&f.clock),
					 time ? vclock_next_point(q->ns, q->seed, time - 1) : 0);
			assert_int_equal(vclock_reason(&f.clock), STOP_TIME);
		} else {
			vclock_set_paced(&f.clock, true);
			expect_ok(vclock_run(&f.clock, &f.ram, &none));
			usleep((unsigned int)rand_r(&seed) % 3000);
			vclock_request_hold(&f.clock);
			expect_ok(vclock_wait(&f.clock, &f.qemu, 10 * SECOND));
			vclock_set_paced(&f.clock, false);
		}
	}
	if (vclock_now(&f.clock) < END + 10 * MS)
		run_to(&f, END + 10 * MS);
	expect_grid(q);
	end(&f);
}

static void stops_leave_the_grid_alone(void **state)
{
	static const struct quantum quanta[] = {
		{.ns = 100000}, {.ns = 10000}, {.ns = 7 * MS}, {.seed = 5}};

	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int stops = 0; stops <= 100; stops += 50)
			disturbed_history(&quanta[i == 2 ? 3 : i], stops, 17 * i + stops + 1);
}

static void stops_that_have_passed_hold_at_once(void **state)
{
	const struct quantum q = {.ns = 100000};
	struct fixture f;

	begin(&f, &q);
	run_to(&f, 5 * MS);
	run_to(&f, 5 * MS);
	run_to(&f, 1);
	assert_int_equal(vclock_now(&f.clock), 5 * MS);
	end(&f);
}

/* At the same instant, after the point's own work is done; and the guest goes on from there. */
static void stands_unlocked(void **state)
{
	const struct quantum q = {.ns = 100000};
	struct fixture f;

	begin(&f, &q);
	run_to(&f, 5 * MS);
	assert_null(fake.work);
	expect_ok(vclock_stand_unlocked(&f.clock, &f.qemu, &f.ram, 10 * SECOND));
	assert_int_equal(vclock_now(&f.clock), 5 * MS);
	assert_ptr_equal(fake.work, stand_unlocked);
	run_to(&f, 6 * MS);
	assert_null(fake.work);
	assert_int_equal(vclock_now(&f.clock), 6 * MS);
	end(&f);
}

static void words_are_watched(void **state)
{
	const struct quantum q = {.ns = 100000};
	struct machine_stop stop = {.time = 50 * MS, .watch_phys = 0x5008, .watch_value = 7};
	struct fixture f;

	begin(&f, &q);
	expect_ok(vclock_run(&f.clock, &f.ram, &stop));
	expect_ok(vclock_wait(&f.clock, &f.qemu, 10 * SECOND));
	assert_int_equal(vclock_reason(&f.clock), STOP_TIME);
	*(uint32_t *)ram_at(&f.ram, 0x5008, 4) = 7;
	stop.time = 60 * MS;
	expect_ok(vclock_run(&f.clock, &f.ram, &stop));
	expect_ok(vclock_wait(&f.clock, &f.qemu, 10 * SECOND));
	assert_int_equal(vclock_reason(&f.clock), STOP_WATCH);
	assert_int_equal(vclock_now(&f.clock), 50 * MS);
	stop.watch_phys = 0x5009;
	expect_err(vclock_run(&f.clock, &f.ram, &stop), ERR_USAGE,
		   "cannot watch guest-physical 0x5009");
	stop.watch_phys = 1 << 30;
	expect_err(vclock_run(&f.clock, &f.ram, &stop), ERR_USAGE,
		   "cannot watch guest-physical 0x40000000");
	end(&f);
}

static void versions_choose_the_plugin(void **state)
{
	const char *given = getenv("KTDBG_DATA");
	char *path = NULL;

	expect_err(vclock_plugin("6.2.0", &path), ERR_ENVIRONMENT,
		   "the virtual clock needs QEMU 7.2 or later, this is 6.2.0");
	setenv("KTDBG_DATA", "/nonexistent", 1);
	expect_err_with(vclock_plugin("7.2.22 (Debian)", &path), ERR_ENVIRONMENT,
			"ktdbg-vclock-1.so");
	expect_err_with(vclock_plugin("10.0.2", &path), ERR_ENVIRONMENT, "ktdbg-vclock-2.so");
	expect_err_with(vclock_plugin("11.1.3", &path), ERR_ENVIRONMENT, "ktdbg-vclock-7.so");
	if (given)
		setenv("KTDBG_DATA", given, 1);
}

/* Which writes touch [0x1000, 0x1008); none makes it stand here. */
static void spies_on_overlapping_writes(void **state)
{
	static const struct {
		uint64_t address, size;
		bool counts;
	} rows[] = {
		{0x1000, 8, true},  {0x1007, 1, true},	{0x0ffc, 8, true},  {0x1004, 4, true},
		{0x1008, 8, false}, {0x0ff8, 8, false}, {0x0ffc, 4, false},
	};
	struct vclock_page *kept = plugin.page, *page = calloc(1, VCLOCK_PAGE_SIZE);
	struct vclock_spies *spies;
	uint64_t wanted = 0;

	assert_non_null(page);
	plugin.page = page;
	plugin.spy_next = UINT64_MAX;
	spies = vclock_spies(page);
	spies->count = 1;
	spies->range[0].address = 0x1000;
	spies->range[0].len = 8;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(on_write(rows[i].address, rows[i].size));
		wanted += rows[i].counts;
		assert_int_equal(spies->range[0].writes, wanted);
	}
	spies->count = 0;
	assert_false(on_write(0x1000, 8));
	assert_int_equal(spies->range[0].writes, wanted);
	plugin.page = kept;
	plugin.spy_next = 0;
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stops_leave_the_grid_alone),
		cmocka_unit_test(stops_that_have_passed_hold_at_once),
		cmocka_unit_test(stands_unlocked),
		cmocka_unit_test(words_are_watched),
		cmocka_unit_test(versions_choose_the_plugin),
		cmocka_unit_test(spies_on_overlapping_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
