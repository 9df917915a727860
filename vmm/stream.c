/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/stream.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define STATE_MAX ((uint64_t)256 << 20)
#define STALL_MAX UINT64_C(10000000000)
#define POLL_MS 50

/* Until the pipe is ready: 0, or the errno that ends the stream. */
static int wait_pipe(struct stream *s)
{
	uint64_t deadline = host_now() + STALL_MAX;
	struct pollfd p = {.fd = s->pipe,
			   .events = s->direction == STREAM_TO_FILE ? POLLIN : POLLOUT};

	while (poll(&p, 1, POLL_MS) <= 0) {
		if (__atomic_load_n(&s->cancel, __ATOMIC_RELAXED))
			return ECANCELED;
		if (host_now() > deadline)
			return ETIMEDOUT;
	}
	return 0;
}

/* One end of the copy; 0 bytes is the end. */
static ssize_t take(struct stream *s, char *buffer, size_t size, uint64_t at)
{
	if (s->direction == STREAM_FROM_FILE)
		return pread(s->file, buffer, size, (off_t)at);
	s->errnum = wait_pipe(s);
	return s->errnum ? -1 : read(s->pipe, buffer, size);
}

static ssize_t put(struct stream *s, const char *buffer, size_t len, uint64_t at)
{
	if (s->direction == STREAM_TO_FILE)
		return pwrite(s->file, buffer, len, (off_t)at);
	s->errnum = wait_pipe(s);
	return s->errnum ? -1 : write(s->pipe, buffer, len);
}

static void copy(struct stream *s)
{
	char buffer[65536];
	uint64_t at = 0;
	ssize_t n, done, len;

	while ((len = take(s, buffer, sizeof(buffer), at)) > 0 && at < STATE_MAX) {
		for (done = 0; done < len; done += n) {
			n = put(s, buffer + done, (size_t)(len - done), at + (uint64_t)done);
			if (n < 0 && errno == EAGAIN && !s->errnum)
				n = 0;
			else if (n <= 0)
				goto failed;
		}
		at += (uint64_t)len;
	}
	if (!len)
		return;
failed:
	if (!s->errnum)
		s->errnum = errno ? errno : EFBIG;
}

static void *stream_thread(void *context)
{
	struct stream *s = context;

	errno = 0;
	copy(s);
	close_fd(&s->pipe);
	return NULL;
}

struct err *stream_start(struct stream *s, int file, enum stream_direction direction, int *ret_peer)
{
	bool to_file = direction == STREAM_TO_FILE;
	sigset_t all, old;
	int ends[2], error;

	*s = (struct stream){.direction = direction, .file = file, .pipe = -1};
	if (pipe2(ends, O_CLOEXEC))
		return err_os(errno, "pipe");
	s->pipe = ends[to_file ? 0 : 1];
	*ret_peer = ends[to_file ? 1 : 0];
	fcntl(s->pipe, F_SETFL, O_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* SIGPIPE too: EPIPE says it */
	error = pthread_create(&s->thread, NULL, stream_thread, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error) {
		close_fd(&s->pipe);
		close_fd(ret_peer);
		return err_os(error, "starting a thread");
	}
	s->started = true;
	return NULL;
}

struct err *stream_finish(struct stream *s, bool cancel)
{
	if (!s->started)
		return NULL;
	__atomic_store_n(&s->cancel, cancel, __ATOMIC_RELAXED);
	pthread_join(s->thread, NULL);
	s->started = false;
	return s->errnum ? err_os(s->errnum, "passing the device state") : NULL;
}
