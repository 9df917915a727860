/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/qmp.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENT_AGE_MAX 3600 /* seconds */
#define JSON_DEPTH 24
#define POLL_SLICE_MS 50

void qmp_init(struct qmp *q, int fd, qmp_event_fn on_event, void *context)
{
	*q = (struct qmp){.fd = fd, .next_id = 1, .on_event = on_event, .event_context = context};
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Ends one request. The slot is free before the callback, which may send the next one. */
static void finish(struct qmp_request *r, struct err *err, struct json_object *result)
{
	struct qmp_request done = *r;

	*r = (struct qmp_request){0};
	done.reply(done.context, err, result);
}

static void finish_all(struct qmp *q, const char *why)
{
	for (unsigned int i = 0; i < QMP_PENDING_MAX; i++)
		if (q->pending[i].id)
			finish(&q->pending[i],
			       err_new(ERR_QMP, "%s: %s", q->pending[i].command, why), NULL);
}

static void expire(struct qmp *q)
{
	uint64_t now = host_now();

	for (unsigned int i = 0; i < QMP_PENDING_MAX; i++)
		if (q->pending[i].id && q->pending[i].deadline <= now)
			finish(&q->pending[i],
			       err_new(ERR_TIMEOUT, "%s: qemu did not answer in time",
				       q->pending[i].command),
			       NULL);
}

void qmp_deinit(struct qmp *q)
{
	finish_all(q, "the connection was closed");
	close_fd(&q->fd);
	str_deinit(&q->in);
}

const char *qmp_string(struct json_object *object, const char *member)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, member, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static int64_t member_int(struct json_object *object, const char *member, int64_t otherwise)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, member, &value) ||
	    !json_object_is_type(value, json_type_int))
		return otherwise;
	return json_object_get_int64(value);
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &value);
	return value;
}

/* {"QMP": {"version": {"qemu": {"major": 7, ...}, "package": "Debian ..."}}} */
static void take_greeting(struct qmp *q, struct json_object *greeting)
{
	struct json_object *version = member(greeting, "version");
	struct json_object *qemu = member(version, "qemu");
	const char *package = qmp_string(version, "package");
	struct str clean = {0};

	str_add_clean(&clean, package ? package : "", 64);
	snprintf(q->version, sizeof(q->version), "%" PRId64 ".%" PRId64 ".%" PRId64 "%s%s%s",
		 member_int(qemu, "major", 0), member_int(qemu, "minor", 0),
		 member_int(qemu, "micro", 0), clean.len ? " (" : "", str_text(&clean),
		 clean.len ? ")" : "");
	str_deinit(&clean);
	q->greeted = true;
}

static struct qmp_request *find_request(struct qmp *q, struct json_object *message)
{
	int64_t id = member_int(message, "id", 0);

	for (unsigned int i = 0; id > 0 && i < QMP_PENDING_MAX; i++)
		if (q->pending[i].id == (uint64_t)id)
			return &q->pending[i];
	return NULL;
}

static struct err *refusal(const struct qmp_request *r, struct json_object *error)
{
	const char *text = qmp_string(error, "desc");
	struct str clean = {0};
	struct err *err;

	str_add_clean(&clean, text ? text : "an error without a description", 512);
	err = err_new(ERR_QMP, "%s: %s", r->command, str_text(&clean));
	str_deinit(&clean);
	return err;
}

/* QEMU says the wall clock's time; ours is the one that never jumps. */
static uint64_t event_time(struct json_object *stamp)
{
	struct json_object *seconds = member(stamp, "seconds"), *us = member(stamp, "microseconds");
	struct timespec wall;
	uint64_t now = host_now();
	int64_t ago;

	clock_gettime(CLOCK_REALTIME, &wall);
	if (!seconds || !us || json_object_get_int64(seconds) > wall.tv_sec ||
	    json_object_get_int64(seconds) < wall.tv_sec - EVENT_AGE_MAX)
		return 0;
	ago = (wall.tv_sec - json_object_get_int64(seconds)) * 1000000000 + wall.tv_nsec -
	      json_object_get_int(us) * INT64_C(1000);
	return ago < 0 ? now : (uint64_t)ago > now ? 0 : now - (uint64_t)ago;
}

static void dispatch(struct qmp *q, struct json_object *message)
{
	struct json_object *error = member(message, "error");
	struct json_object *greeting = member(message, "QMP");
	const char *event = qmp_string(message, "event");
	struct qmp_request *r;

	if (greeting) {
		take_greeting(q, greeting);
		return;
	}
	if (event) {
		log_debug("qmp event %s", event);
		q->event_time = event_time(member(message, "timestamp"));
		if (q->on_event)
			q->on_event(q->event_context, event, member(message, "data"));
		return;
	}
	r = find_request(q, message);
	if (!r)
		return; /* the answer to a request that was given up */
	if (error)
		finish(r, refusal(r, error), NULL);
	else
		finish(r, NULL, member(message, "return"));
}

static struct err *take_line(struct qmp *q, const char *line, size_t len)
{
	struct json_tokener *tokener;
	struct json_object *message;

	while (len && (line[len - 1] == '\r' || line[len - 1] == ' '))
		len--;
	if (!len)
		return NULL;
	tokener = json_tokener_new_ex(JSON_DEPTH);
	if (!tokener)
		return err_nomem();
	message = json_tokener_parse_ex(tokener, line, (int)len);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(message, json_type_object)) {
		json_object_put(message);
		json_tokener_free(tokener);
		return err_new(ERR_QMP, "qemu sent something that is no message: %.*s",
			       (int)(len < 60 ? len : 60), line);
	}
	dispatch(q, message);
	json_object_put(message);
	json_tokener_free(tokener);
	return NULL;
}

static struct err *die(struct qmp *q, struct err *err)
{
	q->dead = true;
	finish_all(q, err_detail(err));
	return err;
}

struct err *qmp_feed(struct qmp *q, const void *data, size_t len)
{
	const char *p = data, *end = p + len, *newline;
	struct err *err;

	while (p < end) {
		newline = memchr(p, '\n', (size_t)(end - p));
		str_add_n(&q->in, p, (size_t)((newline ? newline : end) - p));
		if (q->in.failed)
			return die(q, err_nomem());
		if (q->in.len > QMP_LINE_MAX)
			return die(q, err_new(ERR_QMP, "qemu sent a line of more than %u bytes",
					      QMP_LINE_MAX));
		if (!newline)
			return NULL;
		err = take_line(q, str_text(&q->in), q->in.len);
		str_clear(&q->in);
		if (err)
			return die(q, err);
		p = newline + 1;
	}
	return NULL;
}

struct err *qmp_process(struct qmp *q)
{
	char buffer[16384];
	ssize_t n;

	if (q->dead)
		return err_new(ERR_QMP, "the connection to qemu is closed");
	for (;;) {
		n = read(q->fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return die(q, err_new(ERR_QMP, "qemu closed the connection"));
		ERR_TRY(qmp_feed(q, buffer, (size_t)n));
	}
	expire(q);
	return NULL;
}

/* A short line to a socket that nobody else fills: it fits, or the peer has stopped reading. */
static struct err *send_text(struct qmp *q, const char *text, size_t len, int pass_fd)
{
	struct iovec iov = {.iov_base = (void *)text, .iov_len = len};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t n;

	if (pass_fd >= 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	do
		n = sendmsg(q->fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_new(ERR_QMP, "qemu does not listen: %s", strerror(errno));
	if ((size_t)n != len)
		return die(q, err_new(ERR_QMP, "qemu has stopped reading"));
	return NULL;
}

static struct qmp_request *free_slot(struct qmp *q)
{
	for (unsigned int i = 0; i < QMP_PENDING_MAX; i++)
		if (!q->pending[i].id)
			return &q->pending[i];
	return NULL;
}

static struct err *send_request(struct qmp *q, const char *command, struct json_object *arguments,
				uint64_t id, int pass_fd)
{
	struct json_object *message = json_object_new_object();
	const char *text;
	struct str line = {0};
	struct err *err;

	if (!message) {
		json_object_put(arguments);
		return err_nomem();
	}
	json_object_object_add(message, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(message, "arguments", arguments);
	json_object_object_add(message, "id", json_object_new_int64((int64_t)id));
	text = json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN);
	str_add(&line, text ? text : "");
	str_add_c(&line, '\n');
	err = str_error(&line);
	if (!err)
		err = send_text(q, line.data, line.len, pass_fd);
	str_deinit(&line);
	json_object_put(message);
	return err;
}

struct err *qmp_send(struct qmp *q, const char *command, struct json_object *arguments, int pass_fd,
		     uint64_t timeout_ns, qmp_reply_fn reply, void *context)
{
	struct qmp_request *slot = q->dead ? NULL : free_slot(q);
	uint64_t id = q->next_id;

	if (!slot) {
		json_object_put(arguments);
		return q->dead ? err_new(ERR_QMP, "%s: the connection to qemu is closed", command)
			       : err_new(ERR_QMP, "%s: %d requests are open already", command,
					 QMP_PENDING_MAX);
	}
	ERR_TRY(err_wrap(send_request(q, command, arguments, id, pass_fd), "%s", command));
	q->next_id++;
	*slot = (struct qmp_request){.id = id,
				     .command = command,
				     .deadline = host_now() + timeout_ns,
				     .reply = reply,
				     .context = context};
	return NULL;
}

static struct err *wait_input(struct qmp *q)
{
	struct pollfd p = {.fd = q->fd, .events = POLLIN};

	if (interrupted())
		return err_new(ERR_INTERRUPTED, "interrupted");
	poll(&p, 1, POLL_SLICE_MS);
	return qmp_process(q);
}

/* Owned by the request, not by the waiter's stack: an interrupted wait leaves before the answer. */
struct waiter {
	bool done, abandoned;
	struct err *err;
	struct json_object *result;
};

static void waiter_reply(void *context, struct err *err, struct json_object *result)
{
	struct waiter *w = context;

	if (w->abandoned) {
		err_free(err);
		free(w);
		return;
	}
	w->done = true;
	w->err = err;
	w->result = json_object_get(result);
}

/* What the wait ended with; `broken` is why it ended early, or NULL. */
static struct err *waiter_end(struct waiter *w, struct err *broken, struct json_object **ret)
{
	struct err *err = w->err;

	if (!w->done) {
		w->abandoned = true;
		return broken;
	}
	if (!err && ret)
		*ret = w->result;
	else
		json_object_put(w->result);
	free(w);
	err_free(broken); /* the request's own error says the same with the command's name */
	return err;
}

struct err *qmp_execute(struct qmp *q, const char *command, struct json_object *arguments,
			int pass_fd, uint64_t timeout_ns, struct json_object **ret)
{
	struct waiter *w = calloc(1, sizeof(*w));
	struct err *err;

	if (!w) {
		json_object_put(arguments);
		return err_nomem();
	}
	err = qmp_send(q, command, arguments, pass_fd, timeout_ns, waiter_reply, w);
	if (err) {
		free(w);
		return err;
	}
	while (!w->done && !err)
		err = wait_input(q);
	return waiter_end(w, err, ret);
}

struct err *qmp_negotiate(struct qmp *q, uint64_t timeout_ns)
{
	uint64_t deadline = host_now() + timeout_ns;

	while (!q->greeted) {
		if (host_now() >= deadline)
			return err_new(ERR_TIMEOUT, "qemu did not greet in time");
		ERR_TRY(wait_input(q));
	}
	return qmp_execute(q, "qmp_capabilities", NULL, -1, timeout_ns, NULL);
}

struct err *qmp_monitor(struct qmp *q, const char *line, int cpu, uint64_t timeout_ns, char **ret)
{
	struct json_object *arguments = json_object_new_object(), *result = NULL;
	const char *text;
	struct err *err;

	if (!arguments)
		return err_nomem();
	json_object_object_add(arguments, "command-line", json_object_new_string(line));
	if (cpu >= 0)
		json_object_object_add(arguments, "cpu-index", json_object_new_int(cpu));
	err = qmp_execute(q, "human-monitor-command", arguments, -1, timeout_ns, &result);
	if (err)
		return err_wrap(err, "%s", line);
	text = json_object_get_string(result);
	*ret = strdup(text ? text : "");
	json_object_put(result);
	return *ret ? NULL : err_nomem();
}
