/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The poll loop: keys, mouse, signals, the machine, and the times at which something is due. */
#include "tui/tui.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "commands/halt_list.h"
#include "tui/bars.h"
#include "tui/busy.h"
#include "tui/keys.h"
#include "tui/prompt.h"
#include "tui/views.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_RUNNING_NS 100000000ull /* the guest's time on the screen */
#define TICK_HELD_NS 1000000000ull   /* whether guest and agent still live */
#define SAMPLE_NS 250000000ull
#define SAMPLE_IDLE_NS 1000000000ull /* when the view needs no picture */
#define SAMPLE_MAX_NS 2000000000ull
#define SAMPLE_SHARE 20 /* at most a twentieth of the time is spent on pictures */
#define TYPING_NS 150000000ull
#define INTERRUPT_TWICE_NS 2000000000ull

static const struct glyphs glyphs_unicode = {
	.open = "▾",
	.closed = "▸",
	.leaf = " ",
	.bar = 0x2588,
	.bar_half = 0x258c,
	.shade = 0x2591,
	.line = 0x2500,
	.up = "▲",
	.down = "▼",
	.dot = "·",
};
static const struct glyphs glyphs_ascii = {
	.open = "-",
	.closed = "+",
	.leaf = " ",
	.bar = L'|',
	.bar_half = L'|',
	.shade = L'.',
	.line = L'-',
	.up = "^",
	.down = "v",
	.dot = ".",
};

/* ---- what commands may ask of the screen ---- */

static struct err *op_view(void *context, const char *name, const char *argument)
{
	struct screen *s = context;
	struct err *err;

	busy_lock(s->busy);
	err = screen_open_name(s, name, argument);
	busy_unlock(s->busy);
	return err;
}

static struct err *op_save(void *context, const char *path)
{
	struct screen *s = context;
	struct str text = {0};
	struct err *err;

	busy_lock(s->busy);
	screen_draw(s);
	canvas_text(&s->canvas, &text);
	busy_unlock(s->busy);
	err = str_error(&text);
	if (!err)
		err = replace_file(path, str_text(&text), text.len);
	str_deinit(&text);
	return err;
}

static void forget_watches(struct screen *s)
{
	while (s->watch_count)
		free(s->watches[--s->watch_count].text);
}

static struct err *op_watch(void *context, const char *expression)
{
	struct screen *s = context;
	struct watch *w = &s->watches[s->watch_count];

	if (!expression) {
		busy_lock(s->busy);
		forget_watches(s);
		busy_unlock(s->busy);
		return NULL;
	}
	if (s->watch_count == SCREEN_WATCHES)
		return err_new(ERR_REFUSED,
			       "%d expressions are watched already; `watch` alone "
			       "removes them",
			       SCREEN_WATCHES);
	*w = (struct watch){.text = strdup(expression)};
	if (!w->text)
		return err_nomem();
	s->watch_count++;
	return NULL;
}

static const char *op_view_name(void *context, unsigned int i)
{
	const struct screen *s = context;

	for (unsigned int at = 0; s->listed[at]; at++)
		if (i-- == 0)
			return s->listed[at]->name;
	for (unsigned int at = 0; views_other[at]; at++)
		if (i-- == 0)
			return views_other[at]->name;
	return NULL;
}

static const struct screen_ops screen_ops = {
	.view = op_view,
	.save = op_save,
	.watch = op_watch,
	.view_name = op_view_name,
};

/* ---- while a command runs ---- */

static void draw_boot(struct screen *s, const struct area *a, const char *what, double seconds)
{
	int row = a->rows / 2 - 1;

	canvas_clear(&s->canvas);
	area_field(a, row, (a->cols - 46) / 2, 46, ALIGN_LEFT, ROLE_BOLD,
		   "ktdbg: starting the guest");
	area_textf(a, row + 1, (a->cols - 46) / 2, ROLE_NORMAL, "%5.1fs  %s", seconds, what);
	area_text(a, row + 3, (a->cols - 46) / 2, ROLE_DIM, "Ctrl-C gives up");
}

/* On the busy thread, with its lock. */
static void draw_busy(void *context, const char *what, uint64_t elapsed)
{
	struct screen *s = context;
	struct area all = canvas_area(&s->canvas);
	double seconds = (double)elapsed / 1e9;

	if (s->booting) {
		draw_boot(s, &all, what, seconds);
	} else {
		area_fill(&all, all.rows - 1, 0, all.cols, ROLE_WARNING, L' ');
		area_textf(&all, all.rows - 1, 0, ROLE_WARNING, "%.1fs  %s  (Ctrl-C interrupts)",
			   seconds, what);
	}
	term_show(s->term, &s->canvas);
}

static void on_progress(void *context, const char *what)
{
	struct screen *s = context;

	busy_progress(s->busy, what);
}

/* ---- events ---- */

static void on_click(struct screen *s, const struct event *event)
{
	struct view *v = screen_top(s);
	bool twice = event->kind == EVENT_DOUBLE_CLICK;
	int row = event->row - s->view_row, tab, at;

	if (event->row == 0) {
		tab = bars_tab_at(s, event->col);
		if (tab >= 0)
			screen_show(s, s->listed[tab], NULL);
		return;
	}
	if (row < 0 || event->row >= s->status_row)
		return;
	if (v->ops->click)
		v->ops->click(v, s, row, event->col, twice);
	at = scroll_hit(&v->scroll, row - v->header_rows);
	if (at < 0 || !(v->ops->flags & VIEW_ROWS))
		return;
	scroll_to(&v->scroll, at);
	if (twice && v->ops->enter)
		v->ops->enter(v, s);
}

/* A window may take long under the real clock: none while somebody types. */
static void put_off_picture(struct screen *s)
{
	uint64_t later = host_now() + TYPING_NS;

	if (s->next_sample < later)
		s->next_sample = later;
}

static void on_key(struct screen *s, int key)
{
	char name[KEY_TEXT];

	s->dirty = true;
	s->last_interrupt = 0;
	if (s->prompt.kind != PROMPT_NONE) {
		put_off_picture(s);
		prompt_key(s, key);
		return;
	}
	s->message[0] = '\0';
	if (key == 'q' && !s->depth)
		key = 'Q';
	if (!keys_dispatch(s, key) && key)
		screen_message(s, ROLE_DIM, "%s means nothing here; ? shows the keys",
			       key_text(key, name));
}

static void on_event(struct screen *s, const struct event *event)
{
	s->dirty = true;
	if (s->too_small && event->kind != EVENT_KEY)
		return;
	switch (event->kind) {
	case EVENT_KEY:
		on_key(s, event->key);
		break;
	case EVENT_CLICK:
	case EVENT_DOUBLE_CLICK:
		if (s->prompt.kind == PROMPT_NONE)
			on_click(s, event);
		break;
	case EVENT_WHEEL:
		scroll_window(&screen_top(s)->scroll, event->wheel);
		break;
	default:
		break;
	}
}

static void resize(struct screen *s)
{
	int rows, cols;
	struct err *err;

	term_size(s->term, &rows, &cols);
	if (rows == s->canvas.rows && cols == s->canvas.cols)
		return;
	err = canvas_resize(&s->canvas, rows, cols);
	if (err)
		screen_error(s, err);
	s->dirty = true;
}

static void end_with(struct screen *s, struct err *err)
{
	if (s->error)
		err_free(err);
	else
		s->error = err;
	s->done = true;
}

static void on_signals(struct screen *s)
{
	unsigned int signals = term_signals(s->term);

	if (signals & TERM_SIGNAL_RESIZE)
		resize(s);
	if (signals & TERM_SIGNAL_STOP) {
		term_suspend(s->term);
		resize(s);
		s->dirty = true;
	}
	if (signals & TERM_SIGNAL_END)
		end_with(s, err_new(ERR_INTERRUPTED, "ended by a signal"));
}

/* Ctrl-C with no command to end: a prompt is closed; the second one in a row ends the screen. */
static void on_interrupt(struct screen *s)
{
	uint64_t now = host_now();

	interrupt_clear();
	s->dirty = true;
	if (s->prompt.kind != PROMPT_NONE) {
		prompt_close(s);
		session_drop_block(s->session);
		return;
	}
	if (s->last_interrupt && now - s->last_interrupt < INTERRUPT_TWICE_NS)
		end_with(s, err_new(ERR_INTERRUPTED, "interrupted"));
	s->last_interrupt = now;
	screen_message(s, ROLE_WARNING, "quit with q, or Ctrl-C again");
}

static void read_events(struct screen *s)
{
	struct event event;

	while (!s->done && (event = term_read(s->term)).kind != EVENT_NONE)
		on_event(s, &event);
	if (!term_alive(s->term))
		end_with(s, err_new(ERR_INTERRUPTED, "the terminal was closed"));
}

/* ---- time ---- */

static bool guest_runs(struct screen *s)
{
	struct coord *coord = session_coord(s->session);

	return coord && machine_state(coord_machine(coord)) == MACHINE_RUNNING;
}

static uint64_t sample_period(const struct screen *s)
{
	bool wanted = (screen_top(s)->ops->flags & VIEW_MODEL) || s->watch_count;
	uint64_t period = wanted ? SAMPLE_NS : SAMPLE_IDLE_NS;

	if (s->sample_cost * SAMPLE_SHARE > period)
		period = s->sample_cost * SAMPLE_SHARE;
	return period < SAMPLE_MAX_NS ? period : SAMPLE_MAX_NS;
}

static bool sample_is_due(struct screen *s)
{
	struct coord *coord = session_coord(s->session);

	if (s->sample_now)
		return true;
	if (!coord || machine_state(coord_machine(coord)) == MACHINE_DEAD)
		return false;
	if (!guest_runs(s))
		return coord_epoch(coord) != s->sampled_epoch;
	return host_now() >= s->next_sample;
}

static void tell_halt(struct screen *s)
{
	char *why = halt_take(s->session);

	if (why) {
		screen_message(s, ROLE_ERROR, "frozen: %s", why);
		s->dirty = s->sample_now = true;
		free(s->halted);
		s->halted = why;
	}
}

/* That takes a moment; by now what happened is shown. */
static void dump_halted(struct screen *s)
{
	char *path;

	if (!s->halted || s->dirty || s->sample_now)
		return;
	path = halt_dump(s->session, s->halted);
	if (path)
		screen_message(s, ROLE_ERROR, "frozen: %s; dumped to %s", s->halted, path);
	s->dirty |= path != NULL;
	free(path);
	free(s->halted);
	s->halted = NULL;
}

/* The coordinator's turn: a guest that may run runs, a dead one is noticed. */
static void idle(struct screen *s)
{
	struct coord *coord = session_coord(s->session);
	struct err *err = coord ? coord_idle(coord) : NULL;

	tell_halt(s);
	if (!err)
		return;
	s->dirty = s->dirty || !s->stale[0];
	snprintf(s->stale, sizeof(s->stale), "%.*s", (int)strcspn(err_detail(err), "\n"),
		 err_detail(err));
	err_free(err);
}

static void take_picture_when_due(struct screen *s)
{
	if (!sample_is_due(s))
		return;
	screen_sample(s);
	s->next_sample = host_now() + sample_period(s);
}

static void show(struct screen *s)
{
	if (!s->dirty)
		return;
	s->dirty = false;
	resize(s);
	screen_draw(s);
	term_show(s->term, &s->canvas);
}

static int wait_ms(struct screen *s)
{
	uint64_t now = host_now(), wait = guest_runs(s) ? TICK_RUNNING_NS : TICK_HELD_NS;

	if (s->dirty || s->sample_now)
		return 0;
	if (guest_runs(s) && s->next_sample < now + wait)
		wait = s->next_sample > now ? s->next_sample - now : 0;
	return (int)((wait + 999999) / 1000000);
}

static void wait_for_news(struct screen *s)
{
	struct coord *coord = session_coord(s->session);
	struct machine *machine = coord ? coord_machine(coord) : NULL;
	bool alive = machine && machine_state(machine) != MACHINE_DEAD;
	struct pollfd fds[] = {
		{.fd = term_input_fd(s->term), .events = POLLIN},
		{.fd = term_signal_fd(s->term), .events = POLLIN},
		{.fd = alive ? machine_poll_fd(machine) : -1, .events = POLLIN},
	};
	int ready = poll(fds, 3, wait_ms(s));

	/* Guest time, console and recording move without events. */
	if (ready == 0 && guest_runs(s))
		s->dirty = true;
	on_signals(s);
	/* Before the keys, which were typed after it. */
	if (interrupted() && !s->done)
		on_interrupt(s);
	if (!s->done)
		read_events(s);
}

static void loop(struct screen *s)
{
	s->dirty = s->sample_now = true;
	while (!s->done) {
		idle(s);
		take_picture_when_due(s);
		show(s);
		dump_halted(s);
		wait_for_news(s);
	}
}

/* ---- opening and closing ---- */

static struct err *boot(struct screen *s)
{
	struct err *err;

	if (session_coord(s->session))
		return NULL;
	s->booting = true;
	busy_begin(s->busy, "looking for a kernel", 0);
	err = session_boot(s->session);
	busy_end(s->busy);
	s->booting = false;
	return err;
}

static void load_history(struct screen *s)
{
	struct err *err = state_path("history", &s->history_path);

	if (!err)
		err = history_load(&s->history, s->history_path);
	err_free(err); /* the screen works without */
}

static void save_history(struct screen *s)
{
	if (s->history_path)
		err_free(history_save(&s->history, s->history_path));
	free(s->history_path);
	free(s->halted);
	history_deinit(&s->history);
}

/* Diagnostics of -v must not be written over the screen. */
static struct err *divert_log(struct screen *s)
{
	char *path;

	if (log_level() == LOG_QUIET)
		return NULL;
	ERR_TRY(state_path("log", &path));
	s->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	free(path);
	if (s->log_fd < 0)
		return err_os(errno, "cannot open the log");
	log_setup(log_level(), s->log_fd);
	return NULL;
}

static void return_log(struct screen *s)
{
	if (s->log_fd < 0)
		return;
	log_setup(log_level(), -1);
	close_fd(&s->log_fd);
}

static struct err *open_screen(struct screen *s)
{
	const struct options *options = session_options(s->session);
	const struct term_config config = {.theme = options->theme};

	setlocale(LC_CTYPE, "");
	s->canvas.ascii = options->ascii || !term_is_utf8();
	s->glyphs = s->canvas.ascii ? &glyphs_ascii : &glyphs_unicode;
	interrupt_install();
	ERR_TRY(divert_log(s));
	ERR_TRY(term_open(&config, &s->term));
	resize(s);
	ERR_TRY(busy_create(draw_busy, s, &s->busy));
	load_history(s);
	session_set_mode(s->session, MODE_SCREEN);
	session_set_screen(s->session, &screen_ops, s);
	session_set_progress(s->session, on_progress, s);
	ERR_TRY(boot(s));
	halt_defaults(s->session);
	return screen_open(s, s->listed[0], NULL);
}

static void close_screen(struct screen *s)
{
	session_set_screen(s->session, NULL, NULL);
	session_set_progress(s->session, NULL, NULL);
	prompt_close(s);
	forget_watches(s);
	while (s->depth)
		screen_back(s);
	for (int i = 0; s->listed[i]; i++)
		if (s->base[i])
			s->base[i]->ops->close(s->base[i]);
	save_history(s);
	busy_destroy(s->busy);
	term_close(s->term);
	return_log(s);
	sampler_deinit(&s->sampler);
	canvas_deinit(&s->canvas);
}

struct err *tui_run(struct session *session)
{
	struct screen *s = calloc(1, sizeof(*s));
	struct err *err;

	if (!s)
		return err_nomem();
	s->session = session;
	s->listed = views_listed;
	s->log_fd = -1;
	canvas_init(&s->canvas);
	err = open_screen(s);
	if (!err) {
		loop(s);
		err = s->error;
	}
	close_screen(s);
	free(s);
	return err;
}
