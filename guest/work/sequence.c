// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

static const uint64_t *defaults_of(uint32_t type, uint64_t params[WIRE_WORK_PARAMS])
{
	for (unsigned int i = 0; i < WIRE_WORK_PARAMS; i++)
		params[i] = wire_work_types[type - 1].params[i].value;
	return params;
}

/* spin and alu last for that much CPU time, all others for that much time. */
static void run_phase(struct work *w, const struct wire_work *phase)
{
	uint64_t params[WIRE_WORK_PARAMS], (*clock)(void) = work_now, end;
	work_fn step = work_function(phase->type);

	if (phase->type == WORK_SLEEP || !step) {
		work_sleep(w, phase->params[0]);
		return;
	}
	if (phase->type == WORK_SPIN || phase->type == WORK_ALU)
		clock = work_cpu_time;
	defaults_of(phase->type, params);
	end = clock() + phase->params[0];
	while (clock() < end)
		step(w, params);
}

void work_step_sequence(struct work *w, const uint64_t *params)
{
	for (unsigned int i = 0; i < w->spawn->phase_count; i++)
		run_phase(w, &w->spawn->phases[i]);
}
