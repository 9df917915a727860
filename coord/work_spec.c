// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/work_spec.h"

#include "base/mask.h"
#include "base/parse.h"
#include "coord/cgroup_spec.h"
#include "coord/spec_impl.h"
#include "guest/wire_work.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values of the guest's kernel (include/uapi/linux/sched.h), not of the host's headers. */
enum { POLICY_NORMAL, POLICY_FIFO, POLICY_RR, POLICY_BATCH, POLICY_IDLE = 5, POLICY_DEADLINE, POLICY_EXT };

#define RT_MAX 98 /* 99 is the agent's */

struct err *spec_unknown(const char *said, const char *wanted, const char *(*name)(unsigned int))
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

bool spec_next_piece(const char **rest, char separator, char piece[PIECE])
{
	const char *end = strchr(*rest, separator);
	size_t len = end ? (size_t)(end - *rest) : strlen(*rest);

	if (!**rest)
		return false;
	snprintf(piece, PIECE, "%.*s", (int)(len < PIECE ? len : PIECE - 1), *rest);
	*rest += len + (end != NULL);
	return true;
}

void spec_usable(const struct spec_limits *limits, uint64_t ret[WIRE_CPUS / 64])
{
	memset(ret, 0, WIRE_CPUS / 8);
	if (limits->places)
		memcpy(ret, limits->places->usable, WIRE_CPUS / 8);
	else
		for (unsigned int i = 0; i < limits->cpus && i < WIRE_CPUS; i++)
			mask_set(ret, i);
}

struct err *spec_cpus(const char *list, const struct spec_limits *limits, uint64_t ret[WIRE_CPUS / 64])
{
	uint64_t usable[WIRE_CPUS / 64];
	struct str text = {0};
	struct err *err;

	memset(ret, 0, WIRE_CPUS / 8);
	ERR_TRY(parse_list(list, limits->cpus, ret));
	spec_usable(limits, usable);
	for (unsigned int cpu = 0; cpu < limits->cpus; cpu++) {
		if (!mask_test(ret, cpu) || mask_test(usable, cpu))
			continue;
		mask_list(usable, limits->cpus, &text);
		err = err_new(ERR_USAGE, "CPU %u is not among the usable CPUs %s of %s", cpu, str_text(&text),
			      limits->places->cgroup);
		str_deinit(&text);
		return err;
	}
	return NULL;
}

struct err *spec_need_places(const struct spec_limits *limits, const char *what)
{
	if (limits->places)
		return NULL;
	return err_new(ERR_ABSENT, "%s: where the guest's CPUs are is not known", what);
}

static struct err *parse_workers(const char *value, const struct spec_limits *limits,
				 struct wire_spawn *w)
{
	size_t len = strlen(value);
	uint64_t usable[WIRE_CPUS / 64], n;
	char number[PIECE];

	snprintf(number, sizeof(number), "%s", value);
	if (len && len < sizeof(number) && value[len - 1] == '%') {
		number[len - 1] = '\0';
		ERR_TRY(err_wrap(parse_u64(number, &n), "workers"));
		if (n < 1 || n > 10000)
			return err_new(ERR_USAGE, "workers=%s: from 1%% to 10000%% of the CPUs", value);
		spec_usable(limits, usable);
		n = (n * mask_count(usable, WIRE_CPUS) + 99) / 100;
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

#define DEADLINE_FORM "deadline:RUNTIME[/DEADLINE]/PERIOD, as in deadline:2ms/10ms"
#define DEADLINE_LEAST 1024 /* ns, of the kernel's DL_SCALE */

static struct err *parse_deadline(const char *value, const char *text, struct wire_spawn *w)
{
	uint64_t times[3] = {0};
	char piece[PIECE];
	unsigned int n = 0;

	for (; text && spec_next_piece(&text, '/', piece); n++) {
		if (n == 3)
			return err_new(ERR_USAGE, "policy=%s: " DEADLINE_FORM, value);
		ERR_TRY(err_wrap(parse_duration(piece, &times[n]), "policy=%s", value));
	}
	if (n < 2)
		return err_new(ERR_USAGE, "policy=%s: " DEADLINE_FORM, value);
	w->dl_runtime = times[0];
	w->dl_deadline = times[1];
	w->dl_period = times[n - 1];
	if (w->dl_runtime < DEADLINE_LEAST || w->dl_runtime > w->dl_deadline ||
	    w->dl_deadline > w->dl_period || w->dl_period > 4 * WORK_S)
		return err_new(ERR_USAGE,
			       "policy=%s: RUNTIME at least 1024ns and at most DEADLINE, that at most PERIOD, "
			       "PERIOD at most 4s", value);
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
		return spec_unknown("unknown policy", name, policy_name);
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

static struct err *parse_work(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	return work_type_parse(value, w);
}

static struct err *parse_affinity(const char *value, const struct spec_limits *limits,
				  struct wire_spawn *w)
{
	return place_parse(value, limits, &w->place);
}

static struct err *parse_numa(const char *value, const struct spec_limits *limits, struct wire_spawn *w)
{
	return place_numa(value, limits, &w->place);
}

static struct err *parse_mempolicy(const char *value, const struct spec_limits *limits,
				   struct wire_spawn *w)
{
	return mempolicy_parse(value, w);
}

static struct err *parse_mpolflags(const char *value, const struct spec_limits *limits,
				   struct wire_spawn *w)
{
	return mpolflags_parse(value, w);
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
		return spec_unknown("unknown knob", name, work_knob_name);
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
static struct err *check_whole(const struct wire_spawn *w, const struct spec_limits *limits)
{
	const struct wire_work_type *type = &wire_work_types[w->work.type - 1];

	ERR_TRY(check_number(type, w->workers));
	if (w->nice && w->policy != POLICY_NORMAL && w->policy != POLICY_BATCH &&
	    w->policy != POLICY_EXT && w->policy != POLICY_IDLE)
		return err_new(ERR_USAGE, "nice has no meaning under this policy");
	if (w->policy == POLICY_DEADLINE && w->place.kind != WIRE_PLACE_INHERIT)
		return err_new(ERR_USAGE, "a deadline worker may use every CPU: no affinity, no numa");
	if ((type->flags & WORK_CGROUP) && (w->flags & WIRE_SPAWN_UID) && w->uid)
		return err_new(ERR_USAGE, "work=%s makes cgroups, which only uid=0 may", type->name);
	return mempolicy_check(w, limits);
}

struct err *work_spec_parse(const char *cgroup, unsigned int count, char *const *words,
			    const struct spec_limits *limits, struct work_spec *ret)
{
	struct work_spec spec = {.wire = {.workers = 1, .policy = POLICY_NORMAL}};
	uint32_t seen = 0;

	if (strcmp(cgroup, WIRE_RUNNER) != 0)
		ERR_TRY(cgroup_name_check(cgroup));
	snprintf(spec.wire.cgroup, sizeof(spec.wire.cgroup), "%s", cgroup);
	work_type_default(&wire_work_types[WORK_SPIN - 1], &spec.wire);
	for (unsigned int i = 0; i < count; i++)
		ERR_TRY(parse_word(words[i], limits, &seen, &spec.wire));
	ERR_TRY(check_whole(&spec.wire, limits));
	*ret = spec;
	return NULL;
}
