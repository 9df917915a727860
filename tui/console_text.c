/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/console_text.h"

#include <string.h>

static void clean_line(const struct console_text *c, struct str *s)
{
	size_t start = 0;

	/* Tabs are blanks to fill, not bytes to spell out. */
	for (size_t i = 0; i <= c->len; i++) {
		if (i < c->len && c->line[i] != '\t')
			continue;
		str_add_clean(s, c->line + start, i - start);
		if (i < c->len)
			str_add_c(s, '\t');
		start = i + 1;
	}
}

void console_text_open_line(const struct console_text *c, struct str *s)
{
	clean_line(c, s);
}

static void end_line(struct console_text *c)
{
	struct str s = {0};

	clean_line(c, &s);
	lines_add(&c->lines, str_text(&s), s.len);
	str_deinit(&s);
	c->len = 0;
	c->returned = false;
	if (c->lines.count > CONSOLE_LINES_MAX)
		lines_drop_first(&c->lines, CONSOLE_LINES_MAX / 10);
}

static void plain_byte(struct console_text *c, char byte)
{
	if (byte == '\n') {
		end_line(c);
		return;
	}
	if (byte == '\r') {
		c->returned = true;
		return;
	}
	if (c->returned) {
		c->len = 0;
		c->returned = false;
	}
	if (byte == '\b') {
		c->len -= c->len > 0;
		return;
	}
	if (byte == '\a' || byte == '\0')
		return;
	if (c->len == sizeof(c->line))
		end_line(c);
	c->line[c->len++] = byte;
}

/* ESC [ ... letter; ESC ] ... BEL; ESC and one byte. A control byte ends whatever it was. */
static void feed_byte(struct console_text *c, char byte)
{
	unsigned char b = (unsigned char)byte;

	if (b == 0x1b) {
		c->state = CONSOLE_ESCAPE;
		return;
	}
	switch (c->state) {
	case CONSOLE_PLAIN:
		plain_byte(c, byte);
		return;
	case CONSOLE_ESCAPE:
		c->state = b == '[' ? CONSOLE_SEQUENCE : b == ']' ? CONSOLE_STRING : CONSOLE_PLAIN;
		break;
	case CONSOLE_SEQUENCE:
		if (b >= 0x40 && b <= 0x7e)
			c->state = CONSOLE_PLAIN;
		break;
	case CONSOLE_STRING:
		if (b == '\a')
			c->state = CONSOLE_PLAIN;
		break;
	}
	if (b == '\n' || b == '\r') {
		c->state = CONSOLE_PLAIN;
		plain_byte(c, byte);
	}
}

void console_text_feed(struct console_text *c, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		feed_byte(c, bytes[i]);
}

void console_text_deinit(struct console_text *c)
{
	lines_deinit(&c->lines);
	*c = (struct console_text){0};
}
