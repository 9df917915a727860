/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/keys.h"

#include "tui/views.h"

#include <stdio.h>
#include <string.h>

static void move(struct screen *s, struct view *v, int rows)
{
	if (v->ops->moved)
		v->ops->moved(s, v);
	if (v->ops->flags & VIEW_ROWS)
		scroll_by(&v->scroll, rows);
	else
		scroll_window(&v->scroll, rows);
}

static void key_up(struct screen *s, struct view *v)
{
	move(s, v, -1);
}

static void key_down(struct screen *s, struct view *v)
{
	move(s, v, 1);
}

static void key_page_up(struct screen *s, struct view *v)
{
	move(s, v, -v->scroll.page);
}

static void key_page_down(struct screen *s, struct view *v)
{
	move(s, v, v->scroll.page);
}

static void key_first(struct screen *s, struct view *v)
{
	move(s, v, -v->scroll.count);
}

static void key_last(struct screen *s, struct view *v)
{
	move(s, v, v->scroll.count);
}

static void key_enter(struct screen *s, struct view *v)
{
	if (v->ops->enter)
		v->ops->enter(v, s);
}

static void key_back(struct screen *s, struct view *v)
{
	screen_back(s);
}

static void quit_now(struct screen *s, struct view *v, const char *text)
{
	screen_execute(s, "quit");
}

static void key_quit(struct screen *s, struct view *v)
{
	if (session_coord(s->session))
		screen_confirm(s, "Quit and end the guest?", quit_now);
	else
		quit_now(s, v, "");
}

static void step_view(struct screen *s, int step)
{
	int count = 0, next;

	while (s->listed[count])
		count++;
	next = ((int)s->tab + step + count) % count;
	screen_show(s, s->listed[next], NULL);
}

static void key_next_view(struct screen *s, struct view *v)
{
	step_view(s, 1);
}

static void key_previous_view(struct screen *s, struct view *v)
{
	step_view(s, -1);
}

static void key_freeze(struct screen *s, struct view *v)
{
	struct coord *coord = session_coord(s->session);

	screen_execute(s, coord && coord_frozen(coord) ? "thaw" : "freeze");
}

static void key_step(struct screen *s, struct view *v)
{
	screen_execute(s, "run 1ms");
}

static void key_step_far(struct screen *s, struct view *v)
{
	screen_execute(s, "run 100ms");
}

static void key_command(struct screen *s, struct view *v)
{
	screen_edit_command(s, "");
}

static void search_done(struct screen *s, struct view *v, const char *text)
{
	v->ops->search(v, s, text, true);
}

static void key_search(struct screen *s, struct view *v)
{
	if (!v->ops->search) {
		screen_message(s, ROLE_WARNING, "nothing to search in this view");
		return;
	}
	screen_ask(s, "/", "", search_done);
	s->prompt.kind = PROMPT_SEARCH;
}

static void key_help(struct screen *s, struct view *v)
{
	if (v->ops != &view_help)
		screen_show(s, &view_help, v->ops->name);
}

static void key_redraw(struct screen *s, struct view *v)
{
	term_redraw(s->term);
	s->sample_now = true;
}

const struct key_binding common_keys[] = {
	{{K_UP, 'k'}, "up", NULL, key_up, NULL},
	{{K_DOWN, 'j'}, "down", NULL, key_down, NULL},
	{{K_PAGE_UP, K_CTRL('b')}, "a page up", NULL, key_page_up, NULL},
	{{K_PAGE_DOWN, K_CTRL('f')}, "a page down", NULL, key_page_down, NULL},
	{{K_HOME, 'g'}, "first line", NULL, key_first, NULL},
	{{K_END, 'G'}, "last line", NULL, key_last, NULL},
	{{K_ENTER}, "open what is selected", NULL, key_enter, NULL},
	{{' '}, "freeze or thaw the guest", "Freeze", key_freeze, NULL},
	{{'.'}, "let 1ms of guest time pass, then freeze", NULL, key_step, NULL},
	{{','}, "let 100ms of guest time pass, then freeze", NULL, key_step_far, NULL},
	{{':'}, "type a command", "Command", key_command, NULL},
	{{'/'}, "search or filter", NULL, key_search, NULL},
	{{K_TAB}, "next view", NULL, key_next_view, NULL},
	{{K_BACKTAB}, "previous view", NULL, key_previous_view, NULL},
	{{'?', 'h', K_F1}, "help", "Help", key_help, NULL},
	{{K_CTRL('l')}, "draw anew", NULL, key_redraw, NULL},
	{{'q', K_ESCAPE}, "back; quit from the first level (q)", "Back", key_back, NULL},
	{{K_F10, 'Q'}, "quit", NULL, key_quit, NULL},
	{{0}, NULL, NULL, NULL, NULL},
};

void keys_names(const struct key_binding *b, struct str *s)
{
	char name[KEY_TEXT];

	for (int i = 0; i < 3 && b->keys[i]; i++)
		str_addf(s, "%s%s", i ? ", " : "", key_text(b->keys[i], name));
}

bool keys_offered(const struct key_binding *b)
{
	if (!b->command)
		return true;
	for (const struct command *const *c = command_table; *c; c++)
		if (strcmp((*c)->name, b->command) == 0)
			return true;
	return false;
}

static bool run_binding(struct screen *s, const struct key_binding *b, int key)
{
	for (; b && b->help; b++) {
		for (int i = 0; i < 3 && b->keys[i]; i++) {
			if (b->keys[i] == key && b->run && keys_offered(b)) {
				b->run(s, screen_top(s));
				return true;
			}
		}
	}
	return false;
}

/* 1, 2, ... and F2, F3, ... open the views of the first line. */
static bool open_by_number(struct screen *s, int key)
{
	int at = key >= '1' && key <= '9'     ? key - '1'
		 : key >= K_F2 && key <= K_F9 ? key - K_F2
					      : -1;

	for (int i = 0; at >= 0 && s->listed[i]; i++) {
		if (i == at) {
			screen_show(s, s->listed[i], NULL);
			return true;
		}
	}
	return false;
}

const struct command *keys_command(int key)
{
	for (const struct command *const *c = command_table; *c; c++)
		if ((*c)->key && (*c)->key[0] == key && !(*c)->key[1])
			return *c;
	return NULL;
}

/* A command that needs words is offered in the `:` line. */
static bool run_command_key(struct screen *s, int key)
{
	const struct command *command = key < 0x7f ? keys_command(key) : NULL;
	char line[64];

	if (!command)
		return false;
	if (strcmp(command->usage, command->name) == 0) {
		screen_execute(s, command->name);
		return true;
	}
	snprintf(line, sizeof(line), "%s ", command->name);
	screen_edit_command(s, line);
	return true;
}

bool keys_dispatch(struct screen *s, int key)
{
	s->dirty = true;
	return run_binding(s, screen_top(s)->ops->keys, key) || run_binding(s, common_keys, key) ||
	       open_by_number(s, key) || run_command_key(s, key);
}
