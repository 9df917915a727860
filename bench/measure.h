/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all measurements share. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "base/err.h"
#include "commands/session.h"

#include <stdint.h>

#define SECOND UINT64_C(1000000000)

/* Sorts `values`. */
uint64_t median(uint64_t *values, unsigned int count);
/* Of this thread, in ns: what something costs, whatever else the host does meanwhile. */
uint64_t processor_time(void);
/* Run a command for its effect; errors name the line. */
struct err *execute(struct session *s, const char *line) __attribute__((warn_unused_result));

#endif
