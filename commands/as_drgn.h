/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drgn programs that give the answers of our commands: for those who learn where in the kernel a
 * figure comes from, or go on from there. Each is complete, and says in its head how it is run; it
 * finds differences between kernels by the presence of members, as we do.
 */
#ifndef COMMANDS_AS_DRGN_H
#define COMMANDS_AS_DRGN_H

#include "base/err.h"
#include "base/out.h"

void as_drgn_scx(struct out *out);
struct err *as_drgn_task(int pid, struct out *out) __attribute__((warn_unused_result));

#endif
