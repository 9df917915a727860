/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/rbreaks.h"

#include <string.h>

/* Guest time in which a watchpoint rests after a hit that came as soon after another. */
#define REST UINT64_C(200000)
/* QMP and the stub tell of a stop one right after the other. */
#define STOP_TIMEOUT UINT64_C(1000000000)

/* ---- in and out ---- */

static bool is_at(const struct machine_break *place, uint64_t pc)
{
	return place->kind != BREAK_WRITE && place->address == pc;
}

static struct err *change(struct rbreaks *b, bool writes, bool others, bool in)
{
	for (unsigned int i = 0; i < b->count; i++) {
		const struct machine_break *p = &b->list[i];

		if (p->kind == BREAK_WRITE ? !writes : !others)
			continue;
		ERR_TRY(in ? stub_insert(b->stub, p) : stub_remove(b->stub, p));
	}
	return NULL;
}

static struct err *take_out(struct rbreaks *b)
{
	bool any = b->inserted || b->resting;

	b->inserted = b->resting = false;
	return any ? change(b, true, true, false) : NULL;
}

/* For a step from there: otherwise it is met again. */
static struct err *take_out_at(struct rbreaks *b, uint64_t pc)
{
	b->inserted = false;
	for (unsigned int i = 0; i < b->count; i++)
		if (is_at(&b->list[i], pc))
			ERR_TRY(stub_remove(b->stub, &b->list[i]));
	return NULL;
}

/* Those that are not in. */
static struct err *put_in(struct rbreaks *b)
{
	struct err *err;

	if (b->inserted)
		return NULL;
	b->inserted = true;
	err = change(b, !b->resting, true, true);
	if (err)
		err_free(take_out(b));
	return err;
}

static struct err *open_stub(struct rbreaks *b, struct qmp *qmp)
{
	return b->stub ? NULL : stub_open(qmp, &b->stub);
}

static void use_list(struct rbreaks *b, const struct machine_break *list, unsigned int count)
{
	memcpy(b->list, list, count * sizeof(*list));
	b->count = count;
}

struct err *rbreaks_set(struct rbreaks *b, struct qmp *qmp, const struct machine_break *list,
			unsigned int count)
{
	struct machine_break before[MACHINE_BREAKS_MAX];
	unsigned int count_before = b->count;
	struct err *err;

	if (count)
		ERR_TRY(open_stub(b, qmp));
	memcpy(before, b->list, sizeof(before));
	ERR_TRY(take_out(b));
	use_list(b, list, count);
	/* Errors are to come now, not with the next run. */
	err = put_in(b);
	if (err)
		use_list(b, before, count_before);
	return err;
}

void rbreaks_deinit(struct rbreaks *b, struct qmp *qmp)
{
	stub_close(b->stub, qmp);
	*b = (struct rbreaks){0};
}

/* ---- going on ---- */

static bool is_any_at(const struct rbreaks *b, uint64_t pc)
{
	for (unsigned int i = 0; i < b->count; i++)
		if (is_at(&b->list[i], pc))
			return true;
	return false;
}

/* The instruction that a break stands before: alone, so that nobody passes it meanwhile. */
static struct err *step_over(struct rbreaks *b)
{
	struct stub_stop stop;
	bool done;

	ERR_TRY(stub_skip(b->stub, b->hit.pc, &done));
	if (done)
		return NULL;
	ERR_TRY(take_out_at(b, b->hit.pc));
	ERR_TRY(stub_step(b->stub, b->hit.cpu, true));
	ERR_TRY(stub_stopped(b->stub, STOP_TIMEOUT, &done, &stop));
	if (!done)
		return err_new(ERR_TIMEOUT,
			       "vCPU %u does not execute the instruction that it stands before",
			       b->hit.cpu);
	return NULL;
}

/* As seen at guest time `now`. */
static struct err *end_rest(struct rbreaks *b, uint64_t now)
{
	if (!b->resting || now < b->rested)
		return NULL;
	b->resting = false;
	return change(b, true, false, true);
}

static struct err *begin_rest(struct rbreaks *b, uint64_t now)
{
	bool soon = now < b->rested + REST;

	b->rested = now + REST;
	if (!soon || b->resting)
		return NULL;
	b->resting = true;
	return change(b, true, false, false);
}

static struct err *go_on(struct rbreaks *b, uint64_t now)
{
	bool over = b->heeded && b->came && b->hit.kind != BREAK_WRITE && is_any_at(b, b->hit.pc);

	if (b->came && b->hit.kind == BREAK_WRITE)
		ERR_TRY(begin_rest(b, now));
	b->stands = b->came = false;
	b->driving = true;
	if (over && !(b->steps && b->hit.cpu == b->step_cpu))
		ERR_TRY(step_over(b));
	ERR_TRY(b->heeded ? put_in(b) : take_out(b));
	ERR_TRY(end_rest(b, now));
	if (!b->steps)
		return stub_continue(b->stub);
	if (over && b->hit.cpu == b->step_cpu)
		ERR_TRY(take_out_at(b, b->hit.pc));
	return stub_step(b->stub, b->step_cpu, false);
}

bool rbreaks_wanted(const struct rbreaks *b, const struct machine_stop *stop)
{
	return stop->steps || (stop->breaks && b->count);
}

struct err *rbreaks_run(struct rbreaks *b, struct qmp *qmp, const struct machine_stop *stop,
			uint64_t now, bool *ret)
{
	b->heeded = stop->breaks && b->count;
	b->steps = stop->steps;
	b->step_cpu = stop->step_cpu;
	*ret = rbreaks_wanted(b, stop);
	if (*ret) {
		ERR_TRY(open_stub(b, qmp));
		return go_on(b, now);
	}
	b->stands = b->came = false;
	return take_out(b);
}

/* ---- stops ---- */

static struct err *take_hit(struct rbreaks *b, const struct stub_stop *stop)
{
	struct machine_hit hit = {.kind = BREAK_ENTRY, .cpu = stop->cpu};

	ERR_TRY(stub_registers(b->stub, &hit.registers));
	hit.pc = hit.registers.value[REG_RIP];
	if (stop->watch)
		hit.kind = BREAK_WRITE;
	hit.data = stop->address;
	b->hit = hit;
	b->came = true;
	return NULL;
}

/* True: somebody wants to hear of it. */
static bool is_wanted(struct rbreaks *b)
{
	if (b->hit.kind == BREAK_WRITE)
		return b->heeded;
	if (b->steps && b->hit.cpu == b->step_cpu && --b->steps == 0) {
		b->hit.kind = BREAK_STEP;
		return true;
	}
	return b->heeded && is_any_at(b, b->hit.pc);
}

static struct err *on_stop(struct rbreaks *b, const struct stub_stop *stop)
{
	b->driving = false;
	if (stop->signal != STUB_TRAP)
		return NULL;
	ERR_TRY(take_hit(b, stop));
	b->stands = is_wanted(b);
	return NULL;
}

struct err *rbreaks_wait(struct rbreaks *b, uint64_t timeout_ns, uint64_t now, bool *ret)
{
	struct stub_stop stop;

	ERR_TRY(stub_stopped(b->stub, timeout_ns, ret, &stop));
	if (!*ret)
		return NULL;
	ERR_TRY(on_stop(b, &stop));
	if (b->stands || stop.signal != STUB_TRAP)
		return NULL;
	*ret = false;
	return go_on(b, now);
}

struct err *rbreaks_stopped(struct rbreaks *b)
{
	struct stub_stop stop;
	bool stopped;

	if (!b->driving)
		return NULL;
	ERR_TRY(stub_stopped(b->stub, STOP_TIMEOUT, &stopped, &stop));
	if (!stopped)
		return err_new(ERR_TIMEOUT,
			       "qemu's debug stub does not know that the guest stands");
	return on_stop(b, &stop);
}

bool rbreaks_is_due(const struct rbreaks *b, uint64_t now)
{
	return b->driving && b->resting && now >= b->rested;
}
