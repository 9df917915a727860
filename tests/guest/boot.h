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

/* spawn CGROUP WORDS...: as the command has it; returns the pid of the first worker. */
int guest_spawn(struct coord *coord, const char *cgroup, const char *words);

#endif
