// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/cgroup_spec.h"

#include "base/mask.h"
#include "base/parse.h"
#include "coord/spec_impl.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct err *cgroup_name_check(const char *name)
{
	bool start = true;

	if (!*name || strlen(name) >= WIRE_CGROUP_NAME)
		return err_new(ERR_USAGE, "a cgroup's name has from 1 to %u characters", WIRE_CGROUP_NAME - 1);
	for (const char *p = name; *p; p++) {
		if ((*p == '/' && (start || !p[1])) || (*p == '.' && start) ||
		    !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/", *p))
			return err_new(ERR_USAGE,
				       "\"%s\" is no name of a cgroup: letters, digits, _ . - and / between parts",
				       name);
		start = *p == '/';
	}
	return NULL;
}

struct knob {
	const char *name; /* the operator's */
	const char *file; /* the kernel's */
	struct err *(*parse)(const struct knob *k, const char *value, const struct spec_limits *limits,
			     char ret[sizeof(((struct wire_knob *)0)->value)]);
};

#define VALUE sizeof(((struct wire_knob *)0)->value)

#define CPUSET_FORMS                                                                               \
	"LIST, exact:LIST, llc:I, numa:N, range:A-B as in range:0-0.5, disjoint:I/N or overlap:I/N:F"

/* A fraction from 0 to 1 with at most six digits behind the point, in millionths. */
static bool parse_fraction(const char **text, uint64_t *ret)
{
	uint64_t value = 0, unit = 100000;
	const char *p = *text;

	if (*p != '0' && *p != '1')
		return false;
	value = (uint64_t)(*p++ - '0') * 1000000;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9' && unit; p++, unit /= 10)
			value += (uint64_t)(*p - '0') * unit;
		if (p[-1] == '.')
			return false;
	}
	*text = p;
	*ret = value;
	return value <= 1000000;
}

/* Part of the usable CPUs: the first'th and those behind it, up to but without the end'th. */
struct part {
	uint64_t first, end;
};

static struct err *parse_range(const char *text, uint64_t cpus, struct part *ret)
{
	uint64_t from, to;

	if (!parse_fraction(&text, &from) || *text++ != '-' || !parse_fraction(&text, &to) || *text)
		return err_new(ERR_USAGE, "two fractions from 0 to 1, as in range:0.25-0.75");
	*ret = (struct part){from * cpus / 1000000, to * cpus / 1000000};
	return NULL;
}

/* "I/N", and for `overlap` ":F": the I-th of N equal parts, made longer by F of its length. */
static struct err *parse_part(const char *text, bool overlap, uint64_t cpus, struct part *ret)
{
	const char *example = overlap ? "overlap:0/2:0.5" : "disjoint:0/2";
	unsigned int part, parts;
	uint64_t more = 0;
	int used = 0;

	if (sscanf(text, "%4u/%4u%n", &part, &parts, &used) != 2 || !used)
		return err_new(ERR_USAGE, "which part of how many? as in %s", example);
	text += used;
	if (overlap && (*text++ != ':' || !parse_fraction(&text, &more)))
		return err_new(ERR_USAGE, "by how much of a part? a fraction from 0 to 1, as in %s", example);
	if (*text || !parts || part >= parts)
		return err_new(ERR_USAGE, "parts are counted from 0 and there is at least one, as in %s",
			       example);
	*ret = (struct part){part * cpus / parts, (part + 1) * cpus / parts};
	ret->end += (ret->end - ret->first) * more / 1000000;
	return NULL;
}

static void take_part(const uint64_t *usable, const struct part *part, uint64_t mask[WIRE_CPUS / 64])
{
	unsigned int cpu = mask_next(usable, WIRE_CPUS, 0);

	for (uint64_t n = 0; cpu < WIRE_CPUS && n < part->end; n++) {
		if (n >= part->first)
			mask_set(mask, cpu);
		cpu = mask_next(usable, WIRE_CPUS, cpu + 1);
	}
}

/* The usable CPUs of LLC or node `number`. */
static struct err *take_place(const char *what, const char *number, unsigned int count,
			      const uint16_t *place, const struct places *places,
			      uint64_t mask[WIRE_CPUS / 64])
{
	uint64_t n;

	ERR_TRY(parse_u64(number, &n));
	if (n >= count)
		return err_new(ERR_USAGE, "there is %s 0%s", what,
			       count > 1 ? " and above, but not this one" : " only");
	for (unsigned int cpu = 0; cpu < places->cpus; cpu++)
		if (place[cpu] == n && mask_test(places->usable, cpu))
			mask_set(mask, cpu);
	return NULL;
}

static struct err *parse_cpus(const char *value, const struct spec_limits *limits,
			      uint64_t mask[WIRE_CPUS / 64])
{
	const struct places *places = limits->places;
	uint64_t usable[WIRE_CPUS / 64], count;
	struct part part = {0};

	spec_usable(limits, usable);
	count = mask_count(usable, WIRE_CPUS);
	if (str_starts(value, "exact:") || !strchr(value, ':'))
		return spec_cpus(value + (strchr(value, ':') ? strlen("exact:") : 0), limits, mask);
	if (str_starts(value, "llc:") || str_starts(value, "numa:"))
		ERR_TRY(spec_need_places(limits, value));
	if (str_starts(value, "llc:"))
		ERR_TRY(take_place("LLC", value + 4, places->llcs, places->llc, places, mask));
	else if (str_starts(value, "numa:"))
		ERR_TRY(take_place("node", value + 5, places->nodes, places->node, places, mask));
	else if (str_starts(value, "range:"))
		ERR_TRY(parse_range(value + 6, count, &part));
	else if (str_starts(value, "disjoint:"))
		ERR_TRY(parse_part(value + 9, false, count, &part));
	else if (str_starts(value, "overlap:"))
		ERR_TRY(parse_part(value + 8, true, count, &part));
	else
		return err_new(ERR_USAGE, "there is " CPUSET_FORMS);
	take_part(usable, &part, mask);
	if (!mask_count(mask, WIRE_CPUS))
		return err_new(ERR_USAGE, "this is none of the %" PRIu64 " usable CPUs", count);
	return NULL;
}

/* The set as the kernel's file takes it. */
static struct err *put_list(const struct knob *k, const char *given, const uint64_t *mask,
			    unsigned int bits, char ret[VALUE])
{
	struct str list = {0};
	struct err *err = NULL;

	mask_list(mask, bits, &list);
	if (list.len >= VALUE)
		err = err_new(ERR_USAGE, "%s=%s: the list is too long", k->name, given);
	else
		strcpy(ret, str_text(&list));
	str_deinit(&list);
	return err;
}

static struct err *parse_cpuset(const struct knob *k, const char *value, const struct spec_limits *limits,
				char ret[VALUE])
{
	uint64_t mask[WIRE_CPUS / 64] = {0};

	ERR_TRY(err_wrap(parse_cpus(value, limits, mask), "%s=%s", k->name, value));
	return put_list(k, value, mask, WIRE_CPUS, ret);
}

static struct err *parse_nodes(const struct knob *k, const char *value, const struct spec_limits *limits,
			       char ret[VALUE])
{
	const struct places *places = limits->places;
	uint64_t mask[1024 / 64] = {0};
	struct str text = {0};
	struct err *err;

	ERR_TRY(err_wrap(parse_list(value, limits->nodes, mask), "%s", k->name));
	if (!places || !(mask[0] & ~places->mems))
		return put_list(k, value, mask, WIRE_NODES, ret);
	mask_list(&places->mems, WIRE_NODES, &text);
	err = err_new(ERR_USAGE, "%s=%s: %s has the memory of nodes %s", k->name, value, places->cgroup,
		      str_text(&text));
	str_deinit(&text);
	return err;
}

static struct err *parse_weight(const struct knob *k, const char *value, const struct spec_limits *limits,
				char ret[VALUE])
{
	uint64_t n;

	ERR_TRY(err_wrap(parse_u64(value, &n), "%s", k->name));
	if (n < 1 || n > 10000)
		return err_new(ERR_USAGE, "%s=%s: from 1 to 10000", k->name, value);
	snprintf(ret, VALUE, "%s%" PRIu64, strcmp(k->file, "io.weight") == 0 ? "default " : "", n);
	return NULL;
}

#define CPU_MAX_FORMS "QUOTA/PERIOD as in 20ms/100ms, P% of one CPU as in 150%, or max"

static struct err *parse_percent(const char *value, uint64_t *ret_quota)
{
	char number[32];
	uint64_t n;

	snprintf(number, sizeof(number), "%.*s", (int)(strlen(value) - 1), value);
	ERR_TRY(parse_u64(number, &n));
	if (n < 1 || n > 102400)
		return err_new(ERR_USAGE, "%s: from 1%% to 102400%%", value);
	*ret_quota = n * 1000; /* us of a period of 100 ms */
	return NULL;
}

/* Microseconds, as the kernel has them: quota at least 1 ms, period from 1 ms to 1 s. */
static struct err *parse_cpu_max(const struct knob *k, const char *value, const struct spec_limits *limits,
				 char ret[VALUE])
{
	const char *slash = strchr(value, '/');
	uint64_t quota, period = 100000;
	size_t len = strlen(value);
	char text[32];

	if (strcmp(value, "max") == 0) {
		strcpy(ret, "max");
		return NULL;
	}
	if (len > 1 && len < sizeof(text) && value[len - 1] == '%') {
		ERR_TRY(err_wrap(parse_percent(value, &quota), "cpu.max"));
	} else if (slash && (size_t)(slash - value) < sizeof(text)) {
		snprintf(text, sizeof(text), "%.*s", (int)(slash - value), value);
		ERR_TRY(err_wrap(parse_duration(text, &quota), "cpu.max"));
		ERR_TRY(err_wrap(parse_duration(slash + 1, &period), "cpu.max"));
		quota /= 1000;
		period /= 1000;
	} else {
		return err_new(ERR_USAGE, "cpu.max=%s: %s", value, CPU_MAX_FORMS);
	}
	if (quota < 1000 || period < 1000 || period > 1000000)
		return err_new(ERR_USAGE, "cpu.max=%s: a quota from 1ms, a period from 1ms to 1s", value);
	snprintf(ret, VALUE, "%" PRIu64 " %" PRIu64, quota, period);
	return NULL;
}

static struct err *parse_bytes(const struct knob *k, const char *value, const struct spec_limits *limits,
			       char ret[VALUE])
{
	uint64_t n;

	if (strcmp(value, "max") == 0) {
		strcpy(ret, "max");
		return NULL;
	}
	ERR_TRY(err_wrap(parse_size(value, &n), "%s", k->name));
	snprintf(ret, VALUE, "%" PRIu64, n);
	return NULL;
}

static struct err *parse_count(const struct knob *k, const char *value, const struct spec_limits *limits,
			       char ret[VALUE])
{
	uint64_t n;

	if (strcmp(value, "max") == 0) {
		strcpy(ret, "max");
		return NULL;
	}
	ERR_TRY(err_wrap(parse_u64(value, &n), "%s", k->name));
	if (n < 1 || n > 4194304) /* PID_MAX_LIMIT */
		return err_new(ERR_USAGE, "%s=%s: from 1 to 4194304, or max", k->name, value);
	snprintf(ret, VALUE, "%" PRIu64, n);
	return NULL;
}

static const struct knob knobs[] = {
	{"cpuset", "cpuset.cpus", parse_cpuset},       {"mems", "cpuset.mems", parse_nodes},
	{"weight", "cpu.weight", parse_weight},      {"cpu.max", "cpu.max", parse_cpu_max},
	{"memory.max", "memory.max", parse_bytes},   {"memory.high", "memory.high", parse_bytes},
	{"memory.low", "memory.low", parse_bytes},   {"swap.max", "memory.swap.max", parse_bytes},
	{"io.weight", "io.weight", parse_weight},    {"pids.max", "pids.max", parse_count},
};
#define KNOBS (sizeof(knobs) / sizeof(knobs[0]))

const char *cgroup_knob_name(unsigned int i)
{
	return i < KNOBS ? knobs[i].name : NULL;
}

static struct err *parse_word(const char *word, const struct spec_limits *limits, struct wire_cgroup *w)
{
	const char *equals = strchr(word, '=');
	const struct knob *k = NULL;
	struct wire_knob *to = &w->knobs[w->knob_count];
	char name[32];

	if (!equals || equals == word)
		return err_new(ERR_USAGE, "%s: a knob is NAME=VALUE", word);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word < 31 ? equals - word : 31), word);
	for (unsigned int i = 0; i < KNOBS && !k; i++)
		if (strcmp(knobs[i].name, name) == 0)
			k = &knobs[i];
	if (!k)
		return spec_unknown("a cgroup has no knob", name, cgroup_knob_name);
	for (unsigned int i = 0; i < w->knob_count; i++)
		if (strcmp(w->knobs[i].file, k->file) == 0)
			return err_new(ERR_USAGE, "%s is given twice", name);
	ERR_TRY(k->parse(k, equals + 1, limits, to->value));
	snprintf(to->file, sizeof(to->file), "%s", k->file);
	w->knob_count++;
	return NULL;
}

_Static_assert(KNOBS <= WIRE_KNOBS, "one of each fits");

struct err *cgroup_spec_parse(const char *name, unsigned int count, char *const *words,
			      const struct spec_limits *limits, struct cgroup_spec *ret)
{
	struct cgroup_spec spec = {0};

	ERR_TRY(cgroup_name_check(name));
	snprintf(spec.wire.name, sizeof(spec.wire.name), "%s", name);
	for (unsigned int i = 0; i < count; i++)
		ERR_TRY(parse_word(words[i], limits, &spec.wire));
	*ret = spec;
	return NULL;
}
