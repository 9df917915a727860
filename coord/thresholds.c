/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/thresholds.h"

#include "base/parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Longer local queues are no queues but memory that is not set up yet. */
#define DSQ_PLAUSIBLE 10000u
/* A vCPU whose thread got less host CPU time between two samples was off its CPU. */
#define VCPU_RAN_NS 10000000u
/* In a row means in a row: after a longer pause (guest ns) the count begins anew. */
#define PAUSE_NS 1000000000u

static const char *const names[THRESHOLD_COUNT] = {
	[THRESHOLD_IMBALANCE] = "imbalance", [THRESHOLD_LOCAL_DSQ] = "local_dsq",
	[THRESHOLD_STUCK] = "stuck",	     [THRESHOLD_FALLBACK] = "fallback",
	[THRESHOLD_KEEP_LAST] = "keep_last",
};

const char *threshold_name(enum threshold t)
{
	return names[t];
}

/* ---- limits ---- */

void thresholds_default(struct thresholds *t)
{
	*t = (struct thresholds){
		.limit =
			{
				[THRESHOLD_IMBALANCE] = 4.0,
				[THRESHOLD_LOCAL_DSQ] = 50,
				[THRESHOLD_FALLBACK] = 200,
				[THRESHOLD_KEEP_LAST] = 100,
			},
		.samples = 5,
	};
}

static struct err *unknown_key(const char *word)
{
	return err_new(ERR_USAGE,
		       "%s: no threshold; there are imbalance, local_dsq, stuck, fallback, "
		       "keep_last, and samples",
		       word);
}

static struct err *set_samples(struct thresholds *t, const char *value)
{
	uint64_t samples;

	ERR_TRY(parse_u64(value, &samples));
	if (samples < 1 || samples > SAMPLES_MAX)
		return err_new(ERR_USAGE, "samples=%s: 1 to %u", value, SAMPLES_MAX);
	t->samples = (unsigned int)samples;
	return NULL;
}

static struct err *set_limit(struct thresholds *t, enum threshold which, const char *value)
{
	double limit;
	char *end;

	if (strcmp(value, "off") == 0 || strcmp(value, "on") == 0) {
		t->off[which] = value[1] == 'f';
		return NULL;
	}
	limit = strtod(value, &end);
	if (end == value || *end || !isfinite(limit) || limit < 0 || which == THRESHOLD_STUCK)
		return err_new(ERR_USAGE, "%s=%s: %s", names[which], value,
			       which == THRESHOLD_STUCK ? "on or off" : "a number, on or off");
	t->off[which] = false;
	t->limit[which] = limit;
	return NULL;
}

struct err *thresholds_set(struct thresholds *t, const char *word)
{
	size_t len = strcspn(word, "=");

	if (!word[len])
		return err_new(ERR_USAGE, "%s: KEY=VALUE is wanted", word);
	if (len == strlen("samples") && memcmp(word, "samples", len) == 0)
		return set_samples(t, word + len + 1);
	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++)
		if (strlen(names[i]) == len && memcmp(word, names[i], len) == 0)
			return set_limit(t, i, word + len + 1);
	return unknown_key(word);
}

void threshold_value_text(enum threshold which, double value, struct str *s)
{
	switch (which) {
	case THRESHOLD_IMBALANCE:
		str_addf(s, "%.1f", value);
		break;
	case THRESHOLD_LOCAL_DSQ:
		str_addf(s, "%.0f", value);
		break;
	case THRESHOLD_STUCK:
		str_addf(s, "%.0f samples", value);
		break;
	default:
		str_addf(s, "%.0f/s", value);
	}
}

void thresholds_limit_text(const struct thresholds *t, enum threshold which, struct str *s)
{
	if (t->off[which])
		str_add(s, "off");
	else
		threshold_value_text(which, which == THRESHOLD_STUCK ? t->samples : t->limit[which],
				     s);
}

/* ---- judging ---- */

void threshold_state_init(struct threshold_state *s)
{
	*s = (struct threshold_state){0};
	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++)
		s->findings[i].worst_cpu = -1;
}

static bool is_plausible(const struct sample *s)
{
	bool clock = false;

	for (unsigned int cpu = 0; cpu < s->cpus; cpu++) {
		if (sample_value(s, cpu, COUNTER_LOCAL_DSQ) > DSQ_PLAUSIBLE)
			return false;
		clock |= sample_value(s, cpu, COUNTER_CLOCK) != 0;
	}
	return clock;
}

/* `row` samples in a row had `value` above the limit, the last one at `time`. */
static void note(struct threshold_state *s, const struct thresholds *t, enum threshold which,
		 unsigned int row, uint64_t time)
{
	struct threshold_finding *f = &s->findings[which];

	if (row > f->longest)
		f->longest = row;
	if (row < t->samples || f->violated)
		return;
	f->violated = true;
	f->time = time;
}

static void judge_value(struct threshold_state *s, const struct thresholds *t, enum threshold which,
			double value, int cpu, uint64_t time)
{
	struct threshold_finding *f = &s->findings[which];

	if (value > f->worst) {
		f->worst = value;
		f->worst_cpu = cpu;
	}
	s->row[which] = value > t->limit[which] ? s->row[which] + 1 : 0;
	note(s, t, which, s->row[which], time);
}

static double imbalance(const struct sample *s)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (unsigned int cpu = 0; cpu < s->cpus; cpu++) {
		uint64_t running = sample_value(s, cpu, COUNTER_NR_RUNNING);

		if (!cpu_set_has(&s->online, cpu))
			continue;
		least = running < least ? running : least;
		most = running > most ? running : most;
	}
	return (double)most / (least > 1 && least != UINT64_MAX ? (double)least : 1.0);
}

static double deepest_queue(const struct sample *s, int *ret_cpu)
{
	uint64_t most = 0;

	*ret_cpu = -1;
	for (unsigned int cpu = 0; cpu < s->cpus; cpu++) {
		uint64_t depth = sample_value(s, cpu, COUNTER_LOCAL_DSQ);

		if (depth > most) {
			most = depth;
			*ret_cpu = (int)cpu;
		}
	}
	return (double)most;
}

static bool was_preempted(const struct sample *old, const struct sample *now, unsigned int cpu)
{
	if (!sample_has(old, COUNTER_VCPU_TIME) || !sample_has(now, COUNTER_VCPU_TIME))
		return false;
	return sample_value(now, cpu, COUNTER_VCPU_TIME) -
		       sample_value(old, cpu, COUNTER_VCPU_TIME) <
	       VCPU_RAN_NS;
}

static bool is_stuck(const struct sample *old, const struct sample *now, unsigned int cpu)
{
	uint64_t clock = sample_value(now, cpu, COUNTER_CLOCK);

	if (!cpu_set_has(&now->online, cpu) || !clock ||
	    clock != sample_value(old, cpu, COUNTER_CLOCK))
		return false;
	if (!sample_value(now, cpu, COUNTER_NR_RUNNING) &&
	    !sample_value(old, cpu, COUNTER_NR_RUNNING))
		return false;
	return !was_preempted(old, now, cpu);
}

static void judge_clocks(struct threshold_state *s, const struct thresholds *t,
			 const struct sample *old, const struct sample *now)
{
	struct threshold_finding *f = &s->findings[THRESHOLD_STUCK];

	for (unsigned int cpu = 0; cpu < now->cpus; cpu++) {
		s->stuck[cpu] = is_stuck(old, now, cpu) ? s->stuck[cpu] + 1 : 0;
		if (s->stuck[cpu] > f->worst) {
			f->worst = s->stuck[cpu];
			f->worst_cpu = (int)cpu;
		}
		note(s, t, THRESHOLD_STUCK, s->stuck[cpu], now->time);
	}
}

static void judge_event(struct threshold_state *s, const struct thresholds *t, enum threshold which,
			int event, const struct sample *old, const struct sample *now)
{
	double rate;

	if (event < 0 || t->off[which])
		return;
	if (sample_event_rate(old, now, (unsigned int)event, &rate))
		judge_value(s, t, which, rate, -1, now->time);
	else
		s->row[which] = 0;
}

static void begin_anew(struct threshold_state *s)
{
	memset(s->row, 0, sizeof(s->row));
	memset(s->stuck, 0, sizeof(s->stuck));
}

void threshold_judge(struct threshold_state *s, const struct thresholds *t,
		     const struct threshold_events *events, const struct sample *old,
		     const struct sample *now)
{
	double depth;
	int cpu;

	if (!is_plausible(now))
		return;
	s->judged++;
	if (old && (now->time <= old->time || now->time - old->time > PAUSE_NS))
		old = NULL;
	if (!old)
		begin_anew(s);
	depth = deepest_queue(now, &cpu);
	if (!t->off[THRESHOLD_IMBALANCE])
		judge_value(s, t, THRESHOLD_IMBALANCE, imbalance(now), -1, now->time);
	if (!t->off[THRESHOLD_LOCAL_DSQ])
		judge_value(s, t, THRESHOLD_LOCAL_DSQ, depth, cpu, now->time);
	if (!old)
		return;
	if (!t->off[THRESHOLD_STUCK])
		judge_clocks(s, t, old, now);
	judge_event(s, t, THRESHOLD_FALLBACK, events->fallback, old, now);
	judge_event(s, t, THRESHOLD_KEEP_LAST, events->keep_last, old, now);
}

void threshold_describe(const struct threshold_state *s, const struct thresholds *t,
			enum threshold which, struct str *text)
{
	const struct threshold_finding *f = &s->findings[which];
	char time[DURATION_TEXT];

	if (!f->violated)
		return;
	str_addf(text, "%s: ", names[which]);
	if (which == THRESHOLD_STUCK) {
		str_addf(text, "the run-queue clock of cpu %d stood still", f->worst_cpu);
	} else {
		threshold_value_text(which, f->worst, text);
		if (f->worst_cpu >= 0)
			str_addf(text, " on cpu %d", f->worst_cpu);
	}
	str_addf(text, ", %u samples in a row (limit ", f->longest);
	thresholds_limit_text(t, which, text);
	str_addf(text, "), first at %s", format_seconds(f->time, time));
}
