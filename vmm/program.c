/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which QEMU there is: the part of vmm/qemu.h that needs no running machine. */
#include "base/file.h"
#include "vmm/notes.h"
#include "vmm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERSION_TIMEOUT UINT64_C(10000000000)

static bool executable(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static char *search_path(const char *program)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : "/usr/bin:/bin"), *rest = copy, *folder, *found = NULL;

	while (copy && !found && (folder = strsep(&rest, ":"))) {
		found = str_format("%s/%s", *folder ? folder : ".", program);
		if (found && !executable(found)) {
			free(found);
			found = NULL;
		}
	}
	free(copy);
	return found;
}

struct err *qemu_find(const char *program, char **ret)
{
	char *path;

	if (strchr(program, '/'))
		path = executable(program) ? strdup(program) : NULL;
	else
		path = search_path(program);
	if (!path)
		return err_new(ERR_ENVIRONMENT,
			       "no %s: install the package qemu-system-x86 (or set KTDBG_QEMU)",
			       program);
	*ret = path;
	return NULL;
}

/* What is readable within the deadline, up to `size` - 1 bytes, with a NUL. */
static void read_output(int fd, char *buffer, size_t size)
{
	uint64_t deadline = host_now() + VERSION_TIMEOUT;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size - 1 && host_now() < deadline) {
		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(fd, buffer + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	}
	buffer[len] = '\0';
}

static struct err *run_version(const char *path, char *buffer, size_t size)
{
	char *argv[] = {(char *)path, (char *)"--version", NULL};
	posix_spawn_file_actions_t actions;
	int out[2], error, status;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return err_os(errno, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	error = posix_spawn(&pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	if (!error) {
		read_output(out[0], buffer, size);
		kill(pid, SIGKILL); /* it has ended, or never will */
		waitpid(pid, &status, 0);
	}
	close(out[0]);
	return error ? err_new(ERR_ENVIRONMENT, "cannot run %s: %s", path, strerror(error)) : NULL;
}

struct err *qemu_version(const char *path, char **ret)
{
	static const char before[] = "QEMU emulator version ";
	char *key = note_file_key(path), *text, buffer[1024];
	struct err *err;

	text = key ? note_get("version", key) : NULL;
	if (!text) {
		err = run_version(path, buffer, sizeof(buffer));
		if (err) {
			free(key);
			return err;
		}
		buffer[strcspn(buffer, "\n")] = '\0';
		if (!strncmp(buffer, before, strlen(before)))
			text = strdup(buffer + strlen(before));
		if (text && key)
			note_put("version", key, text);
	}
	free(key);
	if (!text)
		return err_new(ERR_ENVIRONMENT, "%s does not say that it is QEMU", path);
	*ret = text;
	return NULL;
}
