// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

void work_step_smt_spin(struct work *w, const uint64_t *params)
{
	if (!w->round)
		work_bind_sibling(w);
	work_spin(params[0]);
}
