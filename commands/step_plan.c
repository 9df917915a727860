/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/step_plan.h"

#include "base/parse.h"
#include "commands/expr.h"
#include "commands/show.h"
#include "commands/words.h"
#include "coord/agent.h"
#include "coord/def_spec.h"
#include "coord/places.h"
#include "coord/scope.h"
#include "coord/work_spec.h"

#include <stdlib.h>
#include <string.h>

/* ---- how long ---- */

/* "frac:F": a bare number of seconds and one of thousand millions are written alike. */
static struct err *parse_fraction(const char *text, uint64_t duration, uint64_t *ret)
{
	uint64_t part = 0;
	struct err *err = NULL;

	if (!*text || text[strspn(text, "0123456789.")])
		err = err_new(ERR_USAGE, "no number");
	else
		err = parse_duration(text, &part);
	if (err || !part || part > 1000000000) {
		err_free(err);
		return err_new(ERR_USAGE, "frac:%s: a fraction above 0 and up to 1, as in frac:0.5", text);
	}
	*ret = (uint64_t)((unsigned __int128)duration * part / 1000000000);
	return NULL;
}

static struct err *parse_time(const char *text, uint64_t duration, uint64_t *ret)
{
	if (strcmp(text, "full") == 0) {
		*ret = duration;
		return NULL;
	}
	if (str_starts(text, "frac:"))
		return parse_fraction(text + strlen("frac:"), duration, ret);
	return parse_duration(text, ret);
}

/* Where the value of `key=` goes; NULL: no such key. */
static struct err *parse_word(const char *word, uint64_t duration, const char *keys[3],
			      uint64_t values[3], bool given[3])
{
	for (unsigned int i = 0; i < 3; i++) {
		size_t len = strlen(keys[i]);

		if (strncmp(word, keys[i], len) != 0)
			continue;
		if (given[i])
			return err_new(ERR_USAGE, "%.*s is given twice", (int)len - 1, keys[i]);
		given[i] = true;
		return err_wrap(parse_time(word + len, duration, &values[i]), "%.*s", (int)len - 1,
				keys[i]);
	}
	return err_new(ERR_USAGE, "%s: a step has hold=T|frac:F|full, or loop=T for=T", word);
}

struct err *hold_parse(unsigned int count, char *const *words, uint64_t duration, struct hold *ret)
{
	enum { HOLD, LOOP, FOR };
	const char *keys[3] = {"hold=", "loop=", "for="};
	uint64_t values[3] = {0};
	bool given[3] = {false};

	for (unsigned int i = 0; i < count; i++)
		ERR_TRY(parse_word(words[i], duration, keys, values, given));
	if (given[HOLD] == given[LOOP])
		return err_new(ERR_USAGE, "a step has one of hold=T|frac:F|full and loop=T for=T");
	if (given[LOOP] != given[FOR])
		return err_new(ERR_USAGE, "loop=T and for=T go together");
	if (given[LOOP] && (!values[LOOP] || !values[FOR]))
		return err_new(ERR_USAGE, "a loop step takes time, and so does each turn");
	*ret = (struct hold){given[LOOP] ? values[FOR] : values[HOLD], values[LOOP]};
	return NULL;
}

/* ---- what ---- */

/* "def NAME WORDS" as the command that makes it. */
static char *as_command(const struct words *words)
{
	struct str s = {0};

	str_add(&s, "cgroup add");
	for (unsigned int i = 1; i < words->count; i++) {
		str_add_c(&s, ' ');
		words_quote(&s, words->words[i]);
	}
	return str_take(&s);
}

struct parser {
	struct agent *agent;
	struct str cgroups; /* that exist, one a line */
	struct plan *plan;
};

/* A cgroup that is to be made or set, `words` behind its name, with or without work. */
static struct err *check_cgroup(const struct parser *p, const char *name, unsigned int count,
				char *const *words)
{
	struct spec_limits limits;
	struct places places;
	struct def_spec spec;

	ERR_TRY(agent_limits_above(p->agent, name, &places, &limits));
	return def_spec_parse(name, count, words, &limits, &spec);
}

static struct err *check_work(const struct parser *p, const char *name, unsigned int count,
			      char *const *words)
{
	struct spec_limits limits;
	struct places places;
	struct work_spec spec;

	ERR_TRY(agent_limits(p->agent, name, &places, &limits));
	return work_spec_parse(name, count, words, &limits, &spec);
}

/* Whether the cgroup is there, or a def before this one makes it. */
static bool is_taken(const struct parser *p, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = str_text(&p->cgroups); *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strcspn(at, "\n") == len && strncmp(at, name, len) == 0)
			return true;
	return false;
}

static struct err *parse_def(struct parser *p, const struct words *words, struct plan_line *line)
{
	const char *name = words->count > 1 ? words->words[1] : "";

	if (words->count < 2)
		return err_new(ERR_USAGE, "usage: def NAME [KNOB=V...] [WORK...]");
	if (is_taken(p, name))
		return err_new(ERR_REFUSED, "cgroup %s exists already", name);
	ERR_TRY(check_cgroup(p, name, words->count - 2, words->words + 2));
	line->part = PLAN_DEF;
	line->command = &command_cgroup;
	line->text = as_command(words);
	str_addf(&p->cgroups, "%s\n", name);
	return line->text ? str_error(&p->cgroups) : err_nomem();
}

static bool verb_is(const struct words *words, const char *verb)
{
	return words->count > 1 && strcmp(words->words[1], verb) == 0;
}

static struct err *check_affinity(const struct parser *p, const struct words *words)
{
	struct wire_affinity affinity;
	struct spec_limits limits;
	struct places places;

	if (words->count != 3)
		return command_usage(&command_affinity);
	ERR_TRY(agent_limits(p->agent, words->words[1], &places, &limits));
	return affinity_parse(words->words[2], &limits, &affinity);
}

/* What would be refused however the guest is by then. */
static struct err *check_op(const struct parser *p, const struct command *command,
			    const struct words *words)
{
	if (command == &command_spawn && words->count > 1)
		return check_work(p, words->words[1], words->count - 2, words->words + 2);
	if (command == &command_affinity)
		return check_affinity(p, words);
	if (command == &command_cgroup && words->count > 2 && (verb_is(words, "add") || verb_is(words, "set")))
		return check_cgroup(p, words->words[2], words->count - 3, words->words + 3);
	if (command == &command_payload && words->count > 2 && verb_is(words, "run"))
		return scope_check_program(p->agent, words->words[2]);
	return NULL;
}

/* Commands that are no ops: they begin or end what a step lives in, or are about something else. */
static bool may_be_op(const struct command *c)
{
	static const struct command *const others[] = {&command_wait, &command_let, &command_note};

	if (c->flags & (CMD_BLOCK | CMD_SCREEN_ONLY) || !(c->flags & CMD_RECORDED))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i] == c)
			return true;
	return (c->group == GROUP_INSPECT || c->group == GROUP_INJECT || c->group == GROUP_CHANGE) &&
	       c != &command_scenario;
}

static struct err *parse_op(const struct parser *p, const char *text, const struct words *words,
			    struct plan_line *line)
{
	ERR_TRY(command_find(words->words[0], &line->command));
	line->part = PLAN_OP;
	if (line->command == &command_expect)
		line->part = PLAN_EXPECT;
	else if (!may_be_op(line->command))
		return err_new(ERR_USAGE, "`%s` cannot be part of a step", line->command->name);
	else if (line->command == &command_payload && verb_is(words, "run"))
		line->part = PLAN_PAYLOAD;
	line->text = strdup(text);
	if (!line->text)
		return err_nomem();
	return check_op(p, line->command, words);
}

/* An expectation is taken as it stands: its quotes belong to the expression. */
static struct err *parse_expectation(const char *text, struct plan_line *line)
{
	const char *rest;
	struct expr *e;

	words_first(text, &rest);
	ERR_TRY(expr_parse(rest, &e));
	expr_destroy(e);
	line->part = PLAN_EXPECT;
	line->command = &command_expect;
	line->text = strdup(text);
	return line->text ? NULL : err_nomem();
}

static bool first_is(const char *text, const char *word)
{
	const char *rest;

	return words_first(text, &rest) == strlen(word) && str_starts(text, word);
}

static struct err *parse_line(struct parser *p, const char *text, struct plan_line *line)
{
	struct words words;
	struct err *err;

	if (text[0] == '[')
		return err_new(ERR_USAGE, "a line of a block has no time of its own");
	if (first_is(text, "expect"))
		return parse_expectation(text, line);
	ERR_TRY(words_split(text, &words));
	if (!words.count)
		err = err_new(ERR_USAGE, "an empty line");
	else if (strcmp(words.words[0], "def") == 0)
		err = parse_def(p, &words, line);
	else
		err = parse_op(p, text, &words, line);
	words_deinit(&words);
	return err;
}

static struct err *parse_lines(struct parser *p, char *const *lines, unsigned int count)
{
	ERR_TRY(agent_cgroup_list(p->agent, &p->cgroups));
	for (unsigned int i = 0; i < count; i++) {
		struct plan_line *line = &p->plan->lines[p->plan->count++];

		*line = (struct plan_line){.number = i + 1};
		ERR_TRY(err_wrap(parse_line(p, lines[i], line), "line %u", i + 1));
	}
	return NULL;
}

struct err *plan_parse(struct session *s, char *const *lines, unsigned int count, struct plan *ret)
{
	struct plan plan = {.lines = calloc(count + 1, sizeof(*plan.lines))};
	struct parser p = {.plan = &plan};
	struct err *err;

	if (!plan.lines)
		return err_nomem();
	err = show_agent(s, &p.agent);
	if (!err)
		err = parse_lines(&p, lines, count);
	str_deinit(&p.cgroups);
	if (err)
		plan_deinit(&plan);
	else
		*ret = plan;
	return err;
}

void plan_deinit(struct plan *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		free(p->lines[i].text);
	free(p->lines);
	*p = (struct plan){0};
}

bool plan_changes_scheduler(const struct plan *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		if (p->lines[i].command == &command_sched)
			return true;
	return false;
}
