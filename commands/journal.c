/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/journal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much may wait to be shown; who shows more waits for the disk. */
#define WAITING_MAX (256u << 10)
/* A write() waits for a sync of its file: the thread syncs a tenth of the time at most. */
#define REST 9

struct journal {
	int fd;
	char *path;
	off_t len; /* with the last whole entry */

	pthread_t thread;
	bool started;
	FILE *to;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	uint64_t added, synced;	 /* entries, and how many of them are on the disk */
	char *waiting, *showing; /* two buffers that change places */
	size_t waiting_len;
	bool busy;   /* the thread shows something */
	bool urgent; /* somebody waits for it */
	bool ending;
	int errnum; /* why the disk did not take the entries */
};

/* ---- the file ---- */

static struct err *check_replaceable(const struct journal *j, const char *start)
{
	char found[64];
	size_t len = strlen(start);
	ssize_t got = pread(j->fd, found, len < sizeof(found) ? len : sizeof(found), 0);

	if (got <= 0 || ((size_t)got == len && memcmp(found, start, len) == 0))
		return NULL;
	return err_new(ERR_REFUSED, "%s exists and is no recording", j->path);
}

static struct err *open_file(struct journal *j, const char *start)
{
	struct stat status;

	j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (j->fd < 0 || fstat(j->fd, &status) != 0)
		return err_os(errno, "%s", j->path);
	if (!S_ISREG(status.st_mode))
		return NULL;
	ERR_TRY(check_replaceable(j, start));
	return ftruncate(j->fd, 0) == 0 ? NULL : err_os(errno, "%s", j->path);
}

struct err *journal_open(const char *path, const char *start, struct journal **ret)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct err *err;

	if (!j)
		return err_nomem();
	j->fd = -1;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->changed, NULL);
	j->path = strdup(path);
	err = j->path ? open_file(j, start) : err_nomem();
	if (err)
		journal_close(j);
	else
		*ret = j;
	return err;
}

const char *journal_path(const struct journal *j)
{
	return j->path;
}

struct err *journal_cut(struct journal *j, uint64_t len)
{
	if (ftruncate(j->fd, (off_t)len) != 0 || lseek(j->fd, (off_t)len, SEEK_SET) < 0)
		return err_os(errno, "it cannot be shortened");
	j->len = (off_t)len;
	return NULL;
}

static int sync_error(struct journal *j)
{
	int errnum;

	pthread_mutex_lock(&j->lock);
	errnum = j->errnum;
	pthread_mutex_unlock(&j->lock);
	return errnum;
}

struct err *journal_add(struct journal *j, const char *text, size_t len)
{
	int errnum = sync_error(j);
	struct err *err = errnum ? err_os(errnum, "cannot write") : write_all(j->fd, text, len), *cut;

	if (!err) {
		j->len += (off_t)len;
		pthread_mutex_lock(&j->lock);
		j->added++;
		pthread_mutex_unlock(&j->lock);
		return NULL;
	}
	cut = journal_cut(j, (uint64_t)j->len);
	if (cut)
		err = err_wrap(err, "its last line may be cut off");
	err_free(cut);
	return err;
}

/* ---- the disk ---- */

/* Devices and pipes cannot be synchronised; that is no error. */
static int sync_fd(int fd)
{
	return fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
}

/* With the lock, which is let go meanwhile. */
static void sync_entries(struct journal *j)
{
	uint64_t added = j->added;
	int errnum;

	if (j->synced == added)
		return;
	pthread_mutex_unlock(&j->lock);
	errnum = sync_fd(j->fd);
	pthread_mutex_lock(&j->lock);
	j->synced = added;
	if (errnum)
		j->errnum = errnum;
}

static void show_waiting(struct journal *j)
{
	char *text = j->waiting;
	size_t len = j->waiting_len;

	j->waiting = j->showing;
	j->showing = text;
	j->waiting_len = 0;
	j->busy = true;
	sync_entries(j);
	pthread_mutex_unlock(&j->lock);
	fwrite(text, 1, len, j->to);
	fflush(j->to);
	pthread_mutex_lock(&j->lock);
	j->busy = false;
	pthread_cond_broadcast(&j->changed);
}

/* With the lock: until host time `end`, or somebody waits. */
static void rest_until(struct journal *j, uint64_t end)
{
	const struct timespec time = {(time_t)(end / 1000000000), (long)(end % 1000000000)};
	int error = 0;

	while (!j->urgent && !j->ending && error != ETIMEDOUT)
		error = pthread_cond_clockwait(&j->changed, &j->lock, CLOCK_MONOTONIC, &time);
}

static void *show_thread(void *context)
{
	struct journal *j = context;
	uint64_t start;

	pthread_mutex_lock(&j->lock);
	while (j->waiting_len || !j->ending) {
		if (!j->waiting_len) {
			pthread_cond_wait(&j->changed, &j->lock);
			continue;
		}
		start = host_now();
		show_waiting(j);
		rest_until(j, host_now() + (host_now() - start) * REST);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

static bool start_thread(struct journal *j, FILE *to)
{
	sigset_t all, old;

	if (j->started)
		return true;
	j->to = to;
	if (!j->waiting)
		j->waiting = malloc(WAITING_MAX);
	if (!j->showing)
		j->showing = malloc(WAITING_MAX);
	if (!j->waiting || !j->showing)
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	j->started = pthread_create(&j->thread, NULL, show_thread, j) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return j->started;
}

/* With the lock: until the thread has nothing left to show. */
static void wait_shown(struct journal *j)
{
	j->urgent = true;
	pthread_cond_broadcast(&j->changed);
	while (j->waiting_len || j->busy)
		pthread_cond_wait(&j->changed, &j->lock);
	j->urgent = false;
}

struct err *journal_sync(struct journal *j)
{
	int errnum;

	pthread_mutex_lock(&j->lock);
	wait_shown(j);
	sync_entries(j);
	errnum = j->errnum;
	pthread_mutex_unlock(&j->lock);
	return errnum ? err_os(errnum, "cannot write") : NULL;
}

/* As much as there is room for. */
static size_t add_waiting(struct journal *j, const char *text, size_t len)
{
	size_t n;

	pthread_mutex_lock(&j->lock);
	if (j->waiting_len == WAITING_MAX)
		wait_shown(j);
	n = len < WAITING_MAX - j->waiting_len ? len : WAITING_MAX - j->waiting_len;
	memcpy(j->waiting + j->waiting_len, text, n);
	j->waiting_len += n;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->lock);
	return n;
}

void journal_show(struct journal *j, const char *text, size_t len, FILE *to)
{
	if (!start_thread(j, to)) {
		err_free(journal_sync(j));
		fwrite(text, 1, len, to);
		fflush(to);
		return;
	}
	for (size_t done = 0; done < len;)
		done += add_waiting(j, text + done, len - done);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->started) {
		pthread_mutex_lock(&j->lock);
		j->ending = true;
		pthread_cond_broadcast(&j->changed);
		pthread_mutex_unlock(&j->lock);
		pthread_join(j->thread, NULL);
	}
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->lock);
	close_fd(&j->fd);
	free(j->waiting);
	free(j->showing);
	free(j->path);
	free(j);
}
