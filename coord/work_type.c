// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of work and their parameters: `work=TYPE(ARGS)`. */
#include "coord/spec_impl.h"

#include "base/parse.h"
#include "guest/wire_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TYPES (sizeof(wire_work_types) / sizeof(wire_work_types[0]))

const char *work_type_name(unsigned int i)
{
	return i < TYPES ? wire_work_types[i].name : NULL;
}

const char *work_name_of(uint32_t id)
{
	return id >= 1 && id <= TYPES ? wire_work_types[id - 1].name : "?";
}

static void add_params(struct str *s, const struct wire_work_type *type)
{
	char buffer[DURATION_TEXT];

	for (unsigned int i = 0; i < WIRE_WORK_PARAMS && type->params[i].name; i++) {
		const struct wire_param *p = &type->params[i];

		str_addf(s, "%s%s=", i ? "," : "(", p->name);
		if (p->kind == PARAM_TIME)
			str_add(s, format_duration(p->value, buffer));
		else
			str_addf(s, "%" PRIu64, p->value);
	}
	if (type->params[0].name)
		str_add_c(s, ')');
}

void work_spec_help(struct str *s)
{
	for (unsigned int i = 0; i < TYPES; i++) {
		struct str head = {0};

		str_add(&head, wire_work_types[i].name);
		add_params(&head, &wire_work_types[i]);
		str_addf(s, "  %-44s %s\n", str_text(&head), wire_work_types[i].help);
		str_deinit(&head);
	}
}

static struct err *find_type(const char *name, const struct wire_work_type **ret)
{
	for (unsigned int i = 0; i < TYPES; i++)
		if (strcmp(wire_work_types[i].name, name) == 0 ||
		    (wire_work_types[i].alias && strcmp(wire_work_types[i].alias, name) == 0)) {
			*ret = &wire_work_types[i];
			return NULL;
		}
	return spec_unknown("unknown work type", name, work_type_name);
}

static struct err *check_param(const struct wire_work_type *type, const struct wire_param *p,
			       uint64_t value)
{
	char min[DURATION_TEXT], max[DURATION_TEXT];

	if (value >= p->min && value <= p->max)
		return NULL;
	if (p->kind == PARAM_TIME)
		return err_new(ERR_USAGE, "%s(%s): from %s to %s", type->name, p->name,
			       format_duration(p->min, min), format_duration(p->max, max));
	return err_new(ERR_USAGE, "%s(%s): from %" PRIu64 " to %" PRIu64, type->name, p->name, p->min,
		       p->max);
}

static struct err *unknown_param(const struct wire_work_type *type, const char *name)
{
	struct str text = {0};
	struct err *err;

	str_addf(&text, "work type %s has no parameter %s; it takes ", type->name, name);
	if (type->params[0].name)
		add_params(&text, type);
	else
		str_add(&text, "none");
	err = err_new(ERR_USAGE, "%s", str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *parse_value(const struct wire_param *p, const char *text, uint64_t *ret)
{
	switch (p->kind) {
	case PARAM_TIME:
		return parse_duration(text, ret);
	case PARAM_SIZE:
		return parse_size(text, ret);
	default:
		return parse_u64(text, ret);
	}
}

/* "NAME=V", or V alone for the parameter at `position`. */
static struct err *parse_param(const struct wire_work_type *type, unsigned int position,
			       const char *piece, uint64_t *params)
{
	const char *equals = strchr(piece, '=');
	const char *value = equals ? equals + 1 : piece;
	unsigned int i = position;
	struct err *err;

	if (equals)
		for (i = 0; i < WIRE_WORK_PARAMS && type->params[i].name; i++)
			if (strlen(type->params[i].name) == (size_t)(equals - piece) &&
			    strncmp(type->params[i].name, piece, (size_t)(equals - piece)) == 0)
				break;
	if (i >= WIRE_WORK_PARAMS || !type->params[i].name)
		return unknown_param(type, piece);
	err = parse_value(&type->params[i], value, &params[i]);
	if (err)
		return err_wrap(err, "%s(%s)", type->name, type->params[i].name);
	return check_param(type, &type->params[i], params[i]);
}

static struct err *parse_phase(const char *piece, struct wire_work *ret)
{
	const struct wire_work_type *type;
	const char *colon = strchr(piece, ':');
	char name[PIECE];

	if (!colon)
		return err_new(ERR_USAGE, "sequence: a phase is TYPE:DURATION, not %s", piece);
	snprintf(name, sizeof(name), "%.*s", (int)(colon - piece), piece);
	ERR_TRY(find_type(name, &type));
	if (!(type->flags & WORK_PHASE))
		return err_new(ERR_USAGE,
			       "sequence: %s is no phase; there is spin, yield, alu, sleep, io", name);
	*ret = (struct wire_work){.type = type->id};
	ERR_TRY(err_wrap(parse_duration(colon + 1, &ret->params[0]), "sequence: %s", name));
	if (ret->params[0] < 1000 || ret->params[0] > 86400 * WORK_S)
		return err_new(ERR_USAGE, "sequence: %s: a phase lasts from 1us to 86400s", name);
	return NULL;
}

static struct err *parse_sequence(const char *arguments, struct wire_spawn *w)
{
	char piece[PIECE];

	w->phase_count = 0;
	while (spec_next_piece(&arguments, ',', piece)) {
		if (w->phase_count == WIRE_PHASES)
			return err_new(ERR_USAGE, "sequence: at most %u phases", WIRE_PHASES);
		ERR_TRY(parse_phase(piece, &w->phases[w->phase_count]));
		w->phase_count++;
	}
	if (!w->phase_count)
		return err_new(ERR_USAGE, "sequence needs phases: sequence(spin:10ms,sleep:5ms)");
	return NULL;
}

void work_type_default(const struct wire_work_type *type, struct wire_spawn *w)
{
	w->work = (struct wire_work){.type = type->id};
	w->phase_count = 0;
	for (unsigned int i = 0; i < WIRE_WORK_PARAMS && type->params[i].name; i++)
		w->work.params[i] = type->params[i].value;
}

/* TYPE or TYPE(ARGS). */
struct err *work_type_parse(const char *value, struct wire_spawn *w)
{
	const struct wire_work_type *type;
	char name[PIECE], piece[PIECE], arguments[1024] = "";
	const char *bracket = strchr(value, '('), *rest = arguments;
	size_t len = strlen(value);

	if (bracket && (value[len - 1] != ')' || len - (size_t)(bracket - value) > sizeof(arguments)))
		return err_new(ERR_USAGE, "work=%s: the bracket is not closed, or it is too long", value);
	snprintf(name, sizeof(name), "%.*s", (int)(bracket ? bracket - value : PIECE - 1), value);
	if (bracket)
		snprintf(arguments, sizeof(arguments), "%.*s",
			 (int)(value + len - 1 - (bracket + 1)), bracket + 1);
	ERR_TRY(find_type(name, &type));
	work_type_default(type, w);
	if (type->id == WORK_SEQUENCE)
		return parse_sequence(arguments, w);
	for (unsigned int i = 0; spec_next_piece(&rest, ',', piece); i++)
		ERR_TRY(parse_param(type, i, piece, w->work.params));
	return NULL;
}
