/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows, freezes, and the runs in between. */
#include "coord/coord_impl.h"

#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parse.h"
#include "coord/agent.h"
#include "coord/counters.h"
#include "coord/halts.h"
#include "coord/panic.h"
#include "coord/snapshot.h"
#include "coord/steal_book.h"
#include "vmm/breaks.h"
#include "vmm/checkpoint.h"

/* Host time within which every vCPU must stand still. */
#define HOLD_TIMEOUT 5000000000ull
/* How often a wait looks at its progress, and after how long without any it gives up (host time).
 */
#define WAIT_SLICE 1000000000ull
#define STUCK_AFTER 30000000000ull
/* Guest time between two looks for a panic, at multiples of it: a grid point in any case. A
 * panicked guest needs about 25 times as long for it. */
#define PANIC_LOOK 20000000ull

bool coord_frozen(const struct coord *c)
{
	return c->frozen;
}

bool coord_held(struct coord *c)
{
	return machine_state(c->machine) == MACHINE_HELD;
}

static struct err *check_alive(struct coord *c)
{
	const char *death;

	if (machine_state(c->machine) != MACHINE_DEAD)
		return NULL;
	death = machine_death(c->machine);
	return err_new(ERR_GUEST_DIED, "the guest is gone: %s",
		       death ? death : "no reason is known");
}

/* What the guest missed while its clock ran on was stolen from every CPU. The one place that knows:
 * time that passed by any other hold is hidden from the guest. */
static void book_gap(struct coord *c)
{
	uint64_t gap = machine_take_gap(c->machine);

	if (gap && c->steal)
		steal_book_add_all(c->steal, gap);
}

/* The one place that lets the guest run: whoever caches guest state compares the epoch. */
static struct err *let_run(struct coord *c, const struct machine_stop *stop)
{
	ERR_TRY(check_alive(c));
	book_gap(c);
	c->epoch++;
	c->running = true;
	return machine_run(c->machine, stop);
}

/* The guest may stand at a write that is watched. What cannot be taken is no reason not to go on. */
static void take_written(struct coord *c)
{
	unsigned int which;
	struct err *err = NULL;

	if (machine_spied(c->machine, &which))
		err = snapshots_written(c->snapshots, c, which);
	if (err)
		log_info("no snapshot of a write: %s", err_detail(err));
	err_free(err);
}

/* A guest that ran freely may stand at a break, or its time may have come for one who looks. */
static void take_halt(struct coord *c)
{
	if (c->frozen)
		return;
	c->frozen = halts_hit(c->halts, &c->stopped);
	if (!c->frozen && c->pacing == COORD_FREE)
		c->frozen = halts_due(c->halts, machine_time(c->machine), &c->stopped);
}

/* Cheap while it is held already: a command reads many fields, each in a window. */
static struct err *hold(struct coord *c)
{
	bool ran = c->running;

	if (ran) {
		ERR_TRY(machine_hold(c->machine, HOLD_TIMEOUT));
		c->running = false;
		c->epoch++;
		if (c->steal)
			steal_book_flush(c->steal);
	}
	if (c->kernel && c->window_epoch != c->epoch) {
		kernel_window_begin(c->kernel);
		c->window_epoch = c->epoch;
	}
	if (ran) {
		take_written(c);
		take_halt(c);
	}
	return NULL;
}

/* Bring the machine to the state that windows, freeze and pacing ask for together. */
static struct err *settle(struct coord *c)
{
	if (c->depth > 0 || c->frozen || c->pacing == COORD_LOCKSTEP)
		return hold(c);
	return c->running ? NULL : let_run(c, &(struct machine_stop){.time = UINT64_MAX, .breaks = true});
}

struct err *coord_enter(struct coord *c)
{
	if (c->depth == 0)
		ERR_TRY(check_alive(c));
	ERR_TRY(hold(c));
	c->depth++;
	return NULL;
}

struct err *coord_leave(struct coord *c)
{
	c->depth--;
	return settle(c);
}

struct err *coord_leave_with(struct coord *c, struct err *err)
{
	struct err *leave = coord_leave(c);

	if (!err)
		return leave;
	err_free(leave);
	return err;
}

void coord_put_aside(struct coord *c)
{
	c->depth = 0;
}

struct err *coord_freeze(struct coord *c)
{
	ERR_TRY(check_alive(c));
	ERR_TRY(hold(c));
	c->frozen = true;
	return NULL;
}

struct err *coord_freeze_as_steal(struct coord *c)
{
	ERR_TRY(check_alive(c));
	ERR_TRY(machine_hold_as_gap(c->machine));
	c->running = false;
	c->epoch++;
	c->frozen = true;
	return hold(c);
}

/* The bridge writes to memory that is about to go. */
static void close_book(struct coord *c)
{
	steal_book_destroy(c->steal);
	c->steal = NULL;
}

/* The machine has another process, and maybe another time. */
static struct err *begin_anew(struct coord *c)
{
	struct kernel *kernel;

	coord_forget_kernel(c);
	c->running = false;
	c->clock_known = false;
	ERR_TRY(halts_begin_anew(c->halts, machine_time(c->machine)));
	/* Another kernel was refused; this one was adopted when it was saved. */
	ERR_TRY(coord_kernel(c, &kernel));
	book_gap(c);
	return halts_renew(c->halts);
}

struct err *coord_save(struct coord *c, const char *checkpoint)
{
	struct err *err, *anew;

	ERR_TRY(check_alive(c));
	if (machine_info(c->machine)->clock != CLOCK_VIRTUAL)
		return checkpoint_save(c->machine, checkpoint);
	close_book(c);
	err = checkpoint_save(c->machine, checkpoint);
	anew = begin_anew(c);
	if (!err)
		return anew;
	err_free(anew);
	return err;
}

struct err *coord_restore(struct coord *c, const char *checkpoint, uint64_t gap)
{
	struct err *err;

	ERR_TRY(check_alive(c));
	close_book(c);
	err = checkpoint_restore(c->machine, checkpoint, gap);
	if (!err)
		return begin_anew(c);
	if (c->kernel)
		coord_find_steal(c);
	return err;
}

struct err *coord_thaw(struct coord *c)
{
	c->frozen = false;
	return settle(c);
}

void coord_set_pacing(struct coord *c, enum coord_pacing pacing)
{
	c->pacing = pacing;
	machine_set_paced(c->machine, pacing == COORD_FREE);
}

static void sample(struct coord *c)
{
	counters_poll(c->counters, c->pacing, c->kernel, c->machine);
	if (c->agent)
		agent_watch(c->agent);
}

/* Host time that a guest which runs freely gets at once for halts that do not make it stand. */
#define HALTS_SLICE 20000000ull
#define HALTS_WAIT 2000000ull

/* It stands by itself at writes that are watched and at breaks; others want to be asked in time. */
static struct err *look_after_halts(struct coord *c)
{
	uint64_t start = host_now();

	while (c->running) {
		enum machine_stop_reason reason;
		struct err *err = NULL;

		if (machine_state(c->machine) == MACHINE_HELD ||
		    halts_next(c->halts, 0) <= machine_time(c->machine)) {
			ERR_TRY(hold(c));
			ERR_TRY(settle(c));
			err = machine_wait(c->machine, HALTS_WAIT, &reason);
		} else {
			break;
		}
		if (err && err_kind(err) != ERR_TIMEOUT)
			return err;
		err_free(err);
		if (host_now() - start > HALTS_SLICE)
			break;
	}
	return NULL;
}

struct err *coord_idle(struct coord *c)
{
	ERR_TRY(check_alive(c));
	ERR_TRY(look_after_halts(c));
	ERR_TRY(settle(c));
	sample(c);
	return NULL;
}

/* A guest that runs freely is sampled while somebody waits, too. */
static uint64_t wait_slice(const struct coord *c)
{
	bool samples = c->pacing == COORD_FREE && counters_wanted(c->counters, c->pacing);

	return samples ? COUNTERS_PERIOD : WAIT_SLICE;
}

static bool panicked(struct coord *c)
{
	return c->kernel && panic_happened(c->kernel, c->panic_word);
}

bool coord_panicked(struct coord *c, struct str *text)
{
	if (!panicked(c))
		return false;
	panic_text(c->machine, text);
	return true;
}

/* No guest time is worth waiting for after a panic. */
static struct err *check_panic(struct coord *c)
{
	struct str text = {0};
	struct err *err = NULL;

	if (coord_panicked(c, &text))
		err = err_new(ERR_GUEST_DIED, "%s; inspection still works", str_text(&text));
	str_deinit(&text);
	return err;
}

/* Wait until the machine is held by its stop. A slow host only takes longer; guest time that does
 * not move at all is an error. */
static struct err *wait_held(struct coord *c, bool to_panic, enum machine_stop_reason *ret)
{
	uint64_t seen = machine_time(c->machine), since = host_now();

	for (;;) {
		struct err *err = machine_wait(c->machine, wait_slice(c), ret);

		if (!err || err_kind(err) != ERR_TIMEOUT)
			return err;
		sample(c);
		if (to_panic && panicked(c)) {
			err_free(err);
			return NULL;
		}
		if (machine_time(c->machine) != seen) {
			seen = machine_time(c->machine);
			since = host_now();
		} else if (host_now() - since > STUCK_AFTER) {
			return err_wrap(err, "guest time has stood still for %llu s",
					STUCK_AFTER / 1000000000ull);
		}
		err_free(err);
	}
}

static uint64_t lookout_end(const struct coord *c, uint64_t now, uint64_t end)
{
	const struct coord_lookout *l = c->lookout;

	if (l && l->end < end)
		end = l->end;
	if (l && l->step && (now / l->step + 1) * l->step < end)
		end = (now / l->step + 1) * l->step;
	return end;
}

/* After a part of a run to `end`. */
static struct err *look_out(struct coord *c, uint64_t end)
{
	struct coord_lookout *l = c->lookout;

	if (!l)
		return NULL;
	if (l->look)
		ERR_TRY(l->look(l->context));
	if (end <= l->end || machine_time(c->machine) < l->end)
		return NULL;
	l->reached = true;
	return err_new(ERR_INTERRUPTED, "interrupted");
}

void coord_set_lookout(struct coord *c, struct coord_lookout *lookout)
{
	c->lookout = lookout;
}

/* Where a run to `end` stands first. In lockstep samples are taken where the guest stands for them;
 * a panic is looked for at the same instants on every host. */
static uint64_t part_end(const struct coord *c, bool to_panic, uint64_t end)
{
	uint64_t now = machine_time(c->machine), next = end;

	if (c->pacing == COORD_LOCKSTEP)
		next = counters_next(c->counters, c->pacing, now);
	if (next > end)
		next = end;
	if (c->heed && halts_next(c->halts, now) < next)
		next = halts_next(c->halts, now);
	next = lookout_end(c, now, next);
	if (!to_panic || !c->kernel || !c->panic_word ||
	    machine_info(c->machine)->clock != CLOCK_VIRTUAL)
		return next;
	now = (now / PANIC_LOOK + 1) * PANIC_LOOK;
	return now < next ? now : next;
}

void coord_heed(struct coord *c, bool heed)
{
	c->heed = heed;
	if (heed)
		str_clear(&c->stopped);
}

const char *coord_stopped(const struct coord *c)
{
	return c->stopped.len ? str_text(&c->stopped) : NULL;
}

void coord_stop_is_known(struct coord *c)
{
	str_clear(&c->stopped);
}

/* A recorded moment may be one at which the guest stood at a break: it does so again. */
static bool is_off_grid(struct coord *c, uint64_t time)
{
	return time != UINT64_MAX && time % machine_grid(c->machine);
}

/* Whether a run to `end` is over at the break at which it stands. */
static bool ends_at_break(struct coord *c, uint64_t end)
{
	struct machine_hit hit;

	if (c->heed)
		return halts_hit(c->halts, &c->stopped);
	if (machine_hit(c->machine, &hit) && hit.kind == BREAK_STEP)
		return true;
	return machine_time(c->machine) >= end;
}

static struct err *run_part(struct coord *c, const struct machine_stop *stop, bool to_panic,
			    enum machine_stop_reason *ret, bool *done)
{
	struct machine_stop part = *stop;
	struct err *err;

	/* A part that ends at once never waits, and so never sees the interrupt itself. */
	if (interrupted())
		return err_new(ERR_INTERRUPTED, "interrupted");
	part.time = part_end(c, to_panic, stop->time);
	part.breaks = c->heed || is_off_grid(c, stop->time);
	ERR_TRY(let_run(c, &part));
	err = wait_held(c, to_panic, ret);
	c->running = machine_state(c->machine) == MACHINE_RUNNING;
	if (err)
		return err;
	if (*ret == STOP_WRITE) {
		ERR_TRY(hold(c));
		take_written(c);
		return NULL;
	}
	if (*ret == STOP_BREAK) {
		ERR_TRY(hold(c));
		*done = ends_at_break(c, stop->time);
		return NULL;
	}
	sample(c);
	if (*ret != STOP_WATCH)
		ERR_TRY(look_out(c, stop->time));
	*done = *ret != STOP_TIME || part.time == stop->time || (to_panic && panicked(c));
	if (!c->heed)
		return NULL;
	ERR_TRY(hold(c));
	*done |= halts_due(c->halts, machine_time(c->machine), &c->stopped);
	return NULL;
}

static struct err *run_parts(struct coord *c, const struct machine_stop *stop, bool to_panic,
			     enum machine_stop_reason *ret)
{
	struct machine_stop left = *stop;
	bool done = false;

	while (!done) {
		ERR_TRY(run_part(c, &left, to_panic, ret, &done));
		if (!stop->steps)
			continue;
		left.steps = machine_steps_left(c->machine);
		if (!left.steps)
			*ret = STOP_BREAK;
		done |= !left.steps;
	}
	return NULL;
}

/* Run to `stop`, then hold as windows and freeze ask, also when the wait failed. With `to_panic` a
 * panic ends it: after that no guest time is worth waiting for. */
static struct err *run_to(struct coord *c, const struct machine_stop *stop, bool to_panic,
			  enum machine_stop_reason *ret)
{
	struct err *err, *settled;

	ERR_TRY(check_alive(c));
	if (to_panic)
		ERR_TRY(check_panic(c));
	err = run_parts(c, stop, to_panic, ret);
	if (!err && to_panic && *ret != STOP_WATCH)
		err = check_panic(c);
	settled = settle(c);
	if (!err)
		return settled;
	err_free(settled);
	return err;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static struct err *run_until(struct coord *c, uint64_t time, bool to_panic)
{
	struct machine_stop stop = MACHINE_STOP_NONE;
	enum machine_stop_reason reason = STOP_HELD;

	if (time <= machine_time(c->machine))
		return check_alive(c);
	stop.time = time;
	return run_to(c, &stop, to_panic, &reason);
}

struct err *coord_run_until(struct coord *c, uint64_t time)
{
	return run_until(c, time, true);
}

struct err *coord_go_to(struct coord *c, uint64_t time)
{
	return run_until(c, time, false);
}

struct err *coord_step(struct coord *c, unsigned int cpu, uint64_t steps, uint64_t timeout_ns)
{
	struct machine_stop stop = {.steps = steps, .step_cpu = cpu};
	enum machine_stop_reason reason = STOP_HELD;
	char text[DURATION_TEXT];

	ERR_TRY(machine_can_break(c->machine));
	stop.time = add_saturated(machine_time(c->machine), timeout_ns);
	ERR_TRY(run_to(c, &stop, true, &reason));
	if (reason != STOP_TIME)
		return NULL;
	return err_new(ERR_TIMEOUT, "CPU %u did not execute that much within %s of guest time", cpu,
		       format_duration(timeout_ns, text));
}

struct err *coord_start_until(struct coord *c, uint64_t time)
{
	struct machine_stop stop = MACHINE_STOP_NONE;

	stop.time = time;
	return let_run(c, &stop);
}

struct err *coord_run_until_word(struct coord *c, uint64_t phys, uint32_t value,
				 uint64_t timeout_ns)
{
	struct machine_stop stop = {.watch_phys = phys, .watch_value = value};
	enum machine_stop_reason reason = STOP_HELD;
	char text[DURATION_TEXT];

	if (c->frozen)
		return err_new(ERR_REFUSED, "the guest is frozen: thaw it first");
	stop.time = add_saturated(machine_time(c->machine), timeout_ns);
	ERR_TRY(run_to(c, &stop, true, &reason));
	if (reason == STOP_TIME)
		return err_new(ERR_TIMEOUT, "no answer within %s of guest time",
			       format_duration(timeout_ns, text));
	return NULL;
}

/* Inside the window that coord_run_until_test() opened. */
static struct err *test_repeatedly(struct coord *c, coord_test_fn test, void *context,
				   uint64_t step_ns, uint64_t timeout_ns)
{
	uint64_t deadline = add_saturated(machine_time(c->machine), timeout_ns);
	char text[DURATION_TEXT];

	for (;;) {
		uint64_t now, next;
		bool done = false;

		ERR_TRY(test(context, &done));
		if (done)
			return NULL;
		now = machine_time(c->machine);
		if (now >= deadline)
			return err_new(ERR_TIMEOUT, "not within %s of guest time",
				       format_duration(timeout_ns, text));
		next = add_saturated(now, step_ns ? step_ns : 1);
		ERR_TRY(coord_run_until(c, next < deadline ? next : deadline));
		if (coord_stopped(c))
			return NULL;
	}
}

struct err *coord_run_until_test(struct coord *c, coord_test_fn test, void *context,
				 uint64_t step_ns, uint64_t timeout_ns)
{
	ERR_TRY(coord_enter(c));
	return coord_leave_with(c, test_repeatedly(c, test, context, step_ns, timeout_ns));
}
