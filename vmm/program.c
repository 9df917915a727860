/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/program.h"

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

struct program {
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

static struct err *start(struct program *p, const char *const *argv, const char *folder)
{
	int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1}, errnum = 0;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(report, O_CLOEXEC))
		errnum = errno;
	else if ((p->pid = fork()) < 0)
		errnum = errno;
	else if (p->pid == 0)
		child(argv, folder, out[1], err[1], report[1]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	close_fd(&report[1]);
	p->out = out[0];
	p->err = err[0];
	if (p->pid > 0)
		errnum = exec_error(report[0]);
	close_fd(&report[0]);
	if (!errnum)
		return NULL;
	if (errnum == ENOENT && !folder)
		return err_new(ERR_NOT_FOUND, "no program %s on this machine", p->name);
	return err_os(errnum, "cannot run %s", p->name);
}

static void keep_tail(struct program *p, const char *data, size_t len)
{
	size_t drop;

	if (len > STDERR_TAIL) {
		data += len - STDERR_TAIL;
		len = STDERR_TAIL;
	}
	drop = p->tail_len + len > STDERR_TAIL ? p->tail_len + len - STDERR_TAIL : 0;
	memmove(p->tail, p->tail + drop, p->tail_len - drop);
	p->tail_len -= drop;
	memcpy(p->tail + p->tail_len, data, len);
	p->tail_len += len;
}

/* One read of whichever of the two pipes has something; closes a pipe at its end. */
static void drain(struct program *p, int *fd)
{
	char buffer[8192];
	ssize_t got = read(*fd, buffer, sizeof(buffer));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0)
		close_fd(fd);
	else if (fd == &p->err)
		keep_tail(p, buffer, (size_t)got);
	else if (p->output && p->output->len + (size_t)got <= PROGRAM_OUTPUT_MAX)
		str_add_n(p->output, buffer, (size_t)got);
}

/* Read both pipes to their ends. */
static struct err *collect(struct program *p, uint64_t timeout_ns)
{
	uint64_t deadline = host_now() + timeout_ns;

	while (p->out >= 0 || p->err >= 0) {
		struct pollfd fds[] = {{.fd = p->out, .events = POLLIN},
				       {.fd = p->err, .events = POLLIN}};

		if (interrupted())
			return err_new(ERR_INTERRUPTED, "%s: interrupted", p->name);
		if (host_now() >= deadline)
			return err_new(ERR_TIMEOUT, "%s did not end within %llu s", p->name,
				       (unsigned long long)(timeout_ns / 1000000000));
		if (poll(fds, 2, POLL_MS) <= 0)
			continue;
		if (fds[0].revents)
			drain(p, &p->out);
		if (fds[1].revents)
			drain(p, &p->err);
	}
	return NULL;
}

static struct err *finish(struct program *p)
{
	struct str text = {0};
	struct err *err = NULL;
	int status = 0;

	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	while (p->tail_len && p->tail[p->tail_len - 1] == '\n')
		p->tail_len--;
	for (size_t i = 0; i < p->tail_len; i++)
		if (p->tail[i] == '\n')
			p->tail[i] = ' ';
	str_add_clean(&text, p->tail, p->tail_len);
	if (WIFEXITED(status))
		err = err_new(ERR_OS, "%s ended with status %d: %s", p->name, WEXITSTATUS(status),
			      str_text(&text));
	else
		err = err_new(ERR_OS, "%s was killed by signal %d: %s", p->name, WTERMSIG(status),
			      str_text(&text));
	str_deinit(&text);
	return err;
}

struct err *program_run(const char *const *argv, const char *folder, uint64_t timeout_ns,
			struct str *output)
{
	struct program p = {.name = argv[0], .pid = -1, .out = -1, .err = -1, .output = output};
	struct err *err = start(&p, argv, folder), *ended;

	if (!err)
		err = collect(&p, timeout_ns);
	if (err && p.pid > 0)
		kill(-p.pid, SIGKILL);
	close_fd(&p.out);
	close_fd(&p.err);
	ended = p.pid > 0 ? finish(&p) : NULL;
	if (err) {
		err_free(ended);
		return err;
	}
	if (ended)
		return ended;
	return output ? str_error(output) : NULL;
}
