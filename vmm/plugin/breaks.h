/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breaks inside QEMU: the plugin's other half, which stands between two instructions of a vCPU's turn
 * (vmm/vclock_page.h has what is asked for). The clock's half, vclock_plugin.c, owns the stand itself.
 *
 * Why the guest does not notice. Which instructions a vCPU executes, and how many in its turn, does not
 * depend on how they are cut into blocks of translated code, and that is all that a break changes:
 * - a block is left as a fault would leave it, with the instructions that it did not execute given back to
 *   the turn, and entered again at the same instruction;
 * - interrupts come from timers, at the end of a turn, or from instructions that end their block.
 */
#ifndef VMM_PLUGIN_BREAKS_H
#define VMM_PLUGIN_BREAKS_H

#include "vmm/vclock_page.h"

#include <stdbool.h>

struct qemu_plugin_tb;

/* What the clock's half lends. */
struct breaks_clock {
	uint64_t (*now)(void); /* guest ns; the instructions of the turn so far are accounted */
	/* Publish `now`, stand for a break, and take note of what is asked for next. */
	void (*stand)(uint64_t now);
	void *(*get_cpu)(int index);
	/* Store a vCPU's registers to the page; with another rip, when that is not 0. The rip. */
	uint64_t (*registers)(int index, uint64_t rip);
	/* Kernel code has written there, after breaks_spy(). True: it stood for it. */
	bool (*wrote)(uint64_t address, uint64_t size);
};

/* False: this QEMU lets none of this be done; what it lets be stopped at is in the page. */
bool breaks_init(struct vclock_page *page, const struct breaks_clock *clock);
void breaks_translate(struct qemu_plugin_tb *tb);
/* From the next point on tell of every write, or no more. */
void breaks_spy(bool on);
/* At a point, before the guest goes on: do what is asked for; anew, if it stood there. */
void breaks_at_point(bool stood);
/* The rip of a vCPU that stands behind a write, which QEMU has not brought up to date; else 0. */
uint64_t breaks_rip(int index);

#endif
