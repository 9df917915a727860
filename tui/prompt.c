/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/prompt.h"

#include "commands/completion.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATE_ROWS 6

static void drop_candidates(struct prompt *p)
{
	for (unsigned int i = 0; i < p->candidate_count; i++)
		free(p->candidates[i]);
	free(p->candidates);
	p->candidates = NULL;
	p->candidate_count = 0;
}

void prompt_close(struct screen *s)
{
	drop_candidates(&s->prompt);
	s->prompt.kind = PROMPT_NONE;
	s->dirty = true;
}

static void open_prompt(struct screen *s, enum prompt_kind kind, const char *label,
			const char *text, struct history *history)
{
	prompt_close(s);
	s->prompt.kind = kind;
	s->prompt.before[0] = '\0';
	snprintf(s->prompt.label, sizeof(s->prompt.label), "%s", label);
	edit_start(&s->prompt.edit, history, text);
	s->message[0] = '\0';
}

void screen_edit_command(struct screen *s, const char *text)
{
	const char *block = session_open_block(s->session);
	char label[64];

	snprintf(label, sizeof(label), "%.*s> ", block ? (int)strcspn(block, " ") : 0,
		 block ? block : "");
	open_prompt(s, PROMPT_COMMAND, block ? label : ":", text, &s->history);
}

void screen_ask(struct screen *s, const char *label, const char *text,
		void (*done)(struct screen *s, struct view *v, const char *text))
{
	open_prompt(s, PROMPT_ASK, label, text, NULL);
	s->prompt.done = done;
}

void screen_complete_after(struct screen *s, const char *line)
{
	snprintf(s->prompt.before, sizeof(s->prompt.before), "%s", line);
}

void screen_confirm(struct screen *s, const char *question,
		    void (*done)(struct screen *s, struct view *v, const char *text))
{
	open_prompt(s, PROMPT_CONFIRM, question, "", NULL);
	s->prompt.done = done;
}

/* ---- completion ---- */

static bool add_candidate(struct prompt *p, const char *text)
{
	char **grown = reallocarray(p->candidates, p->candidate_count + 1, sizeof(*grown));

	if (!grown)
		return false;
	p->candidates = grown;
	grown[p->candidate_count] = strdup(text);
	if (!grown[p->candidate_count])
		return false;
	p->candidate_count++;
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_file(struct prompt *p, const char *word, size_t folder_len,
		     const struct dirent *entry)
{
	const char *wanted = word + folder_len;
	char path[1024];

	if (strncmp(entry->d_name, wanted, strlen(wanted)) != 0 ||
	    (entry->d_name[0] == '.' && wanted[0] != '.') || p->candidate_count >= COMPLETION_MAX)
		return;
	snprintf(path, sizeof(path), "%.*s%s%s", (int)folder_len, word, entry->d_name,
		 entry->d_type == DT_DIR ? "/" : "");
	add_candidate(p, path);
}

/* Names in the folder that `word` has so far. */
static void complete_files(struct prompt *p, const char *word)
{
	const char *slash = strrchr(word, '/');
	size_t folder_len = slash ? (size_t)(slash - word) + 1 : 0;
	char folder[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%.*s", (int)folder_len, word);
	dir = opendir(folder_len ? folder : ".");
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		add_file(p, word, folder_len, entry);
	closedir(dir);
	if (p->candidate_count)
		qsort(p->candidates, p->candidate_count, sizeof(*p->candidates), compare_names);
}

/* How many bytes all candidates begin with in common. */
static size_t common_prefix(const struct prompt *p)
{
	size_t len = strlen(p->candidates[0]);

	for (unsigned int i = 1; i < p->candidate_count; i++) {
		size_t same = 0;

		while (same < len && p->candidates[i][same] == p->candidates[0][same])
			same++;
		len = same;
	}
	return len;
}

/* Put in what is certain; show the candidates when that is not all of it. */
static void apply_candidates(struct screen *s, size_t start, bool nospace)
{
	struct prompt *p = &s->prompt;
	char text[EDIT_MAX];
	bool only = p->candidate_count == 1;
	size_t len = common_prefix(p);

	snprintf(text, sizeof(text), "%.*s%s", (int)len, p->candidates[0],
		 only && !nospace && p->candidates[0][len ? len - 1 : 0] != '/' ? " " : "");
	edit_replace(&p->edit, start, text);
	if (only)
		drop_candidates(p);
}

static void take_completion(struct screen *s, struct completion *c)
{
	struct prompt *p = &s->prompt;

	drop_candidates(p);
	if (c->files) {
		char word[1024];

		snprintf(word, sizeof(word), "%.*s", (int)(p->edit.cursor - c->start),
			 p->edit.text + c->start);
		complete_files(p, word);
	}
	for (unsigned int i = 0; !c->files && i < c->count; i++)
		if (!add_candidate(p, c->candidates[i]))
			break;
	if (p->candidate_count)
		apply_candidates(s, c->start, c->nospace);
	else
		screen_message(s, ROLE_DIM, "no completion");
}

/* The word may have begun before the text: the candidates lose that part. */
static bool cut_before(struct completion *c, size_t before)
{
	size_t known = c->start < before ? before - c->start : 0;

	for (unsigned int i = 0; i < c->count && known; i++) {
		size_t len = strlen(c->candidates[i]);

		if (len < known)
			return false;
		memmove(c->candidates[i], c->candidates[i] + known, len - known + 1);
	}
	c->start = c->start > before ? c->start - before : 0;
	return true;
}

static void complete(struct screen *s)
{
	struct completion c = {0};
	struct edit *e = &s->prompt.edit;
	size_t before = strlen(s->prompt.before);
	struct str line = {0};
	struct err *err;

	str_addf(&line, "%s%s", s->prompt.before, e->text);
	err = completion_find(s->session, str_text(&line), before + e->cursor, &c);
	str_deinit(&line);
	if (err) {
		screen_error(s, err);
		return;
	}
	if (cut_before(&c, before) && c.start <= e->cursor)
		take_completion(s, &c);
	completion_deinit(&c);
}

/* ---- keys ---- */

static void accept(struct screen *s)
{
	struct prompt *p = &s->prompt;
	enum prompt_kind kind = p->kind;
	char text[EDIT_MAX];

	snprintf(text, sizeof(text), "%s", p->edit.text);
	prompt_close(s);
	if (kind != PROMPT_COMMAND) {
		p->done(s, screen_top(s), text);
		return;
	}
	history_add(&s->history, text);
	screen_execute(s, text);
}

static void cancel(struct screen *s)
{
	struct view *v = screen_top(s);
	bool search = s->prompt.kind == PROMPT_SEARCH;

	prompt_close(s);
	session_drop_block(s->session);
	if (search)
		v->ops->search(v, s, "", true);
}

static void confirm_key(struct screen *s, int key)
{
	bool yes = key == 'y' || key == 'Y' || key == 'q' || key == K_ENTER;

	prompt_close(s);
	if (yes)
		s->prompt.done(s, screen_top(s), "");
}

static void search_as_typed(struct screen *s)
{
	struct view *v = screen_top(s);

	if (s->prompt.kind == PROMPT_SEARCH)
		v->ops->search(v, s, s->prompt.edit.text, false);
}

void prompt_key(struct screen *s, int key)
{
	struct prompt *p = &s->prompt;

	s->dirty = true;
	s->message[0] = '\0';
	if (p->kind == PROMPT_CONFIRM) {
		confirm_key(s, key);
	} else if (key == K_ENTER) {
		accept(s);
	} else if (key == K_ESCAPE || key == K_CTRL('g') || (key == K_BACKSPACE && !p->edit.len)) {
		cancel(s);
	} else if (key == K_TAB && (p->kind == PROMPT_COMMAND || p->before[0])) {
		complete(s);
	} else if (edit_key(&p->edit, key)) {
		drop_candidates(p);
		search_as_typed(s);
	}
}

/* ---- drawing ---- */

static int widest_candidate(const struct prompt *p)
{
	int widest = 1;

	for (unsigned int i = 0; i < p->candidate_count; i++)
		if (text_width(p->candidates[i]) > widest)
			widest = text_width(p->candidates[i]);
	return widest;
}

/* In columns, as a shell lists them; what does not fit is counted. */
static void draw_candidates(const struct prompt *p, const struct area *a, int row)
{
	int width = widest_candidate(p) + 2, columns = a->cols / width > 0 ? a->cols / width : 1;
	int count = (int)p->candidate_count, rows = (count + columns - 1) / columns;
	int shown = rows < CANDIDATE_ROWS ? rows : CANDIDATE_ROWS;
	bool all = rows <= CANDIDATE_ROWS;

	for (int y = 0; y < shown; y++) {
		int at = row - shown + y;

		area_fill(a, at, 0, a->cols, ROLE_HINT, L' ');
		if (!all && y == shown - 1) {
			area_textf(a, at, 1, ROLE_HINT, "... %d more",
				   count - (shown - 1) * columns);
			break;
		}
		for (int x = 0; x < columns && y * columns + x < count; x++)
			area_field(a, at, x * width + 1, width - 1, ALIGN_LEFT, ROLE_HINT,
				   p->candidates[y * columns + x]);
	}
}

/* Where the text begins, in bytes, so that the cursor is inside the line. */
static size_t visible_from(const struct edit *e, int width)
{
	size_t from = 0;
	char part[EDIT_MAX];

	for (;;) {
		wchar_t ch;

		snprintf(part, sizeof(part), "%.*s", (int)(e->cursor - from), e->text + from);
		if (text_width(part) < width)
			return from;
		from += text_decode(e->text + from, &ch);
	}
}

void prompt_draw(struct screen *s, const struct area *a, int row)
{
	struct prompt *p = &s->prompt;
	const struct edit *e = &p->edit;
	int col = area_text(a, row, 0, ROLE_BOLD, p->label);
	size_t from;

	if (p->kind == PROMPT_CONFIRM) {
		col = area_text(a, row, col, ROLE_KEY, " [y/n] ");
		s->canvas.cursor_col = a->col + col;
		s->canvas.cursor_row = a->row + row;
		return;
	}
	from = visible_from(e, a->cols - col);
	area_text(a, row, col, ROLE_NORMAL, e->text + from);
	s->canvas.cursor_row = a->row + row;
	for (size_t at = from; at < e->cursor;) {
		wchar_t ch;
		size_t n = text_decode(e->text + at, &ch);
		char one[8];

		snprintf(one, sizeof(one), "%.*s", (int)n, e->text + at);
		col += text_width(one);
		at += n;
	}
	s->canvas.cursor_col = a->col + col;
	if (p->candidate_count)
		draw_candidates(p, a, row);
}
