/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's machine protocol over a connected stream socket. Requests are asynchronous: each has an id and
 * a deadline, and answers come to a callback from qmp_process(); qmp_execute() is the waiting form on
 * top. Events go to one handler.
 *
 * The peer is not trusted: lines, nesting and the number of open requests are bounded, unknown ids and
 * unknown members are passed over, and anything that is not the protocol ends the connection with an
 * error (`dead`). Not responsible for the process behind the socket. One thread.
 */
#ifndef VMM_QMP_H
#define VMM_QMP_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

#define QMP_LINE_MAX (1U << 20)
#define QMP_PENDING_MAX 16

/* The end of a request: `err` is owned by the callee (NULL on success), `result` borrowed. */
typedef void (*qmp_reply_fn)(void *context, struct err *err, struct json_object *result);
/* An event; `data` may be NULL. */
typedef void (*qmp_event_fn)(void *context, const char *name, struct json_object *data);

struct qmp_request {
	uint64_t id; /* 0: free */
	const char *command;
	uint64_t deadline; /* host_now() scale */
	qmp_reply_fn reply;
	void *context;
};

struct qmp {
	int fd;
	bool greeted;
	bool dead;
	char version[96]; /* "7.2.22 (Debian ...)", "" before the greeting */
	struct str in;    /* bytes of a line that is not whole yet */
	uint64_t next_id;
	struct qmp_request pending[QMP_PENDING_MAX];
	qmp_event_fn on_event;
	void *event_context;
	uint64_t event_time; /* of the event that on_event is told of, as host_now(); 0: not said */
};

/* Takes `fd`, which becomes non-blocking. `on_event` may be NULL. */
void qmp_init(struct qmp *q, int fd, qmp_event_fn on_event, void *context);
/* Ends open requests with an error. */
void qmp_deinit(struct qmp *q);

/* Wait for the greeting and leave negotiation mode. */
struct err *qmp_negotiate(struct qmp *q, uint64_t timeout_ns) __attribute__((warn_unused_result));

/*
 * Send a request. `command` must be a string constant. Takes `arguments` (may be NULL). `pass_fd` is
 * sent along unless -1 (for getfd). When this returns NULL, `reply` is called exactly once.
 */
struct err *qmp_send(struct qmp *q, const char *command, struct json_object *arguments, int pass_fd,
		     uint64_t timeout_ns, qmp_reply_fn reply, void *context)
	__attribute__((warn_unused_result));

/* Take in what has arrived without waiting, dispatch it, end requests that are late. ERR_QMP when the
 * peer is gone or speaks something else; the connection is then dead. */
struct err *qmp_process(struct qmp *q) __attribute__((warn_unused_result));

/* Send and wait. `ret` (owned, json_object_put()) may be NULL. ERR_QMP with QEMU's own words when it
 * refuses, ERR_TIMEOUT, ERR_INTERRUPTED. Events and other answers are dispatched meanwhile. */
struct err *qmp_execute(struct qmp *q, const char *command, struct json_object *arguments, int pass_fd,
			uint64_t timeout_ns, struct json_object **ret)
	__attribute__((warn_unused_result));

/* A line of the human monitor, for what QMP has no command for; about vCPU `cpu`, -1: about none. `ret`
 * is the answer as text; the caller frees. */
struct err *qmp_monitor(struct qmp *q, const char *line, int cpu, uint64_t timeout_ns, char **ret)
	__attribute__((warn_unused_result));

/* Feed received bytes: qmp_process() without the socket, for tests and the fuzzer. */
struct err *qmp_feed(struct qmp *q, const void *data, size_t len) __attribute__((warn_unused_result));

/* A member that is a string, NULL when absent or something else. Borrowed from `object`. */
const char *qmp_string(struct json_object *object, const char *member);

#endif
