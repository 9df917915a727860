/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors as values. A function that can fail returns `struct err *`: NULL is success, anything else
 * is one owned object that the caller either returns (usually wrapped), reports, or drops with
 * err_free(). Errors are reported in two places only: standard error and the screen's status line.
 *
 * Threads: an err belongs to one thread at a time. Out of memory is a static object, so err_new() and
 * err_wrap() never return NULL.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdint.h>

enum err_kind {
	ERR_NOMEM,       /* no memory */
	ERR_OS,          /* a system call failed; the detail ends in strerror() */
	ERR_USAGE,       /* the operator's words are wrong: exit 2 where it is the command line */
	ERR_QMP,         /* QEMU refused, or its answer was not understood */
	ERR_FAULT,       /* a guest address that is not mapped; err_address() has it */
	ERR_BAD_DATA,    /* guest memory, wire, recording or file holds something impossible */
	ERR_NOT_FOUND,   /* no such symbol, task, CPU, command */
	ERR_ABSENT,      /* this kernel has no such member or feature */
	ERR_TIMEOUT,     /* a deadline passed */
	ERR_REFUSED,     /* valid, understood, and declined: readonly, validation, width */
	ERR_ENVIRONMENT, /* no kernel, no QEMU, guest did not come up: exit 3 */
	ERR_GUEST_DIED,  /* the guest is gone: exit 4 */
	ERR_INTERRUPTED, /* SIGINT while waiting: exit 130 */
	ERR_EXPECT,      /* an expectation is false: exit 1 */
	ERR_NOT_OFFERED, /* this host lacks what a check needs: exit 77, which test suites skip */
};

struct err;

/* A new error with a formatted detail. Never NULL. */
struct err *err_new(enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* ERR_OS with ": strerror(errnum)" appended. Never NULL. */
struct err *err_os(int errnum, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* ERR_FAULT for guest address `address`, detail "bad address 0x...". Never NULL. */
struct err *err_fault(uint64_t address) __attribute__((warn_unused_result));

/* "CONTEXT: detail". Takes and returns `err`; NULL stays NULL. The kind does not change. */
struct err *err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* The static out-of-memory error. */
struct err *err_nomem(void) __attribute__((warn_unused_result));

enum err_kind err_kind(const struct err *err);
const char *err_detail(const struct err *err); /* borrowed; "" never, NULL never */
uint64_t err_address(const struct err *err);   /* ERR_FAULT's address, else 0 */
void err_free(struct err *err);                /* NULL is fine */

/* The exit status of SPEC section 8 for an error that ends the program (not for a command's own). */
int err_exit_status(const struct err *err);

/* Return an error to the caller when EXPR gives one. */
#define ERR_TRY(expr)                                                                              \
	do {                                                                                       \
		struct err *err_try_ = (expr);                                                     \
		if (err_try_)                                                                      \
			return err_try_;                                                           \
	} while (0)

#endif
