// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

void work_step_mutex(struct work *w, const uint64_t *params)
{
	work_lock(w, &w->first->words[1], &w->first->stamp);
	work_burn(params[0]);
	w->first->stamp = work_now();
	work_unlock(&w->first->words[1]);
	work_burn(params[1]);
}
