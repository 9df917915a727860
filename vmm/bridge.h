/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steal bridge: TCG has no paravirtual steal clock, so the time that the thread of each vCPU
 * was ready and did not run is added to a word of guest memory, a hundred times a second, by a
 * thread of its own. The words only grow. Whoever else adds to them does so atomically, too
 * (bridge_add()).
 *
 * Not responsible for knowing what the words are: that is coord/steal.h's.
 */
#ifndef VMM_BRIDGE_H
#define VMM_BRIDGE_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct bridge;

/* `words`: host addresses, 8-aligned, one for each thread, valid until bridge_stop(). The arrays
 * are copied. */
struct err *bridge_start(pid_t pid, const int *tids, uint64_t *const *words, unsigned int count,
			 struct bridge **ret) __attribute__((warn_unused_result));
void bridge_stop(struct bridge *b); /* NULL is fine */
/* What has come in until now, at once: the words are then as new as the host's books. */
void bridge_flush(struct bridge *b);

static inline void bridge_add(uint64_t *word, uint64_t ns)
{
	__atomic_fetch_add(word, ns, __ATOMIC_RELAXED);
}

#endif
