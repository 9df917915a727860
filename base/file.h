/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files, folders and descriptors: the user's XDG places, whole-file reads, atomic replacement.
 * Paths handed out are owned by the caller.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* $XDG_CACHE_HOME/ktdbg (~/.cache/ktdbg), $XDG_STATE_HOME/ktdbg, $XDG_CONFIG_HOME/ktdbg; made when missing. */
struct err *cache_path(const char *below, char **ret) __attribute__((warn_unused_result));
struct err *state_path(const char *below, char **ret) __attribute__((warn_unused_result));
struct err *config_path(const char *below, char **ret) __attribute__((warn_unused_result));
/* Where the build installed or left its data files (guest image, plugins, BPF): $KTDBG_DATA, the
 * folder beside the running binary when it holds them (build tree), else DATADIR. */
struct err *data_path(const char *name, char **ret) __attribute__((warn_unused_result));

struct err *make_directories(const char *path, unsigned int mode) __attribute__((warn_unused_result));
/* At most `max` bytes (ERR_REFUSED above); NUL terminated past the end; caller frees. */
struct err *read_whole_file(const char *path, size_t max, char **ret, size_t *ret_len)
	__attribute__((warn_unused_result));
/* Write to a temporary name in the same folder, fsync, rename. */
struct err *replace_file(const char *path, const void *data, size_t len)
	__attribute__((warn_unused_result));
struct err *write_all(int fd, const void *data, size_t len) __attribute__((warn_unused_result));
/* Lower-case hexadecimal SHA-256 of a file or of bytes (64 digits and NUL). */
#define SHA256_TEXT 65
struct err *sha256_file(const char *path, char ret[SHA256_TEXT]) __attribute__((warn_unused_result));
void sha256_bytes(const void *data, size_t len, char ret[SHA256_TEXT]);

void close_fd(int *fd); /* closes when >= 0 and sets to -1 */

/* Host CLOCK_MONOTONIC in nanoseconds. Never part of anything recorded. */
uint64_t host_now(void);

#endif
