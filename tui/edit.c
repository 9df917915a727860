/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/edit.h"

#include "base/file.h"
#include "base/str.h"
#include "tui/canvas.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_text(struct edit *e, const char *text)
{
	size_t len = strnlen(text, EDIT_MAX - 1);

	memmove(e->text, text, len);
	e->text[len] = '\0';
	e->len = e->cursor = len;
}

void edit_start(struct edit *e, struct history *history, const char *text)
{
	set_text(e, text);
	e->history = history;
	e->browse = history ? history->count : 0;
	e->fresh[0] = '\0';
}

/* Start of the character before `at`, and end of the one at `at`. */
static size_t char_before(const struct edit *e, size_t at)
{
	while (at > 0 && ((unsigned char)e->text[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t char_after(const struct edit *e, size_t at)
{
	if (at < e->len)
		at++;
	while (at < e->len && ((unsigned char)e->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static size_t word_before(const struct edit *e, size_t at)
{
	while (at > 0 && e->text[at - 1] == ' ')
		at--;
	while (at > 0 && e->text[at - 1] != ' ')
		at--;
	return at;
}

static void cut(struct edit *e, size_t from, size_t to, bool keep)
{
	if (from >= to)
		return;
	if (keep) {
		memcpy(e->killed, e->text + from, to - from);
		e->killed[to - from] = '\0';
	}
	memmove(e->text + from, e->text + to, e->len - to + 1);
	e->len -= to - from;
	e->cursor = from;
}

static void insert(struct edit *e, const char *text)
{
	size_t len = strlen(text);

	if (len >= EDIT_MAX - e->len)
		return;
	memmove(e->text + e->cursor + len, e->text + e->cursor, e->len - e->cursor + 1);
	memcpy(e->text + e->cursor, text, len);
	e->len += len;
	e->cursor += len;
}

void edit_replace(struct edit *e, size_t start, const char *text)
{
	if (start > e->cursor || strlen(text) >= EDIT_MAX - (e->len - (e->cursor - start)))
		return;
	cut(e, start, e->cursor, false);
	insert(e, text);
}

static void browse(struct edit *e, int step)
{
	unsigned int count = e->history ? e->history->count : 0;

	if ((step < 0 && e->browse == 0) || (step > 0 && e->browse >= count))
		return;
	if (e->browse == count)
		memcpy(e->fresh, e->text, e->len + 1);
	e->browse = step < 0 ? e->browse - 1 : e->browse + 1;
	set_text(e, e->browse == count ? e->fresh : e->history->lines[e->browse]);
}

static bool move_key(struct edit *e, int key)
{
	switch (key) {
	case K_LEFT:
	case K_CTRL('b'):
		e->cursor = char_before(e, e->cursor);
		return true;
	case K_RIGHT:
	case K_CTRL('f'):
		e->cursor = char_after(e, e->cursor);
		return true;
	case K_HOME:
	case K_CTRL('a'):
		e->cursor = 0;
		return true;
	case K_END:
	case K_CTRL('e'):
		e->cursor = e->len;
		return true;
	case K_UP:
	case K_CTRL('p'):
		browse(e, -1);
		return true;
	case K_DOWN:
	case K_CTRL('n'):
		browse(e, 1);
		return true;
	default:
		return false;
	}
}

static bool delete_key(struct edit *e, int key)
{
	switch (key) {
	case K_BACKSPACE:
	case 0x7f:
	case K_CTRL('h'):
		cut(e, char_before(e, e->cursor), e->cursor, false);
		return true;
	case K_DELETE:
	case K_CTRL('d'):
		cut(e, e->cursor, char_after(e, e->cursor), false);
		return true;
	case K_CTRL('k'):
		cut(e, e->cursor, e->len, true);
		return true;
	case K_CTRL('u'):
		cut(e, 0, e->cursor, true);
		return true;
	case K_CTRL('w'):
		cut(e, word_before(e, e->cursor), e->cursor, true);
		return true;
	case K_CTRL('y'):
		insert(e, e->killed);
		return true;
	default:
		return false;
	}
}

bool edit_key(struct edit *e, int key)
{
	struct str s = {0};

	if (move_key(e, key) || delete_key(e, key))
		return true;
	if (key < 0x20 || key >= KEY_BASE_)
		return false;
	str_add_wide(&s, (wchar_t)key);
	if (!s.failed)
		insert(e, str_text(&s));
	str_deinit(&s);
	return true;
}

void history_add(struct history *h, const char *line)
{
	char **lines, *copy;

	if (!line[0] || strlen(line) >= EDIT_MAX ||
	    (h->count && strcmp(h->lines[h->count - 1], line) == 0))
		return;
	copy = strdup(line);
	lines = realloc(h->lines, (h->count + 1) * sizeof(*lines));
	if (lines)
		h->lines = lines;
	if (!copy || !lines) {
		free(copy); /* a line less in the history is no reason to stop */
		return;
	}
	h->lines[h->count++] = copy;
	if (h->count > EDIT_HISTORY_MAX) {
		free(h->lines[0]);
		memmove(h->lines, h->lines + 1, --h->count * sizeof(*h->lines));
	}
}

void history_deinit(struct history *h)
{
	for (unsigned int i = 0; i < h->count; i++)
		free(h->lines[i]);
	free(h->lines);
	*h = (struct history){0};
}

struct err *history_load(struct history *h, const char *path)
{
	char *data, *save = NULL;
	size_t len;

	if (access(path, F_OK) < 0)
		return NULL;
	ERR_TRY(read_whole_file(path, 8u << 20, &data, &len));
	for (char *line = strtok_r(data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		history_add(h, line);
	free(data);
	return NULL;
}

struct err *history_save(const struct history *h, const char *path)
{
	struct str s = {0};
	struct err *err;

	for (unsigned int i = 0; i < h->count; i++)
		str_addf(&s, "%s\n", h->lines[i]);
	err = str_error(&s);
	if (!err)
		err = replace_file(path, str_text(&s), s.len);
	str_deinit(&s);
	return err;
}
