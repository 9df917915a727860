/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/store.h"
#include "base/interrupt.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DRAFT_PREFIX ".draft-"
#define DRAFT_STALE 3600 /* seconds */
#define LOCK_SLICE_US 50000

static const char *const entry_files[] = {"machine", "state", "ram", "summary", "console",
					  "checkpoint"};
#define ENTRY_FILES (sizeof(entry_files) / sizeof(entry_files[0]))

/* The folder of all entries, made when missing. */
static struct err *store_path(char **ret)
{
	char *path = NULL;
	struct err *err = cache_path("machines", &path);

	if (!err)
		err = make_directories(path, 0700);
	if (err) {
		free(path);
		return err;
	}
	*ret = path;
	return NULL;
}

static struct err *entry_path(const char *key, const char *suffix, char **ret)
{
	char *store = NULL, *path;

	ERR_TRY(store_path(&store));
	path = str_format("%s/%s%s", store, key, suffix);
	free(store);
	if (!path)
		return err_nomem();
	*ret = path;
	return NULL;
}

struct err *store_read_text(int folder, const char *name, char *buffer, size_t size)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);

	close_fd(&fd);
	if (n < 0)
		return err_new(ERR_BAD_DATA, "saved machine: %s: %s", name, strerror(errno));
	buffer[n] = '\0';
	return NULL;
}

struct err *store_read_folder(int folder, struct saved *s)
{
	char text[SAVED_TEXT];

	ERR_TRY(store_read_text(folder, "machine", text, sizeof(text)));
	ERR_TRY(saved_parse(text, s));
	s->state_fd = openat(folder, "state", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	s->ram_fd = openat(folder, "ram", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (s->state_fd < 0 || s->ram_fd < 0)
		return err_new(ERR_BAD_DATA, "saved machine: %s", strerror(errno));
	/* The guest does without. */
	s->console_fd = openat(folder, "console", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return NULL;
}

struct err *store_open(const char *key, struct saved *s)
{
	char *path = NULL;
	struct err *err = entry_path(key, "", &path);
	int folder;

	if (err) {
		err_free(err);
		return err_new(ERR_NOT_FOUND, "no cache folder");
	}
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	if (folder < 0)
		return err_new(ERR_NOT_FOUND, "no saved machine %s", key);
	err = store_read_folder(folder, s);
	close(folder);
	return err;
}

void store_touch(const char *key)
{
	char *path = NULL;

	err_free(entry_path(key, "/machine", &path));
	if (path)
		utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
	free(path);
}

/* Only the files that an entry has: nothing else is ever deleted. */
void store_remove_folder(const char *path)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (folder < 0)
		return;
	for (unsigned int i = 0; i < ENTRY_FILES; i++)
		unlinkat(folder, entry_files[i], 0);
	close(folder);
	rmdir(path);
}

void store_remove(const char *key)
{
	char *path = NULL;

	err_free(entry_path(key, "", &path));
	if (path)
		store_remove_folder(path);
	free(path);
}

struct err *store_lock(const char *key, int *ret)
{
	char *path = NULL;
	struct err *err = entry_path(key, ".lock", &path);
	int fd;

	*ret = -1;
	if (err) {
		err_free(err);
		return NULL;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		if (interrupted()) {
			close(fd);
			return err_new(ERR_INTERRUPTED, "interrupted");
		}
		usleep(LOCK_SLICE_US);
	}
	*ret = fd;
	return NULL;
}

/* Unlinked first: a waiter then holds a lock that nobody new can see, and finds the entry made. */
void store_unlock(const char *key, int *lock)
{
	char *path = NULL;

	if (*lock < 0)
		return;
	err_free(entry_path(key, ".lock", &path));
	if (path)
		unlink(path);
	free(path);
	close_fd(lock);
}

struct err *store_begin(struct store_draft *d)
{
	char *template;

	*d = (struct store_draft){.folder = -1, .ram_fd = -1};
	ERR_TRY(entry_path(DRAFT_PREFIX, "XXXXXX", &template));
	return store_begin_at(template, d);
}

struct err *store_begin_at(char *template, struct store_draft *d)
{
	*d = (struct store_draft){.folder = -1, .ram_fd = -1};
	if (!mkdtemp(template)) {
		struct err *err = err_os(errno, "cannot make %s", template);

		free(template);
		return err;
	}
	d->path = template;
	d->folder = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->folder >= 0)
		d->ram_fd = openat(d->folder, "ram", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (d->ram_fd < 0) {
		struct err *err = err_os(errno, "saved machine");

		store_end(d);
		return err;
	}
	return NULL;
}

struct err *store_write_file(int folder, const char *name, const void *data, size_t len)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct err *err;

	if (fd < 0)
		return err_os(errno, "saved machine: %s", name);
	err = write_all(fd, data, len);
	close(fd);
	return err;
}

static struct err *write_copy(int folder, const char *name, int fd, uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	struct err *err;

	if (p == MAP_FAILED)
		return err_os(errno, "saved machine: %s", name);
	err = store_write_file(folder, name, p, size);
	munmap(p, size);
	return err;
}

static struct err *write_console(int folder, const struct saved *s)
{
	struct stat st;

	if (s->console_fd < 0)
		return NULL;
	if (fstat(s->console_fd, &st))
		return err_os(errno, "saved machine: console");
	return st.st_size ? write_copy(folder, "console", s->console_fd, (uint64_t)st.st_size)
			  : NULL;
}

static void prune(const char *keep);

struct err *store_write_folder(int folder, const struct saved *s, const char *summary)
{
	char text[SAVED_TEXT];

	ERR_TRY(write_copy(folder, "state", s->state_fd, s->state_size));
	ERR_TRY(write_console(folder, s));
	ERR_TRY(store_write_file(folder, "summary", summary, strlen(summary)));
	saved_format(s, text);
	return store_write_file(folder, "machine", text, strlen(text));
}

struct err *store_publish(struct store_draft *d, const char *key, const struct saved *s,
			  const char *summary)
{
	char *path = NULL;

	ERR_TRY(store_write_folder(d->folder, s, summary));
	ERR_TRY(entry_path(key, "", &path));
	if (!rename(d->path, path)) {
		free(d->path);
		d->path = NULL;
	} else if (errno != EEXIST && errno != ENOTEMPTY) {
		free(path);
		return err_os(errno, "publishing the saved machine");
	}
	free(path);
	prune(key);
	return NULL;
}

void store_end(struct store_draft *d)
{
	close_fd(&d->ram_fd);
	close_fd(&d->folder);
	if (d->path)
		store_remove_folder(d->path);
	free(d->path);
	d->path = NULL;
}

uint64_t store_folder_bytes(int folder)
{
	uint64_t bytes = 0;
	struct stat st;

	for (unsigned int i = 0; i < ENTRY_FILES; i++)
		if (!fstatat(folder, entry_files[i], &st, AT_SYMLINK_NOFOLLOW))
			bytes += (uint64_t)st.st_blocks * 512;
	return bytes;
}

static bool describe(int store, const char *name, struct warm_entry *e)
{
	int folder = openat(store, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char summary[sizeof(e->summary)] = "";
	struct str clean = {0};
	struct stat st;

	if (folder < 0)
		return false;
	*e = (struct warm_entry){0};
	snprintf(e->key, sizeof(e->key), "%s", name);
	for (unsigned int i = 0; i < ENTRY_FILES; i++)
		if (!fstatat(folder, entry_files[i], &st, AT_SYMLINK_NOFOLLOW)) {
			e->bytes += (uint64_t)st.st_blocks * 512;
			if (i == 0)
				e->used = st.st_mtim.tv_sec;
		}
	err_free(store_read_text(folder, "summary", summary, sizeof(summary)));
	str_add_clean(&clean, summary, sizeof(summary));
	snprintf(e->summary, sizeof(e->summary), "%s", str_text(&clean));
	str_deinit(&clean);
	close(folder);
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct warm_entry *x = a, *y = b;

	return (x->used < y->used) - (x->used > y->used);
}

bool store_is_draft(const char *path, int folder, const char *name)
{
	struct stat st;
	char *draft;

	if (!str_starts(name, DRAFT_PREFIX))
		return false;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    st.st_mtim.tv_sec + DRAFT_STALE > time(NULL))
		return true;
	draft = str_format("%s/%s", path, name);
	if (draft)
		store_remove_folder(draft);
	free(draft);
	return true;
}

static struct err *scan(const char *store, DIR *dir, struct warm_entry **ret,
			unsigned int *ret_count)
{
	struct warm_entry *list = NULL, *grown;
	unsigned int count = 0;
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (store_is_draft(store, dirfd(dir), entry->d_name))
			continue;
		if (strspn(entry->d_name, "0123456789abcdef") != STORE_KEY - 1 ||
		    entry->d_name[STORE_KEY - 1])
			continue;
		grown = realloc(list, (count + 1) * sizeof(*list));
		if (!grown) {
			free(list);
			return err_nomem();
		}
		list = grown;
		count += describe(dirfd(dir), entry->d_name, &list[count]);
	}
	if (list)
		qsort(list, count, sizeof(*list), newest_first);
	*ret = list;
	*ret_count = count;
	return NULL;
}

struct err *warm_cache_list(struct warm_entry **ret, unsigned int *ret_count)
{
	char *store = NULL;
	struct err *err;
	DIR *dir;

	ERR_TRY(store_path(&store));
	dir = opendir(store);
	err = dir ? scan(store, dir, ret, ret_count) : err_os(errno, "cannot read %s", store);
	if (dir)
		closedir(dir);
	free(store);
	return err;
}

struct err *warm_cache_clear(unsigned int *ret_count, uint64_t *ret_bytes)
{
	struct warm_entry *list = NULL;
	unsigned int count = 0;
	uint64_t bytes = 0;

	ERR_TRY(warm_cache_list(&list, &count));
	for (unsigned int i = 0; i < count; i++) {
		store_remove(list[i].key);
		bytes += list[i].bytes;
	}
	free(list);
	*ret_count = count;
	*ret_bytes = bytes;
	return NULL;
}

static void prune(const char *keep)
{
	struct warm_entry *list = NULL;
	unsigned int count = 0;
	uint64_t total = 0;

	err_free(warm_cache_list(&list, &count));
	for (unsigned int i = 0; i < count; i++) {
		total += list[i].bytes;
		if (total > STORE_MAX && strcmp(list[i].key, keep))
			store_remove(list[i].key);
	}
	free(list);
}
