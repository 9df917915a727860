/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From options to a machine: which kernel, which initial file systems, which scheduler. Between
 * struct options and machine_boot(); the session keeps the result.
 */
#ifndef COMMANDS_START_H
#define COMMANDS_START_H

#include "base/err.h"
#include "commands/session.h"
#include "coord/coord.h"
#include "vmm/machine.h"

/* What can be known of the options before a boot: the files that they name. ERR_USAGE. */
struct err *start_check(const struct options *options) __attribute__((warn_unused_result));

/* Boot what `options` describe; blocks, honours interrupted(). ERR_ENVIRONMENT when this host lacks
 * something for it. */
struct err *start_machine(const struct options *options, const struct machine_callbacks *callbacks,
			  struct machine **ret) __attribute__((warn_unused_result));

/* Attach the scheduler of `options`, if any: guest time passes until it is enabled. */
struct err *start_scheduler(const struct options *options, struct coord *coord)
	__attribute__((warn_unused_result));

#endif
