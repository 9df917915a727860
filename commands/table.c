/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/command.h"

#include "commands/expr.h"

#include <string.h>

#define COMMAND_ENTRY(name) &command_##name,
const struct command *const command_table[] = {COMMANDS(COMMAND_ENTRY) NULL};

static struct err *ambiguous(const char *name)
{
	struct str s = {0};
	struct err *err;

	for (unsigned int i = 0; command_table[i]; i++)
		if (str_starts(command_table[i]->name, name))
			str_addf(&s, "%s%s", s.len ? ", " : "", command_table[i]->name);
	err = err_new(ERR_USAGE, "'%s' is short for several commands: %s", name, str_text(&s));
	str_deinit(&s);
	return err;
}

static struct err *unknown(const char *name)
{
	struct nearest near;
	struct str clean = {0}, s = {0};
	struct err *err;

	nearest_init(&near, name);
	for (unsigned int i = 0; command_table[i]; i++)
		nearest_offer(&near, command_table[i]->name);
	nearest_add(&near, &s);
	str_add_clean(&clean, name, 64);
	err = err_new(ERR_USAGE, "no command '%s'%s; `help` lists them", str_text(&clean),
		      str_text(&s));
	str_deinit(&clean);
	str_deinit(&s);
	return err;
}

struct err *command_find(const char *name, const struct command **ret)
{
	const struct command *found = NULL;
	unsigned int matches = 0;

	for (unsigned int i = 0; name[0] && command_table[i]; i++) {
		if (strcmp(command_table[i]->name, name) == 0) {
			*ret = command_table[i];
			return NULL;
		}
		if (str_starts(command_table[i]->name, name)) {
			found = command_table[i];
			matches++;
		}
	}
	if (matches == 0)
		return unknown(name);
	if (matches > 1)
		return ambiguous(name);
	*ret = found;
	return NULL;
}

bool command_opens_block(const struct command *command, const char *rest)
{
	return (command->flags & CMD_BLOCK) && (command != &command_step || strchr(rest, '='));
}

struct err *command_check_expression(const char *rest, const char **ret_at)
{
	struct expr *e;

	ERR_TRY(expr_parse(rest, &e));
	expr_destroy(e);
	return NULL;
}

struct err *command_usage(const struct command *command)
{
	return err_new(ERR_USAGE, "usage: %s", command->usage);
}
