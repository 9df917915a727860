/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/liveness.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* From here on the kernel's kinds of exit are errors (enum scx_exit_kind). */
#define EXIT_ERROR 1024

const char *death_name(enum death_kind kind)
{
	switch (kind) {
	case DEATH_CRASHED:
		return "crashed";
	case DEATH_EXITED:
		return "exited cleanly";
	default:
		return "died, reason unknown";
	}
}

static void add_status(int status, struct str *s)
{
	if (WIFSIGNALED(status))
		str_addf(s, "its process was killed by signal %d", WTERMSIG(status));
	else
		str_addf(s, "its process ended with status %d", WEXITSTATUS(status));
}

void death_describe(const struct death *d, struct str *s)
{
	if (d->has_exit && d->exit_name[0])
		str_add(s, d->exit_name);
	else if (d->has_exit)
		str_addf(s, "exit kind %" PRIu64, d->exit_kind);
	if (d->message[0]) {
		str_add(s, s->len ? " (" : "(");
		str_add_clean(s, d->message, sizeof(d->message));
		str_add_c(s, ')');
	}
	if (d->has_status) {
		str_add(s, s->len ? ", " : "");
		add_status(d->status, s);
	}
	if (!s->len)
		str_add(s, "neither its process nor the kernel says why");
}

/* The instance alone; false when this kernel could not be adopted or has no sched_ext. */
static bool peek(struct coord *c, uint64_t root, struct model_scx *ret)
{
	struct model_layout *layout;
	struct kernel *k;
	struct err *err = coord_layout(c, &layout);

	if (!err)
		err = coord_kernel(c, &k);
	if (err) {
		err_free(err);
		return false;
	}
	model_peek_scx(k, layout, root, ret);
	return ret->present;
}

void liveness_begin(struct liveness *l, struct coord *c)
{
	struct agent_health health;
	struct model_scx scx;

	agent_health(coord_agent(c), &health);
	*l = (struct liveness){.coord = c, .process = health.scheduler_pid != 0,
			       .exits = health.scheduler_exits};
	memcpy(l->scheduler, health.scheduler, sizeof(health.scheduler));
	if (!peek(c, 0, &scx) || strcmp(scx.state, "enabled") != 0)
		return;
	l->instance = true;
	l->root = scx.root;
	if (!l->scheduler[0])
		memcpy(l->scheduler, scx.ops, sizeof(l->scheduler));
}

bool liveness_watches(const struct liveness *l)
{
	return l->process || l->instance;
}

static void judge(struct death *d)
{
	bool failed = d->has_status && (WIFSIGNALED(d->status) || WEXITSTATUS(d->status));

	if ((d->has_exit && d->exit_kind >= EXIT_ERROR) || failed)
		d->kind = DEATH_CRASHED;
	else if ((d->has_exit && d->exit_kind) || d->has_status)
		d->kind = DEATH_EXITED;
	else
		d->kind = DEATH_UNKNOWN;
}

static void take_status(const struct liveness *l, struct death *d)
{
	struct agent_health health;

	agent_health(coord_agent(l->coord), &health);
	if (health.scheduler_exits == l->exits)
		return;
	d->has_status = true;
	d->status = health.scheduler_status;
}

/* A kind that the kernel has no name for is the remains of something else. */
static void take_exit(const struct model_scx *scx, struct death *d)
{
	if (!scx->exit_kind.present || !scx->exit_kind.value || !scx->exit_kind_name)
		return;
	d->has_exit = true;
	d->exit_kind = scx->exit_kind.value;
	snprintf(d->exit_name, sizeof(d->exit_name), "%s", scx->exit_kind_name);
	memcpy(d->reason, scx->exit_reason, sizeof(d->reason));
	memcpy(d->message, scx->exit_message, sizeof(d->message));
}

/* The end of a scheduler that is being replaced is no death. */
static bool is_changing(const struct liveness *l)
{
	struct agent_health health;

	agent_health(coord_agent(l->coord), &health);
	return health.scheduler_change;
}

bool liveness_look(const struct liveness *l, struct death *ret)
{
	struct death d = {0};
	struct model_scx scx;
	struct str name = {0};
	bool ended = false;

	if (is_changing(l))
		return false;
	take_status(l, &d);
	if (l->instance && peek(l->coord, l->root, &scx)) {
		take_exit(&scx, &d);
		ended = d.has_exit || strcmp(scx.state, "enabled") != 0 || scx.root != l->root;
	}
	if (!d.has_status && !ended)
		return false;
	d.time = coord_time(l->coord);
	str_add_clean(&name, l->scheduler, sizeof(l->scheduler));
	snprintf(d.scheduler, sizeof(d.scheduler), "%s", str_text(&name));
	str_deinit(&name);
	judge(&d);
	*ret = d;
	return true;
}

void liveness_settle(const struct liveness *l, struct death *d)
{
	struct model_scx scx;

	if (!d->has_status)
		take_status(l, d);
	if (!d->has_exit && l->instance && peek(l->coord, l->root, &scx))
		take_exit(&scx, d);
	judge(d);
}
