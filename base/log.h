/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics for `-v`, to standard error or, while the screen is open, to the state directory's log
 * file. Not for errors (base/err.h) and not for command output (base/out.h). The level and the
 * stream are the one pair of globals here. Thread safe: each call is one write.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_QUIET, LOG_INFO, LOG_DEBUG };

void log_setup(enum log_level level, int fd); /* fd is borrowed; -1 is standard error */
enum log_level log_level(void);
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
