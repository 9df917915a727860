/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/show.h"
#include "commands/words.h"
#include "coord/agent.h"
#include "coord/model.h"
#include "coord/sched_spec.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

/* A scheduler and its arguments, as words of a line. */
struct chosen {
	const char *name;
	unsigned int count;
	char *const *arguments;
};

/* What is not bundled may have been packed into the image: the guest knows. */
static struct err *check(const struct chosen *c)
{
	const struct wire_sched *sched = sched_find(c->name);

	return sched ? sched_check_arguments(sched, c->count, c->arguments) : NULL;
}

static void attached(const struct chosen *c, struct out *out)
{
	out_text(out, "%s%s%s attached", c->name, c->count ? " " : "", c->count ? c->arguments[0] : "");
}

static struct err *attach(struct agent *agent, const struct chosen *c, struct out *out)
{
	ERR_TRY(check(c));
	ERR_TRY(agent_sched_attach(agent, c->name, c->count, c->arguments));
	attached(c, out);
	return NULL;
}

static struct err *replace(struct agent *agent, const struct chosen *c, struct out *out)
{
	char old[64], text[DURATION_TEXT];
	uint64_t gap;

	ERR_TRY(check(c));
	ERR_TRY(agent_sched_replace(agent, c->name, c->count, c->arguments, old, &gap));
	attached(c, out);
	if (old[0])
		out_text(out, "%s was detached %s before", old, format_duration(gap, text));
	return NULL;
}

/* What --scheduler named, also when it has ended since. */
static struct err *restart(struct session *s, struct agent *agent, struct out *out)
{
	const char *option = session_options(s)->scheduler;
	struct words words;
	struct chosen c;
	struct err *err;

	if (!option)
		return err_new(ERR_REFUSED, "no scheduler was chosen for the boot: --scheduler NAME|PATH");
	ERR_TRY(words_split(option, &words));
	c = (struct chosen){.name = words.words[0], .count = words.count - 1, .arguments = words.words + 1};
	if (strrchr(c.name, '/'))
		c.name = strrchr(c.name, '/') + 1;
	err = replace(agent, &c, out);
	words_deinit(&words);
	return err;
}

static struct err *detach(struct agent *agent, struct out *out)
{
	ERR_TRY(agent_sched_detach(agent));
	out_text(out, "detached");
	return NULL;
}

/* ---- what there is ---- */

static const struct out_column list_columns[] = {{"scheduler", 0}, {"mode", 0}, {"what", 0}};

static void list(struct out *out)
{
	out_table_begin(out, list_columns, 3);
	for (const struct wire_sched *s = wire_schedulers; s->name; s++) {
		out_row(out, (struct out_value[]){out_string(s->name), out_none(),
						  out_string(s->summary)});
		for (const struct wire_sched_mode *m = s->modes; m && m->name; m++)
			out_row(out, (struct out_value[]){out_string(s->name), out_string(m->name),
							  out_string(m->summary)});
	}
	out_table_end(out);
}

static struct out_value last_end(const struct agent_health *health, struct str *s)
{
	if (!health->scheduler_exits)
		return out_none();
	if (WIFSIGNALED(health->scheduler_status))
		str_addf(s, "killed by signal %d", WTERMSIG(health->scheduler_status));
	else
		str_addf(s, "status %d", WEXITSTATUS(health->scheduler_status));
	return out_string(str_text(s));
}

/* Its process by the agent's word, sched_ext by the kernel's memory: neither needs the guest to run. */
static struct err *status(struct session *s, struct agent *agent, struct out *out)
{
	struct agent_health health;
	const struct model *model;
	struct str end = {0};

	ERR_TRY(coord_model(session_coord(s), &model));
	agent_health(agent, &health);
	out_record_begin(out);
	out_record(out, "state", out_string(model->scx.state));
	out_record(out, "ops", model->scx.ops[0] ? out_string(model->scx.ops) : out_none());
	out_record(out, "enable_seq", show_maybe(model->scx.enable_seq));
	out_record(out, "scheduler", health.scheduler[0] ? out_string(health.scheduler) : out_none());
	out_record(out, "pid", health.scheduler_pid ? out_u64(health.scheduler_pid) : out_none());
	out_record(out, "unasked_ends", out_u64(health.scheduler_exits));
	out_record(out, "last_end", last_end(&health, &end));
	out_record_end(out);
	str_deinit(&end);
	return NULL;
}

static struct err *run_sched(struct session *s, const struct command_line *line, struct out *out)
{
	const char *verb = line->count ? line->words[0] : "";
	struct agent *agent;
	struct chosen c = {0};

	if (line->count == 1 && strcmp(verb, "list") == 0) {
		list(out);
		return NULL;
	}
	ERR_TRY(show_agent(s, &agent));
	if (line->count >= 2)
		c = (struct chosen){line->words[1], line->count - 2, line->words + 2};
	if (c.name && strcmp(verb, "attach") == 0)
		return attach(agent, &c, out);
	if (c.name && strcmp(verb, "replace") == 0)
		return replace(agent, &c, out);
	if (line->count == 1 && strcmp(verb, "restart") == 0)
		return restart(s, agent, out);
	if (line->count == 1 && strcmp(verb, "detach") == 0)
		return detach(agent, out);
	if (line->count == 1 && strcmp(verb, "status") == 0)
		return status(s, agent, out);
	return command_usage(&command_sched);
}

const struct command command_sched = {
	.name = "sched",
	.key = "",
	.group = GROUP_INJECT,
	.flags = CMD_GUEST | CMD_FROZEN | CMD_RECORDED | CMD_WRITES | CMD_AGENT,
	.usage = "sched attach|replace NAME [ARGS] | restart | detach | status | list",
	.summary = "attach, replace or detach a sched_ext scheduler",
	.help = "NAME is a bundled scheduler or a program that --scheduler PATH packed into the guest. Guest "
		"time passes until sched_ext is enabled. `replace` takes the place of whatever is attached, "
		"`restart` does that with the one of --scheduler, also when it has ended.\n"
		"\n"
		"    fifo     one queue for the whole machine, first come, first served\n"
		"    vtime    one queue for the whole machine, ordered by virtual time: fair by weight\n"
		"    percpu   a queue for each CPU, and idle CPUs steal\n"
		"    llc      a queue for each last-level cache\n"
		"    central  one CPU decides what all others run\n"
		"    broken MODE  goes wrong; MODE = strand | affinity | no-kick | starve | wrong-cpu | "
		"init-task | loop | keep-last | race\n"
		"\n"
		"`sched list` says what each mode does, `sched status` whether the scheduler lives.\n"
		"\n"
		"    sched attach vtime\n"
		"    sched replace broken strand",
	.arguments = {{"VERB", COMPLETE_WORD, "attach|replace|restart|detach|status|list"},
		      {"NAME", COMPLETE_SCHEDULER, NULL},
		      {"MODE", COMPLETE_WORD,
		       "strand|affinity|no-kick|starve|wrong-cpu|init-task|loop|keep-last|race"}},
	.run = run_sched,
};
