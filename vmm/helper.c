/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/helper.h"

#include "base/file.h"
#include "base/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_TAIL 2048
#define POLL_MS 100

struct helper {
	const char *name;
	pid_t pid;
	int out, err;
	struct str *output;
	char tail[STDERR_TAIL + 1]; /* the newest bytes of its standard error */
	size_t tail_len;
};

/* Between fork and exec of a process with one thread: never returns. */
static void child(const char *const *argv, const char *folder, int out, int err, int report)
{
	int null = open("/dev/null", O_RDONLY), errnum;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	setpgid(0, 0);
	setenv("LC_ALL", "C", 1);
	if (null >= 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2 &&
	    (!folder || chdir(folder) == 0))
		execvp(argv[0], (char *const *)argv);
	errnum = errno;
	if (write(report, &errnum, sizeof(errnum)) < 0)
		_exit(126);
	_exit(127);
}

/* The errno with which exec failed, 0 when it did not. */
static int exec_error(int report)
{
	int errnum = 0;
	ssize_t got;

	do {
		got = read(report, &errnum, sizeof(errnum));
	} while (got < 0 && errno == EINTR);
	return got == sizeof(errnum) ? errnum : 0;
}

static struct err *start(struct helper *h, const char *const *argv, const char *folder)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1}, errnum = 0;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
		errnum = errno;
	else if ((h->pid = fork()) < 0)
		errnum = errno;
	else if (h->pid == 0)
		child(argv, folder, out[1], err[1], report[1]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	close_fd(&report[1]);
	h->out = out[0];
	h->err = err[0];
	if (h->pid > 0)
		errnum = exec_error(report[0]);
	close_fd(&report[0]);
	if (!errnum)
		return NULL;
	if (errnum == ENOENT && !folder)
		return err_new(ERR_NOT_FOUND, "no program %s on this machine", h->name);
	return err_os(errnum, "cannot run %s", h->name);
}

static void keep_tail(struct helper *h, const char *data, size_t len)
{
	size_t drop;

	if (len > STDERR_TAIL) {
		data += len - STDERR_TAIL;
		len = STDERR_TAIL;
	}
	drop = h->tail_len + len > STDERR_TAIL ? h->tail_len + len - STDERR_TAIL : 0;
	memmove(h->tail, h->tail + drop, h->tail_len - drop);
	h->tail_len -= drop;
	memcpy(h->tail + h->tail_len, data, len);
	h->tail_len += len;
}

/* One read of whichever of the two pipes has something; closes a pipe at its end. */
static void drain(struct helper *h, int *fd)
{
	char buffer[8192];
	ssize_t got = read(*fd, buffer, sizeof(buffer));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0)
		close_fd(fd);
	else if (fd == &h->err)
		keep_tail(h, buffer, (size_t)got);
	else if (h->output && h->output->len + (size_t)got <= HELPER_OUTPUT_MAX)
		str_add_n(h->output, buffer, (size_t)got);
}

/* Read both pipes to their ends. */
static struct err *collect(struct helper *h, uint64_t timeout_ns)
{
	uint64_t deadline = host_now() + timeout_ns;

	while (h->out >= 0 || h->err >= 0) {
		struct pollfd fds[] = {{.fd = h->out, .events = POLLIN},
				       {.fd = h->err, .events = POLLIN}};

		if (interrupted())
			return err_new(ERR_INTERRUPTED, "%s: interrupted", h->name);
		if (host_now() >= deadline)
			return err_new(ERR_TIMEOUT, "%s did not end within %llu s", h->name,
				       (unsigned long long)(timeout_ns / 1000000000));
		if (poll(fds, 2, POLL_MS) <= 0)
			continue;
		if (fds[0].revents)
			drain(h, &h->out);
		if (fds[1].revents)
			drain(h, &h->err);
	}
	return NULL;
}

static struct err *finish(struct helper *h)
{
	struct str text = {0};
	struct err *err = NULL;
	int status = 0;

	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	while (h->tail_len && h->tail[h->tail_len - 1] == '\n')
		h->tail_len--;
	for (size_t i = 0; i < h->tail_len; i++)
		if (h->tail[i] == '\n')
			h->tail[i] = ' ';
	str_add_clean(&text, h->tail, h->tail_len);
	if (WIFEXITED(status))
		err = err_new(ERR_OS, "%s ended with status %d: %s", h->name, WEXITSTATUS(status),
			      str_text(&text));
	else
		err = err_new(ERR_OS, "%s was killed by signal %d: %s", h->name, WTERMSIG(status),
			      str_text(&text));
	str_deinit(&text);
	return err;
}

struct err *helper_run(const char *const *argv, const char *folder, uint64_t timeout_ns,
			struct str *output)
{
	struct helper h = {.name = argv[0], .pid = -1, .out = -1, .err = -1, .output = output};
	struct err *err = start(&h, argv, folder), *ended;

	if (!err)
		err = collect(&h, timeout_ns);
	if (err && h.pid > 0)
		kill(-h.pid, SIGKILL);
	close_fd(&h.out);
	close_fd(&h.err);
	ended = h.pid > 0 ? finish(&h) : NULL;
	if (err) {
		err_free(ended);
		return err;
	}
	if (ended)
		return ended;
	return output ? str_error(output) : NULL;
}
