// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/def_spec.h"

#include "base/parse.h"
#include "base/str.h"
#include "coord/places.h"
#include "coord/spec_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool names(const char *word, const char *(*name_of)(unsigned int i))
{
	size_t len = strcspn(word, "=");
	const char *name;

	for (unsigned int i = 0; (name = name_of(i)); i++)
		if (strlen(name) == len && strncmp(name, word, len) == 0)
			return true;
	return false;
}

/* What may stand in a definition: knobs of cgroups, then of work. */
static const char *any_name(unsigned int i)
{
	unsigned int knobs = 0;

	while (knobs <= i && cgroup_knob_name(knobs))
		knobs++;
	return i < knobs ? cgroup_knob_name(i) : work_knob_name(i - knobs);
}

static struct err *unknown(const char *word)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	return spec_unknown("unknown knob", name, any_name);
}

/* What is left of `above` inside a cgroup with these knobs. */
static struct err *narrow(const struct cgroup_spec *spec, const struct places *above, struct places *ret)
{
	*ret = *above;
	snprintf(ret->cgroup, sizeof(ret->cgroup), "%s", spec->wire.name);
	for (unsigned int i = 0; i < spec->wire.knob_count; i++) {
		const struct wire_knob *k = &spec->wire.knobs[i];

		if (strcmp(k->file, "cpuset.cpus") == 0)
			ERR_TRY(parse_list(k->value, WIRE_CPUS, ret->usable));
		else if (strcmp(k->file, "cpuset.mems") == 0)
			ERR_TRY(parse_list(k->value, WIRE_NODES, &ret->mems));
	}
	return NULL;
}

static struct err *parse_work(const char *name, unsigned int count, char *const *words,
			      const struct spec_limits *above, struct def_spec *spec)
{
	struct spec_limits limits = *above;
	struct places places;

	if (above->places) {
		ERR_TRY(narrow(&spec->cgroup, above->places, &places));
		limits.places = &places;
	}
	spec->has_work = true;
	return work_spec_parse(name, count, words, &limits, &spec->work);
}

struct err *def_spec_parse(const char *name, unsigned int count, char *const *words,
			   const struct spec_limits *above, struct def_spec *ret)
{
	char **knobs = calloc(2 * (size_t)count + 1, sizeof(*knobs)), **work;
	unsigned int knob_count = 0, work_count = 0;
	struct def_spec spec = {0};
	struct err *err = NULL;

	if (!knobs)
		return err_nomem();
	work = knobs + count;
	for (unsigned int i = 0; i < count && !err; i++)
		if (names(words[i], cgroup_knob_name))
			knobs[knob_count++] = words[i];
		else if (names(words[i], work_knob_name) || !strchr(words[i], '='))
			work[work_count++] = words[i];
		else
			err = unknown(words[i]);
	if (!err)
		err = cgroup_spec_parse(name, knob_count, knobs, above, &spec.cgroup);
	if (!err && work_count)
		err = parse_work(name, work_count, work, above, &spec);
	free(knobs);
	if (!err)
		*ret = spec;
	return err;
}
