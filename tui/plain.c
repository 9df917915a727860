/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/plain.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/parse.h"
#include "commands/command.h"
#include "commands/completion.h"
#include "commands/halt_list.h"
#include "coord/agent.h"
#include "tui/crash.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#define HISTORY_LINES 2000
/* How often an idle prompt looks after the guest, in milliseconds: counters are sampled then. */
#define IDLE_MS 100

struct plain {
	struct session *session;
	struct out *out;
	char *history;	   /* its file, NULL: nowhere to keep it */
	bool done;	   /* quit, or end of file */
	bool adopted;	   /* the guest's kernel is known */
	bool dead, silent; /* what was already said about guest and agent */
	char prompt[160];
};

/* readline's callbacks have no context: the one prompt of this process, while plain_run() runs. */
static struct plain *current;

/* ---- messages ---- */

/* A line above the prompt, which stays as it is. */
static void say(struct plain *p, const char *fmt, const char *text)
{
	rl_clear_visible_line();
	fprintf(stderr, fmt, text);
	fputc('\n', stderr);
	rl_on_new_line();
	rl_redisplay();
}

static void print_error(struct err *err)
{
	if (!err)
		return;
	fprintf(stderr, "ktdbg: %s\n", err_detail(err));
	err_free(err);
}

/* ---- the prompt's text ---- */

static const char *prompt_text(struct plain *p)
{
	struct coord *coord = session_coord(p->session);
	const char *block = session_open_block(p->session);
	char *to = p->prompt, time[DURATION_TEXT];
	const size_t size = sizeof(p->prompt);

	if (block)
		snprintf(to, size, "%.*s> ", (int)strcspn(block, " \t"), block);
	else if (!coord)
		snprintf(to, size, "ktdbg (no guest)> ");
	else if (machine_state(coord_machine(coord)) == MACHINE_DEAD)
		snprintf(to, size, "ktdbg (dead)> ");
	else
		snprintf(to, size, "ktdbg [%s%s]> ", format_seconds(coord_time(coord), time),
			 coord_frozen(coord) ? " frozen" : "");
	return to;
}

/* ---- completion ---- */

static size_t common_length(const struct completion *c)
{
	size_t common = strlen(c->candidates[0]);

	for (unsigned int i = 1; i < c->count; i++) {
		size_t same = 0;

		while (same < common && c->candidates[i][same] == c->candidates[0][same])
			same++;
		common = same;
	}
	return common;
}

/* As readline wants them: first what all have in common, then all, if there is more than one. Takes
 * the candidates. */
static char **as_matches(struct completion *c)
{
	char **matches = calloc(c->count + 2, sizeof(*matches));

	if (!matches)
		return NULL;
	matches[0] = strndup(c->candidates[0], common_length(c));
	if (c->count == 1)
		return matches;
	memcpy(matches + 1, c->candidates, c->count * sizeof(*matches));
	c->count = 0;
	return matches;
}

static char **complete_line(const char *text, int start, int end)
{
	struct completion c;
	char **matches = NULL;
	struct err *err = completion_find(current->session, rl_line_buffer, (size_t)end, &c);

	if (err) {
		err_free(err);
		return NULL;
	}
	rl_attempted_completion_over = !c.files;
	rl_completion_append_character = c.nospace ? '\0' : ' ';
	if (c.count)
		matches = as_matches(&c);
	completion_deinit(&c);
	return matches;
}

/* ---- lines ---- */

static void run_line(struct plain *p, const char *line)
{
	bool more;

	interrupt_clear();
	print_error(
		session_name_error(p->session, session_execute(p->session, line, p->out, &more)));
	interrupt_clear();
	if (session_quit(p->session))
		p->done = true;
}

/* readline hands over a whole line, NULL at the end of file. */
static void take_line(char *line)
{
	struct plain *p = current;

	/* While a command runs the terminal is as other programs have it, so that Ctrl-C is a
	 * signal. */
	rl_callback_handler_remove();
	if (!line) {
		putchar('\n');
		p->done = true;
		return;
	}
	if (*line) {
		add_history(line);
		run_line(p, line);
	}
	free(line);
	if (!p->done)
		rl_callback_handler_install(prompt_text(p), take_line);
}

/* ---- the loop ---- */

static void tell_death(struct plain *p, struct err *err)
{
	if (!p->dead) {
		p->dead = true;
		rl_set_prompt(prompt_text(p));
		say(p, "ktdbg: %s", err_detail(err));
	}
	err_free(err);
}

static void look_at_agent(struct plain *p, struct coord *coord)
{
	struct agent_health health;

	if (!coord_agent(coord))
		return;
	agent_health(coord_agent(coord), &health);
	if (!health.ok && !p->silent)
		say(p, "ktdbg: agent: %s", health.reason);
	p->silent = !health.ok;
}

/* A kernel that was still booting, or whose memory made no sense yet. */
static void look_at_kernel(struct plain *p, struct coord *coord)
{
	struct kernel *kernel;
	struct err *err = coord_kernel(coord, &kernel);

	p->adopted = !err;
	if (err)
		err_free(err);
	else
		say(p, "adopted: %s", kernel_info(kernel)->release);
}

static void tell_halt(struct plain *p)
{
	char *why = halt_take(p->session);

	if (why) {
		char *dump;

		say(p, "frozen: %s", why);
		dump = halt_dump(p->session, why);
		if (dump)
			say(p, "dumped to %s", dump);
		free(dump);
	}
	free(why);
}

static void look_after_guest(struct plain *p)
{
	struct coord *coord = session_coord(p->session);
	struct err *err;

	if (!coord)
		return;
	err = coord_idle(coord);
	if (err) {
		tell_death(p, err);
		return;
	}
	p->dead = false;
	tell_halt(p);
	if (!p->adopted)
		look_at_kernel(p, coord);
	look_at_agent(p, coord);
}

/* Ctrl-C at the prompt: forget the line, and a block that is open. */
static void drop_line(struct plain *p)
{
	interrupt_clear();
	session_drop_block(p->session);
	rl_callback_sigcleanup();
	rl_free_line_state();
	rl_replace_line("", 0);
	fputs("^C\n", stdout);
	rl_callback_handler_remove();
	rl_callback_handler_install(prompt_text(p), take_line);
}

static struct err *wait_for_input(struct plain *p)
{
	struct coord *coord = session_coord(p->session);
	struct pollfd fds[2] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = coord ? machine_poll_fd(coord_machine(coord)) : -1, .events = POLLIN}};
	int ready = poll(fds, p->dead ? 1 : 2, IDLE_MS);

	if (ready < 0 && errno != EINTR)
		return err_os(errno, "waiting for the terminal");
	if (interrupt_is_final())
		return err_new(ERR_INTERRUPTED, "ended by a signal");
	if (interrupted())
		drop_line(p);
	if (ready > 0 && (fds[0].revents & (POLLHUP | POLLERR)) && !(fds[0].revents & POLLIN))
		return err_new(ERR_INTERRUPTED, "the terminal is gone");
	if (ready > 0 && (fds[0].revents & POLLIN))
		rl_callback_read_char();
	return NULL;
}

static void open_history(struct plain *p)
{
	struct err *err = state_path("history", &p->history);

	if (err) {
		err_free(err);
		return;
	}
	using_history();
	stifle_history(HISTORY_LINES);
	read_history(p->history);
}

static void close_history(struct plain *p)
{
	if (p->history)
		write_history(p->history);
	free(p->history);
}

/* What guest this is, in a line. */
static void greet(struct plain *p)
{
	struct coord *coord = session_coord(p->session);
	const struct machine_info *info = machine_info(coord_machine(coord));
	struct kernel *kernel;
	struct err *err = coord_kernel(coord, &kernel);

	p->adopted = !err;
	printf("Linux %s, %u CPUs, %s, %s clock; try `help`\n",
	       err ? "(not adopted yet)" : kernel_info(kernel)->release,
	       topology_cpus(&info->topology), info->accel == ACCEL_KVM ? "KVM" : "TCG",
	       info->clock == CLOCK_VIRTUAL ? "virtual" : "real");
	err_free(err);
}

/* Set by SIGCONT: the shell has given the terminal its own modes meanwhile. */
static volatile sig_atomic_t continued;

static void on_continue(int signal_number)
{
	(void)signal_number;
	continued = 1;
}

static void take_terminal_back(void)
{
	continued = 0;
	rl_prep_terminal(1);
	rl_forced_update_display();
}

static struct err *loop(struct plain *p)
{
	struct sigaction action = {.sa_handler = on_continue}, old;
	struct termios modes;
	struct err *err = NULL;

	/* A crash gives the terminal back as it was found. */
	if (tcgetattr(STDIN_FILENO, &modes) == 0)
		crash_arm(STDIN_FILENO, &modes, "\n", 1);
	sigaction(SIGCONT, &action, &old);
	rl_callback_handler_install(prompt_text(p), take_line);
	while (!p->done && !err) {
		look_after_guest(p);
		err = wait_for_input(p);
		if (continued)
			take_terminal_back();
	}
	rl_callback_handler_remove();
	sigaction(SIGCONT, &old, NULL);
	crash_disarm();
	/* What follows does not belong on the prompt's line. */
	if (err)
		putchar('\n');
	return err;
}

struct err *plain_run(struct session *s)
{
	struct plain p = {.session = s};
	struct err *err;

	p.out = out_create(session_options(s)->json ? OUT_JSON : OUT_TEXT, out_sink_file, stdout);
	if (!p.out)
		return err_nomem();
	session_set_mode(s, MODE_PROMPT);
	current = &p;
	rl_readline_name = "ktdbg";
	rl_catch_signals = 0;
	rl_attempted_completion_function = complete_line;
	rl_basic_word_break_characters = " \t";
	rl_completer_quote_characters = "\"'";
	open_history(&p);
	err = session_coord(s) ? NULL : session_boot(s);
	if (!err && !session_options(s)->json)
		greet(&p);
	if (!err)
		err = loop(&p);
	close_history(&p);
	current = NULL;
	out_destroy(p.out);
	return err;
}
