/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/sched_spec.h"

#include <string.h>

const struct wire_sched *sched_find(const char *name)
{
	for (const struct wire_sched *s = wire_schedulers; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static bool has_mode(const struct wire_sched *sched, const char *name)
{
	for (const struct wire_sched_mode *m = sched->modes; m->name; m++)
		if (strcmp(m->name, name) == 0)
			return true;
	return false;
}

static struct err *bad_mode(const struct wire_sched *sched, const char *given)
{
	struct str s = {0};
	struct err *err;

	for (const struct wire_sched_mode *m = sched->modes; m->name; m++)
		str_addf(&s, "%s%s", m == sched->modes ? "" : ", ", m->name);
	if (given)
		err = err_new(ERR_USAGE, "%s has no mode %s; it has %s", sched->name, given, str_text(&s));
	else
		err = err_new(ERR_USAGE, "%s needs a mode: %s", sched->name, str_text(&s));
	str_deinit(&s);
	return err;
}

struct err *sched_check_arguments(const struct wire_sched *sched, unsigned int count,
				  char *const *arguments)
{
	if (!sched->modes && count)
		return err_new(ERR_USAGE, "%s takes no arguments", sched->name);
	if (!sched->modes)
		return NULL;
	if (!count || !has_mode(sched, arguments[0]))
		return bad_mode(sched, count ? arguments[0] : NULL);
	if (count > 1)
		return err_new(ERR_USAGE, "%s takes one mode, not %u words", sched->name, count);
	return NULL;
}

struct err *sched_check_bundled(const char *name, unsigned int count, char *const *arguments)
{
	const struct wire_sched *sched = sched_find(name);
	struct str s = {0};
	struct err *err;

	if (sched)
		return sched_check_arguments(sched, count, arguments);
	for (const struct wire_sched *other = wire_schedulers; other->name; other++)
		str_addf(&s, "%s%s", other == wire_schedulers ? "" : ", ", other->name);
	err = err_new(ERR_USAGE, "no scheduler %s; there is %s, or the PATH of a program", name,
		      str_text(&s));
	str_deinit(&s);
	return err;
}
