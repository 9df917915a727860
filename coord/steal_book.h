/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's side of steal: where each CPU keeps it, who puts it there, and the one place that
 * decides what a freeze looks like from inside.
 *
 * Under KVM the guest's kernel reads its own clock of stolen time (kvm-steal-time). Under TCG with
 * the real clock nobody does, so the run delay of each vCPU's thread is bridged into the kernel's
 * per-CPU account (vmm/bridge.h), from where /proc/stat shows it. Under the virtual clock there is
 * no steal but what is injected (coord/steal.h).
 *
 * Lifetime: the adopted kernel's. Threads: one (the bridge has its own).
 */
#ifndef COORD_STEAL_BOOK_H
#define COORD_STEAL_BOOK_H

#include "base/err.h"
#include "coord/kernel.h"
#include "vmm/machine.h"

#include <stdbool.h>
#include <stdint.h>

struct steal_book;

enum steal_source { STEAL_KVM, STEAL_BRIDGE, STEAL_INJECTED };
const char *steal_book_source_name(enum steal_source s); /* "kvm-steal-time", "bridge", "inject" */

/* Find the words in `k` and begin to fill them where that is our part. ERR_ABSENT: this kernel
 * keeps no steal; then there is no bridge either. */
struct err *steal_book_create(struct kernel *k, struct machine *m, struct steal_book **ret)
	__attribute__((warn_unused_result));
void steal_book_destroy(struct steal_book *s); /* NULL is fine */

enum steal_source steal_book_source(const struct steal_book *s);
unsigned int steal_book_cpus(const struct steal_book *s);
/* What the host has booked so far is in the guest's memory now. */
void steal_book_flush(struct steal_book *s);
/* ns stolen from a CPU as its kernel has booked them, up to now. */
uint64_t steal_book_guest(struct steal_book *s, unsigned int cpu);
/* struct kvm_steal_time's own figure; false where the guest has none. */
bool steal_book_kvm(const struct steal_book *s, unsigned int cpu, uint64_t *ret);
/* Book `ns` more on one CPU, or on all. The machine is held, or the source is no KVM. */
void steal_book_add(struct steal_book *s, unsigned int cpu, uint64_t ns);
void steal_book_add_all(struct steal_book *s, uint64_t ns);

#endif
