/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the terminal tells: keys and mouse, in numbers of our own, so that views need no curses.
 */
#ifndef TUI_EVENT_H
#define TUI_EVENT_H

/* A key is a Unicode character (also 1..26 for Ctrl-A..Ctrl-Z, 27 Escape) or one of these. */
enum key {
	KEY_BASE_ = 0x110000,
	K_UP, K_DOWN, K_LEFT, K_RIGHT, K_HOME, K_END, K_PAGE_UP, K_PAGE_DOWN, K_INSERT, K_DELETE,
	K_BACKSPACE, K_BACKTAB, K_ENTER,
	K_F1, K_F2, K_F3, K_F4, K_F5, K_F6, K_F7, K_F8, K_F9, K_F10, K_F11, K_F12,
};
#define K_CTRL(letter) ((letter)&0x1f)
#define K_TAB 9
#define K_ESCAPE 27

enum event_kind {
	EVENT_NONE,
	EVENT_KEY,
	EVENT_CLICK,
	EVENT_DOUBLE_CLICK,
	EVENT_WHEEL,
	EVENT_RESIZE,
};

struct event {
	enum event_kind kind;
	int key;      /* KEY */
	int row, col; /* CLICK, DOUBLE_CLICK, WHEEL: on the screen */
	int wheel;    /* rows; negative: up */
};

/* "Ctrl-L", "PgUp", "F1", "Space", "x" in the caller's buffer. */
#define KEY_TEXT 16
const char *key_text(int key, char buffer[KEY_TEXT]);

#endif
