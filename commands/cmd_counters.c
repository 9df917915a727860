/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler counters: what they are now, how fast they grow, and whether they stay within limits.
 *
 * What is read in the command's window is exact and recorded. What comes from samples is so in
 * lockstep only: where guest time passes freely the host chose their moments, and a recording does
 * not hold what they say.
 */
#include "base/parse.h"
#include "commands/command.h"
#include "commands/counter_rows.h"
#include "commands/rows.h"
#include "commands/show.h"
#include "coord/counters.h"

#include <stdlib.h>
#include <string.h>

/* Rates are over this much guest time, or what there is. */
#define RATE_NS 1000000000ull
#define SAMPLES_SHOWN 20

/* What a `counters` line is about. */
struct request {
	struct counters *counters;
	int cpu; /* -1: all */
	bool rates;
	const char *clauses; /* where, sort, columns; "" for none */
	struct sample *now;
	const struct sample *base; /* to compare with, NULL: nothing was sampled */
};

static bool wants_cpu(const struct request *r, unsigned int cpu)
{
	return r->cpu < 0 || r->cpu == (int)cpu;
}

/* ---- values and rates ---- */

static struct out_value event_rate(const struct request *r, unsigned int event)
{
	double rate;

	if (!sample_event_rate(r->base, r->now, event, &rate))
		return out_absent();
	return out_u64((uint64_t)(rate + 0.5));
}

static const struct out_column event_columns[] = {
	{"event", 0},
	{"count", OUT_RIGHT},
	{"per_second", OUT_RIGHT},
};

static void show_events(const struct request *r, bool rates, struct out *out)
{
	if (!r->now->instance || r->cpu >= 0)
		return;
	out_table_begin(out, event_columns, rates ? 3 : 2);
	for (unsigned int i = 0; i < r->now->events; i++) {
		const struct out_value row[] = {
			out_string(counters_event(r->counters, i)),
			out_s64(sample_event(r->now, i)),
			rates ? event_rate(r, i) : out_absent(),
		};

		out_row(out, row);
	}
	out_table_end(out);
}

static void show_schedstats(const struct request *r, struct out *out)
{
	if (out_format(out) == OUT_TEXT && !counters_schedstats(r->counters))
		out_text(out, "wakeups and goidle: this guest's schedstats are off");
}

/* How long the host ran each vCPU. */
static void show_vcpus(const struct request *r, struct out *out)
{
	static const struct out_column columns[] = {{"vcpu", OUT_RIGHT}, {"vcpu_time", OUT_RIGHT}};

	if (!sample_has(r->now, COUNTER_VCPU_TIME))
		return;
	out_table_begin(out, columns, 2);
	for (unsigned int cpu = 0; cpu < r->now->cpus; cpu++) {
		const struct out_value row[] = {
			out_u64(cpu),
			r->base ? counter_rate(r->base, r->now, cpu, COUNTER_VCPU_TIME)
				: counter_value(r->now, cpu, COUNTER_VCPU_TIME),
		};

		if (wants_cpu(r, cpu))
			out_row(out, row);
	}
	out_table_end(out);
}

static void show_violations(const struct request *r, struct out *out)
{
	const struct threshold_state *findings = counters_findings(r->counters);

	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++) {
		struct str s = {0};

		threshold_describe(findings, counters_thresholds(r->counters), i, &s);
		if (s.len)
			out_text(out, "threshold %s", str_text(&s));
		str_deinit(&s);
	}
}

/* From here on: shown, but not recorded where the host had a hand in it. */
static void begin_sampled(struct coord *coord, struct out *out)
{
	if (coord_pacing(coord) == COORD_FREE)
		out_set_tee(out, NULL);
}

static struct err *no_samples(void)
{
	return err_new(ERR_REFUSED,
		       "counters: nothing was sampled; `counters start`, then let guest time pass");
}

static struct err *show_cpus(struct session *s, const struct request *r, struct out *out)
{
	struct counter_rows rows = {.base = r->rates ? r->base : NULL};
	struct err *err;

	counter_rows_add(&rows, r->now, r->cpu);
	err = counter_rows_show(s, &rows, r->clauses, out);
	counter_rows_deinit(&rows);
	return err;
}

static void show_span(const struct request *r, struct out *out)
{
	char text[DURATION_TEXT];

	if (r->rates && out_format(out) == OUT_TEXT)
		out_text(out, "per second, over %s of guest time",
			 format_duration(r->now->time - r->base->time, text));
}

static struct err *show(struct session *s, struct request *r, struct out *out)
{
	struct coord *coord = session_coord(s);
	struct kernel *kernel;

	ERR_TRY(session_kernel(s, &kernel));
	ERR_TRY(counters_now(r->counters, kernel, coord_machine(coord), &r->now));
	r->base = samples_before(counters_samples(r->counters),
				 r->now->time > RATE_NS ? r->now->time - RATE_NS : 0);
	if (r->rates && (!r->base || r->base->time == r->now->time))
		return no_samples();
	if (r->rates)
		begin_sampled(coord, out);
	ERR_TRY(show_cpus(s, r, out));
	/* Who says what the table is to hold wants nothing beside it. */
	if (*r->clauses)
		return NULL;
	show_events(r, r->rates, out);
	show_span(r, out);
	show_schedstats(r, out);
	begin_sampled(coord, out);
	show_vcpus(r, out);
	show_violations(r, out);
	return NULL;
}

/* `cpu:N`, and with `count` a number of samples, up to the clauses. */
static struct err *take_word(struct session *s, const char *word, uint64_t *count, struct request *r)
{
	unsigned int cpu;

	if (str_starts(word, "cpu:")) {
		ERR_TRY(show_cpu_number(s, word, &cpu));
		r->cpu = (int)cpu;
		return NULL;
	}
	if (count)
		return err_wrap(parse_u64(word, count), "counters samples");
	if (strcmp(word, "rates") != 0)
		return command_usage(&command_counters);
	r->rates = true;
	return NULL;
}

static struct err *take_words(struct session *s, const char *rest, uint64_t *count, struct request *r)
{
	struct err *err = NULL;
	char *word;

	for (r->clauses = rest; !err;) {
		ERR_TRY(rows_word(r->clauses, &word, &r->clauses));
		if (!word)
			return NULL;
		err = take_word(s, word, count, r);
		free(word);
	}
	return err;
}

static struct err *run_show(struct session *s, const struct command_line *line, struct out *out)
{
	struct request r = {.counters = coord_counters(session_coord(s)), .cpu = -1};
	struct err *err;

	ERR_TRY(take_words(s, line->rest, NULL, &r));
	err = show(s, &r, out);
	free(r.now);
	return err;
}

/* ---- the newest samples as they were taken ---- */

static struct err *show_samples(struct session *s, const struct request *r, unsigned int count,
				struct out *out)
{
	const struct samples *samples = counters_samples(r->counters);
	struct counter_rows rows = {.timed = true};
	struct err *err;

	for (unsigned int back = count < samples->count ? count : samples->count; back-- > 0;)
		counter_rows_add(&rows, samples_back(samples, back), r->cpu);
	err = counter_rows_show(s, &rows, r->clauses, out);
	counter_rows_deinit(&rows);
	return err;
}

static struct err *run_samples(struct session *s, const struct command_line *line, struct out *out)
{
	struct request r = {.counters = coord_counters(session_coord(s)), .cpu = -1};
	uint64_t count = SAMPLES_SHOWN;
	const char *rest;
	char *verb;

	ERR_TRY(rows_word(line->rest, &verb, &rest));
	free(verb);
	ERR_TRY(take_words(s, rest, &count, &r));
	if (!counters_samples(r.counters)->count)
		return no_samples();
	begin_sampled(session_coord(s), out);
	return show_samples(s, &r, count < SAMPLES_MAX ? (unsigned int)count : SAMPLES_MAX, out);
}

/* ---- starting, stopping, forgetting ---- */

static struct err *run_start(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count != 1)
		return command_usage(&command_counters);
	counters_start(coord_counters(session_coord(s)));
	return NULL;
}

static struct err *run_stop(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count != 1)
		return command_usage(&command_counters);
	counters_stop(coord_counters(session_coord(s)));
	return NULL;
}

static struct err *run_reset(struct session *s, const struct command_line *line, struct out *out)
{
	if (line->count != 1)
		return command_usage(&command_counters);
	counters_reset(coord_counters(session_coord(s)));
	return NULL;
}

/* ---- thresholds ---- */

static const struct out_column threshold_columns[] = {
	{"threshold", 0},   {"limit", OUT_RIGHT},    {"worst", OUT_RIGHT},
	{"cpu", OUT_RIGHT}, {"in_a_row", OUT_RIGHT}, {"violated", 0},
};

static void threshold_row(struct counters *c, enum threshold which, struct out *out)
{
	const struct threshold_finding *f = &counters_findings(c)->findings[which];
	struct str limit = {0}, worst = {0};

	thresholds_limit_text(counters_thresholds(c), which, &limit);
	threshold_value_text(which, f->worst, &worst);
	const struct out_value row[] = {
		out_string(threshold_name(which)),
		out_string(str_text(&limit)),
		out_string(str_text(&worst)),
		f->worst_cpu >= 0 ? out_s64(f->worst_cpu) : out_string(""),
		out_u64(f->longest),
		out_bool(f->violated),
	};
	out_row(out, row);
	str_deinit(&limit);
	str_deinit(&worst);
}

static struct err *run_thresholds(struct session *s, const struct command_line *line,
				  struct out *out)
{
	struct counters *c = coord_counters(session_coord(s));
	struct thresholds t = *counters_thresholds(c);

	for (unsigned int i = 1; i < line->count; i++)
		ERR_TRY(err_wrap(thresholds_set(&t, line->words[i]), "counters thresholds"));
	if (line->count > 1) {
		counters_set_thresholds(c, &t);
		return NULL;
	}
	begin_sampled(session_coord(s), out);
	out_table_begin(out, threshold_columns,
			sizeof(threshold_columns) / sizeof(threshold_columns[0]));
	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++)
		threshold_row(c, i, out);
	out_table_end(out);
	return NULL;
}

/* All that was violated, as one error. */
static struct err *violations(struct counters *c)
{
	struct str s = {0};
	struct err *err = NULL;

	for (unsigned int i = 0; i < THRESHOLD_COUNT; i++) {
		if (s.len && counters_findings(c)->findings[i].violated)
			str_add(&s, "; ");
		threshold_describe(counters_findings(c), counters_thresholds(c), i, &s);
	}
	if (s.len)
		err = err_new(ERR_EXPECT, "%s", str_text(&s));
	str_deinit(&s);
	return err;
}

static struct err *run_check(struct session *s, const struct command_line *line, struct out *out)
{
	struct counters *c = coord_counters(session_coord(s));

	if (line->count != 1)
		return command_usage(&command_counters);
	/* What is sampled unasked at the prompt is not there when a recording is replayed. */
	if (!counters_asked(c))
		return err_new(ERR_REFUSED, "counters check: `counters start` comes first");
	if (!counters_findings(c)->judged)
		return err_new(ERR_EXPECT, "nothing to judge: no guest time has passed since "
					   "`counters start`");
	return violations(c);
}

/* ---- the command ---- */

static struct err *run_counters(struct session *s, const struct command_line *line, struct out *out)
{
	static const struct {
		const char *word;
		struct err *(*run)(struct session *s, const struct command_line *line,
				   struct out *out);
	} verbs[] = {
		{"start", run_start}, {"stop", run_stop},	{"reset", run_reset},
		{"check", run_check}, {"samples", run_samples}, {"thresholds", run_thresholds},
	};

	for (size_t i = 0; line->count && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(line->words[0], verbs[i].word) == 0)
			return verbs[i].run(s, line, out);
	return run_show(s, line, out);
}

const struct command command_counters = {
	.name = "counters",
	.key = "",
	.group = GROUP_INSPECT,
	.flags = CMD_KERNEL | CMD_FROZEN | CMD_RECORDED,
	.usage = "counters [rates] [cpu:N] [where EXPR] [sort KEY] [columns A,B] | "
		 "samples [N] [cpu:N] [where ...] | start | stop | reset | check | "
		 "thresholds [KEY=VALUE...]",
	.summary = "scheduler counters, their rates and their limits",
	.help = "Each CPU's queue lengths and what it counted since boot, then the events of the "
		"loaded sched_ext\n"
		"scheduler; `rates` shows how much a second of guest time, over the last second. "
		"Wakeups and goidle\n"
		"are counted under schedstats, which are on from the boot on unless --append "
		"schedstats=disable says\n"
		"otherwise. More columns: dl clock schedules yields runs.\n"
		"Where guest time passes freely (prompt, screen, real clock) counters are sampled "
		"ten times a second of\n"
		"it without holding the guest, and the last ten minutes are kept (less with very "
		"many "
		"CPUs);\n"
		"what samples say is then not recorded. In scripts and recordings under the "
		"virtual "
		"clock nothing is\n"
		"sampled before `counters start`; from then on it is at exact multiples of 100ms, "
		"where every run\n"
		"ends for a moment. That leaves no trace when the quantum divides 4ms, as 100us "
		"does.\n"
		"`samples` shows the newest as they were taken; a CPU that kept changing while it "
		"was "
		"read is `torn`.\n"
		"`check` fails when a limit was exceeded since `counters start` for 5 samples in a "
		"row:\n"
		"    imbalance=4.0   longest run queue / shortest (at least 1)\n"
		"    local_dsq=50    tasks in a local dispatch queue\n"
		"    stuck=on        a run-queue clock stands still; not of an idle CPU, nor of a "
		"vCPU that the\n"
		"                    host did not run\n"
		"    fallback=200    SCX_EV_SELECT_CPU_FALLBACK a second\n"
		"    keep_last=100   SCX_EV_DISPATCH_KEEP_LAST a second\n"
		"    samples=5       how many in a row are too many\n"
		"\n"
		"    counters start\n"
		"    counters thresholds imbalance=2 stuck=off\n"
		"    run 5s\n"
		"    counters check",
	.arguments = {{"WHAT", COMPLETE_WORD, "rates|samples|start|stop|reset|check|thresholds"},
		      {"CPU", COMPLETE_CPU, NULL}},
	.run = run_counters,
};
