// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

void work_step_sleep(struct work *w, const uint64_t *params)
{
	work_sleep(w, params[0]);
}
