/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trigger: the guest stands by itself when something has gone wrong. What has a function of its own in the
 * kernel is a break there, before anything is undone; the rest is looked at in a rhythm of guest time.
 */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/expr.h"
#include "commands/halt_list.h"
#include "commands/trigger_impl.h"

#include <stdlib.h>
#include <string.h>

#define EXPR_EVERY 10000000ull

/* ---- trigger EXPR ---- */

struct watched {
	struct session *session;
	struct expr *expr;
	bool told; /* that it is true: the next time when it has become so again */
};

static void destroy_watched(void *context)
{
	struct watched *w = context;

	expr_destroy(w->expr);
	free(w);
}

static struct err *judge_watched(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct watched *w = context;
	struct expr_context c = expr_session_context(w->session);
	bool holds;

	(void)hit;
	(void)what;
	ERR_TRY(expr_true(w->expr, &c, &holds));
	*stop = holds && !w->told;
	w->told = holds;
	return NULL;
}

static const struct halt_ops watched_ops = {judge_watched, destroy_watched};

static struct err *watch(struct session *s, const char *text, struct trigger_spec *ret)
{
	struct watched *w;
	struct expr *expr;

	ERR_TRY(expr_parse(text, &expr));
	w = calloc(1, sizeof(*w));
	if (!w) {
		expr_destroy(expr);
		return err_nomem();
	}
	*w = (struct watched){s, expr, false};
	ret->halt.context = w;
	ret->halt.ops = &watched_ops;
	ret->halt.every = EXPR_EVERY;
	return NULL;
}

/* ---- any of them ---- */

static struct err *make_idle(struct session *s, const char *text, struct trigger_spec *ret)
{
	uint64_t span;

	ERR_TRY(parse_duration(text, &span));
	if (!span)
		return err_new(ERR_USAGE, "0 is no time");
	return trigger_idle(s, span, ret);
}

static struct err *make(struct session *s, const char *event, struct trigger_spec *ret)
{
	static const char idle[] = "idle-while-runnable ";

	if (trigger_is_event(event))
		return trigger_event(s, event, ret);
	if (strcmp(event, "stall") == 0)
		return trigger_stall(s, ret);
	if (strncmp(event, idle, strlen(idle)) == 0)
		return make_idle(s, event + strlen(idle), ret);
	return watch(s, event, ret);
}

static struct err *run_trigger(struct session *s, const struct command_line *line, struct out *out)
{
	struct trigger_spec spec = {0};
	struct str text = {0};
	struct err *err;

	if (!*line->rest)
		return halt_list(s, "trigger", out);
	str_addf(&text, "trigger %s", line->rest);
	spec.halt.text = str_text(&text);
	spec.halt.places = spec.places;
	err = make(s, line->rest, &spec);
	if (!err)
		err = halt_add(s, &spec.halt, out);
	str_deinit(&text);
	return err;
}

const struct command command_trigger = {
	.name = "trigger",
	.key = "",
	.group = GROUP_CONTROL,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED | CMD_RAW,
	.usage = "trigger [stall|exit|panic|oops|lockup|oom|idle-while-runnable T|EXPR]",
	.summary = "stand when something goes wrong",
	.help = "    stall   a task of sched_ext has waited for more than half the watchdog's time\n"
		"    exit    a scheduler ends with an error: before the kernel takes over\n"
		"    panic, oops, oom    the kernel is about to say so\n"
		"    lockup  the same for soft and hard lockups and RCU stalls; or a busy CPU has taken no tick for "
		"10 s\n"
		"    idle-while-runnable T       a CPU idles for T while a task waits that may use it\n"
		"    EXPR    it becomes true: looked at every 10 ms of guest time, the stall at 4 Hz\n"
		"Without breakpoints (a QEMU newer than 8; --clock real) what has happened is seen up to 10 ms "
		"later.\n"
		"What the guest is stopped by is what `break` describes; guest time counts, so neither a "
		"busy host nor\n"
		"a frozen guest are an alarm. A dump is left (--dump-dir; the screen and the prompt keep the last one as "
		"trigger.json in\n"
		"the state directory). `trigger` alone lists them.",
	.arguments = {{"EVENT", COMPLETE_WORD,
		       "stall|exit|panic|oops|lockup|oom|idle-while-runnable"}},
	.run = run_trigger,
};
