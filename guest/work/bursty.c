// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

/* `ns`, more or less by up to `jitter` per cent. */
static uint64_t vary(struct work *w, uint64_t ns, uint64_t jitter)
{
	uint64_t range = ns / 100 * jitter;

	return range ? ns - range + work_random(w) % (2 * range + 1) : ns;
}

void work_step_bursty(struct work *w, const uint64_t *params)
{
	if (!w->random)
		w->random = (params[3] + 1) * 0x9e3779b97f4a7c15ULL + w->number + 1;
	work_burn(vary(w, params[0], params[2]));
	work_sleep(w, vary(w, params[1], params[2]));
}
