/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trigger: the guest stands by itself when something has gone wrong. What has a function of its own in the
 * kernel is a break there, before anything is undone; the rest is looked at in a rhythm of guest time.
 */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/halt_list.h"
#include "commands/moment.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STALL_EVERY 250000000ull /* 4 Hz */
#define EXPR_EVERY 10000000ull
#define IDLE_EVERY_MIN 1000000ull
#define FIRST_ERROR 1024 /* SCX_EXIT_ERROR: ends that are no failure come before */
#define PLACES 8

struct trigger {
	struct moment moment;
	struct expr *expr; /* trigger EXPR, and a condition on a function's arguments */
	/* idle-while-runnable: since when this task has waited beside this idle CPU. */
	uint64_t span, since;
	uint64_t task, switches;
	unsigned int cpu;
};

static void destroy_trigger(void *context)
{
	struct trigger *t = context;

	expr_destroy(t->expr);
	free(t);
}

/* ---- what happens at a function ---- */

static struct err *judge_place(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct trigger *t = context;

	ERR_TRY(moment_test(&t->moment, hit, t->expr, stop));
	if (*stop)
		moment_describe(&t->moment, hit, what);
	return NULL;
}

static const struct halt_ops place_ops = {judge_place, destroy_trigger};

/* What the kernel calls then; the functions that it has of these. */
static const struct known {
	const char *event;
	const char *functions[PLACES];
	bool first; /* only the first that there is: it calls, or is called by, the others */
	const char *condition;
} known[] = {
	{"panic", {"vpanic", "panic"}, true, NULL},
	{"oops", {"oops_enter"}, true, NULL},
	{"lockup",
	 {"scx_softlockup", "scx_hardlockup", "scx_rcu_cpu_stall", "print_cpu_stall",
	  "print_other_cpu_stall", "watchdog_hardlockup_panic"},
	 false,
	 NULL},
	{"oom", {"oom_kill_process", "out_of_memory"}, true, NULL},
	{"exit", {"scx_vexit", "scx_exit_kind", "scx_ops_exit_kind"}, true, "kind >= 1024"},
};
_Static_assert(FIRST_ERROR == 1024, "as in the condition");

static unsigned int find_places(struct kernel *k, const struct known *w, struct trigger *t,
				struct machine_break *ret)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PLACES && w->functions[i] && !(w->first && n); i++) {
		if (!kernel_find_symbol(k, w->functions[i], &ret[n].address))
			continue;
		ret[n].kind = BREAK_ENTRY;
		ret[n++].length = 0;
		err_free(types_variable(kernel_types(k), w->functions[i], &t->moment.prototype));
	}
	return n;
}

static struct err *set_known(struct session *s, const struct known *w, struct trigger *t,
			     struct machine_break *places, struct halt_spec *spec)
{
	struct kernel *kernel;

	ERR_TRY(session_kernel(s, &kernel));
	spec->place_count = find_places(kernel, w, t, places);
	spec->places = places;
	spec->ops = &place_ops;
	if (!spec->place_count)
		return err_new(ERR_ABSENT, "this kernel has no function %s, by which %s is seen",
			       w->functions[0], w->event);
	return w->condition ? expr_parse(w->condition, &t->expr) : NULL;
}

/* ---- what is looked at ---- */

static void describe_task(const struct model_task *task, struct str *s)
{
	str_add_clean(s, task->comm, strlen(task->comm));
	str_addf(s, " (pid %d)", task->pid);
}

static struct err *judge_stall(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct trigger *t = context;
	struct coord *coord = session_coord(t->moment.session);
	const struct model *m;
	struct str damage = {0};
	char waited[DURATION_TEXT], limit[DURATION_TEXT];
	struct kernel *k;
	int64_t age = 0;
	int task = -1;
	struct err *err;

	(void)hit;
	ERR_TRY(coord_kernel(coord, &k));
	ERR_TRY(coord_model(coord, &m));
	if (!m->scx.watchdog_ns.present || strcmp(m->scx.state, "enabled") != 0)
		return NULL;
	err = model_longest_waiting(k, m, &task, &age, &damage);
	str_deinit(&damage);
	if (err || task < 0 || age <= (int64_t)(m->scx.watchdog_ns.value / 2))
		return err;
	*stop = true;
	describe_task(&m->tasks[task], what);
	str_addf(what, " has waited for %s, the watchdog ends the scheduler at %s",
		 format_duration((uint64_t)age, waited),
		 format_duration(m->scx.watchdog_ns.value, limit));
	return NULL;
}

static bool waits(const struct model_task *task)
{
	return task->on_rq && !task->current && task->state == 'R';
}

static bool may_use(struct kernel *k, const struct model *m, unsigned int task, unsigned int cpu)
{
	struct str list = {0};
	bool may = false;

	if (model_task_cpus(k, m, (int)task, &list))
		for (const char *p = str_text(&list); *p && !may; p += strspn(p, ",")) {
			char *end;
			unsigned long from = strtoul(p, &end, 10), to = from;

			if (*end == '-')
				to = strtoul(end + 1, &end, 10);
			may = cpu >= from && cpu <= to;
			if (end == p)
				break;
			p = end;
		}
	str_deinit(&list);
	return may;
}

static bool idles(const struct model *m, unsigned int cpu)
{
	return m->cpus[cpu].online && m->cpus[cpu].idle;
}

/* The pair that is followed is still there: nothing has run on the CPU meanwhile. */
static bool still(const struct trigger *t, const struct model *m)
{
	int i = t->task ? model_find_address(m, t->task) : -1;

	return i >= 0 && waits(&m->tasks[i]) && t->cpu < m->cpu_count && idles(m, t->cpu) &&
	       m->cpus[t->cpu].switches == t->switches;
}

static void follow_another(struct trigger *t, struct kernel *k, const struct model *m)
{
	t->task = 0;
	for (unsigned int i = 0; i < m->task_count; i++)
		for (unsigned int cpu = 0; waits(&m->tasks[i]) && cpu < m->cpu_count; cpu++)
			if (idles(m, cpu) && may_use(k, m, i, cpu)) {
				t->task = m->tasks[i].address;
				t->cpu = cpu;
				t->switches = m->cpus[cpu].switches;
				t->since = m->time;
				return;
			}
}

static struct err *judge_idle(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct trigger *t = context;
	struct coord *coord = session_coord(t->moment.session);
	const struct model *m;
	char text[DURATION_TEXT];
	struct kernel *k;

	(void)hit;
	ERR_TRY(coord_kernel(coord, &k));
	ERR_TRY(coord_model(coord, &m));
	if (!still(t, m))
		follow_another(t, k, m);
	if (!t->task || m->time - t->since < t->span)
		return NULL;
	*stop = true;
	describe_task(&m->tasks[model_find_address(m, t->task)], what);
	str_addf(what, " has waited for %s while CPU %u, which it may use, idles",
		 format_duration(m->time - t->since, text), t->cpu);
	t->task = 0;
	return NULL;
}

static struct err *judge_expr(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct trigger *t = context;
	struct expr_context c = expr_session_context(t->moment.session);

	(void)hit;
	(void)what;
	return expr_true(t->expr, &c, stop);
}

static const struct halt_ops stall_ops = {judge_stall, destroy_trigger};
static const struct halt_ops idle_ops = {judge_idle, destroy_trigger};
static const struct halt_ops expr_ops = {judge_expr, destroy_trigger};

/* ---- making one ---- */

static struct err *set_idle(const char *text, struct trigger *t, struct halt_spec *spec)
{
	ERR_TRY(parse_duration(text, &t->span));
	if (!t->span)
		return err_new(ERR_USAGE, "0 is no time");
	spec->ops = &idle_ops;
	spec->every = t->span / 8 > IDLE_EVERY_MIN ? t->span / 8 : IDLE_EVERY_MIN;
	return NULL;
}

static struct err *set(struct session *s, const char *rest, struct trigger *t,
		       struct machine_break *places, struct halt_spec *spec)
{
	static const char idle[] = "idle-while-runnable ";

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(rest, known[i].event) == 0)
			return set_known(s, &known[i], t, places, spec);
	if (strncmp(rest, idle, strlen(idle)) == 0)
		return set_idle(rest + strlen(idle), t, spec);
	if (strcmp(rest, "stall") == 0) {
		spec->ops = &stall_ops;
		spec->every = STALL_EVERY;
		return NULL;
	}
	spec->ops = &expr_ops;
	spec->every = EXPR_EVERY;
	return expr_parse(rest, &t->expr);
}

static struct err *run_trigger(struct session *s, const struct command_line *line, struct out *out)
{
	struct machine_break places[PLACES];
	struct halt_spec spec = {0};
	struct str text = {0};
	struct trigger *t;
	struct err *err;

	if (!*line->rest)
		return halt_list(s, "trigger", out);
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_nomem();
	t->moment.session = s;
	str_addf(&text, "trigger %s", line->rest);
	spec.text = str_text(&text);
	spec.context = t;
	err = set(s, line->rest, t, places, &spec);
	if (err)
		destroy_trigger(t);
	else
		err = halt_add(s, &spec, out);
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
		"    panic, oops, lockup, oom    the kernel is about to say so\n"
		"    idle-while-runnable T       a CPU idles for T while a task waits that may use it\n"
		"    EXPR    it is true: looked at every 10 ms of guest time, the stall at 4 Hz\n"
		"What the guest is stopped by is what `break` describes; guest time counts, so neither a "
		"busy host nor\n"
		"a frozen guest are an alarm. `trigger` alone lists them.",
	.arguments = {{"EVENT", COMPLETE_WORD,
		       "stall|exit|panic|oops|lockup|oom|idle-while-runnable"}},
	.run = run_trigger,
};
