// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* Four chains that do not need each other: as much at once as the CPU can. */
static void run_wide(struct work *w, uint64_t ops)
{
	uint64_t a = w->random | 1, b = a ^ 3, c = a ^ 5, d = a ^ 7;

	for (uint64_t i = 0; i < ops; i += 4) {
		a = a * 3 + i;
		b = b * 5 + i;
		c = c * 7 + i;
		d = d * 9 + i;
	}
	w->random = a ^ b ^ c ^ d;
}

/* Each address comes from the load before it. */
static void run_chased(struct work *w, uint64_t ops, uint64_t bytes)
{
	unsigned char *memory = work_memory(w, bytes);
	uint64_t at = 0;

	for (uint64_t i = 0; memory && i < ops; i += 4) {
		at = (at * 6364136223846793005ULL + memory[at] + 1442695040888963407ULL) % bytes;
		memory[at]++;
	}
}

void work_step_ipc_variance(struct work *w, const uint64_t *params)
{
	if (w->round % 2)
		run_wide(w, params[0]);
	else
		run_chased(w, params[0], params[1]);
}
