/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QEMU process: started in a process group of its own, killed by the kernel when the thread that
 * started it ends, given nothing but the descriptors in its setup. Owns the QMP connection.
 *
 * Not responsible for what the guest does, nor for pausing it. One thread.
 */
#ifndef VMM_QEMU_H
#define VMM_QEMU_H

#include "vmm/args.h"
#include "vmm/qmp.h"

#include <sys/types.h>

struct qemu {
	pid_t pid;     /* 0: none */
	int pidfd;
	int stderr_fd; /* memfd with what it complained about */
	struct qmp qmp;
	bool foreign; /* not our child */
	bool ended;
	int status;              /* of waitpid(), when ended */
	char shutdown_cause[40]; /* from the SHUTDOWN event, "" without */
	bool panicked;           /* GUEST_PANICKED was seen */
	uint64_t resumed, halted; /* host_now() of the last RESUME and STOP; 0: never */
	char death[200];         /* "" while it lives */
};

/*
 * Start QEMU; `setup->qmp_fd` is filled in here. Returns once exec has succeeded; QMP is not negotiated.
 * ERR_ENVIRONMENT when the program is missing, with the package to install.
 */
struct err *qemu_start(struct qemu *q, struct qemu_setup *setup) __attribute__((warn_unused_result));
/*
 * Somebody else's QEMU: process `pid`, whose QMP socket `fd` is connected; takes `fd`, on failure too. It
 * is never killed: qemu_stop() lets go of it.
 */
struct err *qemu_adopt(struct qemu *q, pid_t pid, int fd) __attribute__((warn_unused_result));
/* Kill it and wait for its end. A zeroed one is fine. */
void qemu_stop(struct qemu *q);

/* Look whether it has ended and what QMP has to say, without waiting; false when it has. */
bool qemu_alive(struct qemu *q);
/* Stop the process, our child, by a signal, and wait until it has stopped; let it go on. */
void qemu_seize(struct qemu *q);
void qemu_let_go(struct qemu *q);
/* Wait until QEMU's main thread waits for a lock: it has taken up the last request as far as it can while
 * the guest stands. Without the right to look, a fixed time. */
void qemu_wait_locked(struct qemu *q);
/* Why it ended, one sentence; NULL while it lives. */
const char *qemu_death(struct qemu *q);
/* What it wrote to standard error, at most its last 2000 bytes, cleaned; caller frees; may be "". */
char *qemu_complaint(struct qemu *q);

/* Where `program` is (an absolute path is taken as it is, else PATH); caller frees.
 * ERR_ENVIRONMENT when there is none. */
struct err *qemu_find(const char *program, char **ret) __attribute__((warn_unused_result));

/* "7.2.22 (Debian ...)" from `PROGRAM --version`, remembered in the cache for as long as the file does
 * not change; caller frees. */
struct err *qemu_version(const char *path, char **ret) __attribute__((warn_unused_result));

#endif
