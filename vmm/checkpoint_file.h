/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A checkpoint's folder: the files of a saved machine (vmm/store.h) and `checkpoint`, the facts
 * below as text, sealed: the hash of all that has none of its own follows. It is made beside, synced,
 * and put in place by one rename: after a crash there is the old one or the new one. What is read is
 * untrusted.
 */
#ifndef VMM_CHECKPOINT_FILE_H
#define VMM_CHECKPOINT_FILE_H

#include "base/str.h"
#include "vmm/runstate.h"
#include "vmm/store.h"
#include "vmm/topology.h"

struct checkpoint_facts {
	uint64_t time; /* guest ns since ready */
	int64_t saved; /* wall_now() */
	unsigned int count;
	struct vcpu_runstate vcpus[TOPOLOGY_CPUS_MAX]; /* under the virtual clock all 0 */
	uint64_t stalled_until[TOPOLOGY_CPUS_MAX];     /* guest ns, 0: it was not stalled */
	struct str identity; /* lines */
};
void checkpoint_facts_deinit(struct checkpoint_facts *f);

int64_t wall_now(void); /* ns since 1970 */

/* ERR_USAGE unless it can be the name of one. */
struct err *checkpoint_check_name(const char *name) __attribute__((warn_unused_result));
/* ERR_NOT_FOUND, ERR_BAD_DATA. */
struct err *checkpoint_open(const char *name, struct saved *s, struct checkpoint_facts *facts)
	__attribute__((warn_unused_result));

/* One that is being made; its memory is written already. store_end() removes what is not in place. */
struct err *checkpoint_begin(struct store_draft *d) __attribute__((warn_unused_result));
struct err *checkpoint_publish(struct store_draft *d, const char *name, const struct saved *s,
			       const struct checkpoint_facts *facts, const char *summary)
	__attribute__((warn_unused_result));

#endif
