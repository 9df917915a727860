/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pieces of kernel_cache_fetch() that decide something, apart so that they can be tested without
 * a network: which archive the machine's own sources point to, which package holds the wanted
 * version, and where in a package the image lies.
 *
 * Only apt parses apt's files: what is read here is the output of `apt-get indextargets` and of
 * `apt-cache search`. Threads: any.
 */
#ifndef VMM_KERNEL_FETCH_H
#define VMM_KERNEL_FETCH_H

#include "base/err.h"

#define ARCHIVE_URI_MAX 512
#define ARCHIVE_SUITE_MAX 64
struct kernel_archive {
	char uri[ARCHIVE_URI_MAX];     /* as apt has it: may be a mirror+file: list */
	char suite[ARCHIVE_SUITE_MAX]; /* that has kernels with sched_ext */
};

/* What `apt-get indextargets --format` is asked for, one line a target. */
#define KERNEL_TARGET_FORMAT "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"

/*
 * The Debian archive that the lines of `targets` name for the distribution `codename`, and the suite of
 * it to look in: trixie-backports for Debian 12 and 13, whose own kernels are too old, and the machine's
 * own suite after that. ERR_ENVIRONMENT when no line is a Debian archive.
 */
struct err *kernel_archive_choose(const char *targets, const char *codename,
				  struct kernel_archive *ret) __attribute__((warn_unused_result));

struct kernel_package {
	char name[128];    /* "linux-binary-7.2.12+deb13-cloud-amd64" */
	char version[128]; /* "7.2.12+deb13-cloud-amd64" */
};

/* What `apt-cache search --names-only` is asked for. */
#define KERNEL_PACKAGE_PATTERN "^linux-(binary|image)-[0-9][^ ]*-cloud-amd64$"

/*
 * The newest release (no -rc) in `names` ("PACKAGE - DESCRIPTION" lines) that matches `wanted` (NULL: any);
 * linux-binary-VERSION before linux-image-VERSION, which holds no image where both exist.
 * ERR_NOT_FOUND lists the newest versions there are.
 */
struct err *kernel_package_choose(const char *names, const char *wanted, struct kernel_package *ret)
	__attribute__((warn_unused_result));

/*
 * Copy the kernel image inside the Debian package file `deb` to descriptor `fd`. ERR_BAD_DATA when
 * it is no package, holds no image, or the image is above 256 MiB.
 */
struct err *kernel_package_unpack(const char *deb, int fd) __attribute__((warn_unused_result));

#endif
