/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static enum log_level current_level = LOG_QUIET;
static int current_fd = -1;

void log_setup(enum log_level level, int fd)
{
	current_level = level;
	current_fd = fd;
}

enum log_level log_level(void)
{
	return current_level;
}

/* One write per line, so that lines of two threads do not mix. */
static void log_line(const char *fmt, va_list ap)
{
	char line[1024];
	int len = vsnprintf(line, sizeof(line) - 1, fmt, ap);

	if (len < 0)
		return;
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len++] = '\n';
	if (write(current_fd < 0 ? STDERR_FILENO : current_fd, line, (size_t)len) < 0)
		return; /* nowhere left to say it */
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (current_level < LOG_INFO)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (current_level < LOG_DEBUG)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}
