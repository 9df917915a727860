/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/rclock.h"
#include "base/file.h"
#include "base/interrupt.h"

#include <poll.h>
#include <time.h>

#define QMP_TIMEOUT UINT64_C(5000000000)
#define WATCH_SLICE UINT64_C(500000)
#define IDLE_SLICE UINT64_C(20000000)

void rclock_deinit(struct rclock *c, struct qemu *q)
{
	rbreaks_deinit(&c->breaks, q && !c->running && qemu_alive(q) ? &q->qmp : NULL);
	*c = (struct rclock){0};
}

uint64_t rclock_now(const struct rclock *c)
{
	return c->passed + (c->running ? host_now() - c->started : 0);
}

void rclock_set_origin(struct rclock *c)
{
	c->passed = 0;
}

uint64_t rclock_take_gap(struct rclock *c)
{
	uint64_t now = host_now(), gap = c->stopped ? now - c->stopped : 0;

	c->passed += gap;
	if (c->stopped)
		c->stopped = now;
	return gap;
}

/* A process that a signal holds goes on with one; what it missed has passed. */
static void go_on(struct rclock *c, struct qemu *q)
{
	rclock_take_gap(c);
	c->stopped = 0;
	qemu_let_go(q);
	c->running = true;
	c->started = host_now();
}

/* When QEMU did it, which may be long before we heard of it; it was not before we asked. */
static uint64_t moment(uint64_t event, uint64_t asked)
{
	uint64_t now = host_now();

	return event >= asked && event <= now ? event : now;
}

/* What a QEMU that has ended says is not what is wrong. */
static struct err *alive_or(struct qemu *q, struct err *err)
{
	if (!err || qemu_alive(q))
		return err;
	err_free(err);
	return err_new(ERR_GUEST_DIED, "%s", qemu_death(q));
}

static struct err *begin(struct rclock *c, struct qemu *q)
{
	bool driven;

	ERR_TRY(rbreaks_run(&c->breaks, &q->qmp, &c->stop, rclock_now(c), &driven));
	return driven ? NULL : qmp_execute(&q->qmp, "cont", NULL, -1, QMP_TIMEOUT, NULL);
}

/* Whether a run to `stop` is another one to QEMU than that which is under way. */
static bool differs(const struct rclock *c, const struct machine_stop *stop)
{
	return stop->steps || rbreaks_wanted(&c->breaks, stop) != c->breaks.driving;
}

struct err *rclock_run(struct rclock *c, struct qemu *q, const struct machine_stop *stop)
{
	uint64_t asked = host_now();

	if (c->stopped)
		go_on(c, q);
	if (c->running && differs(c, stop))
		ERR_TRY(rclock_hold(c, q, STOP_HELD, QMP_TIMEOUT));
	c->stop = *stop;
	if (c->running)
		return NULL;
	ERR_TRY(alive_or(q, begin(c, q)));
	c->running = true;
	c->started = moment(q->resumed, asked);
	return NULL;
}

struct err *rclock_hold_as_gap(struct rclock *c, struct qemu *q)
{
	struct machine_stop none = MACHINE_STOP_NONE;

	if (c->stopped)
		return NULL;
	ERR_TRY(rclock_run(c, q, &none));
	qemu_seize(q);
	if (!qemu_alive(q))
		return err_new(ERR_GUEST_DIED, "%s", qemu_death(q));
	c->passed = rclock_now(c);
	c->stopped = host_now();
	c->running = false;
	c->reason = STOP_HELD;
	return NULL;
}

static void stands(struct rclock *c, uint64_t since, enum machine_stop_reason reason)
{
	c->passed += since - c->started;
	c->running = false;
	c->reason = reason;
}

static void ignore_reply(void *context, struct err *err, struct json_object *result)
{
	(void)context;
	(void)result;
	err_free(err);
}

struct err *rclock_hold(struct rclock *c, struct qemu *q, enum machine_stop_reason reason,
			uint64_t timeout_ns)
{
	uint64_t asked = host_now();
	struct err *err;

	if (!c->running)
		return NULL;
	err = alive_or(q, qmp_execute(&q->qmp, "stop", NULL, -1, timeout_ns, NULL));
	if (err && err_kind(err) == ERR_GUEST_DIED)
		return err;
	if (err) {
		/* It may still take effect, late: whatever happens, the machine is to run. */
		err_free(qmp_send(&q->qmp, "cont", NULL, -1, QMP_TIMEOUT, ignore_reply, NULL));
		return err;
	}
	stands(c, moment(q->halted, asked), reason);
	ERR_TRY(rbreaks_stopped(&c->breaks));
	if (c->breaks.stands)
		c->reason = STOP_BREAK;
	return NULL;
}

/* Wait up to `timeout_ns` for what the stub has to say of its run. */
static struct err *listen(struct rclock *c, struct qemu *q, uint64_t timeout_ns)
{
	bool stopped;

	ERR_TRY(alive_or(q, rbreaks_wait(&c->breaks, timeout_ns, rclock_now(c), &stopped)));
	if (stopped)
		stands(c, host_now(), c->breaks.stands ? STOP_BREAK : STOP_HELD);
	return NULL;
}

/* A watchpoint comes back from its rest where the guest stands. */
static struct err *end_rest(struct rclock *c, struct qemu *q)
{
	const struct machine_stop stop = c->stop;

	if (!rbreaks_is_due(&c->breaks, rclock_now(c)))
		return NULL;
	ERR_TRY(rclock_hold(c, q, STOP_HELD, QMP_TIMEOUT));
	return c->breaks.stands ? NULL : rclock_run(c, q, &stop);
}

struct err *rclock_look(struct rclock *c, struct qemu *q)
{
	if (!c->running || !c->breaks.driving)
		return NULL;
	ERR_TRY(listen(c, q, 0));
	return c->running ? end_rest(c, q) : NULL;
}

static bool watch_hit(const struct rclock *c, const struct ram *ram)
{
	const uint32_t *word = c->stop.watch_phys ? ram_at(ram, c->stop.watch_phys, 4) : NULL;

	return word && __atomic_load_n(word, __ATOMIC_ACQUIRE) == c->stop.watch_value;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000)};

	nanosleep(&ts, NULL);
}

static struct err *listen_or_rest(struct rclock *c, struct qemu *q, uint64_t slice)
{
	uint64_t now = rclock_now(c);

	ERR_TRY(end_rest(c, q));
	if (c->breaks.resting && c->breaks.rested > now && c->breaks.rested - now < slice)
		slice = c->breaks.rested - now;
	return c->running ? listen(c, q, slice) : NULL;
}

struct err *rclock_wait(struct rclock *c, struct qemu *q, const struct ram *ram,
			uint64_t timeout_ns)
{
	uint64_t start = host_now();
	uint64_t deadline = timeout_ns < UINT64_MAX - start ? start + timeout_ns : UINT64_MAX;

	while (c->running) {
		uint64_t now = rclock_now(c), slice = c->stop.watch_phys ? WATCH_SLICE : IDLE_SLICE;

		if (!qemu_alive(q))
			return err_new(ERR_GUEST_DIED, "%s", qemu_death(q));
		if (interrupted())
			return err_new(ERR_INTERRUPTED, "interrupted");
		if (watch_hit(c, ram))
			return rclock_hold(c, q, STOP_WATCH, QMP_TIMEOUT);
		if (now >= c->stop.time)
			return rclock_hold(c, q, STOP_TIME, QMP_TIMEOUT);
		if (host_now() >= deadline)
			return err_new(ERR_TIMEOUT, "the guest did not stop in time");
		if (c->stop.time - now < slice)
			slice = c->stop.time - now;
		if (c->breaks.driving)
			ERR_TRY(listen_or_rest(c, q, slice));
		else
			sleep_ns(slice);
	}
	return NULL;
}
