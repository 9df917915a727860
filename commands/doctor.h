/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host can do for ktdbg, and why not: one check after the other, each a row with a verdict
 * and a sentence. Looks only; boots nothing.
 */
#ifndef COMMANDS_DOCTOR_H
#define COMMANDS_DOCTOR_H

#include "base/err.h"
#include "base/out.h"

/* Writes a table; ERR_ENVIRONMENT when something without which no guest starts is missing. */
struct err *doctor_run(struct out *out) __attribute__((warn_unused_result));

/* The checks of vmm/kvm/checks.h as a table: ERR_EXPECT when one failed, else ERR_NOT_OFFERED when one
 * could not be made here. */
struct err *doctor_kvm(struct out *out) __attribute__((warn_unused_result));

#endif
