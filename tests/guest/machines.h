/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of the machine itself, below the coordinator. */
#ifndef TESTS_GUEST_MACHINES_H
#define TESTS_GUEST_MACHINES_H

#include "tests/expect.h"

#include "base/file.h"
#include "vmm/guest_image.h"
#include "vmm/machine.h"

/* What `ktdbg` without options boots. Exits with 77 when there is no kernel or no QEMU. */
struct machine_setup {
	struct machine_config config;
	struct guest_image *image;
	char *kernel;
};
/* The current folder is the test's own from here on. */
void machine_setup_init(struct machine_setup *s);
void machine_setup_deinit(struct machine_setup *s);

/* Of all of guest memory; a page of zeros equals a hole. */
void memory_hash(struct machine *m, char ret[SHA256_TEXT]);

/* Let `ns` pass; the machine is held before and after. */
void pass(struct machine *m, uint64_t ns);

/* Children that burn `count` host CPUs until unload(). */
struct load {
	int pids[4];
	unsigned int count;
};
void load(struct load *l, unsigned int count);
void unload(struct load *l);

#endif
