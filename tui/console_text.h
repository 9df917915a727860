/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A serial console's bytes as lines: carriage returns, backspaces and tabs have their meaning,
 * escape sequences are left out, everything else that is not text is made visible. Bounded. The
 * bytes are the guest's, so nothing is believed of them.
 */
#ifndef TUI_CONSOLE_TEXT_H
#define TUI_CONSOLE_TEXT_H

#include "tui/pager.h"

#define CONSOLE_LINES_MAX 20000
#define CONSOLE_LINE_MAX 1024 /* bytes; longer lines are broken */

struct console_text {
	struct lines lines;          /* whole ones */
	char line[CONSOLE_LINE_MAX]; /* the one that has no end yet */
	size_t len;
	bool returned;               /* after a '\r': the next text overwrites the line */
	enum { CONSOLE_PLAIN, CONSOLE_ESCAPE, CONSOLE_SEQUENCE, CONSOLE_STRING } state;
};

void console_text_feed(struct console_text *c, const char *bytes, size_t len);
/* The unfinished line, cleaned. */
void console_text_open_line(const struct console_text *c, struct str *s);
void console_text_deinit(struct console_text *c);

#endif
