/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/term.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "tui/crash.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ESCAPE_DELAY_MS 25
#define DOUBLE_CLICK_NS 350000000ull
#define WHEEL_ROWS 3

struct style {
	short fg, bg; /* -1: the terminal's own */
	attr_t attr;
};

struct theme {
	const char *name;
	bool color;
	struct style styles[ROLE_COUNT];
};

struct term {
	SCREEN *screen;
	struct termios modes; /* as they were found */
	struct sigaction old_winch, old_tstp, old_term, old_hup;
	struct canvas shown; /* what the terminal has */
	bool redraw, dead, mouse;
	uint64_t click_time;
	int click_row, click_col;
	attr_t attrs[ROLE_COUNT];
	short pairs[ROLE_COUNT];
};

static const struct theme theme_default = {
	"default",
	true,
	{
		[ROLE_NORMAL] = {-1, -1, A_NORMAL},
		[ROLE_DIM] = {-1, -1, A_DIM},
		[ROLE_BOLD] = {-1, -1, A_BOLD},
		[ROLE_TAB] = {COLOR_WHITE, COLOR_BLUE, A_NORMAL},
		[ROLE_TAB_ON] = {COLOR_BLACK, COLOR_CYAN, A_NORMAL},
		[ROLE_HEADER] = {COLOR_BLACK, COLOR_GREEN, A_NORMAL},
		[ROLE_HEADER_ON] = {COLOR_BLACK, COLOR_CYAN, A_NORMAL},
		[ROLE_CURSOR] = {COLOR_BLACK, COLOR_CYAN, A_NORMAL},
		[ROLE_STATUS] = {COLOR_WHITE, COLOR_BLUE, A_NORMAL},
		[ROLE_FROZEN] = {COLOR_BLACK, COLOR_CYAN, A_BOLD},
		[ROLE_RUNNING] = {COLOR_BLACK, COLOR_GREEN, A_NORMAL},
		[ROLE_RECORDING] = {COLOR_WHITE, COLOR_RED, A_BOLD},
		[ROLE_WARNING] = {COLOR_YELLOW, -1, A_BOLD},
		[ROLE_ERROR] = {COLOR_RED, -1, A_BOLD},
		[ROLE_KEY] = {-1, -1, A_BOLD},
		[ROLE_HINT] = {COLOR_BLACK, COLOR_CYAN, A_NORMAL},
		[ROLE_LABEL] = {COLOR_CYAN, -1, A_NORMAL},
		[ROLE_CHANGED] = {COLOR_YELLOW, -1, A_BOLD},
		[ROLE_MATCH] = {COLOR_BLACK, COLOR_YELLOW, A_NORMAL},
		[ROLE_GOOD] = {COLOR_GREEN, -1, A_NORMAL},
		[ROLE_STOP] = {COLOR_RED, -1, A_BOLD},
		[ROLE_DL] = {COLOR_MAGENTA, -1, A_BOLD},
		[ROLE_RT] = {COLOR_YELLOW, -1, A_NORMAL},
		[ROLE_FAIR] = {COLOR_GREEN, -1, A_NORMAL},
		[ROLE_EXT] = {COLOR_CYAN, -1, A_BOLD},
		[ROLE_IDLE] = {-1, -1, A_DIM},
	},
};

/* Colours that are read on a white ground. */
static const struct theme theme_light = {
	"light",
	true,
	{
		[ROLE_DIM] = {-1, -1, A_DIM},
		[ROLE_NORMAL] = {-1, -1, A_NORMAL},
		[ROLE_BOLD] = {-1, -1, A_BOLD},
		[ROLE_TAB] = {COLOR_BLACK, COLOR_WHITE, A_NORMAL},
		[ROLE_TAB_ON] = {COLOR_WHITE, COLOR_BLUE, A_BOLD},
		[ROLE_HEADER] = {COLOR_WHITE, COLOR_BLUE, A_NORMAL},
		[ROLE_HEADER_ON] = {COLOR_WHITE, COLOR_MAGENTA, A_BOLD},
		[ROLE_CURSOR] = {COLOR_WHITE, COLOR_BLUE, A_BOLD},
		[ROLE_STATUS] = {COLOR_BLACK, COLOR_WHITE, A_NORMAL},
		[ROLE_FROZEN] = {COLOR_WHITE, COLOR_BLUE, A_BOLD},
		[ROLE_RUNNING] = {COLOR_BLACK, COLOR_GREEN, A_NORMAL},
		[ROLE_RECORDING] = {COLOR_WHITE, COLOR_RED, A_BOLD},
		[ROLE_WARNING] = {COLOR_MAGENTA, -1, A_BOLD},
		[ROLE_ERROR] = {COLOR_RED, -1, A_BOLD},
		[ROLE_KEY] = {-1, -1, A_BOLD},
		[ROLE_HINT] = {COLOR_BLACK, COLOR_WHITE, A_NORMAL},
		[ROLE_LABEL] = {COLOR_BLUE, -1, A_NORMAL},
		[ROLE_CHANGED] = {COLOR_RED, -1, A_BOLD},
		[ROLE_MATCH] = {COLOR_BLACK, COLOR_YELLOW, A_NORMAL},
		[ROLE_GOOD] = {COLOR_GREEN, -1, A_NORMAL},
		[ROLE_STOP] = {COLOR_RED, -1, A_BOLD},
		[ROLE_DL] = {COLOR_MAGENTA, -1, A_BOLD},
		[ROLE_RT] = {COLOR_MAGENTA, -1, A_NORMAL},
		[ROLE_FAIR] = {COLOR_GREEN, -1, A_NORMAL},
		[ROLE_EXT] = {COLOR_BLUE, -1, A_BOLD},
		[ROLE_IDLE] = {-1, -1, A_DIM},
	},
};

static const struct theme theme_mono = {
	"mono",
	false,
	{
		[ROLE_DIM] = {-1, -1, A_DIM},
		[ROLE_BOLD] = {-1, -1, A_BOLD},
		[ROLE_TAB] = {-1, -1, A_NORMAL},
		[ROLE_TAB_ON] = {-1, -1, A_REVERSE},
		[ROLE_HEADER] = {-1, -1, A_UNDERLINE},
		[ROLE_HEADER_ON] = {-1, -1, A_UNDERLINE | A_BOLD},
		[ROLE_CURSOR] = {-1, -1, A_REVERSE},
		[ROLE_STATUS] = {-1, -1, A_REVERSE},
		[ROLE_FROZEN] = {-1, -1, A_REVERSE | A_BOLD},
		[ROLE_RUNNING] = {-1, -1, A_REVERSE},
		[ROLE_RECORDING] = {-1, -1, A_REVERSE | A_BOLD},
		[ROLE_WARNING] = {-1, -1, A_BOLD},
		[ROLE_ERROR] = {-1, -1, A_BOLD},
		[ROLE_KEY] = {-1, -1, A_BOLD},
		[ROLE_HINT] = {-1, -1, A_REVERSE},
		[ROLE_CHANGED] = {-1, -1, A_BOLD},
		[ROLE_MATCH] = {-1, -1, A_REVERSE},
		[ROLE_IDLE] = {-1, -1, A_DIM},
	},
};

static const struct theme *const themes[] = {&theme_default, &theme_light, &theme_mono};

/* Handlers have no context: what happened, and the descriptor that wakes the loop. */
static volatile sig_atomic_t got_resize, got_stop, got_end;
static volatile sig_atomic_t wake_fd = -1;

static void on_signal(int signal_number)
{
	const uint64_t one = 1;
	int saved = errno;

	if (signal_number == SIGWINCH)
		got_resize = 1;
	else if (signal_number == SIGTSTP)
		got_stop = 1;
	else
		got_end = 1;
	if (got_end)
		interrupt_raise(); /* a command that waits must give up too */
	/* Fails only when the counter is full, and then the loop wakes anyway. */
	(void)!write(wake_fd, &one, sizeof(one));
	errno = saved;
}

bool term_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static struct err *find_theme(const char *name, const struct theme **ret)
{
	const char *no_color = getenv("NO_COLOR");

	if (!name || strcmp(name, "default") == 0) {
		*ret = no_color && no_color[0] ? &theme_mono : &theme_default;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(themes) / sizeof(themes[0]); i++) {
		if (strcmp(themes[i]->name, name) == 0) {
			*ret = themes[i];
			return NULL;
		}
	}
	return err_new(ERR_USAGE, "no theme '%s'; there are default, light, mono", name);
}

static void set_theme(struct term *t, const struct theme *theme)
{
	bool color = theme->color && has_colors() && start_color() == OK && COLORS >= 8;

	if (theme->color && !color)
		theme = &theme_mono;
	if (color)
		use_default_colors();
	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct style *style = &theme->styles[role];

		t->attrs[role] = style->attr;
		t->pairs[role] = 0;
		if (color && (style->fg >= 0 || style->bg >= 0)) {
			t->pairs[role] = (short)(role + 1);
			init_pair(t->pairs[role], style->fg, style->bg);
		}
	}
}

/* A capability without its padding marks ("$<5>"). */
static void add_capability(struct str *s, const char *name)
{
	const char *text = tigetstr(name);

	if (!text || text == (char *)-1)
		return;
	while (*text) {
		const char *end = text[0] == '$' && text[1] == '<' ? strchr(text, '>') : NULL;

		if (end)
			text = end + 1;
		else
			str_add_c(s, *text++);
	}
}

static void arm_crash(const struct term *t)
{
	struct str s = {0};

	if (t->mouse)
		str_add(&s, "\033[?1006l\033[?1002l\033[?1000l");
	add_capability(&s, "sgr0");
	add_capability(&s, "rmkx");
	add_capability(&s, "cnorm");
	add_capability(&s, "rmcup");
	crash_arm(STDOUT_FILENO, &t->modes, str_text(&s), s.len);
	str_deinit(&s);
}

static void install(int signal_number, struct sigaction *old)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(signal_number, &action, old);
}

static void take_signals(struct term *t)
{
	got_resize = got_stop = got_end = 0;
	install(SIGWINCH, &t->old_winch);
	install(SIGTSTP, &t->old_tstp);
	install(SIGTERM, &t->old_term);
	install(SIGHUP, &t->old_hup);
}

static void return_signals(const struct term *t)
{
	sigaction(SIGWINCH, &t->old_winch, NULL);
	sigaction(SIGTSTP, &t->old_tstp, NULL);
	sigaction(SIGTERM, &t->old_term, NULL);
	sigaction(SIGHUP, &t->old_hup, NULL);
}

static void set_modes(struct term *t)
{
	struct termios modes;

	cbreak();
	noecho();
	nonl();
	/* Ctrl-S and Ctrl-Q are keys here; a stopped terminal would look like a hung debugger. */
	if (tcgetattr(STDIN_FILENO, &modes) == 0) {
		modes.c_iflag &= ~(tcflag_t)(IXON | IXOFF);
		tcsetattr(STDIN_FILENO, TCSANOW, &modes);
		def_prog_mode();
	}
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	intrflush(stdscr, FALSE);
	curs_set(0);
	t->mouse = mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL) != 0;
	mouseinterval(0);
}

static struct err *open_screen(struct term *t, const struct theme *theme)
{
	const char *name = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_new(ERR_ENVIRONMENT, "the screen needs a terminal on standard input and "
						"output; use --plain");
	if (tcgetattr(STDIN_FILENO, &t->modes) < 0)
		return err_os(errno, "cannot read the terminal's modes");
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return err_os(errno, "cannot make an event descriptor");
	set_escdelay(ESCAPE_DELAY_MS);
	/* Saved before newterm(), which takes SIGTSTP and SIGWINCH for itself. */
	take_signals(t);
	t->screen = newterm(NULL, stdout, stdin);
	if (!t->screen || !tigetstr("cup") || tigetstr("cup") == (char *)-1)
		return err_new(ERR_ENVIRONMENT,
			       "terminal type '%s' is unknown or cannot move its cursor; set TERM, "
			       "or use --plain",
			       name ? name : "");
	install(SIGWINCH, NULL);
	install(SIGTSTP, NULL);
	set_modes(t);
	set_theme(t, theme);
	return NULL;
}

struct err *term_open(const struct term_config *config, struct term **ret)
{
	const struct theme *theme = &theme_default;
	struct term *t;
	struct err *err;

	ERR_TRY(find_theme(config->theme, &theme));
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_nomem();
	canvas_init(&t->shown);
	err = open_screen(t, theme);
	if (err) {
		term_close(t);
		return err;
	}
	t->redraw = true;
	arm_crash(t);
	*ret = t;
	return NULL;
}

void term_close(struct term *t)
{
	int fd = wake_fd;

	if (!t)
		return;
	if (t->screen) {
		mousemask(0, NULL);
		endwin();
		delscreen(t->screen);
		crash_disarm();
	}
	if (fd >= 0) {
		return_signals(t);
		tcsetattr(STDIN_FILENO, TCSANOW, &t->modes);
		wake_fd = -1;
		close(fd);
	}
	canvas_deinit(&t->shown);
	free(t);
}

int term_input_fd(const struct term *t)
{
	return STDIN_FILENO;
}

int term_signal_fd(const struct term *t)
{
	return wake_fd;
}

static void apply_size(struct term *t)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	t->redraw = true;
}

unsigned int term_signals(struct term *t)
{
	unsigned int signals = 0;
	uint64_t count;

	if (read(wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		t->dead = true;
	if (got_resize) {
		got_resize = 0;
		apply_size(t);
		signals |= TERM_SIGNAL_RESIZE;
	}
	if (got_stop) {
		got_stop = 0;
		signals |= TERM_SIGNAL_STOP;
	}
	if (got_end)
		signals |= TERM_SIGNAL_END;
	return signals;
}

static int special_key(wint_t ch)
{
	static const struct {
		int curses, key;
	} keys[] = {
		{KEY_UP, K_UP},		{KEY_DOWN, K_DOWN},	  {KEY_LEFT, K_LEFT},
		{KEY_RIGHT, K_RIGHT},	{KEY_HOME, K_HOME},	  {KEY_END, K_END},
		{KEY_PPAGE, K_PAGE_UP}, {KEY_NPAGE, K_PAGE_DOWN}, {KEY_IC, K_INSERT},
		{KEY_DC, K_DELETE},	{KEY_BTAB, K_BACKTAB},	  {KEY_BACKSPACE, K_BACKSPACE},
		{KEY_ENTER, K_ENTER},	{KEY_A1, K_HOME},	  {KEY_A3, K_PAGE_UP},
		{KEY_C1, K_END},	{KEY_C3, K_PAGE_DOWN},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == (int)ch)
			return keys[i].key;
	if (ch >= KEY_F(1) && ch <= KEY_F(12))
		return K_F1 + (int)(ch - KEY_F(1));
	return 0;
}

static struct event mouse_event(struct term *t)
{
	struct event event = {EVENT_NONE, 0, 0, 0, 0};
	uint64_t now = host_now();
	MEVENT mouse;

	if (getmouse(&mouse) != OK)
		return event;
	event.row = mouse.y;
	event.col = mouse.x;
	if (mouse.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED)) {
		event.kind = EVENT_WHEEL;
		event.wheel = mouse.bstate & BUTTON4_PRESSED ? -WHEEL_ROWS : WHEEL_ROWS;
		return event;
	}
	event.kind = EVENT_CLICK;
	if (now - t->click_time < DOUBLE_CLICK_NS && mouse.y == t->click_row &&
	    mouse.x == t->click_col) {
		event.kind = EVENT_DOUBLE_CLICK;
		now = 0;
	}
	t->click_time = now;
	t->click_row = mouse.y;
	t->click_col = mouse.x;
	return event;
}

/* curses does not tell "nothing typed" from "the terminal is gone". */
static void check_alive(struct term *t)
{
	struct pollfd fd = {STDIN_FILENO, POLLIN, 0};
	int waiting = 0;

	if (poll(&fd, 1, 0) <= 0)
		return;
	if (fd.revents & (POLLHUP | POLLERR | POLLNVAL))
		t->dead = true;
	else if ((fd.revents & POLLIN) && (ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0 || !waiting))
		t->dead = true;
}

struct event term_read(struct term *t)
{
	struct event event = {EVENT_NONE, 0, 0, 0, 0};
	wint_t ch;
	int kind = get_wch(&ch);

	if (kind == ERR) {
		check_alive(t);
		return event;
	}
	if (kind == KEY_CODE_YES && ch == KEY_MOUSE)
		return mouse_event(t);
	if (kind == KEY_CODE_YES && ch == KEY_RESIZE) {
		event.kind = EVENT_RESIZE;
		return event;
	}
	event.kind = EVENT_KEY;
	event.key = kind == KEY_CODE_YES ? special_key(ch) : (int)ch;
	if (kind != KEY_CODE_YES && (ch == '\r' || ch == '\n'))
		event.key = K_ENTER;
	else if (kind != KEY_CODE_YES && (ch == 0x7f || ch == K_CTRL('h')))
		event.key = K_BACKSPACE;
	return event;
}

void term_size(struct term *t, int *ret_rows, int *ret_cols)
{
	*ret_rows = LINES;
	*ret_cols = COLS;
}

static void show_row(struct term *t, const struct canvas *c, int row)
{
	const struct cell *line = &c->cells[(size_t)row * (size_t)c->cols];
	int col = 0;

	while (col < c->cols) {
		unsigned char role = line[col].role;
		wchar_t text[256];
		int len = 0, start = col;

		while (col < c->cols && line[col].role == role && len < 255) {
			if (line[col].ch)
				text[len++] = line[col].ch;
			col++;
		}
		text[len] = L'\0';
		attr_set(t->attrs[role], t->pairs[role], NULL);
		mvaddnwstr(row, start, text, len);
	}
}

/* Remember what the terminal shows, so that equal rows cost nothing the next time. */
static bool keep_shown(struct term *t, const struct canvas *c)
{
	struct err *err = NULL;

	if (t->shown.rows != c->rows || t->shown.cols != c->cols) {
		err = canvas_resize(&t->shown, c->rows, c->cols);
		t->redraw = true;
	}
	err_free(err);
	return !err;
}

void term_show(struct term *t, const struct canvas *c)
{
	size_t bytes = (size_t)c->cols * sizeof(struct cell);
	bool kept = keep_shown(t, c), all = t->redraw || !kept;

	if (t->redraw)
		clearok(curscr, TRUE);
	for (int row = 0; row < c->rows; row++) {
		size_t at = (size_t)row * (size_t)c->cols;

		if (!all && memcmp(&t->shown.cells[at], &c->cells[at], bytes) == 0)
			continue;
		show_row(t, c, row);
		if (kept)
			memcpy(&t->shown.cells[at], &c->cells[at], bytes);
	}
	t->redraw = false;
	curs_set(c->cursor_row >= 0);
	if (c->cursor_row >= 0)
		move(c->cursor_row, c->cursor_col);
	refresh();
}

void term_redraw(struct term *t)
{
	t->redraw = true;
}

void term_suspend(struct term *t)
{
	struct sigaction fallback = {.sa_handler = SIG_DFL};

	if (t->old_tstp.sa_handler == SIG_IGN)
		return; /* no job control: stopping would be for ever */
	mousemask(0, NULL);
	endwin();
	sigemptyset(&fallback.sa_mask);
	sigaction(SIGTSTP, &fallback, NULL);
	raise(SIGTSTP);
	install(SIGTSTP, NULL);
	reset_prog_mode();
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	apply_size(t);
}

bool term_alive(const struct term *t)
{
	return !t->dead;
}
