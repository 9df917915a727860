/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run a short-lived helper program (apt-get, apt-cache) to its end and collect what it says. Not for
 * QEMU, which lives on beside ktdbg.
 */
#ifndef VMM_HELPER_H
#define VMM_HELPER_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* Bytes of output kept; more is read and dropped. */
#define HELPER_OUTPUT_MAX (4 << 20)

/*
 * Run argv[0], found on PATH, with standard input empty, LC_ALL=C and `folder` (NULL: this one) as its
 * working directory. Standard output goes to `output` (NULL: dropped). Blocks until it ended; it is
 * killed when `timeout_ns` of host time have passed (ERR_TIMEOUT) or on interrupted()
 * (ERR_INTERRUPTED), and dies with this process. ERR_NOT_FOUND when there is no such program;
 * ERR_OS with the last lines of its standard error when it fails.
 */
struct err *helper_run(const char *const *argv, const char *folder, uint64_t timeout_ns,
			struct str *output) __attribute__((warn_unused_result));

#endif
