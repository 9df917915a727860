// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t read_small_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buffer, size - 1);
	close(fd);
	if (n < 0)
		return -1;
	while (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return n;
}

int write_small_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int errnum = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) < 0)
		errnum = errno;
	close(fd);
	return errnum;
}

int op_cat(struct agent *a, const void *payload)
{
	const struct wire_path *p = payload;
	char buffer[4096];
	ssize_t n;
	int fd;

	if (!WIRE_TEXT_OK(p->path))
		return agent_fail(a, EINVAL, "the path has no end");
	fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return agent_fail(a, errno, "%s: %s", p->path, strerror(errno));
	while ((n = read(fd, buffer, sizeof(buffer))) > 0 && a->response->text_len < WIRE_TEXT_SIZE)
		agent_text_n(a, buffer, (size_t)n);
	if (n < 0) {
		int errnum = errno;

		close(fd);
		return agent_fail(a, errnum, "%s: %s", p->path, strerror(errnum));
	}
	close(fd);
	return 0;
}

/* One line from /proc/TGID/task/PID/stat; a thread that is gone meanwhile is left out. */
static void snapshot_thread(struct agent *a, const char *tgid, const char *pid)
{
	char path[96], stat[1024], *open_bracket, *close_bracket;
	char *field, *save;
	unsigned int number = 3;
	const char *policy = "?";
	char state;

	snprintf(path, sizeof(path), "/proc/%.20s/task/%.20s/stat", tgid, pid);
	if (read_small_file(path, stat, sizeof(stat)) <= 0)
		return;
	open_bracket = strchr(stat, '(');
	close_bracket = strrchr(stat, ')');
	if (!open_bracket || !close_bracket || strlen(close_bracket) < 4)
		return;
	*close_bracket = '\0';
	state = close_bracket[2];
	/* Field 3 is the state, field 41 the policy (proc(5)). */
	for (field = strtok_r(close_bracket + 2, " ", &save); field;
	     field = strtok_r(NULL, " ", &save), number++)
		if (number == 41)
			policy = field;
	agent_text(a, "%s %s %c %s %s\n", tgid, pid, state, policy, open_bracket + 1);
}

static void snapshot_process(struct agent *a, const char *tgid)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/task", tgid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			snapshot_thread(a, tgid, entry->d_name);
	closedir(dir);
}

int op_proc_snapshot(struct agent *a, const void *payload)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	if (!dir)
		return agent_fail(a, errno, "/proc: %s", strerror(errno));
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			snapshot_process(a, entry->d_name);
	closedir(dir);
	return 0;
}
