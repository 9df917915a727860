// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* Each step needs the one before, so that no CPU can run two at once. */
void work_step_alu(struct work *w, const uint64_t *params)
{
	uint64_t x = w->random | 1;

	for (uint64_t i = 0; i < params[0]; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		x ^= x / ((i & 0xff) + 3);
		x = x << 7 | x >> 57;
	}
	w->random = x;
}
