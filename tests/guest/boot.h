/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every guest test starts with: a booted guest, in lockstep, so that guest time passes only
 * while a call waits for it. The kernel is $KTDBG_TEST_KERNEL (as `--kernel`), else the cache's
 * newest.
 */
#ifndef TESTS_GUEST_BOOT_H
#define TESTS_GUEST_BOOT_H

#include "tests/expect.h"

#include "coord/coord.h"

/* Under $KTDBG_TEST_CLOCK (real or virtual; else as `--clock auto`); under the real one the guest
 * runs between windows. Exits with 77 when there is no kernel or no QEMU to boot, with 1 when the
 * boot fails. */
struct coord *guest_boot(void);
/* The same with words added to the kernel's command line; NULL: none. */
struct coord *guest_boot_with(const char *append);
/* The same under the real clock, on so many host CPUs. */
struct coord *guest_boot_confined(unsigned int budget, const char *topology);

/* spawn CGROUP WORDS...: as the command has it; returns the pid of the first worker. */
int guest_spawn(struct coord *in, const char *cgroup, const char *words);

/* Exits with 77, and says why, when the kernel `wanted` (as `--kernel`; NULL: the default) cannot be
 * had. */
void guest_skip_without(const char *wanted);

/* A test inside one frozen window of `coord`, which the test program boots. */
extern struct coord *coord;
int guest_enter(void **state);
int guest_leave(void **state);
#define IN_WINDOW(test) cmocka_unit_test_setup_teardown(test, guest_enter, guest_leave)

#endif
