/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images to boot: what lies in $XDG_CACHE_HOME/ktdbg/kernels/VERSION/vmlinuz, which one a
 * `--kernel` word means, what an image holds, and the fetching of a stock one from the
 * distribution's archive (with apt, as an ordinary user, without touching the machine's own lists).
 *
 * Not responsible for booting (vmm/machine.h) or for printing (the `kernel` command). An image file
 * is untrusted input: everything read from it is bounded.
 *
 * Threads: any; two processes may fetch at once, the second waits for the first. Everything handed
 * out is owned by the caller.
 */
#ifndef VMM_KERNEL_CACHE_H
#define VMM_KERNEL_CACHE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum kernel_feature { FEATURE_UNKNOWN, FEATURE_NO, FEATURE_YES };
const char *kernel_feature_name(enum kernel_feature f); /* "unknown", "no", "yes" */

#define KERNEL_VERSION_TEXT 128
/* What an x86 boot image (Documentation/arch/x86/boot.rst) says of itself. */
struct kernel_image {
	char version[KERNEL_VERSION_TEXT]; /* "7.2.12+deb13-cloud-amd64", as `uname -r` in the guest */
	uint64_t size;                     /* bytes of the file */
	enum kernel_feature sched_ext;     /* UNKNOWN when the payload cannot be unpacked */
	enum kernel_feature btf;
};

/*
 * Read an image; unpacks its payload, which takes 0.2 to 2 s. ERR_OS, or ERR_BAD_DATA when it is no
 * x86 boot image. kernel_image_version() reads the header only.
 */
struct err *kernel_image_read(const char *path, struct kernel_image *ret)
	__attribute__((warn_unused_result));
struct err *kernel_image_version(const char *path, char ret[KERNEL_VERSION_TEXT])
	__attribute__((warn_unused_result));

struct kernel_entry {
	char *path;                /* of the vmlinuz */
	struct kernel_image image; /* what was found out about it is kept beside it */
	bool is_default;           /* what `--kernel` left out means */
};
struct kernel_list {
	struct kernel_entry *entries; /* newest version first */
	unsigned int count;
};
/* All cached kernels; none is no error. Files there that are no boot image are left out. */
struct err *kernel_cache_list(struct kernel_list *ret) __attribute__((warn_unused_result));
void kernel_list_deinit(struct kernel_list *list);

/*
 * The image that `wanted` means: a path (anything with a '/' in it, or an existing file), a cached
 * version, or a prefix of one at a dot, plus or dash ("7.1": the newest 7.1.x). NULL: the newest
 * cached, else this host's own kernel when its configuration has CONFIG_SCHED_CLASS_EXT=y.
 * ERR_ENVIRONMENT when there is none, naming what is cached and `ktdbg kernel fetch`.
 */
struct err *kernel_cache_resolve(const char *wanted, char **ret_path)
	__attribute__((warn_unused_result));

/* Called with one line about what happens now, without newline. */
typedef void (*kernel_progress_fn)(void *context, const char *line);

/*
 * Fetch the newest stock kernel whose version is `wanted` or starts with it ("6.19"; NULL: the newest
 * of all), unless it is cached already. Blocks for as long as the network takes; honours interrupted().
 * ERR_ENVIRONMENT on a machine without apt or without a known archive (says to give --kernel PATH),
 * or with apt's own last words; ERR_NOT_FOUND names the versions that exist.
 */
struct err *kernel_cache_fetch(const char *wanted, kernel_progress_fn progress, void *context,
			       char **ret_path) __attribute__((warn_unused_result));

/* Order of kernel versions, numeric where numbers are ("6.9" < "6.10", "7.2-rc1" < "7.2"): as strcmp(). */
int kernel_version_compare(const char *a, const char *b);
/* `version` is `prefix`, or goes on after it with a dot, plus or dash. */
bool kernel_version_matches(const char *version, const char *prefix);

#endif
