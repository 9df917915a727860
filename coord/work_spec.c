// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/work_spec.h"

#include "base/parse.h"
#include "coord/cgroup_spec.h"
#include "guest/wire_work.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES (sizeof(wire_work_types) / sizeof(wire_work_types[0]))
#define PIECE 160 /* bytes of a knob's value that make sense */

/* Values of the guest's kernel (include/uapi/linux/sched.h, mempolicy.h), not of the host's headers. */
enum { POLICY_NORMAL, POLICY_FIFO, POLICY_RR, POLICY_BATCH, POLICY_IDLE = 5, POLICY_DEADLINE, POLICY_EXT };
enum { MEM_DEFAULT, MEM_PREFERRED, MEM_BIND, MEM_INTERLEAVE, MEM_LOCAL };
#define MEM_STATIC (1u << 15)
#define MEM_RELATIVE (1u << 14)

#define RT_MAX 98 /* 99 is the agent's */

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

/* "SAID; there is A, B, C; near: B" with `detail` as SAID. Consumes nothing. */
static struct err *unknown(const char *said, const char *wanted, const char *(*name)(unsigned int))
{
	struct str text = {0};
	struct nearest near;
	struct err *err;

	nearest_init(&near, wanted);
	str_addf(&text, "%s %s; there is ", said, wanted);
	for (unsigned int i = 0; name(i); i++) {
		str_addf(&text, "%s%s", i ? ", " : "", name(i));
		nearest_offer(&near, name(i));
	}
	nearest_add(&near, &text);
	err = err_new(ERR_USAGE, "%s", str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *find_type(const char *name, const struct wire_work_type **ret)
{
	for (unsigned int i = 0; i < TYPES; i++)
		if (strcmp(wire_work_types[i].name, name) == 0 ||
		    (wire_work_types[i].alias && strcmp(wire_work_types[i].alias, name) == 0)) {
			*ret = &wire_work_types[i];
			return NULL;
		}
	return unknown("unknown work type", name, work_type_name);
}

/* Cuts the next piece of a list off `*rest`; false at the end. `piece` has PIECE bytes. */
static bool next_piece(const char **rest, char separator, char piece[PIECE])
{
	const char *end = strchr(*rest, separator);
	size_t len = end ? (size_t)(end - *rest) : strlen(*rest);

	if (!**rest)
		return false;
	snprintf(piece, PIECE, "%.*s", (int)(len < PIECE ? len : PIECE - 1), *rest);
	*rest += len + (end != NULL);
	return true;
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
	err = type->params[i].kind == PARAM_TIME ? parse_duration(value, &params[i])
						 : parse_u64(value, &params[i]);
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
	while (next_piece(&arguments, ',', piece)) {
		if (w->phase_count == WIRE_PHASES)
			return err_new(ERR_USAGE, "sequence: at most %u phases", WIRE_PHASES);
		ERR_TRY(parse_phase(piece, &w->phases[w->phase_count]));
		w->phase_count++;
	}
	if (!w->phase_count)
		return err_new(ERR_USAGE, "sequence needs phases: sequence(spin:10ms,sleep:5ms)");
	return NULL;
}

static void set_type(const struct wire_work_type *type, struct wire_spawn *w)
{
	w->work = (struct wire_work){.type = type->id};
	w->phase_count = 0;
	for (unsigned int i = 0; i < WIRE_WORK_PARAMS && type->params[i].name; i++)
		w->work.params[i] = type->params[i].value;
}

/* TYPE or TYPE(ARGS). */
static struct err *parse_work(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
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
	set_type(type, w);
	if (type->id == WORK_SEQUENCE)
		return parse_sequence(arguments, w);
	for (unsigned int i = 0; next_piece(&rest, ',', piece); i++)
		ERR_TRY(parse_param(type, i, piece, w->work.params));
	return NULL;
}

static struct err *parse_workers(const char *value, const struct spec_limits *limits,
				 struct wire_spawn *w)
{
	size_t len = strlen(value);
	char number[PIECE];
	uint64_t n;

	snprintf(number, sizeof(number), "%s", value);
	if (len && len < sizeof(number) && value[len - 1] == '%') {
		number[len - 1] = '\0';
		ERR_TRY(err_wrap(parse_u64(number, &n), "workers"));
		if (n < 1 || n > 10000)
			return err_new(ERR_USAGE, "workers=%s: from 1%% to 10000%% of the CPUs", value);
		n = (n * limits->cpus + 99) / 100;
	} else {
		ERR_TRY(err_wrap(parse_u64(value, &n), "workers"));
	}
	if (n < 1 || n > WIRE_WORKERS)
		return err_new(ERR_USAGE, "workers=%s: from 1 to %u", value, WIRE_WORKERS);
	w->workers = (uint32_t)n;
	return NULL;
}

static struct err *parse_priority(const char *value, const char *text, struct wire_spawn *w)
{
	uint64_t n = 1;

	if (text)
		ERR_TRY(err_wrap(parse_u64(text, &n), "policy=%s", value));
	if (n < 1 || n > RT_MAX)
		return err_new(ERR_USAGE, "policy=%s: a priority from 1 to %d", value, RT_MAX);
	w->rt_priority = (uint32_t)n;
	return NULL;
}

static struct err *parse_deadline(const char *value, const char *text, struct wire_spawn *w)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	char runtime[PIECE];

	if (!slash)
		return err_new(ERR_USAGE, "policy=%s: deadline:RUNTIME/PERIOD, as in deadline:2ms/10ms",
			       value);
	snprintf(runtime, sizeof(runtime), "%.*s", (int)(slash - text), text);
	ERR_TRY(err_wrap(parse_duration(runtime, &w->dl_runtime), "policy=%s", value));
	ERR_TRY(err_wrap(parse_duration(slash + 1, &w->dl_period), "policy=%s", value));
	w->dl_deadline = w->dl_period;
	if (w->dl_runtime < 1024 || w->dl_runtime > w->dl_period || w->dl_period > 4 * WORK_S)
		return err_new(ERR_USAGE,
			       "policy=%s: RUNTIME at least 1024ns and at most PERIOD, PERIOD at most 4s",
			       value);
	return NULL;
}

static const struct {
	const char *name;
	uint32_t policy;
} policies[] = {
	{"normal", POLICY_NORMAL}, {"other", POLICY_NORMAL}, {"batch", POLICY_BATCH},
	{"idle", POLICY_IDLE},     {"ext", POLICY_EXT},      {"fifo", POLICY_FIFO},
	{"rr", POLICY_RR},         {"deadline", POLICY_DEADLINE},
};

static const char *policy_name(unsigned int i)
{
	return i < sizeof(policies) / sizeof(policies[0]) ? policies[i].name : NULL;
}

static struct err *parse_policy(const char *value, const struct spec_limits *limits,
				struct wire_spawn *w)
{
	const char *colon = strchr(value, ':'), *text = colon ? colon + 1 : NULL;
	char name[PIECE];
	unsigned int i;

	snprintf(name, sizeof(name), "%.*s", (int)(colon ? colon - value : PIECE - 1), value);
	for (i = 0; policy_name(i) && strcmp(policy_name(i), name) != 0; i++)
		;
	if (!policy_name(i))
		return unknown("unknown policy", name, policy_name);
	w->policy = policies[i].policy;
	w->rt_priority = 0;
	w->dl_runtime = w->dl_deadline = w->dl_period = 0;
	if (w->policy == POLICY_FIFO || w->policy == POLICY_RR)
		return parse_priority(value, text, w);
	if (w->policy == POLICY_DEADLINE)
		return parse_deadline(value, text, w);
	if (colon)
		return err_new(ERR_USAGE, "policy=%s: %s takes no number", value, name);
	return NULL;
}

static struct err *parse_nice(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	int64_t n;

	ERR_TRY(err_wrap(parse_s64(value, &n), "nice"));
	if (n < -20 || n > 19)
		return err_new(ERR_USAGE, "nice=%s: from -20 to 19", value);
	w->nice = (int32_t)n;
	return NULL;
}

/* INTENT into mask and flags. */
static struct err *parse_intent(const char *value, const struct spec_limits *limits,
				uint64_t cpus[WIRE_CPUS / 64], uint32_t *flags)
{
	const char *list = value;

	memset(cpus, 0, WIRE_CPUS / 8);
	*flags &= ~(uint32_t)WIRE_SPAWN_EACH_CPU;
	*flags |= WIRE_SPAWN_AFFINITY;
	if (strcmp(value, "each") == 0 || str_starts(value, "each:")) {
		*flags |= WIRE_SPAWN_EACH_CPU;
		list = value[4] ? value + 5 : "all";
	}
	if (strcmp(list, "all") == 0) {
		for (unsigned int i = 0; i < limits->cpus && i < WIRE_CPUS; i++)
			cpus[i / 64] |= 1ULL << i % 64;
		return NULL;
	}
	return err_wrap(parse_list(list, limits->cpus, cpus),
			"affinity=%s (a list such as 0-%u, all, each or each:LIST)", value,
			limits->cpus - 1);
}

static struct err *parse_affinity(const char *value, const struct spec_limits *limits,
				  struct wire_spawn *w)
{
	return parse_intent(value, limits, w->cpus, &w->flags);
}

struct err *affinity_parse(const char *intent, const struct spec_limits *limits, struct wire_affinity *ret)
{
	struct wire_affinity a = {0};

	ERR_TRY(parse_intent(intent, limits, a.cpus, &a.flags));
	*ret = a;
	return NULL;
}

static struct err *parse_comm(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	size_t len = strlen(value);

	if (!len || len >= WIRE_COMM)
		return err_new(ERR_USAGE, "comm=%s: from 1 to %u bytes", value, WIRE_COMM - 1);
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 127)
			return err_new(ERR_USAGE, "comm: no blanks and no control bytes");
	memset(w->comm, 0, sizeof(w->comm));
	memcpy(w->comm, value, len);
	return NULL;
}

static struct err *parse_id(const char *knob, const char *value, uint32_t *ret)
{
	uint64_t n;

	ERR_TRY(err_wrap(parse_u64(value, &n), "%s", knob));
	if (n >= UINT32_MAX)
		return err_new(ERR_USAGE, "%s=%s: at most %u", knob, value, UINT32_MAX - 1);
	*ret = (uint32_t)n;
	return NULL;
}

static struct err *parse_uid(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	w->flags |= WIRE_SPAWN_UID;
	return parse_id("uid", value, &w->uid);
}

static struct err *parse_gid(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	w->flags |= WIRE_SPAWN_GID;
	return parse_id("gid", value, &w->gid);
}

static struct err *parse_clone(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	if (strcmp(value, "thread") == 0)
		w->flags |= WIRE_SPAWN_THREADS;
	else if (strcmp(value, "fork") == 0)
		w->flags &= ~(uint32_t)WIRE_SPAWN_THREADS;
	else
		return err_new(ERR_USAGE, "clone=%s: fork or thread", value);
	return NULL;
}

static struct err *parse_numa(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	uint64_t n;

	ERR_TRY(err_wrap(parse_u64(value, &n), "numa"));
	if (n >= limits->nodes)
		return err_new(ERR_USAGE, "numa=%s: the guest has node 0%s", value,
			       limits->nodes > 1 ? " and above, but not this one" : " only");
	w->numa = (uint32_t)n;
	w->flags |= WIRE_SPAWN_NUMA;
	return NULL;
}

static const struct {
	const char *name;
	uint32_t mode;
	bool nodes;
} mempolicies[] = {
	{"default", MEM_DEFAULT, false},    {"local", MEM_LOCAL, false},
	{"bind", MEM_BIND, true},           {"preferred", MEM_PREFERRED, true},
	{"interleave", MEM_INTERLEAVE, true},
};

static const char *mempolicy_name(unsigned int i)
{
	return i < sizeof(mempolicies) / sizeof(mempolicies[0]) ? mempolicies[i].name : NULL;
}

static struct err *parse_mempolicy(const char *value, const struct spec_limits *limits,
				   struct wire_spawn *w)
{
	const char *colon = strchr(value, ':');
	uint64_t mask[1024 / 64] = {0};
	char name[PIECE];
	unsigned int i;

	snprintf(name, sizeof(name), "%.*s", (int)(colon ? colon - value : PIECE - 1), value);
	for (i = 0; mempolicy_name(i) && strcmp(mempolicy_name(i), name) != 0; i++)
		;
	if (!mempolicy_name(i))
		return unknown("unknown mempolicy", name, mempolicy_name);
	if (mempolicies[i].nodes != (colon != NULL))
		return err_new(ERR_USAGE, "mempolicy=%s: %s", value,
			       colon ? "this one takes no nodes" : "which nodes? as in bind:0");
	if (colon)
		ERR_TRY(err_wrap(parse_list(colon + 1, limits->nodes < WIRE_NODES ? limits->nodes : WIRE_NODES,
					    mask), "mempolicy=%s", value));
	w->mempolicy = (w->mempolicy & (MEM_STATIC | MEM_RELATIVE)) | mempolicies[i].mode;
	w->mem_nodes = mask[0];
	w->flags |= WIRE_SPAWN_MEMPOLICY;
	return NULL;
}

static struct err *parse_mpolflags(const char *value, const struct spec_limits *limits,
				   struct wire_spawn *w)
{
	w->mempolicy &= ~(MEM_STATIC | MEM_RELATIVE);
	if (strcmp(value, "static") == 0)
		w->mempolicy |= MEM_STATIC;
	else if (strcmp(value, "relative") == 0)
		w->mempolicy |= MEM_RELATIVE;
	else
		return err_new(ERR_USAGE, "mpolflags=%s: static or relative", value);
	return NULL;
}

static const struct {
	const char *name;
	struct err *(*parse)(const char *value, const struct spec_limits *limits, struct wire_spawn *w);
} knobs[] = {
	{"workers", parse_workers}, {"work", parse_work},           {"policy", parse_policy},
	{"nice", parse_nice},       {"affinity", parse_affinity},   {"mempolicy", parse_mempolicy},
	{"mpolflags", parse_mpolflags}, {"comm", parse_comm},       {"uid", parse_uid},
	{"gid", parse_gid},         {"numa", parse_numa},           {"clone", parse_clone},
};
#define KNOBS (sizeof(knobs) / sizeof(knobs[0]))

const char *work_knob_name(unsigned int i)
{
	return i < KNOBS ? knobs[i].name : NULL;
}

static struct err *parse_word(const char *word, const struct spec_limits *limits, uint32_t *seen,
			      struct wire_spawn *w)
{
	const char *equals = strchr(word, '=');
	char name[PIECE];
	unsigned int i;

	if (!equals)
		return err_new(ERR_USAGE, "%s: a knob is NAME=VALUE", word);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word < PIECE ? equals - word : PIECE - 1), word);
	for (i = 0; i < KNOBS && strcmp(knobs[i].name, name) != 0; i++)
		;
	if (i == KNOBS)
		return unknown("unknown knob", name, work_knob_name);
	if (*seen & 1u << i)
		return err_new(ERR_USAGE, "%s is given twice", name);
	*seen |= 1u << i;
	return knobs[i].parse(equals + 1, limits, w);
}

static struct err *check_number(const struct wire_work_type *type, uint32_t workers)
{
	if (type->group == 2 && workers % 2)
		return err_new(ERR_USAGE, "work=%s needs an even number of workers, not %u", type->name,
			       workers);
	if (type->group && workers % type->group)
		return err_new(ERR_USAGE, "work=%s needs workers in groups of %u, not %u", type->name,
			       type->group, workers);
	if (workers < type->least)
		return err_new(ERR_USAGE, "work=%s needs at least %u workers, not %u", type->name,
			       type->least, workers);
	return NULL;
}

/* What can only be judged when all words are known. */
static struct err *check_whole(const struct wire_spawn *w)
{
	const struct wire_work_type *type = &wire_work_types[w->work.type - 1];

	ERR_TRY(check_number(type, w->workers));
	if (w->nice && w->policy != POLICY_NORMAL && w->policy != POLICY_BATCH &&
	    w->policy != POLICY_EXT && w->policy != POLICY_IDLE)
		return err_new(ERR_USAGE, "nice has no meaning under this policy");
	if ((w->flags & WIRE_SPAWN_NUMA) && (w->flags & WIRE_SPAWN_AFFINITY))
		return err_new(ERR_USAGE, "numa and affinity exclude each other");
	if (w->policy == POLICY_DEADLINE && (w->flags & (WIRE_SPAWN_NUMA | WIRE_SPAWN_AFFINITY)))
		return err_new(ERR_USAGE, "a deadline worker may use every CPU: no affinity, no numa");
	if ((w->mempolicy & (MEM_STATIC | MEM_RELATIVE)) && !w->mem_nodes)
		return err_new(ERR_USAGE, "mpolflags needs a mempolicy with nodes");
	return NULL;
}

struct err *work_spec_parse(const char *cgroup, unsigned int count, char *const *words,
			    const struct spec_limits *limits, struct work_spec *ret)
{
	struct work_spec spec = {.wire = {.workers = 1, .policy = POLICY_NORMAL}};
	uint32_t seen = 0;

	if (strcmp(cgroup, WIRE_RUNNER) != 0)
		ERR_TRY(cgroup_name_check(cgroup));
	snprintf(spec.wire.cgroup, sizeof(spec.wire.cgroup), "%s", cgroup);
	set_type(&wire_work_types[WORK_SPIN - 1], &spec.wire);
	for (unsigned int i = 0; i < count; i++)
		ERR_TRY(parse_word(words[i], limits, &seen, &spec.wire));
	ERR_TRY(check_whole(&spec.wire));
	*ret = spec;
	return NULL;
}
