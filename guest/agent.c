// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_BUSY 4000000ULL   /* ns, within BUSY_FOR of the last request */
#define POLL_IDLE 20000000ULL
#define BUSY_FOR 1000000000ULL

uint64_t agent_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = {(time_t)(ns / 1000000000ULL), (long)(ns % 1000000000ULL)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void beat(struct agent *a)
{
	a->header->heartbeat_time = agent_now();
	__atomic_store_n(&a->header->heartbeat, a->header->heartbeat + 1, __ATOMIC_RELEASE);
	child_poll(a);
}

void agent_pause(struct agent *a, uint64_t ns)
{
	sleep_until(agent_now() + ns);
	beat(a);
}

int agent_fail(struct agent *a, int errnum, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->response->message, sizeof(a->response->message), fmt, args);
	va_end(args);
	return errnum ? errnum : EIO;
}

void agent_text_n(struct agent *a, const char *data, size_t len)
{
	size_t room = WIRE_TEXT_SIZE - a->response->text_len;

	if (len > room)
		len = room;
	memcpy(a->text + a->response->text_len, data, len);
	a->response->text_len += (uint32_t)len;
}

void agent_text(struct agent *a, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n > 0)
		agent_text_n(a, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void agent_value(struct agent *a, uint64_t value)
{
	if (a->response->value_count < 16)
		a->response->values[a->response->value_count++] = value;
}

/* The request's own pages are read once, into a->request. */
static void answer(struct agent *a, uint32_t seq)
{
	struct wire_request request;
	const uint8_t *area = a->mailbox + WIRE_REQUEST_PAGE * WIRE_PAGE_SIZE;
	int status;

	memcpy(&request, area, sizeof(request));
	memset(a->response, 0, sizeof(*a->response));
	a->response->op = request.op;
	if (request.payload_len > WIRE_PAYLOAD_MAX) {
		status = agent_fail(a, EINVAL, "a request of %u bytes does not fit", request.payload_len);
	} else {
		memset(a->request, 0, sizeof(a->request));
		memcpy(a->request, area + sizeof(request), request.payload_len);
		status = ops_run(a, request.op, request.payload_len);
	}
	a->response->status = status;
	a->last_request = agent_now();
	__atomic_store_n(&a->header->response_seq, seq, __ATOMIC_RELEASE);
}

/* The host may withdraw a request while nobody has taken it. */
static bool take(struct agent *a, uint32_t seq)
{
	__atomic_store_n(&a->header->agent_state, WIRE_AGENT_BUSY, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&a->header->request_seq, __ATOMIC_SEQ_CST) == seq;
}

static void serve(struct agent *a)
{
	for (;;) {
		uint32_t seq = __atomic_load_n(&a->header->request_seq, __ATOMIC_ACQUIRE);
		uint64_t now = agent_now();

		if (seq != a->header->response_seq && take(a, seq))
			answer(a, seq);
		a->header->agent_state = WIRE_AGENT_READY;
		sleep_until(now + (now - a->last_request < BUSY_FOR ? POLL_BUSY : POLL_IDLE));
		beat(a);
	}
}

int main(void)
{
	static struct agent agent; /* static for its size only */

	setup_mounts();
	setup_self();
	for (unsigned int i = 0; i < AGENT_CHILDREN; i++)
		agent.children[i].output = -1;
	if (mailbox_create(&agent)) {
		setup_wait_quiet();
		mailbox_announce(&agent);
		serve(&agent);
	}
	/* Without a mailbox there is nothing to do, but process 1 must not end. */
	for (;;)
		pause();
}
