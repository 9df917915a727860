/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This program in QEMU's place: one of its threads, and only that one, is told another time. */
#include "tests/expect.h"

#include "vmm/plugin/host_time.c"

#include <pthread.h>
#include <time.h>

static int64_t microseconds(void)
{
	struct timeval tv;

	assert_int_equal(gettimeofday(&tv, NULL), 0);
	return tv.tv_sec * INT64_C(1000000) + tv.tv_usec;
}

static void *vcpus(void *opaque)
{
	uint64_t *now = opaque;

	assert_true(host_time_hide(now));
	assert_int_equal(microseconds(), 1234567);
	*now = UINT64_C(5000000000);
	assert_int_equal(microseconds(), 5000000);
	return NULL;
}

static void one_thread_is_told_the_guests_time(void **state)
{
	uint64_t now = 1234567890;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, vcpus, &now), 0);
	pthread_join(thread, NULL);
	assert_true(microseconds() / 1000000 - time(NULL) <= 1);
	assert_true(time(NULL) - microseconds() / 1000000 <= 1);
}

static void what_is_not_called_has_no_slot(void **state)
{
	struct link_map *map;

	assert_int_equal(dlinfo(dlopen(NULL, RTLD_LAZY), RTLD_DI_LINKMAP, &map), 0);
	assert_non_null(slot_of(map, "gettimeofday"));
	assert_null(slot_of(map, "gettimeofyear"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_is_told_the_guests_time),
		cmocka_unit_test(what_is_not_called_has_no_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
