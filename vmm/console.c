/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/console.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096
#define TAIL_MAX 16384

struct err *console_init(struct console *c, const char *name)
{
	*c = (struct console){.fd = memfd_create(name, MFD_CLOEXEC)};
	return c->fd < 0 ? err_os(errno, "memfd for the %s", name) : NULL;
}

void console_deinit(struct console *c)
{
	close_fd(&c->fd);
}

/* `size` bytes from `at` on, to the front of the other file; what is missing there is no error. */
static struct err *copy_bytes(int from, uint64_t at, uint64_t size, int to)
{
	char *buffer = malloc(size + 1);
	struct err *err = NULL;
	ssize_t n;

	if (!buffer)
		return err_nomem();
	n = pread(from, buffer, size, (off_t)at);
	if (n < 0)
		err = err_os(errno, "reading the console's text");
	else
		err = write_all(to, buffer, (size_t)n);
	free(buffer);
	return err;
}

struct err *console_save(struct console *c, int *ret)
{
	uint64_t total = console_total(c), size = total < CONSOLE_KEEP ? total : CONSOLE_KEEP;
	int fd = memfd_create("saved-console", MFD_CLOEXEC);
	struct err *err;

	if (fd < 0)
		return err_os(errno, "memfd");
	err = copy_bytes(c->fd, total - size, size, fd);
	if (err)
		close(fd);
	else
		*ret = fd;
	return err;
}

struct err *console_restore(struct console *c, int fd)
{
	return fd < 0 ? NULL : copy_bytes(fd, 0, CONSOLE_KEEP, c->fd);
}

uint64_t console_total(struct console *c)
{
	struct stat st;
	uint64_t total, old;

	if (fstat(c->fd, &st) || st.st_size < 0)
		return 0;
	total = (uint64_t)st.st_size;
	old = total > CONSOLE_KEEP ? (total - CONSOLE_KEEP) / PAGE * PAGE : 0;
	/* In steps of an eighth, not at every byte. */
	if (old >= c->punched + CONSOLE_KEEP / 8 &&
	    !fallocate(c->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)old))
		c->punched = old;
	return total;
}

size_t console_read(struct console *c, uint64_t at, char *buffer, size_t size)
{
	ssize_t n;

	if (at < c->punched)
		return 0;
	n = pread(c->fd, buffer, size, (off_t)at);
	return n > 0 ? (size_t)n : 0;
}

uint64_t console_tail(struct console *c, char *buffer, size_t size)
{
	uint64_t total = console_total(c), want = total;

	if (!size)
		return total;
	if (want > CONSOLE_KEEP)
		want = CONSOLE_KEEP;
	if (want > size - 1)
		want = size - 1;
	buffer[console_read(c, total - want, buffer, want)] = '\0';
	return total;
}

char *console_last_lines(struct console *c, unsigned int lines)
{
	char *text = malloc(TAIL_MAX), *p, *line;
	struct str s = {0};
	size_t len;

	if (!text)
		return NULL;
	console_tail(c, text, TAIL_MAX);
	len = strlen(text);
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	for (p = text + len; p > text; p--)
		if (p[-1] == '\n' && !--lines)
			break;
	while ((line = strsep(&p, "\n"))) {
		line[strcspn(line, "\r")] = '\0';
		if (!*line)
			continue;
		str_add(&s, "\n  ");
		str_add_clean(&s, line, 400);
	}
	str_add(&s, "");
	free(text);
	return str_take(&s);
}
