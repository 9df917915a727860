/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's command line: a pure function of what is wanted, so that it can be tested and be part of a
 * cache key. Every channel is a descriptor number that the child inherits; no file is named but
 * the kernel and the plugin.
 */
#ifndef VMM_ARGS_H
#define VMM_ARGS_H

#include "vmm/machine.h"

struct args {
	char **list; /* NULL terminated */
	unsigned int count, size;
	bool failed; /* memory ran out; reported by qemu_args() */
};

void args_add(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void args_deinit(struct args *a);

struct qemu_setup {
	const char *program;
	const struct topology *topology;
	uint64_t memory;       /* bytes */
	const struct ram *ram; /* unused for the identity */
	enum accel accel;      /* not AUTO */
	enum clock_kind clock; /* not AUTO */
	const char *kernel;    /* bzImage; NULL with `incoming`: the saved state has it */
	const char *append;    /* the whole kernel command line */
	int initrd_fd;         /* all archives in one, -1: none */
	int qmp_fd, console_fd, debug_fd;
	int page_fd;           /* virtual clock's control page, else -1 */
	const char *plugin;    /* path of the clock's, or NULL */
	const char *gdb_socket;
	bool incoming;         /* wait for a saved state */
};

/* The whole command line, list[0] the program. `ret` must be zeroed. */
struct err *qemu_args(const struct qemu_setup *setup, struct args *ret)
	__attribute__((warn_unused_result));

/* The part of it that a saved state depends on, for a cache key: machine, CPUs, memory, devices.
 * As qemu_args() with all descriptors and paths left out. */
struct err *qemu_args_identity(const struct qemu_setup *setup, struct args *ret)
	__attribute__((warn_unused_result));

#endif
