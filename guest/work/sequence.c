// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

static const uint64_t *defaults_of(uint32_t type, uint64_t params[WIRE_WORK_PARAMS])
{
	for (unsigned int i = 0; i < WIRE_WORK_PARAMS; i++)
		params[i] = wire_work_types[type - 1].params[i].value;
	return params;
}

/* The end of an iteration inside a phase. */
static void tick(struct work *w)
{
	struct wire_phase *p = w->phase;
	uint64_t now = work_now(), cpu = (uint64_t)sched_getcpu();

	if (now - w->phase_last > p->max_gap)
		p->max_gap = now - w->phase_last;
	p->migrations += cpu != w->phase_cpu;
	p->iterations++;
	w->phase_last = now;
	w->phase_cpu = cpu;
}

/* spin and alu last for that much CPU time, all others for that much time. */
static void repeat(struct work *w, const struct wire_work *phase)
{
	uint64_t params[WIRE_WORK_PARAMS], (*clock)(void) = work_now, end;
	work_fn step = work_function(phase->type);

	if (phase->type == WORK_SLEEP || !step) {
		work_sleep(w, phase->params[0]);
		tick(w);
		return;
	}
	if (phase->type == WORK_SPIN || phase->type == WORK_ALU)
		clock = work_cpu_time;
	defaults_of(phase->type, params);
	end = clock() + phase->params[0];
	while (clock() < end) {
		step(w, params);
		tick(w);
	}
}

void work_step_sequence(struct work *w, const uint64_t *params)
{
	for (unsigned int i = 0; i < w->spawn->phase_count; i++) {
		struct wire_phase *p = w->phase = &w->phases[i];
		uint64_t began = work_now(), cpu = work_cpu_time();

		w->phase_last = began;
		w->phase_cpu = (uint64_t)sched_getcpu();
		repeat(w, &w->spawn->phases[i]);
		p->cpu_time += work_cpu_time() - cpu;
		p->wall_time += work_now() - began;
		p->rounds++;
	}
	w->phase = NULL;
}
