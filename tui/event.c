/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/event.h"

#include <stdio.h>

static const char *special_name(int key)
{
	switch (key) {
	case ' ':
		return "Space";
	case K_TAB:
		return "Tab";
	case K_ESCAPE:
		return "Esc";
	case K_UP:
		return "Up";
	case K_DOWN:
		return "Down";
	case K_LEFT:
		return "Left";
	case K_RIGHT:
		return "Right";
	case K_HOME:
		return "Home";
	case K_END:
		return "End";
	case K_PAGE_UP:
		return "PgUp";
	case K_PAGE_DOWN:
		return "PgDn";
	case K_INSERT:
		return "Ins";
	case K_DELETE:
		return "Del";
	case K_BACKSPACE:
		return "Backspace";
	case K_BACKTAB:
		return "Shift-Tab";
	case K_ENTER:
		return "Enter";
	default:
		return NULL;
	}
}

const char *key_text(int key, char buffer[KEY_TEXT])
{
	const char *name = special_name(key);

	if (name)
		snprintf(buffer, KEY_TEXT, "%s", name);
	else if (key >= K_F1 && key <= K_F12)
		snprintf(buffer, KEY_TEXT, "F%d", key - K_F1 + 1);
	else if (key > 0 && key < 0x20)
		snprintf(buffer, KEY_TEXT, "Ctrl-%c", key + '@');
	else if (key < 0x7f)
		snprintf(buffer, KEY_TEXT, "%c", key);
	else
		snprintf(buffer, KEY_TEXT, "U+%04X", (unsigned int)key);
	return buffer;
}
