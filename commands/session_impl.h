/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of a session share: its state and answers (session.c), its guest (session_guest.c), one command
 * run and recorded (session_run.c), and lines taken apart (session_lines.c). For these only.
 */
#ifndef COMMANDS_SESSION_IMPL_H
#define COMMANDS_SESSION_IMPL_H

#include "commands/command.h"
#include "commands/session.h"

/* A command line taken apart. */
struct invocation {
	const struct command *command;
	bool timed;
	uint64_t time;	  /* of the "[SECONDS]" prefix */
	const char *rest; /* after the command's name */
	char *const *block;
	unsigned int block_count;
};

/* A block that waits for its `end`. */
struct open_block {
	char *line; /* the opening line, NULL: none is open */
	char **lines;
	unsigned int count;
};

struct variable {
	char *name;
	struct value value;
};

struct session {
	struct options options;
	struct coord *coord;
	struct source *source; /* of --vmlinux, for the guest of `coord` */
	struct recorder *recorder;
	struct dump *dump;     /* whose instant `coord` shows; NULL: it is a guest */
	struct travel *travel; /* NULL: nobody has travelled */
	enum session_mode mode;
	struct open_block block;
	struct variable *variables;
	unsigned int variable_count;
	struct scenario *scenario;
	void (*progress)(void *context, const char *what);
	void *progress_context;
	const struct screen_ops *screen;
	void *screen_context;
	const struct command *last; /* what the last line named, NULL: nothing */
	bool powered_off;	    /* by the operator: nothing boots by itself any more */
	bool quit;
};

/* Runs what was taken apart, in the window that it needs, and records it. */
struct err *session_run(struct session *s, const struct invocation *in, struct out *out)
	__attribute__((warn_unused_result));
/* Its run() alone, in the caller's window. */
struct err *session_call(struct session *s, const struct invocation *in, struct out *out)
	__attribute__((warn_unused_result));

/* Boots one where there is none; ERR_REFUSED after `poweroff`. */
struct err *session_need_guest(struct session *s) __attribute__((warn_unused_result));
/* With all that belongs to it. */
void session_forget_guest(struct session *s);
void session_forget_variables(struct session *s);

#endif
