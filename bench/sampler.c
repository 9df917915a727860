/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/sampler.h"

#include "base/file.h"
#include "bench/measure.h"
#include "coord/coord.h"
#include "coord/counters.h"
#include "coord/measure.h"

#include <stdlib.h>
#include <time.h>

#define PAIRS 40
#define SLICE (SECOND / 2)
#define POLL_NS 10000000 /* how often a prompt that nobody types at looks */

/* What a slice took and brought. */
struct slice {
	uint64_t iterations, qemu_ns, own_ns, wall_ns;
};

static uint64_t qemu_time(struct coord *c)
{
	struct timespec t = {0};
	clockid_t clock;

	if (clock_getcpuclockid(machine_info(coord_machine(c))->pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* Iterations come first and last, so that what is in between belongs to them. */
static struct err *take(struct coord *c, struct slice *ret)
{
	ERR_TRY(measure_iterations(c, &ret->iterations));
	ret->qemu_ns = qemu_time(c);
	ret->own_ns = processor_time();
	ret->wall_ns = host_now();
	return NULL;
}

static struct err *run_slice(struct coord *c, bool on, struct slice *ret)
{
	const struct timespec nap = {.tv_nsec = POLL_NS};
	struct slice before, after;

	if (on)
		counters_start(coord_counters(c));
	else
		counters_stop(coord_counters(c));
	ERR_TRY(take(c, &before));
	do {
		nanosleep(&nap, NULL);
		ERR_TRY(coord_idle(c));
	} while (host_now() - before.wall_ns < SLICE);
	ERR_TRY(take(c, &after));
	*ret = (struct slice){after.iterations - before.iterations, after.qemu_ns - before.qemu_ns,
			      after.own_ns - before.own_ns, after.wall_ns - before.wall_ns};
	return ret->iterations && ret->qemu_ns ? NULL : err_new(ERR_BAD_DATA, "the guest stands");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double middle(double *values)
{
	qsort(values, PAIRS, sizeof(*values), by_value);
	return (values[PAIRS / 2 - 1] + values[PAIRS / 2]) / 2;
}

static double rate(const struct slice *s)
{
	return (double)s->iterations * 1e9 / (double)s->qemu_ns;
}

static double share(const struct slice *s)
{
	return (double)s->own_ns / (double)s->wall_ns;
}

static struct err *measure_pairs(struct coord *c, struct sampler_cost *ret)
{
	double off_rates[PAIRS], on_rates[PAIRS], slower[PAIRS], shares[PAIRS];

	for (unsigned int i = 0; i < PAIRS; i++) {
		struct slice pair[2];

		/* Which comes first changes, so that a drift of the host favours neither. */
		for (unsigned int j = 0; j < 2; j++) {
			bool on = (i + j) % 2;

			ERR_TRY(run_slice(c, on, &pair[on]));
			ret->samples += on ? counters_samples(coord_counters(c))->count : 0;
		}
		off_rates[i] = rate(&pair[0]);
		on_rates[i] = rate(&pair[1]);
		slower[i] = 1 - on_rates[i] / off_rates[i];
		shares[i] = share(&pair[1]) - share(&pair[0]);
	}
	ret->rate_off = middle(off_rates);
	ret->rate_on = middle(on_rates);
	ret->slower = middle(slower);
	ret->share = middle(shares);
	return NULL;
}

static struct err *measure_session(struct session *s, struct sampler_cost *ret)
{
	struct coord *c;

	ERR_TRY(session_boot(s));
	ERR_TRY(execute(s, "spawn @runner workers=4 work=spin"));
	ERR_TRY(execute(s, "run 2s"));
	ERR_TRY(execute(s, "counters"));
	ERR_TRY(execute(s, "thaw"));
	c = session_coord(s);
	coord_set_pacing(c, COORD_FREE);
	ERR_TRY(coord_idle(c));
	return measure_pairs(c, ret);
}

struct err *sampler_measure(enum clock_kind clock, struct sampler_cost *ret)
{
	struct options options;
	struct session *s;
	struct err *err;

	*ret = (struct sampler_cost){0};
	options_init(&options);
	options.kernel = getenv("KTDBG_BENCH_KERNEL");
	options.clock = clock;
	ERR_TRY(session_create(&options, &s));
	session_set_mode(s, MODE_SCRIPT);
	err = measure_session(s, ret);
	session_destroy(s);
	return err;
}
