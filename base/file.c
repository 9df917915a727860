/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/file.h"

#include "base/str.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct err *make_directories(const char *path, unsigned int mode)
{
	char *copy = strdup(path), *at;
	struct err *err = NULL;

	if (!copy)
		return err_nomem();
	for (at = copy + 1; !err; at++) {
		char c = *at;

		if (c != '/' && c != '\0')
			continue;
		*at = '\0';
		if (mkdir(copy, mode) && errno != EEXIST)
			err = err_os(errno, "cannot make %s", copy);
		*at = c;
		if (c == '\0')
			break;
	}
	free(copy);
	return err;
}

/* An XDG place: $VARIABLE/ktdbg/BELOW, or $HOME/FALLBACK/ktdbg/BELOW; the ktdbg folder is made. */
static struct err *xdg_path(const char *variable, const char *fallback, const char *below,
			    char **ret)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	char *folder, *path;
	struct err *err;

	if (base && base[0] == '/')
		folder = str_format("%s/ktdbg", base);
	else if (home && home[0] == '/')
		folder = str_format("%s/%s/ktdbg", home, fallback);
	else
		return err_new(ERR_ENVIRONMENT, "neither %s nor HOME is set to an absolute path",
			       variable);
	if (!folder)
		return err_nomem();
	err = make_directories(folder, 0700);
	path = err ? NULL : str_format("%s%s%s", folder, below[0] ? "/" : "", below);
	free(folder);
	if (err)
		return err;
	if (!path)
		return err_nomem();
	*ret = path;
	return NULL;
}

struct err *cache_path(const char *below, char **ret)
{
	return xdg_path("XDG_CACHE_HOME", ".cache", below, ret);
}

struct err *state_path(const char *below, char **ret)
{
	return xdg_path("XDG_STATE_HOME", ".local/state", below, ret);
}

struct err *config_path(const char *below, char **ret)
{
	return xdg_path("XDG_CONFIG_HOME", ".config", below, ret);
}

/* The folder of the running binary; false when it cannot be told. */
static bool own_folder(char *buffer, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", buffer, size - 1);
	char *slash;

	if (len <= 0)
		return false;
	buffer[len] = '\0';
	slash = strrchr(buffer, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

/* FOLDER/NAME when it is there; NULL when not or out of memory. */
static char *existing(const char *folder, const char *name)
{
	char *path = str_format("%s/%s", folder, name);

	if (path && access(path, R_OK) != 0) {
		free(path);
		path = NULL;
	}
	return path;
}

struct err *data_path(const char *name, char **ret)
{
	const char *chosen = getenv("KTDBG_DATA");
	char folder[4096];
	char *path = NULL;

	if (chosen)
		path = existing(chosen, name);
	if (!path && !chosen && own_folder(folder, sizeof(folder)))
		path = existing(folder, name);
	if (!path && !chosen)
		path = existing(KTDBG_DATADIR, name);
	if (!path && !chosen)
		path = existing(KTDBG_PLUGINDIR, name);
	if (!path)
		return err_new(ERR_ENVIRONMENT, "%s is not beside the program, nor in %s", name,
			       chosen ? chosen : KTDBG_DATADIR);
	*ret = path;
	return NULL;
}

static struct err *read_fd(int fd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	struct str s = {0};
	char buffer[65536];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || s.len + (size_t)got > max) {
			int errnum = errno;

			str_deinit(&s);
			if (got < 0)
				return err_os(errnum, "cannot read %s", path);
			return err_new(ERR_REFUSED, "%s is larger than %zu bytes", path, max);
		}
		str_add_n(&s, buffer, (size_t)got);
	}
	if (ret_len)
		*ret_len = s.len;
	*ret = str_take(&s);
	return *ret ? NULL : err_nomem();
}

struct err *read_whole_file(const char *path, size_t max, char **ret, size_t *ret_len)
{
	/* A pipe that nobody writes to is empty, and not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct err *err;

	if (fd < 0)
		return err_os(errno, "cannot open %s", path);
	fcntl(fd, F_SETFL, 0);
	err = read_fd(fd, path, max, ret, ret_len);
	close(fd);
	return err;
}

struct err *write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t done = write(fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_os(errno, "cannot write");
		at += done;
		len -= (size_t)done;
	}
	return NULL;
}

struct err *replace_file(const char *path, const void *data, size_t len)
{
	char *temporary = str_format("%s.XXXXXX", path);
	struct err *err;
	int fd;

	if (!temporary)
		return err_nomem();
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		err = err_os(errno, "cannot create %s", temporary);
		free(temporary);
		return err;
	}
	err = write_all(fd, data, len);
	if (!err && (fchmod(fd, 0644) || fsync(fd)))
		err = err_os(errno, "cannot write");
	if (close(fd) && !err)
		err = err_os(errno, "cannot write");
	if (!err && rename(temporary, path))
		err = err_os(errno, "cannot rename to it");
	if (err)
		unlink(temporary);
	free(temporary);
	return err_wrap(err, "%s", path);
}

static void sha256_text(struct sha256_ctx *ctx, char ret[SHA256_TEXT])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

void sha256_bytes(const void *data, size_t len, char ret[SHA256_TEXT])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_text(&ctx, ret);
}

struct err *sha256_file(const char *path, char ret[SHA256_TEXT])
{
	struct sha256_ctx ctx;
	uint8_t buffer[65536];
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC), errnum;

	if (fd < 0)
		return err_os(errno, "cannot open %s", path);
	sha256_init(&ctx);
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		sha256_update(&ctx, (size_t)got, buffer);
	errnum = errno;
	close(fd);
	if (got < 0)
		return err_os(errnum, "cannot read %s", path);
	sha256_text(&ctx, ret);
	return NULL;
}

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

uint64_t host_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
