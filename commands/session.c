/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/session_impl.h"

#include "commands/recorder.h"
#include "commands/scenario.h"
#include "coord/cold.h"

#include <stdlib.h>
#include <string.h>

struct err *session_create(const struct options *options, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));
	struct err *err;

	if (!s)
		return err_nomem();
	s->options = *options;
	s->mode = MODE_SCRIPT;
	err = recorder_create(&s->recorder);
	if (!err)
		err = scenario_create(&s->scenario);
	if (err) {
		session_destroy(s);
		return err;
	}
	*ret = s;
	return NULL;
}

void session_forget_variables(struct session *s)
{
	for (unsigned int i = 0; i < s->variable_count; i++)
		free(s->variables[i].name);
	free(s->variables);
	s->variables = NULL;
	s->variable_count = 0;
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	session_drop_block(s);
	recorder_destroy(s->recorder);
	session_forget_guest(s);
	scenario_destroy(s->scenario);
	free(s);
}

const struct options *session_options(const struct session *s)
{
	return &s->options;
}

struct coord *session_coord(struct session *s)
{
	return s->coord;
}

struct source *session_source(struct session *s)
{
	return s->source;
}

struct recorder *session_recorder(struct session *s)
{
	return s->recorder;
}

struct scenario *session_scenario(struct session *s)
{
	return s->scenario;
}

bool session_quit(const struct session *s)
{
	return s->quit;
}

void session_set_quit(struct session *s)
{
	s->quit = true;
}

void session_set_progress(struct session *s, void (*progress)(void *context, const char *what),
			  void *context)
{
	s->progress = progress;
	s->progress_context = context;
}

void session_progress(struct session *s, const char *what)
{
	if (s->progress)
		s->progress(s->progress_context, what);
}

void session_set_screen(struct session *s, const struct screen_ops *ops, void *context)
{
	s->screen = ops;
	s->screen_context = context;
}

const struct screen_ops *session_screen(const struct session *s, void **ret_context)
{
	if (s->screen)
		*ret_context = s->screen_context;
	return s->screen;
}

/* ---- variables ---- */

static struct variable *find_variable(const struct session *s, const char *name)
{
	for (unsigned int i = 0; i < s->variable_count; i++)
		if (strcmp(s->variables[i].name, name) == 0)
			return &s->variables[i];
	return NULL;
}

struct err *session_let(struct session *s, const char *name, const struct value *value)
{
	struct variable *v = find_variable(s, name), *grown;

	if (v) {
		v->value = *value;
		return NULL;
	}
	grown = reallocarray(s->variables, s->variable_count + 1, sizeof(*grown));
	if (!grown)
		return err_nomem();
	s->variables = grown;
	v = &grown[s->variable_count];
	*v = (struct variable){.name = strdup(name), .value = *value};
	if (!v->name)
		return err_nomem();
	s->variable_count++;
	return NULL;
}

bool session_variable(struct session *s, const char *name, struct value *ret)
{
	struct variable *v = find_variable(s, name);
	struct cold_reply reply;

	if (v) {
		*ret = v->value;
		return true;
	}
	if (!s->coord || !cold_find_tag(coord_cold(s->coord), name, &reply))
		return false;
	*ret = reply.value;
	return true;
}

void session_names_each(struct session *s, bool (*visit)(void *context, const char *name),
			void *context)
{
	for (unsigned int i = 0; i < s->variable_count; i++)
		if (!visit(context, s->variables[i].name))
			return;
}
