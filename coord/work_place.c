// SPDX-License-Identifier: GPL-2.0-or-later
/* Where workers run and where their memory comes from: affinity=, numa=, mempolicy=, mpolflags=. */
#include "coord/spec_impl.h"

#include "base/mask.h"
#include "base/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- CPUs ---- */

#define RANDOM_FORM "random(POOL,N[,seed=S]), as in random(0-7,2)"

/* "all" or a list of usable CPUs. */
static struct err *parse_pool(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	if (strcmp(text, "all") != 0)
		return spec_cpus(text, limits, p->cpus);
	spec_usable(limits, p->cpus);
	return NULL;
}

static struct err *place_inherit(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	p->kind = WIRE_PLACE_INHERIT;
	for (unsigned int cpu = 0; cpu < limits->cpus && cpu < WIRE_CPUS; cpu++)
		mask_set(p->cpus, cpu);
	return NULL;
}

static struct err *place_all(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	return parse_pool("all", limits, p);
}

static struct err *place_exact(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	return spec_cpus(text, limits, p->cpus);
}

static struct err *place_each(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	p->kind = WIRE_PLACE_EACH;
	return parse_pool(*text ? text : "all", limits, p);
}

static struct err *place_single(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	uint64_t usable[WIRE_CPUS / 64];

	if (*text) {
		ERR_TRY(spec_cpus(text, limits, p->cpus));
		if (mask_count(p->cpus, WIRE_CPUS) != 1)
			return err_new(ERR_USAGE, "one CPU, as in single:2");
		return NULL;
	}
	spec_usable(limits, usable);
	mask_set(p->cpus, mask_next(usable, WIRE_CPUS, 0) % WIRE_CPUS);
	return NULL;
}

/* "POOL,N" with ",seed=S" behind it: POOL is a list that has commas itself. */
static struct err *place_random(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	char pool[PIECE], *seed, *comma;
	uint64_t n;

	if (snprintf(pool, sizeof(pool), "%s", text) >= PIECE)
		return err_new(ERR_USAGE, RANDOM_FORM);
	p->kind = WIRE_PLACE_RANDOM;
	p->seed = 1;
	seed = strstr(pool, ",seed=");
	if (seed) {
		*seed = '\0';
		ERR_TRY(err_wrap(parse_u64(seed + strlen(",seed="), &p->seed), "seed"));
	}
	comma = strrchr(pool, ',');
	if (!comma)
		return err_new(ERR_USAGE, RANDOM_FORM);
	*comma = '\0';
	ERR_TRY(parse_u64(comma + 1, &n));
	ERR_TRY(parse_pool(pool, limits, p));
	if (n < 1 || n > mask_count(p->cpus, WIRE_CPUS))
		return err_new(ERR_USAGE, "from 1 to %u CPUs of this pool, not %" PRIu64,
			       mask_count(p->cpus, WIRE_CPUS), n);
	p->count = (uint32_t)n;
	return NULL;
}

/* LLCs that have usable CPUs are counted from 0: worker I gets those of LLC I mod that many. */
static struct err *place_llcs(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	const struct places *places = limits->places;
	uint16_t group[PLACES_CPUS];

	ERR_TRY(spec_need_places(limits, "llc-aligned"));
	spec_usable(limits, p->cpus);
	p->kind = WIRE_PLACE_GROUP;
	memset(group, 0xff, sizeof(group));
	for (unsigned int cpu = 0; cpu < places->cpus; cpu++) {
		if (!mask_test(p->cpus, cpu))
			continue;
		if (group[places->llc[cpu]] == UINT16_MAX)
			group[places->llc[cpu]] = (uint16_t)p->count++;
		p->group[cpu] = group[places->llc[cpu]];
	}
	return NULL;
}

/* Workers 2I and 2I + 1 on the two hardware threads of the I-th core that has two. */
static struct err *place_pairs(const char *text, const struct spec_limits *limits, struct wire_place *p)
{
	const struct places *places = limits->places;
	uint64_t usable[WIRE_CPUS / 64];

	ERR_TRY(spec_need_places(limits, "smt-pair"));
	spec_usable(limits, usable);
	p->kind = WIRE_PLACE_GROUP;
	for (unsigned int cpu = 0; cpu < places->cpus; cpu++) {
		unsigned int other = mask_next(usable, places->cpus, cpu + 1);

		while (other < places->cpus && places->core[other] != places->core[cpu])
			other = mask_next(usable, places->cpus, other + 1);
		if (!mask_test(usable, cpu) || mask_test(p->cpus, cpu) || other >= places->cpus)
			continue;
		mask_set(p->cpus, cpu);
		mask_set(p->cpus, other);
		p->group[cpu] = (uint16_t)p->count++;
		p->group[other] = (uint16_t)p->count++;
	}
	if (!p->count)
		return err_new(ERR_USAGE, "no core here has two usable hardware threads (--topology ...2t)");
	return NULL;
}

/* An argument comes behind a colon or in brackets. */
enum argument { NEVER, MAYBE, ALWAYS };

static const struct intent {
	const char *name;
	enum argument argument;
	struct err *(*parse)(const char *text, const struct spec_limits *limits, struct wire_place *p);
} intents[] = {
	{"inherit", NEVER, place_inherit},  {"all", NEVER, place_all},
	{"single", MAYBE, place_single},    {"exact", ALWAYS, place_exact},
	{"each", MAYBE, place_each},        {"random", ALWAYS, place_random},
	{"llc-aligned", NEVER, place_llcs}, {"smt-pair", NEVER, place_pairs},
};

const char *work_intent_name(unsigned int i)
{
	return i < sizeof(intents) / sizeof(intents[0]) ? intents[i].name : NULL;
}

/* "NAME", "NAME:TEXT" and "NAME(TEXT)". */
static struct err *split_intent(const char *value, char name[PIECE], char text[PIECE])
{
	size_t len = strcspn(value, ":("), rest = strlen(value) - len;

	snprintf(name, PIECE, "%.*s", (int)(len < PIECE ? len : PIECE - 1), value);
	text[0] = '\0';
	if (!rest)
		return NULL;
	if (rest > PIECE || (value[len] == '(' && value[len + rest - 1] != ')'))
		return err_new(ERR_USAGE, "the bracket is not closed, or it is too long");
	snprintf(text, PIECE, "%.*s", (int)(rest - (value[len] == '(' ? 2 : 1)), value + len + 1);
	return NULL;
}

static struct err *parse_intent(const char *value, const struct spec_limits *limits, struct wire_place *p)
{
	char name[PIECE], text[PIECE];

	if (*value >= '0' && *value <= '9')
		return spec_cpus(value, limits, p->cpus);
	ERR_TRY(split_intent(value, name, text));
	for (unsigned int i = 0; work_intent_name(i); i++) {
		if (strcmp(intents[i].name, name) != 0)
			continue;
		if (intents[i].argument == NEVER && *text)
			return err_new(ERR_USAGE, "%s takes no CPUs", name);
		if (intents[i].argument == ALWAYS && !*text)
			return err_new(ERR_USAGE, "which CPUs? as in %s",
				       intents[i].parse == place_random ? RANDOM_FORM : "exact:0-1");
		return intents[i].parse(text, limits, p);
	}
	return spec_unknown("a list such as 0-3, or a word; no", name, work_intent_name);
}

struct err *place_parse(const char *intent, const struct spec_limits *limits, struct wire_place *ret)
{
	struct wire_place p = {.kind = WIRE_PLACE_ALL};

	ERR_TRY(err_wrap(parse_intent(intent, limits, &p), "affinity=%s", intent));
	*ret = p;
	return NULL;
}

struct err *affinity_parse(const char *intent, const struct spec_limits *limits, struct wire_affinity *ret)
{
	struct wire_affinity a = {0};

	ERR_TRY(place_parse(intent, limits, &a.place));
	*ret = a;
	return NULL;
}

struct err *place_numa(const char *value, const struct spec_limits *limits, struct wire_place *ret)
{
	struct wire_place p = {.kind = WIRE_PLACE_ALL};
	uint64_t node;

	ERR_TRY(err_wrap(parse_u64(value, &node), "numa"));
	if (node >= limits->nodes)
		return err_new(ERR_USAGE, "numa=%s: the guest has node 0%s", value,
			       limits->nodes > 1 ? " and above, but not this one" : " only");
	ERR_TRY(spec_need_places(limits, "numa"));
	for (unsigned int cpu = 0; cpu < limits->places->cpus; cpu++)
		if (mask_test(limits->places->usable, cpu) && limits->places->node[cpu] == node)
			mask_set(p.cpus, cpu);
	if (!mask_count(p.cpus, WIRE_CPUS))
		return err_new(ERR_USAGE, "numa=%s: no usable CPU of %s is there", value,
			       limits->places->cgroup);
	*ret = p;
	return NULL;
}

/* ---- memory ---- */

/* Of the guest's kernel (include/uapi/linux/mempolicy.h). */
enum { MEM_DEFAULT, MEM_PREFERRED, MEM_BIND, MEM_INTERLEAVE, MEM_LOCAL, MEM_PREFERRED_MANY, MEM_WEIGHTED };
#define MEM_STATIC (1u << 15)
#define MEM_RELATIVE (1u << 14)
#define MEM_BALANCING (1u << 13)
#define MEM_FLAGS (MEM_STATIC | MEM_RELATIVE | MEM_BALANCING)

static const struct {
	const char *name;
	uint32_t mode;
	bool nodes;
} mempolicies[] = {
	{"default", MEM_DEFAULT, false},          {"local", MEM_LOCAL, false},
	{"bind", MEM_BIND, true},                 {"preferred", MEM_PREFERRED, true},
	{"preferred-many", MEM_PREFERRED_MANY, true},
	{"interleave", MEM_INTERLEAVE, true},     {"weighted-interleave", MEM_WEIGHTED, true},
};

static const char *mempolicy_name(unsigned int i)
{
	return i < sizeof(mempolicies) / sizeof(mempolicies[0]) ? mempolicies[i].name : NULL;
}

struct err *mempolicy_parse(const char *value, struct wire_spawn *w)
{
	const char *colon = strchr(value, ':');
	uint64_t mask[1024 / 64] = {0};
	char name[PIECE];
	unsigned int i;

	snprintf(name, sizeof(name), "%.*s", (int)(colon ? colon - value : PIECE - 1), value);
	for (i = 0; mempolicy_name(i) && strcmp(mempolicy_name(i), name) != 0; i++)
		;
	if (!mempolicy_name(i))
		return spec_unknown("unknown mempolicy", name, mempolicy_name);
	if (mempolicies[i].nodes != (colon != NULL))
		return colon ? err_new(ERR_USAGE, "mempolicy=%s: this one takes no nodes", value)
			     : err_new(ERR_USAGE, "mempolicy=%s: which nodes? as in %s:0", value,
				       value);
	if (colon)
		ERR_TRY(err_wrap(parse_list(colon + 1, WIRE_NODES, mask), "mempolicy=%s", value));
	w->mempolicy = (w->mempolicy & MEM_FLAGS) | mempolicies[i].mode;
	w->mem_nodes = mask[0];
	w->flags |= WIRE_SPAWN_MEMPOLICY;
	return NULL;
}

static const struct {
	const char *name;
	uint32_t bit;
} mpolflags[] = {{"static", MEM_STATIC}, {"relative", MEM_RELATIVE}, {"numa-balancing", MEM_BALANCING}};

static const char *mpolflag_name(unsigned int i)
{
	return i < sizeof(mpolflags) / sizeof(mpolflags[0]) ? mpolflags[i].name : NULL;
}

/* A name, or a number with no bits but those that have names. */
static struct err *parse_flag(const char *text, uint32_t *flags)
{
	uint64_t bits;

	for (unsigned int i = 0; mpolflag_name(i); i++)
		if (strcmp(mpolflags[i].name, text) == 0) {
			*flags |= mpolflags[i].bit;
			return NULL;
		}
	if (*text < '0' || *text > '9')
		return spec_unknown("unknown mpolflags", text, mpolflag_name);
	ERR_TRY(err_wrap(parse_u64(text, &bits), "mpolflags"));
	if (bits & ~(uint64_t)MEM_FLAGS)
		return err_new(ERR_USAGE,
			       "mpolflags=%s: unknown bits 0x%" PRIx64
			       "; there is static 0x8000, relative 0x4000, numa-balancing 0x2000",
			       text, bits & ~(uint64_t)MEM_FLAGS);
	*flags |= (uint32_t)bits;
	return NULL;
}

struct err *mpolflags_parse(const char *value, struct wire_spawn *w)
{
	uint32_t flags = 0;
	char piece[PIECE];

	while (spec_next_piece(&value, ',', piece))
		ERR_TRY(parse_flag(piece, &flags));
	if ((flags & MEM_STATIC) && (flags & MEM_RELATIVE))
		return err_new(ERR_USAGE, "mpolflags: static and relative exclude each other");
	w->mempolicy = (w->mempolicy & ~MEM_FLAGS) | flags;
	return NULL;
}

static struct err *check_exist(const struct wire_spawn *w, uint64_t exist)
{
	struct str text = {0};
	struct err *err;

	if (!(w->mem_nodes & ~exist))
		return NULL;
	mask_list(&exist, WIRE_NODES, &text);
	err = err_new(ERR_USAGE, "mempolicy: there is no node %u with memory; there is %s",
		      (unsigned int)__builtin_ctzll(w->mem_nodes & ~exist), str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *check_covered(const struct wire_spawn *w, const struct places *places)
{
	uint64_t both = places->mems | w->mem_nodes;
	struct str has = {0}, needs = {0};
	struct err *err;

	if (both == places->mems)
		return NULL;
	mask_list(&places->mems, WIRE_NODES, &has);
	mask_list(&both, WIRE_NODES, &needs);
	err = err_new(ERR_USAGE,
		      "mempolicy: node %u is not among the nodes %s of %s's cpuset: widen that with mems=%s, or "
		      "say how nodes are meant with mpolflags=static (as they are) or relative (counted "
		      "within the cpuset)",
		      (unsigned int)__builtin_ctzll(w->mem_nodes & ~places->mems), str_text(&has),
		      places->cgroup, str_text(&needs));
	str_deinit(&has);
	str_deinit(&needs);
	return err;
}

struct err *mempolicy_check(const struct wire_spawn *w, const struct spec_limits *limits)
{
	uint32_t mode = w->mempolicy & ~MEM_FLAGS;
	uint64_t exist = limits->places ? limits->places->memory
			 : limits->nodes < 64 ? (1ULL << limits->nodes) - 1 : UINT64_MAX;

	if ((w->mempolicy & MEM_FLAGS) && !w->mem_nodes)
		return err_new(ERR_USAGE, "mpolflags needs a mempolicy with nodes");
	if ((w->mempolicy & MEM_BALANCING) && mode != MEM_BIND && mode != MEM_PREFERRED_MANY)
		return err_new(ERR_USAGE, "mpolflags=numa-balancing goes with bind and preferred-many only");
	if (w->mempolicy & MEM_RELATIVE)
		return NULL;
	ERR_TRY(check_exist(w, exist));
	if ((w->mempolicy & MEM_STATIC) || !limits->places)
		return NULL;
	return check_covered(w, limits->places);
}
