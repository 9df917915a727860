/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the guest's kernel has panicked. Its own word counts, not the console's, where any
 * program can write: panic() begins by putting the CPU's number into `panic_cpu` (kernel/panic.c,
 * since 4.4; PANIC_CPU_INVALID, -1, before). The console only lends the reason.
 *
 * A panicked kernel spins with interrupts off. Under the virtual clock that is dear: guest time
 * hardly moves. So who lets time pass asks now and then. Never blocks; may be called while the
 * guest runs.
 */
#ifndef COORD_PANIC_H
#define COORD_PANIC_H

#include "base/str.h"
#include "coord/kernel.h"
#include "vmm/machine.h"

/* Where `panic_cpu` lies, 0 in a kernel that has none. */
uint64_t panic_word(struct kernel *k);
/* `word` as of panic_word(); false also when it cannot be read. */
bool panic_happened(struct kernel *k, uint64_t word);
/* "the kernel panicked: Fatal exception in interrupt", cleaned; without the reason while the
 * console has none. */
void panic_text(struct machine *m, struct str *s);

#endif
