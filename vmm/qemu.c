/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/qemu.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPLAINT_MAX 2000
#define LOCKED_TRIES 200
#define LOCKED_SLICE_US 1000

static void on_event(void *context, const char *name, struct json_object *data)
{
	struct qemu *q = context;
	const char *reason;

	if (!strcmp(name, "SHUTDOWN")) {
		reason = qmp_string(data, "reason");
		snprintf(q->shutdown_cause, sizeof(q->shutdown_cause), "%s",
			 reason ? reason : "no reason given");
	} else if (!strcmp(name, "GUEST_PANICKED")) {
		q->panicked = true;
	} else if (!strcmp(name, "RESUME")) {
		q->resumed = q->qmp.event_time;
	} else if (!strcmp(name, "STOP")) {
		q->halted = q->qmp.event_time;
	}
}

/* The descriptors that the child keeps; everything else is closed by exec. */
static void keep(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

static void keep_channels(const struct qemu_setup *s)
{
	keep(s->qmp_fd);
	keep(s->console_fd);
	keep(s->debug_fd);
	keep(s->page_fd);
	keep(s->initrd_fd);
	for (unsigned int i = 0; i < s->ram->piece_count; i++)
		keep(s->ram->pieces[i].fd);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: only async-signal-safe calls. Reports errno through `report_fd` and does not
 * return. */
static void become_qemu(char *const *argv, const struct qemu_setup *setup, int stderr_fd,
			int report_fd, pid_t parent)
{
	const struct rlimit no_core = {0, 0};
	int null = open("/dev/null", O_RDWR), error;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* ktdbg died before it could be watched */
	reset_signals();
	setrlimit(RLIMIT_CORE, &no_core); /* it would hold the guest's memory */
	dup2(null, 0);
	dup2(stderr_fd, 1);
	dup2(stderr_fd, 2);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	keep_channels(setup);
	execv(argv[0], argv);
	error = errno;
	if (write(report_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* Waits for exec; the errno it failed with, 0 when it did not. */
static int exec_result(int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == sizeof(error) ? error : 0;
}

static struct err *spawn(struct qemu *q, const struct qemu_setup *setup, char *const *argv)
{
	int report[2], error;
	pid_t parent = getpid();

	if (pipe2(report, O_CLOEXEC))
		return err_os(errno, "pipe");
	q->pid = fork();
	if (q->pid == 0)
		become_qemu(argv, setup, q->stderr_fd, report[1], parent);
	error = q->pid < 0 ? errno : 0;
	close(report[1]);
	if (q->pid < 0) {
		close(report[0]);
		q->pid = 0;
		return err_os(error, "starting %s", argv[0]);
	}
	setpgid(q->pid, q->pid);
	error = exec_result(report[0]);
	close(report[0]);
	if (error)
		return err_new(ERR_ENVIRONMENT, "cannot run %s: %s", argv[0], strerror(error));
	q->pidfd = (int)syscall(SYS_pidfd_open, q->pid, 0);
	return q->pidfd < 0 ? err_os(errno, "pidfd of qemu") : NULL;
}

struct err *qemu_start(struct qemu *q, struct qemu_setup *setup)
{
	struct args args = {0};
	struct err *err;
	int pair[2];

	*q = (struct qemu){.pidfd = -1, .stderr_fd = -1, .qmp.fd = -1};
	q->stderr_fd = memfd_create("qemu-stderr", MFD_CLOEXEC);
	if (q->stderr_fd < 0)
		return err_os(errno, "memfd");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		close_fd(&q->stderr_fd);
		return err_os(errno, "socketpair");
	}
	qmp_init(&q->qmp, pair[0], on_event, q);
	setup->qmp_fd = pair[1];
	err = qemu_args(setup, &args);
	if (!err) {
		for (unsigned int i = 0; i < args.count; i++)
			log_debug("qemu: %s", args.list[i]);
		err = spawn(q, setup, args.list);
	}
	close(pair[1]);
	setup->qmp_fd = -1;
	args_deinit(&args);
	if (err)
		qemu_stop(q);
	return err;
}

struct err *qemu_adopt(struct qemu *q, pid_t pid, int fd)
{
	*q = (struct qemu){.pid = pid, .foreign = true, .stderr_fd = -1};
	qmp_init(&q->qmp, fd, on_event, q);
	q->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return q->pidfd < 0 ? err_os(errno, "pidfd of qemu (process %d)", (int)pid) : NULL;
}

void qemu_stop(struct qemu *q)
{
	if (q->pid && !q->ended && !q->foreign) {
		kill(q->pid, SIGKILL);
		while (waitpid(q->pid, &q->status, 0) < 0 && errno == EINTR)
			;
		q->ended = true;
	}
	if (q->pid || q->stderr_fd > 0) {
		qmp_deinit(&q->qmp);
		close_fd(&q->pidfd);
		close_fd(&q->stderr_fd);
	}
	q->pid = 0;
}

static void describe_death(struct qemu *q)
{
	const char *cause = q->shutdown_cause;

	if (q->foreign && !*cause)
		snprintf(q->death, sizeof(q->death), "qemu (process %d) ended", (int)q->pid);
	else if (WIFSIGNALED(q->status))
		snprintf(q->death, sizeof(q->death), "qemu was killed by signal %d (%s)",
			 WTERMSIG(q->status), strsignal(WTERMSIG(q->status)));
	else if (!strcmp(cause, "guest-reset"))
		snprintf(q->death, sizeof(q->death),
			 "the guest reset itself (a reboot or a triple fault)");
	else if (!strcmp(cause, "guest-shutdown"))
		snprintf(q->death, sizeof(q->death), "the guest powered itself off");
	else if (*cause)
		snprintf(q->death, sizeof(q->death), "qemu ended: %s", cause);
	else
		snprintf(q->death, sizeof(q->death), "qemu exited with status %d",
			 WEXITSTATUS(q->status));
}

/* Somebody else's child can only be seen to have ended; without QMP it is as good as gone. */
static bool has_ended(struct qemu *q)
{
	struct pollfd fd = {.fd = q->pidfd, .events = POLLIN};

	if (!q->foreign)
		return waitpid(q->pid, &q->status, WNOHANG) == q->pid;
	return q->qmp.dead || poll(&fd, 1, 0) > 0;
}

bool qemu_alive(struct qemu *q)
{
	bool ended;

	if (!q->pid || q->ended)
		return false;
	/* First, so that events sent before the end are known when the end is described. */
	ended = has_ended(q);
	if (!q->qmp.dead)
		err_free(qmp_process(&q->qmp));
	if (!ended)
		return true;
	q->ended = true;
	describe_death(q);
	return false;
}

void qemu_seize(struct qemu *q)
{
	siginfo_t info;

	kill(q->pid, SIGSTOP);
	while (waitid(P_PID, (id_t)q->pid, &info, WSTOPPED | WEXITED | WNOWAIT) && errno == EINTR)
		;
}

void qemu_let_go(struct qemu *q)
{
	kill(q->pid, SIGCONT);
}

void qemu_wait_locked(struct qemu *q)
{
	char *path = str_format("/proc/%d/syscall", (int)q->pid);
	unsigned int seen = 0;

	/* Twice in a row: a lock may be waited for on the way. */
	for (unsigned int i = 0; i < LOCKED_TRIES && seen < 2; i++) {
		char *text = NULL;
		size_t len;

		if (path)
			err_free(read_whole_file(path, 4096, &text, &len));
		seen = text && strtol(text, NULL, 10) == SYS_futex ? seen + 1 : 0;
		free(text);
		usleep(LOCKED_SLICE_US);
	}
	free(path);
}

const char *qemu_death(struct qemu *q)
{
	return qemu_alive(q) || !q->death[0] ? NULL : q->death;
}

char *qemu_complaint(struct qemu *q)
{
	char text[COMPLAINT_MAX + 1];
	struct str s = {0};
	struct stat st;
	ssize_t n = 0;

	if (q->stderr_fd >= 0 && !fstat(q->stderr_fd, &st))
		n = pread(q->stderr_fd, text, COMPLAINT_MAX,
			  st.st_size > COMPLAINT_MAX ? st.st_size - COMPLAINT_MAX : 0);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	if (n > 0)
		str_add_clean(&s, text, (size_t)n);
	str_add(&s, "");
	return str_take(&s);
}
