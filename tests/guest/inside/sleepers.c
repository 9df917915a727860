// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sleepers: one process or thread for each way to wait, with a name that says which. Static, runs
 * inside, until it is killed.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGES 65536 /* bytes */

static void name(const char *comm)
{
	prctl(PR_SET_NAME, comm);
}

static void forever(void)
{
	for (;;)
		pause();
}

/* ---- threads ---- */

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, inheriting;

static void *want_plain(void *unused)
{
	(void)unused;
	name("mutex");
	pthread_mutex_lock(&plain);
	return NULL;
}

static void *want_inheriting(void *unused)
{
	(void)unused;
	name("pi-mutex");
	pthread_mutex_lock(&inheriting);
	return NULL;
}

static void *sleep_on(void *unused)
{
	(void)unused;
	name("joined");
	forever();
	return NULL;
}

static void own_mutexes(void)
{
	pthread_mutexattr_t attributes;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&inheriting, &attributes);
	pthread_mutex_lock(&plain);
	pthread_mutex_lock(&inheriting);
	pthread_create(&thread, NULL, want_plain, NULL);
	pthread_create(&thread, NULL, want_inheriting, NULL);
}

static void join(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_on, NULL);
	pthread_join(thread, NULL);
}

/* ---- locks of the kernel, held while their owner waits for a page ---- */

/* Memory whose pages nobody provides. */
static char *nowhere(void)
{
	struct uffdio_register range = {.range.len = PAGES, .mode = UFFDIO_REGISTER_MODE_MISSING};
	struct uffdio_api api = {.api = UFFD_API};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	char *pages = mmap(NULL, PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	range.range.start = (uintptr_t)pages;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		perror("userfaultfd");
	return pages;
}

static int pipe_ends[2];

static void hold_pipe(void)
{
	write(pipe_ends[1], nowhere(), 100);
}

static void want_pipe(void)
{
	usleep(100000);
	write(pipe_ends[1], "x", 1);
}

static void hold_inode(void)
{
	write(open("/tmp/inode", O_CREAT | O_RDWR, 0600), nowhere(), 100);
}

static void want_inode(void)
{
	usleep(100000);
	write(open("/tmp/inode", O_CREAT | O_RDWR, 0600), "x", 1);
}

/* ---- others ---- */

static void lock_file(void)
{
	flock(open("/tmp/lock", O_CREAT | O_RDWR, 0600), LOCK_EX);
}

static void want_file(void)
{
	usleep(100000);
	lock_file();
}

static void wait_for_connection(void)
{
	struct sockaddr any = {.sa_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(fd, &any, sizeof(any.sa_family));
	listen(fd, 1);
	accept(fd, NULL, NULL);
}

static void be_parent(void)
{
	if (vfork() == 0) {
		syscall(SYS_pause);
		_exit(0);
	}
}

static void stop(void)
{
	raise(SIGSTOP);
}

static void be_traced(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGUSR1);
}

static void sleep_until(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += 50;
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
}

static void poll_long(void)
{
	poll(NULL, 0, 50000);
}

struct attributes { /* of sched_setattr(2) */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* 5 ms of every 4 s. */
static void be_deadline(void)
{
	struct attributes a = {.size = sizeof(a),
			       .policy = 6 /* SCHED_DEADLINE */,
			       .runtime = 5000000,
			       .deadline = 4000000000,
			       .period = 4000000000};

	if (syscall(SYS_sched_setattr, 0, &a, 0))
		perror("sched_setattr");
}

static void overrun(void)
{
	be_deadline();
	for (;;)
		;
}

static void yield(void)
{
	be_deadline();
	for (;;)
		sched_yield();
}

static const struct {
	const char *name;
	void (*wait)(void);
} sleepers[] = {
	{"owner", own_mutexes},	    {"joiner", join},		{"pipe-owner", hold_pipe},
	{"pipe-lock", want_pipe},   {"file-owner", hold_inode}, {"inode-lock", want_inode},
	{"flock-owner", lock_file}, {"flock", want_file},	{"accept", wait_for_connection},
	{"vfork", be_parent},	    {"stopped", stop},		{"traced", be_traced},
	{"until", sleep_until},	    {"poll", poll_long},	{"overrun", overrun},
	{"yield", yield},
};

int main(void)
{
	if (pipe(pipe_ends))
		perror("pipe");
	for (size_t i = 0; i < sizeof(sleepers) / sizeof(*sleepers); i++)
		if (fork() == 0) {
			name(sleepers[i].name);
			sleepers[i].wait();
			forever();
		}
	forever();
	return 0;
}
