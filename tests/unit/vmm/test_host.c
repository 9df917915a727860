/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This program in QEMU's place, with two vCPUs and a clock; the thread of the vCPUs, and any other.
 */
#include "tests/expect.h"

#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

static void *find(void *handle, const char *name);
#define dlsym find
#include "vmm/plugin/host.c"
#undef dlsym

static struct {
	void *accelerator[31];
	bool halted[2];
	int64_t clock, timer;
} fake;

static void fake_kick(void *cpu)
{
}

static void *fake_accelerator(void)
{
	return fake.accelerator;
}

static bool fake_all_idle(void)
{
	bool (*idles)(void *cpu) = fake.accelerator[16];

	for (unsigned int i = 0; i < 2; i++)
		if (!fake.halted[i] || (idles && !idles(&fake.halted[i])))
			return false;
	return true;
}

static int64_t fake_deadline(int type, int attributes)
{
	return fake.timer < 0 ? -1 : fake.timer - fake.clock;
}

static void fake_pass_idle_time(void)
{
	if (fake_all_idle() && fake.timer >= 0)
		fake.clock = fake.timer;
}

/* QEMU's own; the rest is the library's. */
static void *find(void *handle, const char *name)
{
	const struct {
		const char *name;
		void *function;
	} own[] = {
		{"rr_kick_vcpu_thread", (void *)fake_kick},
		{"cpus_get_accel", (void *)fake_accelerator},
		{"all_cpu_threads_idle", (void *)fake_all_idle},
		{"icount_start_warp_timer", (void *)fake_pass_idle_time},
		{"qemu_clock_deadline_ns_all", (void *)fake_deadline},
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(name, own[i].name))
			return own[i].function;
	return dlsym(handle, name);
}

static int64_t microseconds(void)
{
	struct timeval tv;

	assert_int_equal(gettimeofday(&tv, NULL), 0);
	return tv.tv_sec * INT64_C(1000000) + tv.tv_usec;
}

static void the_guests_time_is_told(uint64_t *now)
{
	assert_int_equal(microseconds(), 1234567);
	*now = UINT64_C(5000000000);
	assert_int_equal(microseconds(), 5000000);
}

static void idle_time_is_passed_over(void)
{
	fake.clock = 100;
	fake.timer = 250;
	fake.halted[0] = true;
	assert_false(fake_all_idle());
	assert_false(host_all_idle());
	assert_int_equal(fake.clock, 100);
	fake.halted[1] = true;
	assert_true(host_all_idle());
	assert_int_equal(fake.clock, 100);
	assert_false(fake_all_idle());
	assert_int_equal(fake.clock, 250);
	fake.timer = -1;
	assert_true(fake_all_idle());
	assert_int_equal(fake.clock, 250);
	fake.timer = 300;
}

static void *vcpus(void *opaque)
{
	uint64_t *now = opaque;

	assert_null(host_keep_out(now));
	the_guests_time_is_told(now);
	idle_time_is_passed_over();
	return NULL;
}

static void the_host_is_kept_out_of_one_thread(void **state)
{
	uint64_t now = 1234567890;
	pthread_t thread;

	fake.accelerator[15] = (void *)fake_kick;
	assert_int_equal(pthread_create(&thread, NULL, vcpus, &now), 0);
	pthread_join(thread, NULL);
	assert_true(microseconds() / 1000000 - time(NULL) <= 1);
	assert_true(time(NULL) - microseconds() / 1000000 <= 1);
	assert_false(fake_all_idle());
	fake_pass_idle_time();
	assert_int_equal(fake.clock, 250);
}

/* Before QEMU 9 the kicker is not exported everywhere: the function that tells the time stands
 * seven behind. */
static void tables_without_a_place_are_left_alone(void **state)
{
	void *table[31] = {0};

	assert_null(idle_slot(table));
	table[20] = (void *)fake_kick;
	assert_ptr_equal(idle_slot(table), &table[21]);
	table[21] = table;
	assert_null(idle_slot(table));
}

static void what_is_not_called_has_no_slot(void **state)
{
	struct link_map *map;

	assert_int_equal(dlinfo(dlopen(NULL, RTLD_LAZY), RTLD_DI_LINKMAP, &map), 0);
	assert_non_null(call_slot(map, "gettimeofday"));
	assert_null(call_slot(map, "gettimeofyear"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_host_is_kept_out_of_one_thread),
		cmocka_unit_test(tables_without_a_place_are_left_alone),
		cmocka_unit_test(what_is_not_called_has_no_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
