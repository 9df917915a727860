/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which archives a boot gets: the initramfs that the build made (the agent, the bundled schedulers), and
 * behind it one made on the spot that holds what this run adds: the files of --add-file, and a
 * scheduler program. Programs bring their interpreter and shared libraries, found as the dynamic loader
 * would find them, without running anything. The same files give the same bytes.
 *
 * The second archive is a memfd, so nothing is left in the file system. Not responsible for loading
 * the archives or hashing them (vmm/machine.h does both).
 */
#ifndef VMM_GUEST_IMAGE_H
#define VMM_GUEST_IMAGE_H

#include "base/err.h"

struct guest_image;

struct guest_image_config {
	const char *base;             /* path of the built archive; NULL: data_path("initramfs.cpio") */
	const char *const *add_files; /* HOST:GUEST, GUEST an absolute path; HOST: into /ktdbg/bin */
	unsigned int add_file_count;
	const char *scheduler;        /* a bundled NAME (no `/` in it) or the PATH of a program; NULL: none */
};

/* ERR_ENVIRONMENT: the built archive is missing. ERR_USAGE, ERR_OS, ERR_BAD_DATA: a file that was named. */
struct err *guest_image_create(const struct guest_image_config *config, struct guest_image **ret)
	__attribute__((warn_unused_result));
void guest_image_destroy(struct guest_image *image); /* NULL is fine */

/* For struct machine_config; valid until guest_image_destroy(). */
const char *const *guest_image_initrds(const struct guest_image *image);
unsigned int guest_image_initrd_count(const struct guest_image *image);

/* What agent_sched_attach() calls the scheduler: its NAME, or the file name of its PATH. NULL: none. */
const char *guest_image_scheduler(const struct guest_image *image);

#endif
