/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What recording.c (parsing), recording_check.c (what the lines mean) and recording_text.c (headers,
 * rewriting) share. For these only.
 */
#ifndef COMMANDS_RECORDING_IMPL_H
#define COMMANDS_RECORDING_IMPL_H

#include "commands/recording.h"

#define RECORDING_SHOWN_LINE 200 /* bytes of a line that a message shows */

/* ERR_USAGE "PATH:LINE: WHY". */
struct err *recording_error(const struct recording *r, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), warn_unused_result));

/* "PATH:LINE: column N: WHY", the line itself, and a caret under byte `column` of it, from 0; no line and no
 * caret where it is very long. */
struct err *recording_error_at(const struct recording *r, unsigned int line, size_t column, const char *fmt,
			       ...) __attribute__((format(printf, 4, 5), warn_unused_result));

/* Known keys, none twice, good values. */
struct err *recording_check_headers(struct recording *r) __attribute__((warn_unused_result));

#endif
