/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the screen share: the state of the open screen, the ops table of a view, key
 * bindings, and the services that a view may ask for. Private to tui/.
 *
 * A view draws what it was given by a picture (tui/snapshot.h) or by its own sample(), which runs
 * in a frozen window; it never talks to the machine. Whatever changes the guest is a command line,
 * run by screen_execute() and recorded like any other. Threads: the screen's, except for
 * tui/busy.h.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include "base/err.h"
#include "base/str.h"
#include "commands/session.h"
#include "coord/model.h"
#include "tui/canvas.h"
#include "tui/edit.h"
#include "tui/event.h"
#include "tui/layout.h"
#include "tui/snapshot.h"
#include "tui/term.h"

#include <stdbool.h>
#include <stdint.h>

#define SCREEN_MIN_ROWS 24
#define SCREEN_MIN_COLS 80
#define SCREEN_DEPTH 16	 /* views on top of each other */
#define SCREEN_WATCHES 8 /* expressions under `watch` */

struct busy; /* tui/busy.h */
struct screen;
struct view;

/* One action of the screen. The only place where a key has a meaning: dispatch, hints and help use
 * it. */
struct key_binding {
	int keys[3];	  /* 0: no more */
	const char *help; /* one line for `?`; NULL ends a table */
	const char *hint; /* a word or two for the last line; NULL: only in the help */
	void (*run)(struct screen *s, struct view *v);
	const char *command; /* what it runs; not offered while the table has none of that name */
};

enum view_flags {
	VIEW_MODEL = 1 << 0,  /* draws the snapshot */
	VIEW_LISTED = 1 << 1, /* has a place in the first line; open for the whole session */
	VIEW_ROWS = 1 << 2,   /* movement selects rows; without it, it scrolls text */
};

struct view_ops {
	const char *name;		/* of `view NAME` */
	const char *title;		/* in the first line */
	const char *summary;		/* one line for the help */
	unsigned int flags;		/* enum view_flags */
	const struct key_binding *keys; /* its own, beside the common ones */
	/* `argument` may be NULL: a pid, a CPU. */
	struct err *(*open)(struct screen *s, const char *argument, struct view **ret);
	void (*close)(struct view *v);
	/* Read more than the model, in the window in which `live` was taken. May be NULL. */
	struct err *(*sample)(struct view *v, struct screen *s, const struct model *live);
	/* Before drawing: look for news that need no window (console, recording). May be NULL. */
	void (*poll)(struct view *v, struct screen *s);
	void (*draw)(struct view *v, struct screen *s, const struct area *a);
	/* A click in its area; `twice`: a double click. May be NULL: the row is selected. */
	void (*click)(struct view *v, struct screen *s, int row, int col, bool twice);
	/* A search or filter text, also while it is typed (`done` false). May be NULL: no `/`. */
	void (*search)(struct view *v, struct screen *s, const char *text, bool done);
	/* Enter, or a double click on a row. May be NULL. */
	void (*enter)(struct view *v, struct screen *s);
	/* The operator moved the cursor by hand. May be NULL. */
	void (*moved)(struct screen *s, struct view *v);
	/* What stands behind its name in the first line ("task 12 sleeper"). May be NULL. */
	void (*label)(const struct view *v, struct str *s);
};

/* First member of every view's own struct. */
struct view {
	const struct view_ops *ops;
	struct scroll scroll;
	int header_rows; /* rows of the area above the first scrolled one, set by draw() */
};

/* Characters that differ under --ascii. */
struct glyphs {
	const char *open, *closed, *leaf; /* of a tree's nodes */
	wchar_t bar, bar_half, shade, line;
	const char *up, *down, *dot;
};

enum prompt_kind { PROMPT_NONE, PROMPT_COMMAND, PROMPT_SEARCH, PROMPT_CONFIRM, PROMPT_ASK };

struct prompt {
	enum prompt_kind kind;
	char label[64];
	struct edit edit;
	char **candidates; /* of a completion, while they are shown */
	unsigned int candidate_count;
	char before[1024]; /* ASK: the command line up to the text, by which Tab completes it; "" */
	/* ASK: takes the text. CONFIRM: called after `y`. */
	void (*done)(struct screen *s, struct view *v, const char *text);
};

struct watch {
	char *text;
	char value[192];
	bool changed, bad;
};

struct screen {
	struct session *session;
	struct term *term;
	struct canvas canvas;
	struct busy *busy;
	const struct glyphs *glyphs;
	struct sampler sampler;
	char release[80]; /* of the adopted kernel; "" without one */
	char stale[256];  /* why the picture is not the newest; "" when it is */

	const struct view_ops *const *listed; /* NULL terminated */
	struct view *base[16];		      /* opened so far, by place in `listed` */
	unsigned int tab;
	struct view *stack[SCREEN_DEPTH]; /* views above the base one */
	unsigned int depth;

	struct prompt prompt;
	struct history history;
	char *history_path; /* NULL: not kept */
	char message[1024]; /* of the last line */
	enum role message_role;

	struct watch watches[SCREEN_WATCHES];
	unsigned int watch_count;

	int view_row;			   /* of the screen, where the view begins */
	int status_row;			   /* of the screen, the first line below the view */
	bool dirty;			   /* something that is drawn has changed */
	bool sample_now;		   /* do not wait for the next turn */
	uint64_t next_sample, sample_cost; /* host ns */
	uint64_t sampled_epoch;
	uint64_t last_interrupt; /* host_now() of the last idle Ctrl-C */
	bool booting, too_small, done;
	int log_fd;	   /* of -v while the screen is open; -1 */
	char *halted;	   /* why a trigger froze the guest, which is still to be dumped; NULL */
	struct err *error; /* what the screen ends with */
};

struct view *screen_top(const struct screen *s);
/* Show a listed view and leave whatever was open above. With an argument (a CPU, a pid), or when
 * it is not listed: put a new one on top, from which `q` comes back. */
struct err *screen_open(struct screen *s, const struct view_ops *ops, const char *argument)
	__attribute__((warn_unused_result));
struct err *screen_open_name(struct screen *s, const char *name, const char *argument)
	__attribute__((warn_unused_result));
/* The same for use in key handlers: an error goes to the last line. */
void screen_show(struct screen *s, const struct view_ops *ops, const char *argument);
void screen_back(struct screen *s); /* close the top view; at the bottom: quit */

/* Takes `err`; shown in the last line until the next key. */
void screen_error(struct screen *s, struct err *err);
void screen_message(struct screen *s, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Run a command line as if typed; its output becomes the message or the output view. */
void screen_execute(struct screen *s, const char *line);
/* Open the `:` line with this text. */
void screen_edit_command(struct screen *s, const char *text);
/* Ask for one line of text. */
void screen_ask(struct screen *s, const char *label, const char *text,
		void (*done)(struct screen *s, struct view *v, const char *text));
/* The text that is asked for completes as what follows `line` in a command line would. */
void screen_complete_after(struct screen *s, const char *line);
void screen_confirm(struct screen *s, const char *question,
		    void (*done)(struct screen *s, struct view *v, const char *text));

/* Everything that is drawn, onto the canvas. */
void screen_draw(struct screen *s);

/* Take a picture now, in a window of its own; failure marks the old one as stale. */
void screen_sample(struct screen *s);

#endif
